"""Exceptions, read and moved."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import or_

from models.answers import read_row
from models.db.listing import Listing, among, param
from models.db.lookups import found
from models.db.tables.shared import exceptions
from models.db.tx import Tx
from models.exceptions.records import ExceptionRecord
from models.facts import Facts

_GET: Final = "SELECT * FROM exceptions WHERE org_id = :org AND id = :id"
_E: Final = exceptions.c
_LIST: Final = Listing(
    exceptions,
    key=(_E.due_at, _E.id),
    within=or_(_E.legal_entity_id.is_(None), among(_E.legal_entity_id)),
    equal=(_E.status, _E.kind, _E.subject_id),
    filters={
        "owner": or_(_E.owner_user == param("owner"), _E.owner_role == param("owner")),
        "desk": or_(_E.owner_user == param("me"), among(_E.owner_role, "roles")),
    },
)


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
    mine: Facts | None = None if desk is None else {"me": desk[0], "roles": sorted(desk[1])}
    rows = _LIST.page(
        tx, entities, after, limit, desk=mine, status=status, kind=kind, subject_id=subject_id, owner=owner
    )  # fmt: skip
    return [read_row(ExceptionRecord, row) for row in rows]
