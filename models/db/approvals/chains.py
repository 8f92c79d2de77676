"""Chains of steps as they are kept beside whatever is under approval: read with it, and saved with it in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Engine, literal_column

from models.answers import read_json, read_row
from models.approvals.chain import Step
from models.approvals.records import StepDecision, UnderApproval
from models.db.engine import fetch_once
from models.db.lookups import found
from models.db.tx import Tx, as_columns, to_json
from models.facts import Fact, Facts

_CASTS: Final = {
    "deciders": "text[]",
    "awaiting_step": "int",
    "awaiting_role": "text",
    "awaiting_since": "timestamptz",
    "remind_at": "timestamptz",
    "due_at": "timestamptz",
    "closed_at": "timestamptz",
    "failure_code": "text",
    "failure_detail": "text",
}

T = TypeVar("T", bound=UnderApproval)


@dataclass(frozen=True)
class ChainTables(Generic[T]):
    """Where the records of a family are kept, with their steps and decisions. `key` names the record in those of its own,
    `noun` in a refusal."""

    kind: type[T]
    noun: str
    records: str
    steps: str
    decisions: str
    key: str

    @property
    def chain(self) -> str:
        """The chain of the record `c`, as JSON."""
        return f"""json_build_object('submitted_by', c.submitted_by, 'status', c.status, 'round', c.round,
    'returned', c.returned, 'steps', (SELECT json_agg(json_build_object('number', s.step, 'role', s.role, 'status', s.status,
    'remind_after', extract(epoch FROM s.remind_after), 'escalate_after', extract(epoch FROM s.escalate_after),
    'fallback', s.fallback, 'started_at', s.started_at, 'remind_at', s.remind_at, 'due_at', s.due_at,
    'decided_by', s.decided_by, 'decided_at', s.decided_at, 'on_behalf_of', s.on_behalf_of, 'reason_code', s.reason_code,
    'comment', s.comment, 'escalated_at', s.escalated_at, 'reminded_at', s.reminded_at,
    'delegation', CASE WHEN s.delegated_to IS NOT NULL THEN json_build_object('to', s.delegated_to,
      'by', s.delegated_by, 'until', s.delegated_until) END) ORDER BY s.step)
  FROM {self.steps} s WHERE s.org_id = c.org_id AND s.{self.key} = c.id AND s.round = c.round))"""

    @property
    def taken(self) -> str:
        """The decisions of the record `c`, of every round, as JSON."""
        return f"""coalesce((SELECT json_agg(d ORDER BY d.decided_at, d.id) FROM {self.decisions} d
  WHERE d.org_id = c.org_id AND d.{self.key} = c.id), '[]')"""

    @property
    def whole(self) -> str:
        """Records `c` with their chains and decisions."""
        return f"SELECT c.*, {self.chain} AS chain, {self.taken} AS decisions FROM {self.records} c"

    @property
    def beside(self) -> Sequence[ColumnElement[str]]:
        """Both, as a list shows them."""
        return literal_column(self.chain).label("chain"), literal_column(self.taken).label("decisions")

    @property
    def lock(self) -> str:
        """Nobody else moves the record `id` until the transaction ends."""
        return f"SELECT 1 FROM {self.records} WHERE org_id = :org AND id = :id FOR UPDATE"

    def get(self, tx: Tx, record_id: str, *, lock: bool = False) -> T:
        """The record, locked against every other act if asked; 404 or 403 where it is not ours."""
        wanted = {"id": record_id}
        asked = [(self.lock, wanted), (self._one, wanted)]
        rows = tx.batch(*asked[not lock :])[-1]
        return found(tx, self.noun, record_id, read_row(self.kind, rows[0]) if rows else None)

    def now_at(self, engine: Engine, org_id: str, record_id: str) -> tuple[T, datetime] | None:
        """The record and the database's time of saying so, in one round trip; None where there is none."""
        sql = f"SELECT row_to_json(found), clock_timestamp() FROM ({self._one}) found"
        row = fetch_once(engine, org_id, sql, {"org": org_id, "id": record_id})
        if row is None:
            return None
        return read_json(self.kind, row[0] or b""), datetime.fromisoformat((row[1] or b"").decode())

    @cached_property
    def _one(self) -> str:
        return f"{self.whole} WHERE c.org_id = :org AND c.id = :id"

    def step_rows(self, one: UnderApproval, steps: Sequence[Step]) -> list[Facts]:
        """Steps of its present round, as they are kept."""
        return [{self.key: one.id, "round": one.chain.round, **_step_row(s)} for s in steps]

    def add_decision(self, tx: Tx, record_id: str, decision: StepDecision) -> None:
        """What an approver said."""
        tx.insert(self.decisions, [{self.key: record_id, **as_columns(decision)}])

    def save(
        self, tx: Tx, before: T, after: T, more: Facts,
        casts: Mapping[str, str], beside: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Write a locked record as it has moved, those of its steps that differ, and `more` columns of its own (`casts`: the
        types of those that may be null), in one statement that goes with the commit at the latest. `beside`: what else
        that statement does, each as a part of its WITH."""
        steps = [s for s in after.chain.steps if s not in before.chain.steps]
        if before.chain.round != after.chain.round:
            steps = list(after.chain.steps)
        types, values = {**_CASTS, **casts}, state_of(after) | dict(more)
        parts, params = list(beside), dict[str, Fact](id=after.id)
        if steps:
            rows = self.step_rows(after, steps)
            parts.insert(0, self._upsert(rows[0]))
            params["rows"] = to_json(rows)
        together = f"WITH {', '.join(parts)} " if parts else ""
        sets = ", ".join(f"{c} = CAST(:{c} AS {types[c]})" if c in types else f"{c} = :{c}" for c in values)
        params |= {c: to_json(v) if types.get(c) == "jsonb" and v is not None else v for c, v in values.items()}
        tx.later(f"{together}UPDATE {self.records} SET {sets} WHERE org_id = :org AND id = :id", **params)

    def _upsert(self, row: Facts) -> str:
        key = (self.key, "round", "step")
        columns, sets = ", ".join(row), ", ".join(f"{c} = excluded.{c}" for c in row if c not in key)
        return (
            f"steps AS (INSERT INTO {self.steps} (org_id, {columns}) SELECT :org, {columns} "
            f"FROM json_populate_recordset(NULL::{self.steps}, CAST(:rows AS json)) "
            f"ON CONFLICT (org_id, {', '.join(key)}) DO UPDATE SET {sets})"
        )


def state_of(one: UnderApproval) -> dict[str, Fact]:
    """What follows from the chain and its end: the columns by which a record is found."""
    step = one.awaiting
    return {
        "status": one.chain.status.value,
        "round": one.chain.round,
        "returned": one.chain.returned,
        "deciders": one.chain.deciders,
        "awaiting_step": step.number if step else None,
        "awaiting_role": step.role if step else None,
        "awaiting_since": step.started_at if step else None,
        "remind_at": step.remind_at if step else None,
        "due_at": step.due_at if step else None,
        "failure_code": one.failure_code,
        "failure_detail": one.failure_detail,
        "closed_at": one.closed_at,
    }


def _step_row(s: Step) -> Facts:
    given = s.delegation
    return {
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
