"""How every process is started: the one place that knows ids, queues and search attributes as Temporal takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)

from workflows.search_attributes import KEYS

START_TIMEOUT: Final = timedelta(seconds=5)
"""A server that takes a start and never answers it costs the caller this, not the SDK's half minute."""
ALWAYS: Final = WorkflowIDReusePolicy.ALLOW_DUPLICATE
NEVER: Final = WorkflowIDReusePolicy.REJECT_DUPLICATE
UNLESS_DONE: Final = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY


@dataclass(frozen=True)
class Start:
    """A process to be started, or joined where one of its id runs already. `attributes`: by whose values it is found,
    beside its organisation and kind; `memo`: what is shown with it, and found by nothing."""

    process: str
    given: object
    id: str
    queue: str
    org_id: str
    summary: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    memo: Mapping[str, str] = field(default_factory=dict)


def search_attributes(s: Start) -> TypedSearchAttributes:
    """By what the process is found."""
    values = {"OrgId": s.org_id, "ProcessType": s.process, **s.attributes}
    return TypedSearchAttributes([SearchAttributePair(KEYS[name], value) for name, value in values.items()])


async def start(
    client: Client,
    s: Start,
    *,
    eager: bool = False,
    again: WorkflowIDReusePolicy = ALWAYS,
    signal: str | None = None,
    signal_args: Sequence[object] = (),
    task_timeout: timedelta | None = None,
    rpc_timeout: timedelta = START_TIMEOUT,
) -> "WorkflowHandle[Any, Any]":
    """Start it. `eager`: on this process' own worker, where it may; `again`: whether also where one of its id has ended (else
    WorkflowAlreadyStartedError); `signal`: sent to it with `signal_args`, whether it is started or joined."""
    return await client.start_workflow(
        s.process,
        s.given,
        id=s.id,
        task_queue=s.queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=again,
        request_eager_start=eager,
        start_signal=signal,
        start_signal_args=signal_args,
        rpc_timeout=rpc_timeout,
        task_timeout=task_timeout,
        static_summary=s.summary or None,
        memo=s.memo or None,
        search_attributes=search_attributes(s),
    )


async def start_with_update(client: Client, s: Start, update: str, given: Sequence[object], update_id: str) -> None:
    """Start it with an update, and wait for the end of that."""
    begun: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        s.process,
        s.given,
        id=s.id,
        task_queue=s.queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=s.summary or None,
        memo=s.memo or None,
        search_attributes=search_attributes(s),
    )
    await client.execute_update_with_start_workflow(update, args=given, start_workflow_operation=begun, id=update_id)


def is_eager(handle: "WorkflowHandle[Any, Any]") -> bool:
    """Whether the process was taken by this process' own worker."""
    return bool(getattr(handle, "__temporal_eagerly_started", False))  # the SDK says so to its own tests, and to us
