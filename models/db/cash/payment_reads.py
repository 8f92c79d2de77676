"""Lists of payments and credits."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import and_, literal_column

from models.db.cash.payments import SHOWN
from models.db.listing import Listing, among
from models.db.lookups import find
from models.db.tables.cash import customer_credits, invoices, payments
from models.db.tx import Row, Tx


def entity_filter(entities: Collection[str] | None, column: str = "legal_entity_id") -> tuple[str, dict[str, Any]]:
    """SQL that leaves out what the caller's token does not cover, and its parameter."""
    return ("", {}) if entities is None else (f" AND {column} = ANY(:entities)", {"entities": sorted(entities)})


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
) -> Sequence[Row]:  # fmt: skip
    """The newest first."""
    behind = None if after is None else (after,)
    given = {"status": status, "customer_id": customer_id, "external_id": external_id}
    return _PAYMENTS.page(tx, entities, behind, limit, **given)


def list_credits(
    tx: Tx, entities: Collection[str] | None, customer_id: str | None, status: str | None, after: str | None, limit: int
) -> Sequence[Row]:
    """The oldest first."""
    behind = None if after is None else (after,)
    return _CREDITS.page(tx, entities, behind, limit, status=status and status.upper(), customer_id=customer_id)


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
    given = {"customer_id": customer_id, "external_id": external_id}
    if status == "open":
        return _INVOICES.page(tx, entities, after, limit, open=True, **given)
    return _INVOICES.page(tx, entities, after, limit, status=status and status.upper(), **given)
