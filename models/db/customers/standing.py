"""Where a change stands, as its process asks for it: in one round trip."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine

from models.customers.approval import Chain, ChangeStatus
from models.db.engine import fetch_once

_STATE: Final = """
SELECT json_build_array(c.status, c.operation, c.lane, c.customer_id, c.round, c.returned, coalesce(s.step, 0),
       coalesce(s.role, ''), c.status = 'PENDING_APPROVAL' AND NOT EXISTS (
         SELECT FROM customer_change_steps o WHERE o.org_id = c.org_id AND o.change_id = c.id AND o.round = c.round
          AND o.status <> 'APPROVED'),
       s.reminded_at IS NOT NULL, s.escalated_at IS NOT NULL, s.started_at, s.remind_at, s.due_at, clock_timestamp())
  FROM customer_changes c LEFT JOIN customer_change_steps s
    ON s.org_id = c.org_id AND s.change_id = c.id AND s.round = c.round AND s.step = c.awaiting_step
 WHERE c.org_id = :org AND c.id = :id
"""


@dataclass(frozen=True)
class Standing:
    """Where a change stands, and the database's time of saying so."""

    status: str
    operation: str
    lane: str
    customer_id: str
    round: int
    returned: bool
    step: int
    role: str
    complete: bool
    reminded: bool
    escalated: bool
    started_at: datetime | None
    remind_at: datetime | None
    due_at: datetime | None
    now: datetime


def standing_of(change: Any, chain: Chain, now: datetime) -> Standing:
    """Where the change with this row and chain stands, for whoever has just written both."""
    step = None if chain.status is not ChangeStatus.PENDING_APPROVAL else chain.pending
    return Standing(
        status=chain.status.value,
        operation=change["operation"],
        lane=change["lane"],
        customer_id=change["customer_id"],
        round=chain.round,
        returned=chain.returned,
        step=step.number if step else 0,
        role=step.role if step else "",
        complete=chain.status is ChangeStatus.PENDING_APPROVAL and chain.complete,
        reminded=step is not None and step.reminded_at is not None,
        escalated=step is not None and step.escalated_at is not None,
        started_at=step.started_at if step else None,
        remind_at=step.remind_at if step else None,
        due_at=step.due_at if step else None,
        now=now,
    )


def standing(engine: Engine, org_id: str, change_id: str) -> Standing | None:
    """Where the change stands, in one round trip; None for one that was never accepted."""
    row = fetch_once(engine, org_id, _STATE, {"org": org_id, "id": change_id})
    if row is None:
        return None
    *said, started, remind, due, now = json.loads(row[0] or b"")
    return Standing(*said, *(t and datetime.fromisoformat(t) for t in (started, remind, due, now)))
