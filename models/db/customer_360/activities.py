"""The contact timeline."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from models.answers import read_row
from models.customer_360.records import Activity
from models.db.listing import Listing
from models.db.lookups import find, found
from models.db.tables.customer_360 import activities
from models.db.tx import Tx

_TIMELINE: Final = Listing(
    activities,
    key=(activities.c.occurred_at, activities.c.id),
    newest_first=True,
    within=None,
    equal=(activities.c.customer_id, activities.c.contact_id),
)


def customer_of_contact(tx: Tx, contact_id: str) -> str:
    """Whose contact it is; 404 CONTACT_NOT_FOUND or 403 otherwise."""
    sql = "SELECT customer_id FROM customer_contacts WHERE org_id = :org AND id = :id"
    customer_id: str | None = tx.scalar(sql, id=contact_id)
    return found(tx, "contact", contact_id, customer_id)


def get(tx: Tx, activity_id: str) -> tuple[Activity, str]:
    """The activity, and its customer's legal entity; 404 or 403 otherwise."""
    sql = """SELECT a.*, c.legal_entity_id FROM activities a JOIN customers c ON c.org_id = a.org_id
      AND c.id = a.customer_id WHERE a.org_id = :org AND a.id = :id"""
    row = find(tx, "activity", sql, activity_id)
    return read_row(Activity, row), row["legal_entity_id"]


def timeline(
    tx: Tx, customer_id: str, contact_id: str | None, after: tuple[datetime, str] | None, limit: int
) -> Sequence[Activity]:
    """The customer's activities, or those with one contact; the latest first."""
    rows = _TIMELINE.page(tx, None, after, limit, customer_id=customer_id, contact_id=contact_id)
    return [read_row(Activity, row) for row in rows]


def heard(tx: Tx, source: str, customer_id: str) -> list[Activity]:
    """What the source has said of the customer's timeline so far."""
    sql = """SELECT * FROM activities WHERE org_id = :org AND source = :source AND customer_id = :customer
      AND external_id IS NOT NULL ORDER BY external_id"""
    return tx.records(Activity, sql, source=source, customer=customer_id)


def replace_heard(tx: Tx, gone: Sequence[str], now: Sequence[Activity]) -> None:
    """What a source says of its activities now: those that are gone or other than they were make way. (Nobody changes one.)"""
    tx.run("DELETE FROM activities WHERE org_id = :org AND id = ANY(:ids) AND external_id IS NOT NULL", ids=list(gone))
    tx.insert("activities", now)
