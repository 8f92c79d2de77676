"""Customer changes with their chains and decisions: read, locked, saved."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from models.answers import read_json, read_row
from models.approvals.chain import Step
from models.approvals.records import StepDecision
from models.customers.change_records import Change
from models.db.engine import fetch_once
from models.db.lookups import found
from models.db.tx import Tx, as_columns, to_json

_STEPS: Final = """(SELECT json_agg(json_build_object('number', s.step, 'role', s.role, 'status', s.status,
    'remind_after', extract(epoch FROM s.remind_after), 'escalate_after', extract(epoch FROM s.escalate_after),
    'fallback', s.fallback, 'started_at', s.started_at, 'remind_at', s.remind_at, 'due_at', s.due_at,
    'decided_by', s.decided_by, 'decided_at', s.decided_at, 'on_behalf_of', s.on_behalf_of, 'reason_code', s.reason_code,
    'comment', s.comment, 'escalated_at', s.escalated_at, 'reminded_at', s.reminded_at,
    'delegation', CASE WHEN s.delegated_to IS NOT NULL THEN json_build_object('to', s.delegated_to,
      'by', s.delegated_by, 'until', s.delegated_until) END) ORDER BY s.step)
  FROM customer_change_steps s WHERE s.org_id = c.org_id AND s.change_id = c.id AND s.round = c.round)"""
CHAIN: Final = f"""json_build_object('submitted_by', c.submitted_by, 'status', c.status, 'round', c.round,
    'returned', c.returned, 'steps', {_STEPS})"""
DECISIONS: Final = """coalesce((SELECT json_agg(d ORDER BY d.decided_at, d.id) FROM customer_change_decisions d
  WHERE d.org_id = c.org_id AND d.change_id = c.id), '[]')"""
WHOLE: Final = f"SELECT c.*, {CHAIN} AS chain, {DECISIONS} AS decisions FROM customer_changes c"
_GET: Final = f"{WHOLE} WHERE c.org_id = :org AND c.id = :id"
_LOCK: Final = "SELECT 1 FROM customer_changes WHERE org_id = :org AND id = :id FOR UPDATE"
_WITH_TIME: Final = f"SELECT row_to_json(found), clock_timestamp() FROM ({_GET}) found"


def get(tx: Tx, change_id: str, *, lock: bool = False) -> Change:
    """The change, locked against every other decision if asked; 404 or 403 where it is not ours."""
    return found(tx, "change", change_id, load(tx, change_id, lock=lock))


def load(tx: Tx, change_id: str, *, lock: bool = False) -> Change | None:
    """As `get`; None where it is not ours."""
    wanted = {"id": change_id}
    *_, rows = tx.batch((_LOCK, wanted), (_GET, wanted)) if lock else tx.batch((_GET, wanted))
    return read_row(Change, rows[0]) if rows else None


def now_at(engine: Engine, org_id: str, change_id: str) -> tuple[Change, datetime] | None:
    """The change and the database's time of saying so, in one round trip; None for one that was never accepted."""
    row = fetch_once(engine, org_id, _WITH_TIME, {"org": org_id, "id": change_id})
    if row is None:
        return None
    return read_json(Change, row[0] or b""), datetime.fromisoformat((row[1] or b"").decode())


def rows_of(change: Change) -> dict[str, list[Mapping[str, object]]]:
    """The rows of a new change, by table."""
    row = _identity(change) | _proposal(change) | _state(change)
    return {"customer_changes": [row], "customer_change_steps": [_step_row(change, s) for s in change.chain.steps]}


def _identity(c: Change) -> dict[str, object]:
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


def _proposal(c: Change) -> dict[str, object]:
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


