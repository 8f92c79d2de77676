"""What the person has said yes to is carried out whole, though the assistant's call be cancelled meanwhile."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from conversation.api import Refused
from models.answers import JsonObject

log = structlog.get_logger("arflow.conversation")
_GOING_ON: Final[set["asyncio.Task[JsonObject]"]] = set()
"""Held here: the event loop itself would let one go that nobody waits for."""


async def whole(doing: Coroutine[Any, Any, JsonObject]) -> JsonObject:
    """Its answer. Where the call that waits for it is cancelled, it goes on without it; whoever asks again is told."""
    task = asyncio.create_task(doing)
    _GOING_ON.add(task)
    task.add_done_callback(_ended)
    return await asyncio.shield(task)


def _ended(task: "asyncio.Task[JsonObject]") -> None:
    _GOING_ON.discard(task)
    failed = None if task.cancelled() else task.exception()
    if failed is not None and not isinstance(failed, Refused):
        log.warning("a commit ended badly", error=type(failed).__name__)
