"""Customers created past approval: for development and tests, each with its audit event."""

import json
from typing import Any

from models.db.tx import Tx
from models.ids import new_id
from models.keys import email_key, name_key, tax_id_key
from operations.customers.submission import taken
from operations.organisations import bootstrap_work

_FIELDS = (
    "external_id", "phone", "website", "billing_email", "notes", "customer_type", "credit_limit", "payment_terms",
    "currency_code", "tax_code", "revenue_account",
)  # fmt: skip


def bootstrap_customers(tx: Tx, rows: list[dict[str, Any]], actor: str = "cli") -> list[str]:
    """Insert the customers and answer the ids of all, in order. One whose external_id is known is not made again."""
    known = _known(tx, rows)
    made = [_row(tx, r) for r in rows if r.get("external_id") not in known]
    _refuse_claimed(tx, made)
    tx.insert("customers", made)
    work = bootstrap_work(tx, actor)
    for m in made:
        after = {k: v for k, v in m.items() if v is not None and not k.endswith("_key")}
        work.audit(m["id"], "customer.bootstrapped", {"after": after})
        work.emit("customer.created", m["id"], {"customer_id": m["id"]})
    work.flush()
    new = iter(made)
    return [known.get(r.get("external_id")) or next(new)["id"] for r in rows]


def _refuse_claimed(tx: Tx, made: list[dict[str, Any]]) -> None:
    """DUPLICATE_EMAIL, DUPLICATE_TAX_ID, EXTERNAL_ID_CONFLICT where an open change has asked for it."""
    for kind, column in (("email", "email_key"), ("tax_id", "tax_id_key"), ("external_id", "external_id")):
        holder = tx.scalar(
            "SELECT change_id FROM customer_claims WHERE org_id = :org AND kind = :kind AND key = ANY(:keys) LIMIT 1",
            kind=kind,
            keys=[m[column] for m in made if m[column]],
        )
        if holder is not None:
            raise taken(kind, holder)


def _known(tx: Tx, rows: list[dict[str, Any]]) -> dict[Any, str]:
    """external_id → id of the customers that are there already."""
    found = tx.all(
        "SELECT external_id, id FROM customers WHERE org_id = :org AND external_id = ANY(:external_ids)",
        external_ids=[r["external_id"] for r in rows if r.get("external_id")],
    )
    return {r["external_id"]: r["id"] for r in found}


def _row(tx: Tx, r: dict[str, Any]) -> dict[str, Any]:
    metadata = r.get("metadata") or {}
    return {
        "id": new_id("cust"),
        "legal_entity_id": r["legal_entity_id"],
        "name": r["name"],
        "email": r["email"],
        "name_key": name_key(r["name"]),
        "email_key": email_key(r["email"]),
        "tax_id": r.get("tax_id"),
        "tax_id_key": tax_id_key(r["tax_id"]) if r.get("tax_id") else None,
        **{f: r.get(f) for f in _FIELDS},
        "metadata": json.loads(metadata) if isinstance(metadata, str) else metadata,
        "status": "active",
        "version": 1,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
