"""Customers: loading, saving, listing, and what of theirs is taken."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_

from models.answers import read_row
from models.customers.diff import item_json, override_json
from models.customers.record import spelled
from models.customers.records import (
    FIELDS,
    RELATED,
    Customer,
    CustomerDetails,
    CustomerMaster,
    ListedCustomer,
    OverrideRecord,
    RelatedRecords,
    names,
)
from models.db.listing import Listing, among, param
from models.db.lookups import found
from models.db.tables.customers import customer_entity_overrides, customers
from models.db.tx import Tx, to_json
from models.facts import Fact, Facts, Record
from models.keys import email_key, name_key, tax_id_key

_TABLES: Final = {
    "addresses": "customer_addresses",
    "contacts": "customer_contacts",
    "pricing_tiers": "customer_pricing_tiers",
    "tax_profiles": "customer_tax_profiles",
    "dimensions": "customer_dimensions",
    "pays_for": "customer_pays_for",
}
_COLUMNS: Final = {"pays_for": {"customer_id": "paid_customer_id"}}
"""Where a field of a related record has a column of another name: beside the customer's own id."""
_AS_TEXT: Final = {"price", "min_quantity", "max_quantity"}


def _column(name: str, field: str) -> str:
    return _COLUMNS.get(name, {}).get(field, field)


def _list_sql(name: str) -> str:
    # Numbers travel as text: JSON numbers would come back as floats.
    pairs = ", ".join(f"'{f}', r.{_column(name, f)}{'::text' if f in _AS_TEXT else ''}" for f in names(RELATED[name]))
    return (
        f"(SELECT json_object_agg(r.id, json_build_object({pairs}) ORDER BY r.id) FROM {_TABLES[name]} r "
        f"WHERE r.org_id = c.org_id AND r.customer_id = c.id) AS {name}"
    )


_GET: Final = (
    "SELECT c.*, "
    + ", ".join(_list_sql(name) for name in RELATED)
    + ", (SELECT json_object_agg(o.legal_entity_id, o.fields ORDER BY o.legal_entity_id) FROM customer_entity_overrides o"
    " WHERE o.org_id = c.org_id AND o.customer_id = c.id) AS entity_overrides"
    " FROM customers c WHERE c.org_id = :org AND c.id = :id AND c.erased_at IS NULL"
)
_LOCK: Final = "SELECT id FROM customers WHERE org_id = :org AND id = :id FOR UPDATE"


def load(tx: Tx, customer_id: str, *, lock: bool = False) -> Customer | None:
    """The customer with what belongs to it, locked against other changes if asked; None where there is none."""
    wanted = {"id": customer_id}
    *_, rows = tx.batch((_LOCK, wanted), (_GET, wanted)) if lock else tx.batch((_GET, wanted))
    if not rows:
        return None
    related = {name: rows[0][name] or {} for name in (*RELATED, "entity_overrides")}
    details = spelled(read_row(CustomerDetails, {**rows[0], **related}))
    return read_row(Customer, {**rows[0], "details": details})


def related_of(tx: Tx, ids: Sequence[str]) -> dict[str, RelatedRecords]:
    """What belongs to each of these customers."""
    columns = ", ".join(_list_sql(name) for name in RELATED)
    rows = tx.all(f"SELECT c.id, {columns} FROM customers c WHERE c.org_id = :org AND c.id = ANY(:ids)", ids=list(ids))
    return {row["id"]: read_row(RelatedRecords, {name: row[name] or {} for name in RELATED}) for row in rows}


def get(tx: Tx, customer_id: str) -> Customer:
    """The customer; 404 or 403 otherwise."""
    return found(tx, "customer", customer_id, load(tx, customer_id))


def _master(c: CustomerMaster) -> dict[str, Fact]:
    """The columns of the customer's own fields, with the keys by which it is found."""
    keys: dict[str, Fact] = {
        "name_key": name_key(c.name),
        "email_key": email_key(c.email),
        "tax_id_key": tax_id_key(c.tax_id) if c.tax_id else None,
    }
    return {f: getattr(c, f) for f in FIELDS} | keys


def insert(tx: Tx, new: Mapping[str, CustomerDetails]) -> None:
    """New customers, by their ids, with everything that belongs to them. Raises the driver's UniqueViolation on a taken
    key."""
    times: dict[str, Fact] = {"version": 1, "created_at": tx.now, "updated_at": tx.now}
    tx.insert("customers", [{"id": i} | _master(c) | times for i, c in new.items()])
    for customer_id, customer in new.items():
        save_related(tx, customer_id, RelatedRecords(), customer)
        _save_overrides(tx, customer_id, {}, customer.entity_overrides)


def update(tx: Tx, before: Customer, after: CustomerDetails) -> int:
    """Write what differs; the new version."""
    given = _master(after) | {"metadata": to_json(after.metadata)}
    casts = {"credit_limit": "numeric", "metadata": "jsonb"}
    sets = ", ".join(f"{f} = CAST(:{f} AS {casts[f]})" if f in casts else f"{f} = :{f}" for f in given)
    version = tx.scalar(
        f"UPDATE customers SET {sets}, version = version + 1, updated_at = :now WHERE org_id = :org AND id = :id "
        "RETURNING version",
        **given,
        now=tx.now,
        id=before.id,
    )
    save_related(tx, before.id, before.details, after)
    _save_overrides(tx, before.id, before.details.entity_overrides, after.entity_overrides)
    return int(version)


