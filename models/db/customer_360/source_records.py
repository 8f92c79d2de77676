"""Source records in SQL: written by external_id, read one by one or listed per customer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from models.customer_360.source_records import Kind
from models.db.lookups import find
from models.db.tx import Row, Tx
from models.ids import new_id

BUILT_IN: Final = "arflow"
_UNCHANGED_BY_SOURCE: Final = frozenset({"id", "org_id", "source", "created_by", "created_at", "updated_at"})
# An order without dates of its own is as recent as the day on which we first heard of it.
_RECENT_ON: Final = (
    "recent_on = coalesce(excluded.order_date, excluded.ship_date, (orders.created_at AT TIME ZONE 'UTC')::date)"
)
_HIDDEN: Final = frozenset({"org_id", "priority_rank", "recent_on", "created_by"})


def known(tx: Tx, kind: Kind, source: str, external_ids: Sequence[str]) -> dict[str, Row]:
    """The records that are there, by external_id, locked."""
    sql = (
        f"SELECT * FROM {kind.table} WHERE org_id = :org AND source = :source AND external_id = ANY(:ids) "
        "ORDER BY external_id FOR UPDATE"
    )
    return {r["external_id"]: r for r in tx.all(sql, source=source, ids=sorted(external_ids))}


def upsert(tx: Tx, kind: Kind, source: str, rows: Sequence[Mapping[str, Any]], by: str) -> dict[str, str]:
    """Write the rows by external_id; the id of each."""
    if not rows:
        return {}
    stamped = [
        {"id": new_id(kind.prefix), "source": source, **r, "created_by": by, "created_at": tx.now, "updated_at": tx.now}
        for r in sorted(rows, key=lambda r: str(r["external_id"]))
    ]
    moved = [c for c in rows[0] if c not in ("external_id", "recent_on")] + ["updated_at"]
    sets = [f"{c} = excluded.{c}" for c in moved] + ([_RECENT_ON] if kind.table == "orders" else [])
    suffix = f"ON CONFLICT (org_id, source, external_id) DO UPDATE SET {', '.join(sets)}"
    made = tx.insert(kind.table, stamped, suffix=suffix, returning="id, external_id")
    return {r["external_id"]: r["id"] for r in made}


def changed_fields(before: Row | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """What of the row differs from the record: {field: [before, after]}; everything for a new one."""
    if before is None:
        return {f: [None, v] for f, v in row.items() if v is not None}
    fields = (f for f in row if f not in _UNCHANGED_BY_SOURCE and f != "recent_on")
    return {f: [before[f], row[f]] for f in fields if before[f] != row[f]}


def close_absent(tx: Tx, kind: Kind, source: str, customer_id: str, present: Sequence[str]) -> list[str]:
    """Close what the source no longer lists as open for the customer; the ids of what was closed."""
    sql = (
        f"UPDATE {kind.table} SET closed = true, updated_at = :now WHERE org_id = :org AND source = :source "
        "AND customer_id = :customer AND NOT closed AND NOT external_id = ANY(:present) RETURNING id"
    )
    rows = tx.all(sql, source=source, customer=customer_id, present=list(present), now=tx.now)
    return [r["id"] for r in rows]


def get(tx: Tx, kind: Kind, record_id: str) -> Row:
    """The record with its customer's legal entity; 404 or 403 ORG_CONTEXT_MISMATCH otherwise."""
    sql = (
        f"SELECT r.*, c.legal_entity_id FROM {kind.table} r JOIN customers c ON c.org_id = r.org_id "
        "AND c.id = r.customer_id WHERE r.org_id = :org AND r.id = :id"
    )
    return find(tx, kind.noun, sql, record_id)


def listed(tx: Tx, kind: Kind, customer_id: str, after: str | None, limit: int) -> Sequence[Row]:
    """The customer's records, the newest first."""
    where = " AND id < :after" if after else ""
    sql = f"SELECT * FROM {kind.table} WHERE org_id = :org AND customer_id = :customer{where} ORDER BY id DESC LIMIT :n"
    return tx.all(sql, customer=customer_id, n=limit, **({"after": after} if after else {}))


def record_body(kind: Kind, r: Any) -> dict[str, Any]:
    """The record as the API shows it: its own fields, where it comes from, where it is found."""
    shown = {k: v for k, v in r.items() if k not in _HIDDEN and k != "legal_entity_id"}
    return {**shown, "href": f"{kind.path}/{r['id']}"}


def unknown_customers(tx: Tx, customer_ids: Sequence[str]) -> list[str]:
    """Those of the ids that are no customer here."""
    asked = sorted(set(customer_ids))
    rows = tx.all("SELECT id FROM customers WHERE org_id = :org AND id = ANY(:ids)", ids=asked)
    return sorted(set(asked) - {r["id"] for r in rows})


def entities_of(tx: Tx, customer_ids: Sequence[str]) -> list[str]:
    """The legal entities whose customers these are."""
    sql = "SELECT DISTINCT legal_entity_id FROM customers WHERE org_id = :org AND id = ANY(:ids) ORDER BY 1"
    return [r["legal_entity_id"] for r in tx.all(sql, ids=sorted(set(customer_ids)))]


def forget_request(tx: Tx, command_id: str, table: str, count: int) -> None:
    """Keep of a request's body only what it was about."""
    tx.run(
        "UPDATE commands SET body = jsonb_build_object('kind', CAST(:kind AS text), 'count', CAST(:n AS int)) "
        "WHERE org_id = :org AND id = :id",
        id=command_id,
        kind=table,
        n=count,
    )
