"""Invoices: read, locked, moved."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from models.cash.credit import OpenAmount
from models.cash.records import Invoice
from models.db.cash.payments import CLOSED
from models.db.lookups import found
from models.db.tx import Tx
from models.master_data.records import BilledCustomer, PaymentTerms

_GET: Final = "SELECT * FROM invoices WHERE org_id = :org AND id = :id"
_OPEN_AMOUNTS: Final = """SELECT currency_code, functional_currency, sum(balance_due_minor)::bigint AS balance_minor,
         sum(functional_balance_minor)::bigint AS functional_minor FROM invoices
  WHERE org_id = :org AND customer_id = :customer AND balance_due_minor > 0 AND voided_at IS NULL
    AND (CAST(:only AS text[]) IS NULL OR legal_entity_id = ANY(CAST(:only AS text[])))
    AND legal_entity_id <> ALL(CAST(:but AS text[])) GROUP BY currency_code, functional_currency"""


def get(tx: Tx, invoice_id: str, *, lock: bool = False) -> Invoice:
    """The invoice; 404 or 403 otherwise."""
    sql = _GET + (" FOR UPDATE" if lock else "")
    return found(tx, "invoice", invoice_id, tx.record(Invoice, sql, id=invoice_id))


def by_external_id(tx: Tx, external_id: str) -> Invoice | None:
    """The invoice that was issued under this external_id."""
    return tx.record(Invoice, "SELECT * FROM invoices WHERE org_id = :org AND external_id = :ext", ext=external_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed(BilledCustomer):
    """The customer, with the closed periods beside it; the erased one too, which is only billed for the past."""

    closed_periods: frozenset[str]


def billed_customer(tx: Tx, customer_id: str) -> Billed:
    """404 or 403 otherwise."""
    sql = f"SELECT *, {CLOSED} AS closed_periods FROM customers WHERE org_id = :org AND id = :id"
    return found(tx, "customer", customer_id, tx.record(Billed, sql, id=customer_id))


def terms_of(tx: Tx, customer_id: str) -> tuple[str, str | None] | None:
    """The customer's legal entity and payment terms."""
    row = tx.one(
        "SELECT legal_entity_id, payment_terms FROM customers WHERE org_id = :org AND id = :id", id=customer_id
    )
    return None if row is None else (row["legal_entity_id"], row["payment_terms"])


def payment_terms(tx: Tx, code: str) -> PaymentTerms | None:
    """The payment terms; None where there are none of this code."""
    return tx.record(PaymentTerms, "SELECT * FROM payment_terms WHERE org_id = :org AND code = :code", code=code)


def closed_periods(tx: Tx) -> frozenset[str]:
    """The organisation's closed months."""
    return frozenset(tx.scalar(f"SELECT {CLOSED}"))


def void(tx: Tx, invoice_id: str, *, on: date, reason: str) -> None:
    """A locked invoice owes nothing any more."""
    tx.later(
        """UPDATE invoices SET voided_at = :at, void_date = :day, void_reason = :reason, balance_due_minor = 0,
             functional_balance_minor = 0, version = version + 1 WHERE org_id = :org AND id = :id""",
        at=tx.now,
        day=on,
        reason=reason,
        id=invoice_id,
    )


def dispute(tx: Tx, invoice_id: str, reason: str) -> None:
    """Mark a locked invoice as disputed."""
    tx.later(
        "UPDATE invoices SET disputed_at = :at, dispute_reason = :reason, version = version + 1 "
        "WHERE org_id = :org AND id = :id",
        at=tx.now,
        reason=reason,
        id=invoice_id,
    )


def end_dispute(tx: Tx, invoice_id: str, *, who: str, code: str) -> None:
    """A locked invoice is no longer disputed; its exception is resolved."""
    tx.later(
        "UPDATE invoices SET disputed_at = NULL, dispute_reason = NULL, version = version + 1 "
        "WHERE org_id = :org AND id = :id",
        id=invoice_id,
    )
    tx.later(
        "UPDATE exceptions SET status = 'resolved', resolved_at = :at, resolved_by = :who, resolution_code = :code "
        "WHERE org_id = :org AND subject_id = :id AND kind = 'invoice_dispute' AND status = 'open'",
        at=tx.now,
        who=who,
        code=code,
        id=invoice_id,
    )


def open_amounts(tx: Tx, customer_id: str, only: Collection[str], but: Collection[str]) -> list[OpenAmount]:
    """What the customer owes, by currency: to these entities (none named: to all) but for those."""
    given = {"customer": customer_id, "only": list(only) or None, "but": list(but)}
    return tx.records(OpenAmount, _OPEN_AMOUNTS, **given)


def own_credit_limits(tx: Tx, customer_id: str) -> dict[str, tuple[str, str | None]]:
    """The legal entities that have a credit limit of their own for the customer: limit and currency, in units."""
    rows = tx.all(
        """SELECT legal_entity_id, fields->>'credit_limit' AS credit_limit, fields->>'credit_limit_currency' AS currency
           FROM customer_entity_overrides WHERE org_id = :org AND customer_id = :id AND fields ? 'credit_limit'""",
        id=customer_id,
    )
    return {r["legal_entity_id"]: (r["credit_limit"], r["currency"]) for r in rows}
