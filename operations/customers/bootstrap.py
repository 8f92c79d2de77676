"""Customers created past approval: for development and tests, each with its audit event."""

import json
from collections.abc import Mapping, Sequence

from models.answers import JsonObject, read_row
from models.customers.records import FIELDS, RELATED, CustomerDetails
from models.db.customers import claims
from models.db.customers import customers as store
from models.db.tx import Tx
from models.ids import new_id
from operations.customers.proposals import UNIQUE, taken, unique_values
from operations.organisations import bootstrap_work


def bootstrap_customers(tx: Tx, rows: Sequence[JsonObject], actor: str = "cli") -> list[str]:
    """Insert the customers and answer the ids of all, in order. One whose external_id is known is not made again."""
    wanted = [_details(row) for row in rows]
    known = store.ids_of(tx, [c.external_id for c in wanted if c.external_id])
    made = {new_id("cust"): c for c in wanted if c.external_id not in known}
    _refuse_claimed(tx, made)
    store.insert(tx, made)
    work = bootstrap_work(tx, actor)
    for customer_id, customer in made.items():
        after = {f: getattr(customer, f) for f in FIELDS if getattr(customer, f) is not None}
        work.audit(customer_id, "customer.bootstrapped", {"after": {"id": customer_id} | after})
        work.emit("customer.created", customer_id, {"customer_id": customer_id})
    work.flush()
    new = iter(made)
    return [known.get(c.external_id or "") or next(new) for c in wanted]


def _refuse_claimed(tx: Tx, made: Mapping[str, CustomerDetails]) -> None:
    """DUPLICATE_EMAIL, DUPLICATE_TAX_ID, EXTERNAL_ID_CONFLICT where an open change has asked for it."""
    asked = [unique_values(c) for c in made.values()]
    for kind in UNIQUE:
        holder = claims.any_claimed(tx, kind, [values[kind] for values in asked if kind in values])
        if holder is not None:
            raise taken(tx, kind, holder, None)


def _details(row: JsonObject) -> CustomerDetails:
    metadata = row.get("metadata") or {}
    master = {name: row.get(name) for name in FIELDS}
    more = {"metadata": json.loads(metadata) if isinstance(metadata, str) else metadata, "status": "active"}
    return read_row(CustomerDetails, {**master, **more, **{key: {} for key in (*RELATED, "entity_overrides")}})
