"""Whether a customer owes more than its credit limit allows: asked with every new invoice, which it never stops."""

from collections.abc import Collection
from decimal import Decimal

from models.cash.credit import NoRate, OpenAmount, exposure
from models.db import lookups
from models.db.cash import rates
from models.db.cash.invoices import OPEN_AMOUNTS
from models.db.tx import Row, Tx
from models.money import amount_text, exponent
from operations.work import Work

Warnings = list[dict[str, str]]


def credit_warnings(work: Work, customer: Row, entity: Row) -> Warnings:
    """CREDIT_LIMIT_EXCEEDED where the customer now owes more than the limit that holds for this entity.

    An entity's own limit stands alone: against it count that entity's invoices, and the master's limit is for the
    others. A limit is in its own currency: the override's, else its entity's functional one; the master's is in the
    customer's currency, else the owner's functional one. What is owed in others counts at today's rate; where none is
    known, CREDIT_LIMIT_NOT_CHECKED says so.
    """
    own = _own_limits(work.tx, customer["id"])
    if entity["id"] in own:
        fields = own[entity["id"]]
        currency = fields.get("credit_limit_currency") or entity["functional_currency"]
        return _compare(work, Decimal(fields["credit_limit"]), currency, customer["id"], only=[entity["id"]])
    limit: Decimal | None = customer["credit_limit"]
    if limit is None:
        return []
    return _compare(work, limit, _masters_currency(work.tx, customer, entity), customer["id"], but=list(own))


def _own_limits(tx: Tx, customer_id: str) -> dict[str, dict[str, str]]:
    """The overrides that set a limit, by legal entity."""
    rows = tx.all(
        "SELECT legal_entity_id, fields FROM customer_entity_overrides WHERE org_id = :org AND customer_id = :id",
        id=customer_id,
    )
    return {r["legal_entity_id"]: r["fields"] for r in rows if "credit_limit" in r["fields"]}


def _masters_currency(tx: Tx, customer: Row, entity: Row) -> str:
    owner = customer["legal_entity_id"]
    functional = entity if owner == entity["id"] else lookups.legal_entity(tx, owner)
    return str(customer["currency_code"] or functional["functional_currency"])


def _compare(
    work: Work,
    limit: Decimal,
    currency: str,
    customer_id: str,
    *,
    only: Collection[str] = (),
    but: Collection[str] = (),
) -> Warnings:
    rows = work.tx.all(OPEN_AMOUNTS, customer=customer_id, only=list(only) or None, but=list(but))
    open_amounts = [
        OpenAmount(r["currency_code"], r["functional_currency"], int(r["balance_minor"]), int(r["functional_minor"]))
        for r in rows
    ]
    said = f"{amount_text(limit, currency)} {currency}"
    try:
        owed = exposure(open_amounts, currency, lambda c: rates.rate(work.tx, c, currency, work.now.date()))
    except NoRate as missing:
        detail = f"No rate from {missing} to {currency}: the credit limit of {said} was not looked at."
        return [{"code": "CREDIT_LIMIT_NOT_CHECKED", "detail": detail}]
    if Decimal(owed).scaleb(-exponent(currency)) <= limit:
        return []
    detail = f"Open invoices exceed the credit limit of {said}."
    return [{"code": "CREDIT_LIMIT_EXCEEDED", "detail": detail}]
