"""Exceptions, read and moved."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from models.db.lookups import found
from models.db.tx import Tx
from models.exceptions.records import ExceptionRecord

_GET = "SELECT * FROM exceptions WHERE org_id = :org AND id = :id"


def get_exception(tx: Tx, exception_id: str, *, lock: bool = False) -> ExceptionRecord:
    """The exception; 404 or 403 otherwise."""
    sql = _GET + (" FOR UPDATE" if lock else "")
    return found(tx, "exception", exception_id, tx.record(ExceptionRecord, sql, id=exception_id))


def assign(tx: Tx, exception_id: str, *, owner_role: str | None, owner_user: str | None) -> None:
    """Hand it to a role or to a person."""
    tx.later(
        "UPDATE exceptions SET owner_role = :owner_role, owner_user = :owner_user WHERE org_id = :org AND id = :id",
        id=exception_id,
        owner_role=owner_role,
        owner_user=owner_user,
    )


def resolve(tx: Tx, exception_id: str, *, who: str, code: str, note: str | None) -> None:
    """It is dealt with."""
    tx.later(
        "UPDATE exceptions SET status = 'resolved', resolved_at = :at, resolved_by = :who, resolution_code = :code, "
        "note = :note WHERE org_id = :org AND id = :id",
        at=tx.now,
        who=who,
        code=code,
        note=note,
        id=exception_id,
    )


def open_about(tx: Tx, kind: str, subject_id: str) -> str | None:
    """The id of the open exception of this kind about this subject, if there is one."""
    sql = "SELECT id FROM exceptions WHERE org_id = :org AND kind = :kind AND subject_id = :subject AND status = 'open'"
    found_id: str | None = tx.scalar(sql, kind=kind, subject=subject_id)
    return found_id


def hand_on(tx: Tx, exception_id: str, role: str, due_at: datetime) -> None:
    """To another role, with a new due time."""
    tx.later(
        "UPDATE exceptions SET owner_role = :role, owner_user = NULL, due_at = :due WHERE org_id = :org AND id = :id",
        id=exception_id,
        role=role,
        due=due_at,
    )


def resolve_about(tx: Tx, kind: str, subject_id: str, who: str, code: str, reason: str | None = None) -> None:
    """What the open exceptions of this kind (and `reason`) about this subject asked for has happened."""
    tx.later(
        "UPDATE exceptions SET status = 'resolved', resolved_at = :now, resolved_by = :who, resolution_code = :code "
        "WHERE org_id = :org AND kind = :kind AND subject_id = :subject AND status = 'open' "
        "AND (CAST(:reason AS text) IS NULL OR reason_code = :reason)",
        kind=kind,
        reason=reason,
        subject=subject_id,
        who=who,
        code=code,
        now=tx.now,
    )


def list_exceptions(
    tx: Tx, entities: Collection[str] | None, *, desk: tuple[str, Collection[str]] | None, status: str | None = None,
    kind: str | None = None, subject_id: str | None = None, owner: str | None = None,
    after: tuple[datetime, str] | None = None, limit: int,
) -> Sequence[ExceptionRecord]:  # fmt: skip
    """Soonest due first. `desk`: only what lies with this user or one of these roles. `owner`: a user or a role."""
    where, params = "", dict[str, Any]()
    if entities is not None:
        where += " AND (legal_entity_id IS NULL OR legal_entity_id = ANY(:entities))"
        params["entities"] = sorted(entities)
    if desk is not None:
        where += " AND (owner_user = :me OR owner_role = ANY(:roles))"
        params |= {"me": desk[0], "roles": sorted(desk[1])}
    given = {
        "status": (status, "status = :status"),
        "kind": (kind, "kind = :kind"),
        "subject": (subject_id, "subject_id = :subject"),
        "owner": (owner, "(owner_user = :owner OR owner_role = :owner)"),
    }
    for name, (value, condition) in given.items():
        if value is not None:
            where += f" AND {condition}"
            params[name] = value
    if after is not None:
        where += " AND (due_at, id) > (:due, :after)"
        params |= {"due": after[0], "after": after[1]}
    sql = f"SELECT * FROM exceptions WHERE org_id = :org{where} ORDER BY due_at, id LIMIT :n"
    return tx.records(ExceptionRecord, sql, **params, n=limit)