def save_related(
    tx: Tx, customer_id: str, before: CustomerDetails | RelatedRecords, after: CustomerDetails | RelatedRecords
) -> None:
    """Write what differs in the related records."""
    for name, kind in RELATED.items():
        new: Mapping[str, Record] = getattr(after, name)
        old: Mapping[str, Record] = getattr(before, name)
        gone = [i for i in old if i not in new]
        if gone:
            tx.later(f"DELETE FROM {_TABLES[name]} WHERE org_id = :org AND id = ANY(:ids)", ids=gone)
        changed = [
            {"id": i, "customer_id": customer_id, **{_column(name, f): v for f, v in item_json(one).items()}}
            for i, one in new.items()
            if old.get(i) != one
        ]
        sets = ", ".join(f"{c} = excluded.{c}" for c in (_column(name, f) for f in names(kind)))
        tx.insert(_TABLES[name], changed, suffix=f"ON CONFLICT (org_id, id) DO UPDATE SET {sets}")


def _save_overrides(
    tx: Tx, customer_id: str, old: Mapping[str, OverrideRecord], new: Mapping[str, OverrideRecord]
) -> None:
    gone = [e for e in old if e not in new]
    if gone:
        tx.later(
            "DELETE FROM customer_entity_overrides WHERE org_id = :org AND customer_id = :id AND legal_entity_id = ANY(:gone)",
            id=customer_id,
            gone=gone,
        )
    rows: list[Facts] = [
        {"customer_id": customer_id, "legal_entity_id": e, "fields": override_json(o)}
        for e, o in new.items()
        if old.get(e) != o
    ]
    conflict = "ON CONFLICT (org_id, customer_id, legal_entity_id) DO UPDATE SET fields = excluded.fields"
    tx.insert("customer_entity_overrides", rows, suffix=conflict)


def ids_of(tx: Tx, external_ids: Sequence[str]) -> dict[str, str]:
    """The customers that have these external ids, by them."""
    sql = "SELECT external_id, id FROM customers WHERE org_id = :org AND external_id = ANY(:ids)"
    return tx.pairs(sql, ids=list(external_ids))


def names_of(tx: Tx, customer_ids: Sequence[str]) -> dict[str, str]:
    """The names of these customers, by id; of those that are there."""
    sql = "SELECT id, name FROM customers WHERE org_id = :org AND id = ANY(:ids) AND erased_at IS NULL"
    return tx.pairs(sql, ids=list(customer_ids))


def similar_names(tx: Tx, prefix: str, limit: int = 500) -> dict[str, str]:
    """The name keys that begin with `prefix`, by customer: among them a similar name is looked for."""
    return tx.pairs(
        "SELECT id, name_key FROM customers WHERE org_id = :org AND name_key >= :low AND name_key < :high "
        "AND erased_at IS NULL ORDER BY name_key LIMIT :limit",
        low=prefix,
        high=prefix + "\U0010ffff",
        limit=limit,
    )


def has_transactions(tx: Tx, customer_id: str) -> bool:
    """Whether an invoice, a payment or a credit note, in whatever state, names the customer."""
    sql = (
        "SELECT EXISTS (SELECT FROM invoices WHERE org_id = :org AND customer_id = :id)"
        " OR EXISTS (SELECT FROM payments WHERE org_id = :org AND customer_id = :id)"
        " OR EXISTS (SELECT FROM credit_notes WHERE org_id = :org AND customer_id = :id)"
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


def open_by_currency(tx: Tx, customer_id: str) -> dict[str, int]:
    """What the customer owes on open invoices, in minor units by currency."""
    sql = (
        "SELECT currency_code, sum(balance_due_minor) AS minor FROM invoices WHERE org_id = :org AND customer_id = :id"
        " AND balance_due_minor > 0 AND voided_at IS NULL GROUP BY currency_code"
    )
    return {r["currency_code"]: int(r["minor"]) for r in tx.all(sql, id=customer_id)}


def functional_currencies(tx: Tx, entities: Collection[str]) -> dict[str, str]:
    """The functional currencies of these legal entities."""
    sql = "SELECT id, functional_currency FROM legal_entities WHERE org_id = :org AND id = ANY(:ids)"
    return tx.pairs(sql, ids=sorted(entities))


def list_customers(
    tx: Tx, entities: Collection[str] | None, *, status: str | None, q: str | None, legal_entity_id: str | None,
    external_id: str | None, after: str | None, limit: int,
) -> Sequence[ListedCustomer]:  # fmt: skip
    """Masters in the order of their ids. `q`: a part of the name or of the e-mail, or a whole tax id or external id."""
    words = q and {"q": q, "email": email_key(q), "tax": tax_id_key(q), "name": name_key(q)}
    behind = None if after is None else (after,)
    rows = _CUSTOMERS.page(
        tx, entities, behind, limit, status=status, external_id=external_id,
        legal_entity_id=legal_entity_id, words=words,
    )  # fmt: skip
    return [read_row(ListedCustomer, row) for row in rows]


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
    shown=[_C.c[f] for f in names(ListedCustomer)],
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
