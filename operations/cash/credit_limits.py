"""Whether a customer owes more than its credit limit allows: asked with every new invoice, which it never stops."""

from collections.abc import Collection
from decimal import Decimal

from models.answers import WarningAnswer
from models.cash.credit import NoRate, exposure
from models.db import lookups
from models.db.cash import invoices, rates
from models.db.tx import Tx
from models.master_data.records import BilledCustomer, LegalEntity
from models.money import amount_text, in_units
from operations.work import Work


def credit_warnings(work: Work, customer: BilledCustomer, entity: LegalEntity) -> list[WarningAnswer]:
    """CREDIT_LIMIT_EXCEEDED where the customer now owes more than the limit that holds for this entity.

    An entity's own limit stands alone: against it count that entity's invoices, and the master's limit is for the
    others. A limit is in its own currency: the override's, else its entity's functional one; the master's is in the
    customer's currency, else the owner's functional one. What is owed in others counts at today's rate; where none is
    known, CREDIT_LIMIT_NOT_CHECKED says so.
    """
    own = invoices.own_credit_limits(work.tx, customer.id)
    if entity.id in own:
        limit, currency = own[entity.id]
        return _compare(work, Decimal(limit), currency or entity.functional_currency, customer.id, only=[entity.id])
    if customer.credit_limit is None:
        return []
    currency = _masters_currency(work.tx, customer, entity)
    return _compare(work, customer.credit_limit, currency, customer.id, but=list(own))


def _masters_currency(tx: Tx, customer: BilledCustomer, entity: LegalEntity) -> str:
    owner = customer.legal_entity_id
    functional = entity if owner == entity.id else lookups.legal_entity(tx, owner)
    return customer.currency_code or functional.functional_currency


def _compare(
    work: Work, limit: Decimal, currency: str, customer_id: str, *, only: Collection[str] = (), but: Collection[str] = ()
) -> list[WarningAnswer]:  # fmt: skip
    said = f"{amount_text(limit, currency)} {currency}"
    try:
        owed = exposure(
            invoices.open_amounts(work.tx, customer_id, only, but),
            currency,
            lambda c: rates.rate(work.tx, c, currency, work.now.date()),
        )
    except NoRate as missing:
        detail = f"No rate from {missing} to {currency}: the credit limit of {said} was not looked at."
        return [WarningAnswer(code="CREDIT_LIMIT_NOT_CHECKED", detail=detail)]
    if in_units(owed, currency) <= limit:
        return []
    return [WarningAnswer(code="CREDIT_LIMIT_EXCEEDED", detail=f"Open invoices exceed the credit limit of {said}.")]
