"""Lists of payments, credits and invoices."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

from sqlalchemy import and_, literal_column

from models.answers import read_row
from models.cash.records import CustomerCredit, Invoice
from models.db.cash.payments import SHOWN, AppliedPayment
from models.db.listing import Listing, among
from models.db.tables.cash import customer_credits, invoices, payments
from models.db.tx import Tx

_P: Final = payments.alias("p")
_PAYMENTS: Final = Listing(
    _P,
    key=(_P.c.id,),
    newest_first=True,
    shown=(literal_column(SHOWN),),
    within=among(_P.c.legal_entity_id),
    equal=(_P.c.status, _P.c.customer_id, _P.c.external_id),
)
_CREDITS: Final = Listing(
    customer_credits,
    key=(customer_credits.c.id,),
    within=among(customer_credits.c.legal_entity_id),
    equal=(customer_credits.c.status, customer_credits.c.customer_id),
)
_INVOICES: Final = Listing(
    invoices,
    key=(invoices.c.due_date, invoices.c.issue_date, invoices.c.id),
    within=among(invoices.c.legal_entity_id),
    equal=(invoices.c.status, invoices.c.customer_id, invoices.c.external_id),
    filters={"open": and_(invoices.c.balance_due_minor > 0, invoices.c.voided_at.is_(None))},
)


def list_payments(
    tx: Tx, entities: Collection[str] | None, status: str | None, customer_id: str | None, after: str | None, limit: int,
    external_id: str | None = None,
) -> Sequence[AppliedPayment]:  # fmt: skip
    """The newest first."""
    behind = None if after is None else (after,)
    given = {"status": status, "customer_id": customer_id, "external_id": external_id}
    rows = _PAYMENTS.page(tx, entities, behind, limit, **given)
    return [AppliedPayment.of(row) for row in rows]


def list_credits(
    tx: Tx, entities: Collection[str] | None, customer_id: str | None, status: str | None, after: str | None, limit: int
) -> Sequence[CustomerCredit]:
    """The oldest first."""
    behind = None if after is None else (after,)
    upper = status and status.upper()
    rows = _CREDITS.page(tx, entities, behind, limit, status=upper, customer_id=customer_id)
    return [read_row(CustomerCredit, row) for row in rows]


def list_invoices(
    tx: Tx, entities: Collection[str] | None, status: str | None, customer_id: str | None,
    after: tuple[date, date, str] | None, limit: int, external_id: str | None = None,
) -> Sequence[Invoice]:  # fmt: skip
    """By due date, then issue date, then id. `status` open means OPEN and PARTIALLY_PAID."""
    is_open = status == "open"
    one = None if status is None or is_open else status.upper()
    given = {"open": is_open or None, "status": one, "customer_id": customer_id, "external_id": external_id}
    rows = _INVOICES.page(tx, entities, after, limit, **given)
    return [read_row(Invoice, row) for row in rows]
