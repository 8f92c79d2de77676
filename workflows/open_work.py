"""The one list of what stands open in the books and has a process that moves it on, and of who ends everything else.

PostgreSQL alone must be enough: whatever is found here and has no process (Temporal is empty, restored, moved) is given one
(`workflows/resuming.py`). A new process, or a new state of a record, is entered here: tests/unit/test_open_work.py says
so, and docs/what-is-open.md is written from it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from temporalio.common import WorkflowIDReusePolicy

from models.conversation.proposals import ProposalRecord
from models.db import open_work, proposals
from models.db.master_data import settings_of
from models.db.tx import Tx
from models.messages import approvals, changes, deductions, imports
from models.messages.changes import ActInput
from operations import execution
from operations.runner import OPERATIONS
from workflows import starts
from workflows.starting import ALWAYS, UNLESS_DONE, Start


@dataclass(frozen=True)
class Needed:
    """A process that something open needs. `signal_args`: what it must hear of as well, by this signal; such a process is joined
    where it runs. `again`: whether it is begun where one of its id has ended. `in_place`: a command that is carried
    out here, before its process is told to look. `step`: where its process must stand; one that shows another has not heard of
    what the database went through, and is told to look again."""

    begun: Start
    signal: str | None = None
    signal_args: Sequence[object] = ()
    again: WorkflowIDReusePolicy = ALWAYS
    in_place: str | None = None
    step: str | None = None


@dataclass(frozen=True)
class OpenWork:
    """Records of a table that, in these states, are moved on by this process; `found`: those of one organisation."""

    table: str
    states: frozenset[str]
    process: str
    found: Callable[[Tx], Iterable[Needed]]


def _changes(tx: Tx) -> Iterable[Needed]:
    return (Needed(starts.customer_change(tx.org_id, c.id), step=c.step) for c in open_work.changes(tx))


def _approvals(tx: Tx) -> Iterable[Needed]:
    return (Needed(starts.approval(tx.org_id, a.id), step=a.step) for a in open_work.approvals(tx))


def _imports(tx: Tx) -> Iterable[Needed]:
    return (Needed(starts.customer_import(tx.org_id, one.id), step=one.step) for one in open_work.imports(tx))


def _statements(tx: Tx) -> Iterable[Needed]:
    found = open_work.statements(tx)
    return (Needed(starts.statement(tx.org_id, s.id, s.lines_total, s.created_by)) for s in found)


def _escalations(tx: Tx) -> Iterable[Needed]:
    found = open_work.escalations(tx)
    return (Needed(starts.escalation(tx.org_id, e.id, e.case_id, e.command_id)) for e in found)


def _deductions(tx: Tx) -> Iterable[Needed]:
    return (Needed(starts.deduction(tx.org_id, d.id, d.customer_id)) for d in open_work.deductions(tx))


def _webhooks(tx: Tx) -> Iterable[Needed]:
    return (Needed(starts.deliveries(queue)) for queue in open_work.webhook_queues(tx))


def _confirmations(tx: Tx) -> Iterable[Needed]:
    settings = settings_of(tx)
    for s in open_work.unconfirmed_sessions(tx):
        if settings.confirms(s.at):
            yield Needed(starts.confirmation(tx.org_id, s.id, s.payment_id, s.customer_id), again=UNLESS_DONE)


def _commands(tx: Tx) -> Iterable[Needed]:
    """Each brought to the process that it was kept for, as the API would have brought it."""
    for command in open_work.commands(tx):
        record, told = str(command.resource_id), [ActInput(command.id)]
        match OPERATIONS[command.operation].execution:
            case execution.Posting(process):
                yield Needed(starts.posting(tx.org_id, process, command.id, command.workflow_id))
            case execution.Change() as change if change.begins:
                yield Needed(starts.customer_change(tx.org_id, changes.change_of(command.workflow_id), command.id))
            case execution.Change():
                begun = starts.customer_change(tx.org_id, changes.change_of(command.workflow_id))
                yield Needed(begun, changes.ACT_SIGNAL, told)
            case execution.Approval():
                yield Needed(starts.approval(tx.org_id, record), changes.ACT_SIGNAL, told)
            case execution.Import(begins=True):
                yield Needed(starts.customer_import(tx.org_id, record, command.id))
            case execution.Import():
                yield Needed(starts.customer_import(tx.org_id, record), imports.RELOAD_SIGNAL, in_place=command.id)


OPEN_WORK: Final[Sequence[OpenWork]] = (
    OpenWork("commands", frozenset({"pending"}), "as its operation says", _commands),
    OpenWork("customer_changes", frozenset({"PENDING_APPROVAL", "FAILED"}), changes.PROCESS, _changes),
    OpenWork("approvals", frozenset({"PENDING_APPROVAL", "FAILED"}), approvals.PROCESS, _approvals),
    OpenWork(
        "customer_imports", frozenset({"STAGING", "VALIDATING", "AWAITING_REVIEW", "EXECUTING", "PAUSED"}),
        imports.PROCESS, _imports,
    ),
    OpenWork("statements", frozenset({"PROCESSING"}), "ImportStatement", _statements),
    OpenWork("case_escalations", frozenset({"OPEN"}), "WatchEscalation", _escalations),
    OpenWork("deductions", frozenset({"OPEN"}), deductions.PROCESS, _deductions),
    OpenWork("webhook_deliveries", frozenset({"PENDING"}), "DeliverWebhooks", _webhooks),
    OpenWork("application_sessions", frozenset(), "ConfirmRemittance", _confirmations),
)  # fmt: skip
"""In the order in which they are begun: what somebody asked for first."""


def by_conversation(tx: Tx, needed: Sequence[Needed]) -> Sequence[Needed]:
    """Those that began by conversation say so again: which proposal, through which client and agent."""
    began = proposals.that_began(tx, [one.begun.id for one in needed])
    return [replace(one, begun=_with_proposal(one.begun, began.get(one.begun.id))) for one in needed]


def _with_proposal(begun: Start, p: ProposalRecord | None) -> Start:
    if p is None:
        return begun
    summary = f"{p.summary} {begun.id.partition('/')[0]}" if begun.process == changes.PROCESS else p.summary
    return replace(begun, summary=summary, memo=p.memo, attributes={**begun.attributes, **p.found_by})


PASSING: Final[Mapping[str, str]] = {
    "RefreshPanel": "asked again by whoever looks at the panel, and by RefreshHotSet",
    "EraseHistories": "deletes what Temporal still tells of an erased customer: an empty Temporal tells nothing",
}
"""Processes that nothing open waits for: what makes good for one that is lost."""
