"""Source records in SQL: written by external_id, read one by one or listed per customer."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from models.answers import read_row
from models.customer_360.answers import SourceRecordAnswer
from models.customer_360.kinds import KINDS, Kind
from models.customer_360.records import SourceFacts
from models.db.listing import Listing
from models.db.lookups import find
from models.db.tables.metadata import metadata
from models.db.tx import Row, Tx, as_columns
from models.facts import Fact
from models.ids import new_id

BUILT_IN: Final = "arflow"
# An order without dates of its own is as recent as the day on which we first heard of it.
_RECENT_ON: Final = (
    "recent_on = coalesce(excluded.order_date, excluded.ship_date, (orders.created_at AT TIME ZONE 'UTC')::date)"
)


def _listing(table: str) -> Listing:
    t = metadata.tables[table]
    return Listing(t, key=(t.c.id,), newest_first=True, within=None, equal=(t.c.customer_id,))


_LISTS: Final[Mapping[str, Listing]] = {table: _listing(table) for table in KINDS}


class Known(NamedTuple):
    """A record that is there: its id, and what its source last said."""

    id: str
    facts: SourceFacts


def known(tx: Tx, kind: Kind, source: str, external_ids: Sequence[str]) -> dict[str, Known]:
    """The records that are there, by external_id, locked."""
    sql = (
        f"SELECT * FROM {kind.table} WHERE org_id = :org AND source = :source AND external_id = ANY(:ids) "
        "ORDER BY external_id FOR UPDATE"
    )
    rows = tx.all(sql, source=source, ids=sorted(external_ids))
    return {row["external_id"]: Known(row["id"], read_row(kind.facts, row)) for row in rows}


def insert(tx: Tx, kind: Kind, record_id: str, facts: SourceFacts, by: str) -> None:
    """Make a record of our own. Where its external_id is taken meanwhile, the transaction fails."""
    tx.insert(kind.table, [_row(tx, record_id, BUILT_IN, facts, by)])


def upsert(tx: Tx, kind: Kind, source: str, records: Sequence[SourceFacts], by: str) -> dict[str, str]:
    """Write the records by external_id; the id of each."""
    if not records:
        return {}
    rows = [_row(tx, new_id(kind.prefix), source, r, by) for r in sorted(records, key=lambda r: r.external_id)]
    moved = [c for c in as_columns(records[0]) if c not in ("external_id", "recent_on")] + ["updated_at"]
    sets = [f"{c} = excluded.{c}" for c in moved] + ([_RECENT_ON] if kind.table == "orders" else [])
    suffix = f"ON CONFLICT (org_id, source, external_id) DO UPDATE SET {', '.join(sets)}"
    made = tx.insert(kind.table, rows, suffix=suffix, returning="id, external_id")
    return {row["external_id"]: row["id"] for row in made}


def _row(tx: Tx, record_id: str, source: str, facts: SourceFacts, by: str) -> Row:
    stamps = {"source": source, "created_by": by, "created_at": tx.now, "updated_at": tx.now}
    return {"id": record_id, **as_columns(facts), **stamps}


def changed_fields(before: SourceFacts | None, now: SourceFacts) -> dict[str, tuple[Fact, Fact]]:
    """What differs, before and after, by field; everything that is said of a new record."""
    values = as_columns(now)
    if before is None:
        return {f: (None, v) for f, v in values.items() if v is not None}
    old = as_columns(before)
    return {f: (old[f], v) for f, v in values.items() if f != "recent_on" and old[f] != v}


def close_absent(tx: Tx, kind: Kind, source: str, customer_id: str, present: Sequence[str]) -> list[str]:
    """Close what the source no longer lists as open for the customer; the ids of what was closed."""
    sql = (
        f"UPDATE {kind.table} SET closed = true, updated_at = :now WHERE org_id = :org AND source = :source "
        "AND customer_id = :customer AND NOT closed AND NOT external_id = ANY(:present) RETURNING id"
    )
    return tx.column(sql, source=source, customer=customer_id, present=list(present), now=tx.now)


def get(tx: Tx, kind: Kind, record_id: str) -> tuple[SourceRecordAnswer, str]:
    """The record as it is answered, and its customer's legal entity; 404 or 403 ORG_CONTEXT_MISMATCH otherwise."""
    sql = (
        f"SELECT r.*, c.legal_entity_id FROM {kind.table} r JOIN customers c ON c.org_id = r.org_id "
        "AND c.id = r.customer_id WHERE r.org_id = :org AND r.id = :id"
    )
    row = find(tx, kind.noun, sql, record_id)
    return _answer(kind, row), row["legal_entity_id"]


def list_records(tx: Tx, kind: Kind, customer_id: str, after: str | None, limit: int) -> Sequence[SourceRecordAnswer]:
    """The customer's records, the newest first."""
    behind = None if after is None else (after,)
    return [_answer(kind, row) for row in _LISTS[kind.table].page(tx, None, behind, limit, customer_id=customer_id)]


def _answer(kind: Kind, row: Row) -> SourceRecordAnswer:
    return read_row(kind.answer, {**row, "href": f"{kind.path}/{row['id']}"})


def unknown_customers(tx: Tx, customer_ids: Sequence[str]) -> list[str]:
    """Those of the ids that are no customer here."""
    asked = sorted(set(customer_ids))
    known = tx.column("SELECT id FROM customers WHERE org_id = :org AND id = ANY(:ids)", ids=asked)
    return sorted(set(asked) - set(known))


def entities_of(tx: Tx, customer_ids: Sequence[str]) -> list[str]:
    """The legal entities whose customers these are."""
    sql = "SELECT DISTINCT legal_entity_id FROM customers WHERE org_id = :org AND id = ANY(:ids) ORDER BY 1"
    return tx.column(sql, ids=sorted(set(customer_ids)))
