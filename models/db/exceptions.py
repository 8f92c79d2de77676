"""Exceptions, read and moved."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from models.db.lookups import find
from models.db.tx import Row, Tx

GET = "SELECT * FROM exceptions WHERE org_id = :org AND id = :id"


def get_exception(tx: Tx, exception_id: str, *, lock: bool = False) -> Row:
    """The exception; 404 or 403 otherwise."""
    return find(tx, "exception", GET + (" FOR UPDATE" if lock else ""), exception_id)


def list_exceptions(
    tx: Tx, entities: Collection[str] | None, *, desk: tuple[str, Collection[str]] | None, status: str | None = None,
    kind: str | None = None, subject_id: str | None = None, owner: str | None = None,
    after: tuple[Any, ...] | None = None, limit: int,
) -> Sequence[Row]:  # fmt: skip
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
    return tx.all(
        f"SELECT * FROM exceptions WHERE org_id = :org{where} ORDER BY due_at, id LIMIT :n", **params, n=limit
    )


def exception_body(e: Any, now: datetime) -> dict[str, Any]:
    """The exception as the API shows it."""
    shown = (
        "id", "kind", "reason_code", "subject_id", "owner_role", "owner_user", "legal_entity_id", "detail", "status",
        "resolved_by", "resolution_code", "note",
    )  # fmt: skip
    return {
        **{name: e[name] for name in shown},
        "created_at": e["created_at"].isoformat(),
        "due_at": e["due_at"].isoformat(),
        "overdue": e["status"] == "open" and e["due_at"] < now,
        "resolved_at": e["resolved_at"] and e["resolved_at"].isoformat(),
    }
