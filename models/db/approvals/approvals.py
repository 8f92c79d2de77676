"""Approvals (`apr_*`) with their chains and decisions: read, locked, saved, listed."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import all_, and_

from models.answers import read_row
from models.approvals.approval import Approval
from models.approvals.chain import ChangeStatus
from models.approvals.kinds import ApprovalKind
from models.db.approvals.chains import ChainTables, state_of
from models.db.listing import Listing, among, param
from models.db.tables.approvals import approvals as table
from models.db.tx import Tx
from models.facts import Fact, Facts

TABLES: Final = ChainTables(Approval, "approval", "approvals", "approval_steps", "approval_decisions", "approval_id")
OPEN: Final = (
    "SELECT status FROM approvals WHERE org_id = :org AND id = :id AND status IN ('PENDING_APPROVAL', 'FAILED')"
)
"""One of ours (`id`), where it can still be moved on."""
_A: Final = table.alias("c")
_LIST: Final = Listing(
    _A,
    key=(_A.c.id,),
    shown=(_A, *TABLES.beside),
    within=among(_A.c.legal_entity_id),
    equal=(_A.c.submitted_by,),
    filters={
        "kinds": among(_A.c.kind, "kinds"),
        "statuses": among(_A.c.status, "statuses"),
        "awaiting": and_(
            among(_A.c.awaiting_role, "roles"), _A.c.submitted_by != param("me"), param("me") != all_(_A.c.deciders)
        ),
    },
)
_OF_THE_ROUND: Final = {"authority": "jsonb", "request": "jsonb", "warnings": "jsonb"}


def kind_of(tx: Tx, approval_id: str) -> ApprovalKind | None:
    """What is asked for by this approval; None where there is none."""
    kind: ApprovalKind | None = tx.scalar("SELECT kind FROM approvals WHERE org_id = :org AND id = :id", id=approval_id)
    return kind


def open_of(tx: Tx, subject_id: str) -> str | None:
    """The approval of this record that can still be moved on, if there is one."""
    sql = (
        "SELECT id FROM approvals WHERE org_id = :org AND subject_id = :id AND status IN ('PENDING_APPROVAL', 'FAILED')"
    )
    found: str | None = tx.scalar(sql, id=subject_id)
    return found


def rows_of(a: Approval) -> dict[str, list[Facts]]:
    """The rows of a new approval, by table."""
    row: dict[str, Fact] = {
        "id": a.id,
        "kind": a.kind,
        "subject_id": a.subject_id,
        "customer_id": a.customer_id,
        "legal_entity_id": a.legal_entity_id,
        "summary": a.summary,
        "href": a.href,
        "amount_minor": a.amount_minor,
        "currency_code": a.currency_code,
        "reason_code": a.reason_code,
        "submitted_by": a.chain.submitted_by,
        "submitted_at": a.submitted_at,
        "command_id": a.command_id,
        "workflow_id": a.workflow_id,
    }
    row |= _of_the_round(a) | state_of(a)
    return {TABLES.records: [row], TABLES.steps: TABLES.step_rows(a, a.chain.steps)}


def save(tx: Tx, before: Approval, after: Approval) -> None:
    """Write a locked approval as it has moved."""
    TABLES.save(
        tx, before, after, _of_the_round(after) if before.chain.round != after.chain.round else {}, _OF_THE_ROUND
    )


get: Final = TABLES.get
now_at: Final = TABLES.now_at
add_decision: Final = TABLES.add_decision


def _of_the_round(a: Approval) -> dict[str, Fact]:
    """What a resubmission replaces."""
    return {"authority": a.authority, "request": a.request, "warnings": a.warnings}


def page(
    tx: Tx, entities: Collection[str] | None, *, kinds: Collection[str], statuses: Collection[ChangeStatus],
    submitted_by: str | None, awaiting: tuple[str, Sequence[str]] | None, after: str | None, limit: int,
) -> Sequence[Approval]:  # fmt: skip
    """Approvals, the oldest first. `awaiting`: only what this person in these roles may decide now."""
    mine: Facts | None = None if awaiting is None else {"me": awaiting[0], "roles": list(awaiting[1])}
    rows = _LIST.page(
        tx, entities, None if after is None else (after,), limit, kinds=sorted(kinds),
        statuses=sorted(s.value for s in statuses), submitted_by=submitted_by, awaiting=mine,
    )  # fmt: skip
    return [read_row(Approval, row) for row in rows]
