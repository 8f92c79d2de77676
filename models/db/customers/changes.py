"""Customer changes with their chains and decisions: read, locked, saved."""

from typing import Final

from models.customers.change_records import Change
from models.db.approvals.chains import ChainTables, state_of
from models.db.tx import Tx
from models.facts import Fact, Facts

TABLES: Final = ChainTables(
    Change, "change", "customer_changes", "customer_change_steps", "customer_change_decisions", "change_id"
)


def rows_of(change: Change) -> dict[str, list[Facts]]:
    """The rows of a new change, by table."""
    row = _identity(change) | _proposal(change) | state_of(change)
    return {TABLES.records: [row], TABLES.steps: TABLES.step_rows(change, change.chain.steps)}


def _identity(c: Change) -> dict[str, Fact]:
    """What never changes."""
    return {
        "id": c.id,
        "operation": c.operation,
        "customer_id": c.customer_id,
        "legal_entity_id": c.legal_entity_id,
        "mode": c.mode,
        "force": c.force,
        "reason_code": c.reason_code,
        "submitted_by": c.chain.submitted_by,
        "submitted_at": c.submitted_at,
        "command_id": c.command_id,
        "workflow_id": c.workflow_id,
        "body_hash": c.body_hash,
    }


def _proposal(c: Change) -> dict[str, Fact]:
    """What a resubmission replaces."""
    return {
        "lane": c.lane,
        "diff": c.diff,
        "warnings": c.warnings,
        "entities": c.entities,
        "request": c.request,
        "external_id": c.external_id,
        "base_version": c.base_version,
    }


_CASTS: Final = {
    "entities": "text[]",
    "diff": "jsonb",
    "request": "jsonb",
    "warnings": "jsonb",
    "external_id": "text",
    "base_version": "bigint",
}


def save(tx: Tx, before: Change, after: Change) -> None:
    """Write a locked change as it has moved. One that has ended gives back what it had reserved."""
    released = ["released AS (DELETE FROM customer_claims WHERE org_id = :org AND change_id = :id)"]
    proposal = _proposal(after) if before.chain.round != after.chain.round else {}
    TABLES.save(tx, before, after, proposal, _CASTS, released if after.is_ended else ())


get: Final = TABLES.get
now_at: Final = TABLES.now_at
add_decision: Final = TABLES.add_decision


def release(tx: Tx, change_id: str) -> None:
    """Give back what a change had reserved."""
    tx.later("DELETE FROM customer_claims WHERE org_id = :org AND change_id = :id", id=change_id)
