"""A write that was answered with 202, followed until it has ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models.answers import JsonObject, answer
from models.commands import CommandState


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCommand:
    """The command behind a process: who asked for what, about which record, and what came of it."""

    operation: str
    actor: str
    entities: Sequence[str] | None
    resource_id: str | None
    state: CommandState
    http_status: int | None
    response: JsonObject | None


@answer
class OperationAnswer:
    """Where a write stands. Once it has ended: `result` is the body that its own route would have answered, whichever that
    is, with that `http_status`; or `error` is the problem."""

    id: str
    workflow_id: str
    status: Literal["running", "completed", "refused", "failed"]
    http_status: int | None
    result: JsonObject | None
    error: JsonObject | None


def operation_answer(
    workflow_id: str,
    status: Literal["running", "completed", "refused", "failed"],
    http_status: int | None = None,
    *,
    result: JsonObject | None = None,
    error: JsonObject | None = None,
) -> OperationAnswer:
    return OperationAnswer(
        id=workflow_id, workflow_id=workflow_id, status=status, http_status=http_status, result=result, error=error
    )
