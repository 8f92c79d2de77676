"""What is derived of payments, credits, invoices and what was open on a day: statuses, remainders, what is contested, buckets."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from models.cash.open_items import OpenItem, OpenPayment
from models.cash.payment import CreditKind, CreditStatus, InvoiceStatus, PaymentStatus
from models.cash.records import BankedPayment, CustomerCredit, Invoice, LockedPayment, Payment, Reconciliation

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY = date(2026, 3, 2)
PAYMENT = Payment(
    id="pay_1", external_id="p1", customer_id="cust_1", legal_entity_id="le_us", bank_account_id="ba_us", payment_date=DAY,
    amount_minor=100, currency_code="USD", fx_rate=Decimal(1), functional_currency="USD", functional_amount_minor=100,
    functional_available_minor=100, method=None, reference=None, remittance_text=None, body={}, created_at=NOW,
)  # fmt: skip
CREDIT = CustomerCredit(
    id="cred_1", payment_id="pay_1", customer_id="cust_1", legal_entity_id="le_us", kind=CreditKind.CUSTOMER_CREDIT,
    amount_minor=40, remaining_minor=40, currency_code="USD", functional_remaining_minor=40, created_at=NOW,
)  # fmt: skip
INVOICE = Invoice(
    id="inv_1", customer_id="cust_1", legal_entity_id="le_us", external_id="INV-1", reference_key="INV1", issue_date=DAY,
    due_date=DAY, payment_terms=None, currency_code="USD", total_minor=100, tax_minor=0, balance_due_minor=100,
    fx_rate=Decimal(1), functional_currency="USD", functional_total_minor=100, functional_balance_minor=100, lines=(),
    created_at=NOW,
)  # fmt: skip
ITEM = OpenItem(
    id="inv_1", external_id="INV-1", customer_id="cust_1", legal_entity_id="le_us", issue_date=DAY, due_date=DAY,
    currency_code="USD", functional_currency="USD", fx_rate=Decimal(1), total_minor=100, disputed=False,
    balance_due_minor=90, functional_balance_minor=90,
)  # fmt: skip
RECONCILIATION = Reconciliation(
    id="rec_1", bank_account_id="ba_us", through_date=DAY, statement_balance_minor=700, created_at=NOW, created_by="u",
)  # fmt: skip


@pytest.mark.parametrize(("applied", "held", "status", "unapplied", "available"), [
    (0, 0, PaymentStatus.UNAPPLIED, 100, 100), (0, 30, PaymentStatus.UNAPPLIED, 100, 70),
    (1, 0, PaymentStatus.PARTIALLY_APPLIED, 99, 99), (60, 40, PaymentStatus.PARTIALLY_APPLIED, 40, 0),
    (99, 0, PaymentStatus.PARTIALLY_APPLIED, 1, 1), (100, 0, PaymentStatus.FULLY_APPLIED, 0, 0),
])  # fmt: skip
def test_a_payment(applied: int, held: int, status: PaymentStatus, unapplied: int, available: int) -> None:
    p = replace(PAYMENT, applied_minor=applied, credit_held_minor=held)
    assert (p.status, p.unapplied_minor, p.available_minor) == (status, unapplied, available)
    back = replace(p, reversed_at=NOW)
    assert (back.status, back.unapplied_minor, back.available_minor) == (PaymentStatus.REVERSED, 0, 0)


def test_a_customer_credit() -> None:
    assert (CREDIT.status, CREDIT.held_apart_minor) == (CreditStatus.OPEN, 40)
    assert replace(CREDIT, remaining_minor=1).status is CreditStatus.OPEN
    assert replace(CREDIT, remaining_minor=0).status is CreditStatus.USED
    assert replace(CREDIT, withdrawn_at=NOW).status is CreditStatus.WITHDRAWN
    assert replace(CREDIT, withdrawn_at=NOW, remaining_minor=0).status is CreditStatus.WITHDRAWN
    assert replace(CREDIT, kind=CreditKind.UNAPPLIED_CASH).held_apart_minor == 0, (
        "a record of what is left on the payment"
    )


def test_an_invoice() -> None:
    assert INVOICE.status is InvoiceStatus.OPEN
    assert replace(INVOICE, balance_due_minor=1).status is InvoiceStatus.PARTIALLY_PAID
    assert replace(INVOICE, balance_due_minor=0).status is InvoiceStatus.PAID
    assert replace(INVOICE, balance_due_minor=0, voided_at=NOW).status is InvoiceStatus.VOID
    assert INVOICE.disputed_minor == 0
    assert replace(INVOICE, deducted_minor=30).disputed_minor == 30
    assert replace(INVOICE, deducted_minor=30, balance_due_minor=20).disputed_minor == 20
    assert replace(INVOICE, deducted_minor=30, disputed_at=NOW).disputed_minor == 100, "as a whole"


@pytest.mark.parametrize(("item", "disputed", "of_45"), [
    (ITEM, 0, 0), (replace(ITEM, disputed=True), 90, 45), (replace(ITEM, deducted_minor=31), 31, 15),
    (replace(ITEM, deducted_minor=91), 90, 45), (replace(ITEM, deducted_minor=1), 1, 0),
    (replace(ITEM, deducted_minor=5, balance_due_minor=-3), 0, 0), (replace(ITEM, deducted_minor=5, balance_due_minor=0), 0, 0),
])  # fmt: skip
def test_what_of_an_open_invoice_is_contested(item: OpenItem, disputed: int, of_45: int) -> None:
    """In another currency in proportion, rounded down."""
    assert (item.disputed_minor, item.disputed_part(45)) == (disputed, of_45)


@pytest.mark.parametrize(("day", "past", "bucket"), [
    (date(2026, 3, 1), -1, "current"), (date(2026, 3, 31), 29, "current"), (date(2026, 4, 1), 30, "days_30"),
    (date(2026, 4, 30), 59, "days_30"), (date(2026, 5, 1), 60, "days_60"), (date(2026, 5, 30), 89, "days_60"),
    (date(2026, 5, 31), 90, "days_90plus"),
])  # fmt: skip
def test_how_old_an_open_invoice_is(day: date, past: int, bucket: str) -> None:
    assert (ITEM.days_past_due(day), ITEM.bucket(day)) == (past, bucket)


def test_what_was_left_of_a_payment_is_in_credits_and_unapplied() -> None:
    left = OpenPayment(
        id="pay_1", external_id="p1", customer_id="cust_1", legal_entity_id="le_us", payment_date=DAY, amount_minor=100,
        currency_code="EUR", functional_currency="USD", left_minor=60, left_worth=66, credits_minor=40, credits_worth=44,
    )  # fmt: skip
    f = left.funds
    assert (f.unapplied_minor, f.functional_unapplied_minor) == (20, 22)
    assert (f.credits_minor, f.functional_credits_minor) == (40, 44)


def test_a_reconciliation_differs_by_the_bank_less_the_books() -> None:
    assert [RECONCILIATION.difference_minor(books) for books in (700, 650, 705)] == [0, 50, -5]
    assert replace(RECONCILIATION, statement_balance_minor=None).difference_minor(1) is None


def test_a_payment_on_its_way_into_a_reconciliation_is_held_with_its_closed_months() -> None:
    months = frozenset({"2026-01"})
    assert BankedPayment(PAYMENT, months, "rec_0").held == LockedPayment(PAYMENT, months, None)
