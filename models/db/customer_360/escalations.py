"""Escalations of cases in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from models.customer_360.records import LockedCase, WatchedEscalation
from models.db.lookups import found
from models.db.tx import Tx

_WATCHED: Final = """SELECT e.*, k.closed AS case_closed FROM case_escalations e
  JOIN cases k ON k.org_id = e.org_id AND k.id = e.case_id WHERE e.org_id = :org"""


def lock_case(tx: Tx, case_id: str) -> LockedCase:
    """The case, locked; 404 or 403 otherwise."""
    sql = """SELECT k.*, c.legal_entity_id, (SELECT e.id FROM case_escalations e WHERE e.org_id = k.org_id
        AND e.case_id = k.id AND e.status = 'OPEN') AS escalation_id
      FROM cases k JOIN customers c ON c.org_id = k.org_id AND c.id = k.customer_id
      WHERE k.org_id = :org AND k.id = :id FOR UPDATE OF k"""
    return found(tx, "case", case_id, tx.record(LockedCase, sql, id=case_id))


def lock(tx: Tx, escalation_id: str) -> WatchedEscalation | None:
    """The escalation, locked."""
    return tx.record(WatchedEscalation, f"{_WATCHED} AND e.id = :id FOR UPDATE OF e", id=escalation_id)


def open_of_closed_cases(tx: Tx, case_ids: Sequence[str]) -> Sequence[WatchedEscalation]:
    """Open escalations of those of the cases that have been closed, locked."""
    sql = f"{_WATCHED} AND e.case_id = ANY(:ids) AND e.status = 'OPEN' AND k.closed ORDER BY e.id FOR UPDATE OF e"
    return tx.records(WatchedEscalation, sql, ids=list(case_ids))


def of_command(tx: Tx, command_id: str) -> str:
    """The id of the escalation that the command made; empty where there is none."""
    sql = "SELECT id FROM case_escalations WHERE org_id = :org AND command_id = :command"
    return str(tx.scalar(sql, command=command_id) or "")


def mark_reminded(tx: Tx, escalation_id: str) -> None:
    """Its owner was reminded now."""
    sql = "UPDATE case_escalations SET reminded_at = :now WHERE org_id = :org AND id = :id"
    tx.later(sql, id=escalation_id, now=tx.now)


def hand_on(tx: Tx, escalation_id: str, role: str, remind_at: datetime, due_at: datetime) -> None:
    """Its due time has passed: it lies with another role, with new times."""
    tx.later(
        "UPDATE case_escalations SET owner_role = :role, remind_at = :remind_at, due_at = :due_at, overdue_at = :now, "
        "reminded_at = NULL WHERE org_id = :org AND id = :id",
        id=escalation_id,
        role=role,
        remind_at=remind_at,
        due_at=due_at,
        now=tx.now,
    )


def resolve(tx: Tx, escalation_id: str) -> None:
    """It is over."""
    sql = "UPDATE case_escalations SET status = 'RESOLVED', resolved_at = :now WHERE org_id = :org AND id = :id"
    tx.later(sql, id=escalation_id, now=tx.now)
