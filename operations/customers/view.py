"""A change as its readers see it: submission, chain, decisions of every round, diff, warnings."""

from collections.abc import Sequence
from typing import Any

from models.db.customers import changes
from models.db.tx import Row, Tx

_STEP = (
    "step", "role", "status", "decided_by", "decided_at", "reason_code", "comment", "due_at", "started_at",
    "on_behalf_of", "delegated_to", "delegated_by", "delegated_until", "reminded_at", "escalated_at", "fallback",
)  # fmt: skip
_DECISION = (
    "round", "step", "role", "decision", "decided_by", "on_behalf_of", "decided_at", "reason_code", "comment", "channel",
)  # fmt: skip
_CHANGE = (
    "id", "operation", "lane", "status", "customer_id", "legal_entity_id", "entities", "submitted_by", "submitted_at",
    "mode", "force", "reason_code", "round", "returned", "awaiting_step", "awaiting_role", "awaiting_since", "due_at",
    "base_version", "workflow_id", "closed_at",
)  # fmt: skip


def change_body(tx: Tx, change_id: str) -> dict[str, Any]:
    """One change with everything, as it stands in this transaction."""
    row = changes.whole(tx, change_id)
    found = [{c: d[c] for c in _DECISION} for d in row["decisions"] or []]
    return summary_body(row, row["steps"]) | {"decisions": found}


def summary_body(row: Row, steps: Sequence[Any]) -> dict[str, Any]:
    """A change as the lists show it: without earlier rounds."""
    failure = {"code": row["failure_code"], "detail": row["failure_detail"]} if row["failure_code"] else None
    return {c: row[c] for c in _CHANGE} | {
        "steps": [{c: s[c] for c in _STEP} for s in steps],
        "diff": row["diff"] or [],
        "warnings": row["warnings"],
        "failure": failure,
        "erased": row["diff"] is None,
    }
