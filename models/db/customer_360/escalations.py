"""Escalations of cases in SQL."""

from collections.abc import Sequence
from typing import Any

from models.db.lookups import find
from models.db.tx import Row, Tx


def lock_case(tx: Tx, case_id: str) -> Row:
    """The case, locked, with its customer's legal entity and its open escalation; 404 or 403 otherwise."""
    sql = """SELECT k.*, c.legal_entity_id, (SELECT e.id FROM case_escalations e WHERE e.org_id = k.org_id
        AND e.case_id = k.id AND e.status = 'OPEN') AS escalation_id
      FROM cases k JOIN customers c ON c.org_id = k.org_id AND c.id = k.customer_id
      WHERE k.org_id = :org AND k.id = :id FOR UPDATE OF k"""
    return find(tx, "case", sql, case_id)


def lock(tx: Tx, escalation_id: str) -> Row | None:
    """The escalation, locked, with the state of its case."""
    return tx.one(
        """SELECT e.*, k.closed AS case_closed, c.legal_entity_id FROM case_escalations e
           JOIN cases k ON k.org_id = e.org_id AND k.id = e.case_id
           JOIN customers c ON c.org_id = e.org_id AND c.id = e.customer_id
           WHERE e.org_id = :org AND e.id = :id FOR UPDATE OF e""",
        id=escalation_id,
    )


def of_command(tx: Tx, command_id: str) -> str:
    """The id of the escalation that the command made; empty where there is none."""
    sql = "SELECT id FROM case_escalations WHERE org_id = :org AND command_id = :command"
    return str(tx.scalar(sql, command=command_id) or "")


def update(tx: Tx, escalation_id: str, **fields: Any) -> None:
    sets = ", ".join(f"{f} = :{f}" for f in fields)
    tx.run(f"UPDATE case_escalations SET {sets} WHERE org_id = :org AND id = :id", id=escalation_id, **fields)


def open_exception_of(tx: Tx, kind: str, case_id: str) -> str | None:
    """The id of the open exception about the case's escalation, if there is one."""
    found: str | None = tx.scalar(
        "SELECT id FROM exceptions WHERE org_id = :org AND kind = :kind AND subject_id = :case AND status = 'open'",
        kind=kind,
        case=case_id,
    )
    return found


def hand_on(tx: Tx, exception_id: str, role: str, due_at: Any) -> None:
    """Give the open exception to another role, with a new due time."""
    tx.run(
        "UPDATE exceptions SET owner_role = :role, owner_user = NULL, due_at = :due WHERE org_id = :org AND id = :id",
        id=exception_id,
        role=role,
        due=due_at,
    )


def settle(tx: Tx, kind: str, case_id: str, by: str, code: str) -> None:
    """The escalation is over: its exception closed as well."""
    tx.run(
        """UPDATE exceptions SET status = 'resolved', resolved_at = :now, resolved_by = :by, resolution_code = :code
           WHERE org_id = :org AND kind = :kind AND subject_id = :case AND status = 'open'""",
        kind=kind,
        case=case_id,
        by=by,
        code=code,
        now=tx.now,
    )


def open_of_closed_cases(tx: Tx, case_ids: Sequence[str]) -> Sequence[Row]:
    """Open escalations of those of the cases that have been closed."""
    return tx.all(
        """SELECT e.id, e.case_id, e.customer_id FROM case_escalations e
           JOIN cases k ON k.org_id = e.org_id AND k.id = e.case_id
           WHERE e.org_id = :org AND e.case_id = ANY(:ids) AND e.status = 'OPEN' AND k.closed
           ORDER BY e.id FOR UPDATE OF e""",
        ids=list(case_ids),
    )
