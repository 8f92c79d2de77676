"""Customers as records: loading, saving, listing, and what of theirs is taken."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_, cast, exists, func, literal, or_

from models.customers.record import FIELDS, LISTS, Record, spelled
from models.db.listing import Listing, among, param
from models.db.tables.customers import customer_entity_overrides, customers
from models.db.tx import Row, Tx, to_json
from models.keys import email_key, name_key, tax_id_key

_TABLES: Final = {
    "addresses": "customer_addresses",
    "contacts": "customer_contacts",
    "pricing_tiers": "customer_pricing_tiers",
    "tax_profiles": "customer_tax_profiles",
    "dimensions": "customer_dimensions",
}
_AS_TEXT: Final = {"price", "min_quantity", "max_quantity"}


def _list_sql(name: str) -> str:
    # Numbers travel as text: JSON numbers would come back as floats.
    pairs = ", ".join(f"'{f}', r.{f}{'::text' if f in _AS_TEXT else ''}" for f in LISTS[name][1])
    return (
        f"(SELECT json_object_agg(r.id, json_build_object({pairs}) ORDER BY r.id) FROM {_TABLES[name]} r "
        f"WHERE r.org_id = c.org_id AND r.customer_id = c.id) AS {name}"
    )


_RECORD: Final = (
    "SELECT c.id, c.version, c.created_at, c.updated_at, "
    + ", ".join(f"c.{f}" for f in FIELDS if f != "credit_limit")
    + ", c.credit_limit::text AS credit_limit, "
    + ", ".join(_list_sql(name) for name in LISTS)
    + ", (SELECT json_object_agg(o.legal_entity_id, o.fields ORDER BY o.legal_entity_id) FROM customer_entity_overrides o"
    " WHERE o.org_id = c.org_id AND o.customer_id = c.id) AS entity_overrides"
    " FROM customers c WHERE c.org_id = :org AND c.id = :id AND c.erased_at IS NULL"
)


def load(tx: Tx, customer_id: str) -> tuple[Record, Row] | None:
    """The record and its row (id, version, times) in one statement; None where there is none."""
    row = tx.one(_RECORD, id=customer_id)
    if row is None:
        return None
    record: Record = {f: row[f] for f in FIELDS}
    record |= {name: row[name] or {} for name in (*LISTS, "entity_overrides")}
    return spelled(record), row


def lock(tx: Tx, customer_id: str) -> tuple[Record, Row] | None:
    """As `load`, with the master row locked against other changes."""
    tx.one("SELECT id FROM customers WHERE org_id = :org AND id = :id FOR UPDATE", id=customer_id)
    return load(tx, customer_id)


def lists_of(tx: Tx, ids: Sequence[str]) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """The related records of each of these customers: list → id → fields."""
    columns = ", ".join(_list_sql(name) for name in LISTS)
    found = tx.all(f"SELECT c.id, {columns} FROM customers c WHERE c.org_id = :org AND c.id = ANY(:ids)", ids=list(ids))
    return {row["id"]: {name: row[name] or {} for name in LISTS} for row in found}


def _keys(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name_key": name_key(record["name"]),
        "email_key": email_key(record["email"]),
        "tax_id_key": tax_id_key(record["tax_id"]) if record["tax_id"] else None,
    }


def insert(tx: Tx, customer_id: str, record: Record) -> None:
    """A new customer with everything that belongs to it. Raises the driver's UniqueViolation on a taken key."""
    master = {f: record[f] for f in FIELDS} | _keys(record)
    times = {"version": 1, "created_at": tx.now, "updated_at": tx.now}
    tx.insert("customers", [{"id": customer_id} | master | times])
    _save_related(tx, customer_id, None, record)


def update(tx: Tx, customer_id: str, before: Record, after: Record) -> int:
    """Write what differs; the new version."""
    fields = {f: after[f] for f in FIELDS if f != "metadata"} | _keys(after)
    sets = ", ".join(f"{f} = CAST(:{f} AS numeric)" if f == "credit_limit" else f"{f} = :{f}" for f in fields)
    version = tx.scalar(
        f"UPDATE customers SET {sets}, metadata = CAST(:metadata AS jsonb), version = version + 1, updated_at = :now "
        "WHERE org_id = :org AND id = :id RETURNING version",
        **fields,
        metadata=to_json(after["metadata"]),
        now=tx.now,
        id=customer_id,
    )
    _save_related(tx, customer_id, before, after)
    return int(version)


def _save_related(tx: Tx, customer_id: str, before: Record | None, after: Record) -> None:
    save_lists(tx, customer_id, before, after)
    _save_overrides(tx, customer_id, {} if before is None else before["entity_overrides"], after["entity_overrides"])