def _state(c: Change) -> dict[str, object]:
    """What follows from the chain and its end."""
    step = c.awaiting
    return {
        "status": c.chain.status.value,
        "round": c.chain.round,
        "returned": c.chain.returned,
        "deciders": sorted({u for s in c.chain.steps for u in (s.decided_by, s.on_behalf_of) if u}),
        "awaiting_step": step.number if step else None,
        "awaiting_role": step.role if step else None,
        "awaiting_since": step.started_at if step else None,
        "remind_at": step.remind_at if step else None,
        "due_at": step.due_at if step else None,
        "failure_code": c.failure_code,
        "failure_detail": c.failure_detail,
        "closed_at": c.closed_at,
    }


def _step_row(c: Change, s: Step) -> Mapping[str, object]:
    given = s.delegation
    return {
        "change_id": c.id,
        "round": c.chain.round,
        "step": s.number,
        "role": s.role,
        "status": s.status.value,
        "remind_after": f"{s.remind_after.total_seconds()} seconds",
        "escalate_after": f"{s.escalate_after.total_seconds()} seconds",
        "fallback": s.fallback,
        "started_at": s.started_at,
        "remind_at": s.remind_at,
        "due_at": s.due_at,
        "reminded_at": s.reminded_at,
        "escalated_at": s.escalated_at,
        "decided_by": s.decided_by,
        "decided_at": s.decided_at,
        "on_behalf_of": s.on_behalf_of,
        "reason_code": s.reason_code,
        "comment": s.comment,
        "delegated_to": given.to if given else None,
        "delegated_by": given.by if given else None,
        "delegated_until": given.until if given else None,
    }


_KEY: Final = ("change_id", "round", "step")
_CASTS: Final = {
    "deciders": "text[]",
    "entities": "text[]",
    "diff": "jsonb",
    "request": "jsonb",
    "warnings": "jsonb",
    "awaiting_step": "int",
    "awaiting_role": "text",
    "awaiting_since": "timestamptz",
    "remind_at": "timestamptz",
    "due_at": "timestamptz",
    "closed_at": "timestamptz",
    "failure_code": "text",
    "failure_detail": "text",
    "external_id": "text",
    "base_version": "bigint",
}


def save(tx: Tx, before: Change, after: Change) -> None:
    """Write a locked change as it has moved, and those of its steps that differ, in one statement that goes with the
    commit at the latest. One that has ended gives back what it had reserved."""
    steps = [s for s in after.chain.steps if s not in before.chain.steps]
    if before.chain.round != after.chain.round:
        steps = list(after.chain.steps)
    values = _state(after) | (_proposal(after) if before.chain.round != after.chain.round else {})
    first, params = [], dict[str, object](id=after.id)
    if steps:
        rows = [_step_row(after, s) for s in steps]
        columns, sets = ", ".join(rows[0]), ", ".join(f"{c} = excluded.{c}" for c in rows[0] if c not in _KEY)
        first.append(
            f"steps AS (INSERT INTO customer_change_steps (org_id, {columns}) SELECT :org, {columns} "
            "FROM json_populate_recordset(NULL::customer_change_steps, CAST(:rows AS json)) "
            f"ON CONFLICT (org_id, change_id, round, step) DO UPDATE SET {sets})"
        )
        params["rows"] = to_json(rows)
    if after.is_ended:
        first.append("released AS (DELETE FROM customer_claims WHERE org_id = :org AND change_id = :id)")
    together = f"WITH {', '.join(first)} " if first else ""
    sets = ", ".join(f"{c} = CAST(:{c} AS {_CASTS[c]})" if c in _CASTS else f"{c} = :{c}" for c in values)
    params |= {c: to_json(v) if _CASTS.get(c) == "jsonb" and v is not None else v for c, v in values.items()}
    tx.later(f"{together}UPDATE customer_changes SET {sets} WHERE org_id = :org AND id = :id", **params)


def add_decision(tx: Tx, change_id: str, decision: StepDecision) -> None:
    """What an approver said."""
    tx.insert("customer_change_decisions", [{"change_id": change_id, **as_columns(decision)}])


def release(tx: Tx, change_id: str) -> None:
    """Give back what a change had reserved."""
    tx.later("DELETE FROM customer_claims WHERE org_id = :org AND change_id = :id", id=change_id)
