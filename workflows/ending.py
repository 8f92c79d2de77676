"""A worker that fails ends in time. The SDK waits for what its core will not give back any more, such as a task whose completion
was refused with our key: so long the process would neither work nor begin again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
from temporalio.plugin import SimplePlugin
from temporalio.worker import Worker, WorkerConfig

log = structlog.get_logger("arflow.temporal")

ENDS_WITHIN: Final = 20.0
"""Seconds that the workers of a client have once one of them has failed; told to end in good order they take what they need."""


def being_cancelled() -> bool:
    """Whether this task was cancelled, with its process. Temporal's client and the SDK's workers raise an error of their own of
    that, or what they fail with just then."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class LeftBehind(Exception):
    """It did not end."""


@dataclass
class _Fatal:
    """What the SDK calls where a worker fails, before it shuts it down."""

    one_of_them: asyncio.Event
    called: bool = False

    async def __call__(self, _error: BaseException) -> None:
        self.called = True
        self.one_of_them.set()


class EndsInTime(SimplePlugin):
    """Given to a client, it looks at the workers that use the client: where one fails the others end too, each within a time."""

    def __init__(self) -> None:
        super().__init__("arflow.EndsInTime")
        self._failed = asyncio.Event()

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        config = super().configure_worker(config)
        config["on_fatal_error"] = _Fatal(self._failed)
        return config

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        own = worker.config(active_config=True).get("on_fatal_error")
        running, failed = asyncio.ensure_future(next(worker)), asyncio.create_task(self._failed.wait())
        try:
            try:
                await asyncio.wait({running, failed}, return_when=asyncio.FIRST_COMPLETED)
                if isinstance(own, _Fatal) and not own.called:
                    running.cancel()  # another one has failed; if it is over already, this does nothing
            except asyncio.CancelledError:
                running.cancel()
                await asyncio.wait({running, failed}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                await asyncio.wait({running}, timeout=ENDS_WITHIN)
            if not running.done():
                log.error("a worker that fails does not end; it is left behind", queue=worker.task_queue)
                raise asyncio.CancelledError if being_cancelled() else LeftBehind(worker.task_queue)
            await running
        finally:
            failed.cancel()
            running.cancel()