def save_lists(tx: Tx, customer_id: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Write what differs in the related records (as `lists_of` has them)."""
    for name, (_, fields) in LISTS.items():
        old = {} if before is None else before[name]
        gone = [i for i in old if i not in after[name]]
        if gone:
            tx.later(f"DELETE FROM {_TABLES[name]} WHERE org_id = :org AND id = ANY(:ids)", ids=gone)
        changed = [
            {"id": i, "customer_id": customer_id} | {f: one[f] for f in fields}
            for i, one in after[name].items()
            if old.get(i) != one
        ]
        sets = ", ".join(f"{f} = excluded.{f}" for f in fields)
        tx.insert(_TABLES[name], changed, suffix=f"ON CONFLICT (org_id, id) DO UPDATE SET {sets}")


def _save_overrides(tx: Tx, customer_id: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    gone = [e for e in old if e not in new]
    if gone:
        tx.later(
            "DELETE FROM customer_entity_overrides WHERE org_id = :org AND customer_id = :id AND legal_entity_id = ANY(:gone)",
            id=customer_id,
            gone=gone,
        )
    rows = [
        {"customer_id": customer_id, "legal_entity_id": e, "fields": fields}
        for e, fields in new.items()
        if old.get(e) != fields
    ]
    conflict = "ON CONFLICT (org_id, customer_id, legal_entity_id) DO UPDATE SET fields = excluded.fields"
    tx.insert("customer_entity_overrides", rows, suffix=conflict)


def delete(tx: Tx, customer_id: str) -> None:
    """Remove the customer and what belongs to it. The ledger's foreign keys refuse one with transactions."""
    for table in (*_TABLES.values(), "customer_entity_overrides"):
        tx.later(f"DELETE FROM {table} WHERE org_id = :org AND customer_id = :id", id=customer_id)
    tx.later("DELETE FROM customers WHERE org_id = :org AND id = :id", id=customer_id)


def taken_by(tx: Tx, kind: str, key: str) -> str | None:
    """The customer (active or inactive) that has this e-mail, tax id or external id."""
    column = {"email": "email_key", "tax_id": "tax_id_key", "external_id": "external_id"}[kind]
    found: str | None = tx.scalar(f"SELECT id FROM customers WHERE org_id = :org AND {column} = :key", key=key)
    return found


def claim(tx: Tx, kind: str, key: str, change_id: str, customer_id: str) -> str | None:
    """Reserve a key for an open change; the change that holds it already, or None when it is now ours.

    Waits for a change that is just ending, so what follows sees its outcome.
    """
    row = {"kind": kind, "key": key, "change_id": change_id, "customer_id": customer_id}
    if tx.insert("customer_claims", [row], suffix="ON CONFLICT DO NOTHING", returning="change_id"):
        return None
    holder: str | None = tx.scalar(
        "SELECT change_id FROM customer_claims WHERE org_id = :org AND kind = :kind AND key = :key", kind=kind, key=key
    )
    return None if holder == change_id else holder or "another change"


def release(tx: Tx, change_id: str) -> None:
    """Give back what an ended change had reserved."""
    tx.later("DELETE FROM customer_claims WHERE org_id = :org AND change_id = :id", id=change_id)


def similar_names(tx: Tx, prefix: str, limit: int = 500) -> Sequence[Row]:
    """Customers whose name key begins with `prefix`: the candidates among whom a similar name is looked for."""
    return tx.all(
        "SELECT id, name_key FROM customers WHERE org_id = :org AND name_key >= :low AND name_key < :high "
        "AND erased_at IS NULL ORDER BY name_key LIMIT :limit",
        low=prefix,
        high=prefix + "\U0010ffff",
        limit=limit,
    )


def has_transactions(tx: Tx, customer_id: str) -> bool:
    """Whether an invoice or a payment, in whatever state, names the customer."""
    sql = (
        "SELECT EXISTS (SELECT FROM invoices WHERE org_id = :org AND customer_id = :id)"
        " OR EXISTS (SELECT FROM payments WHERE org_id = :org AND customer_id = :id)"
    )
    return bool(tx.scalar(sql, id=customer_id))


def open_balance(tx: Tx, customer_id: str) -> bool:
    """Whether the customer owes something, or has money with us."""
    sql = (
        "SELECT EXISTS (SELECT FROM invoices WHERE org_id = :org AND customer_id = :id AND balance_due_minor > 0"
        " AND voided_at IS NULL) OR EXISTS (SELECT FROM payments WHERE org_id = :org AND customer_id = :id"
        " AND reversed_at IS NULL AND applied_minor < amount_minor)"
    )
    return bool(tx.scalar(sql, id=customer_id))


def page(
    tx: Tx,
    *,
    status: str | None,
    q: str | None,
    legal_entity_id: str | None,
    entities: Sequence[str] | None,
    after: str | None,
    limit: int,
    external_id: str | None = None,
) -> Sequence[Row]:
    """Masters in the order of their ids. `q`: a part of the name or of the e-mail, or a whole tax id or external id."""
    words = q and {"q": q, "email": email_key(q), "tax": tax_id_key(q), "name": name_key(q)}
    behind = None if after is None else (after,)
    given = {"status": status, "external_id": external_id, "legal_entity_id": legal_entity_id, "words": words}
    return _CUSTOMERS.page(tx, entities, behind, limit, **given)


_C: Final = customers.alias("c")
_O: Final = customer_entity_overrides.alias("o")


def _seen_by(entity: Callable[[ColumnElement[str]], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Whether the master is such a legal entity's, or that one sees something of it differently."""
    theirs = exists().where(_O.c.org_id == _C.c.org_id, _O.c.customer_id == _C.c.id, entity(_O.c.legal_entity_id))
    return or_(entity(_C.c.legal_entity_id), theirs)


_NAME: Final = param("name")
_CUSTOMERS: Final = Listing(
    _C,
    key=(_C.c.id,),
    shown=(
        *(_C.c[f] for f in ("id", "version", "created_at", "updated_at", *FIELDS) if f != "credit_limit"),
        cast(_C.c.credit_limit, Text).label("credit_limit"),
    ),
    where=_C.c.erased_at.is_(None),
    within=_seen_by(among),
    equal=(_C.c.status, _C.c.external_id),
    filters={
        "legal_entity_id": _seen_by(lambda column: column == param("legal_entity_id")),
        "words": or_(
            func.strpos(_C.c.email_key, param("email")) > 0,
            _C.c.tax_id_key == param("tax"),
            _C.c.external_id == param("q"),
            and_(literal("") != _NAME, func.strpos(_C.c.name_key, _NAME) > 0),
        ),
    },
)
