"""Lists of payments and credits."""

from collections.abc import Collection, Sequence
from typing import Any

from models.db.cash.payments import SHOWN
from models.db.lookups import find
from models.db.tx import Row, Tx


def entity_filter(entities: Collection[str] | None, column: str = "legal_entity_id") -> tuple[str, dict[str, Any]]:
    """SQL that leaves out what the caller's token does not cover, and its parameter."""
    return ("", {}) if entities is None else (f" AND {column} = ANY(:entities)", {"entities": sorted(entities)})


def list_payments(
    tx: Tx, entities: Collection[str] | None, status: str | None, customer_id: str | None, after: str | None, limit: int,
    external_id: str | None = None,
) -> Sequence[Row]:  # fmt: skip
    where, params = entity_filter(entities, "p.legal_entity_id")
    if status:
        where += " AND p.status = :status"
    if customer_id:
        where += " AND p.customer_id = :customer"
    if external_id:
        where += " AND p.external_id = :external"
    if after:
        where += " AND p.id < :after"
    sql = f"SELECT {SHOWN} FROM payments p WHERE p.org_id = :org{where} ORDER BY p.id DESC LIMIT :n"
    given = {"status": status, "customer": customer_id, "external": external_id, "after": after}
    return tx.all(sql, **params, **{k: v for k, v in given.items() if v}, n=limit)


def list_credits(
    tx: Tx, entities: Collection[str] | None, customer_id: str | None, status: str | None, after: str | None, limit: int
) -> Sequence[Row]:
    where, params = entity_filter(entities)
    if customer_id:
        where += " AND customer_id = :customer"
    if status:
        where += " AND status = upper(:status)"
    if after:
        where += " AND id > :after"
    given = {"customer": customer_id, "status": status, "after": after}
    sql = f"SELECT * FROM customer_credits WHERE org_id = :org{where} ORDER BY id LIMIT :n"
    return tx.all(sql, **params, **{k: v for k, v in given.items() if v}, n=limit)


def get_credit(tx: Tx, credit_id: str) -> Row:
    return find(tx, "credit", "SELECT * FROM customer_credits WHERE org_id = :org AND id = :id", credit_id)


def credit_body(c: Any) -> dict[str, Any]:
    shown = (
        "id", "kind", "status", "payment_id", "customer_id", "legal_entity_id", "amount_minor", "remaining_minor",
        "currency_code",
    )  # fmt: skip
    return {k: c[k] for k in shown} | {"created_at": c["created_at"].isoformat()}


def list_invoices(
    tx: Tx, entities: Collection[str] | None, status: str | None, customer_id: str | None,
    after: tuple[Any, ...] | None, limit: int, external_id: str | None = None,
) -> Sequence[Row]:  # fmt: skip
    """By due date, then issue date, then id. `status` open means OPEN and PARTIALLY_PAID."""
    where, params = entity_filter(entities)
    if status == "open":
        where += " AND balance_due_minor > 0 AND voided_at IS NULL"
    elif status:
        where += " AND status = :status"
        params["status"] = status.upper()
    if customer_id:
        where += " AND customer_id = :customer"
        params["customer"] = customer_id
    if external_id:
        where += " AND external_id = :external"
        params["external"] = external_id
    if after:
        where += " AND (due_date, issue_date, id) > (:due, :issued, :after)"
        params |= {"due": after[0], "issued": after[1], "after": after[2]}
    sql = f"SELECT * FROM invoices WHERE org_id = :org{where} ORDER BY due_date, issue_date, id LIMIT :n"
    return tx.all(sql, **params, n=limit)
