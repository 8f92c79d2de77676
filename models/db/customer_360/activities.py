"""The contact timeline."""

from collections.abc import Sequence
from typing import Any

from models.db.lookups import find
from models.db.tx import Row, Tx

_SHOWN = ("id", "customer_id", "type", "notes", "contact_id", "occurred_at", "logged_by", "created_at")


def contact(tx: Tx, contact_id: str) -> Row:
    """The contact; 404 CONTACT_NOT_FOUND or 403 otherwise."""
    sql = "SELECT id, customer_id FROM customer_contacts WHERE org_id = :org AND id = :id"
    return find(tx, "contact", sql, contact_id)


def get(tx: Tx, activity_id: str) -> Row:
    """The activity with its customer's legal entity; 404 or 403 otherwise."""
    sql = """SELECT a.*, c.legal_entity_id FROM activities a JOIN customers c ON c.org_id = a.org_id
      AND c.id = a.customer_id WHERE a.org_id = :org AND a.id = :id"""
    return find(tx, "activity", sql, activity_id)


def timeline(
    tx: Tx, customer_id: str, contact_id: str | None, after: tuple[Any, ...] | None, limit: int
) -> Sequence[Row]:
    """The customer's activities, or those with one contact; the latest first."""
    where, params = "", {}
    if contact_id is not None:
        where, params = " AND contact_id = :contact", {"contact": contact_id}
    if after is not None:
        where += " AND (occurred_at, id) < (:at, :after)"
        params |= {"at": after[0], "after": after[1]}
    sql = f"""SELECT * FROM activities WHERE org_id = :org AND customer_id = :customer{where}
      ORDER BY occurred_at DESC, id DESC LIMIT :n"""
    return tx.all(sql, customer=customer_id, n=limit, **params)


def activity_body(a: Any) -> dict[str, Any]:
    """The activity as the API shows it. `notes` is text, never markup."""
    shown = {k: a[k] for k in _SHOWN}
    times = {k: a[k].isoformat() for k in ("occurred_at", "created_at")}
    return {**shown, **times, "href": f"/v1/activities/{a['id']}"}
