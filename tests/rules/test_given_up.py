"""Deductions and write-offs: who decides, by when, and what an invoice allows; limits and exposures beside them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from models.cash.adjustments import Adjustment, AdjustmentKind, by_application
from models.cash.answers import InvoiceBalanceAnswer
from models.cash.deductions import (
    OWNERS,
    Deduction,
    DeductionStatus,
    owner_of,
    refuse_closed,
    refuse_undisputable,
)
from models.cash.records import Invoice
from models.cash.write_offs import WriteOff, WriteOffStatus, amount_of, worth, write_off_answer, written_off_answer
from models.exceptions.owners import due_times, next_owner
from tests.altered import altered
from tests.rules.refusals import refused

DAY, NOW = date(2026, 3, 10), datetime(2026, 3, 10, 12, tzinfo=UTC)
INVOICE = Invoice(
    id="invoice_1", customer_id="cust_1", legal_entity_id="le_us", external_id="INV-1", reference_key="INV1",
    issue_date=DAY, due_date=DAY, payment_terms=None, currency_code="EUR", total_minor=100_00, tax_minor=0,
    balance_due_minor=80_00, fx_rate=Decimal(1), functional_currency="USD", functional_total_minor=110_00,
    functional_balance_minor=88_01, lines=[], created_at=NOW,
)  # fmt: skip
DEDUCTION = Deduction(
    id="ded_1", invoice_id="invoice_1", customer_id="cust_1", legal_entity_id="le_us", payment_id=None, session_id=None,
    amount_minor=5, currency_code="EUR", reason_code="DAMAGED", customer_reason=None, note=None,
    status=DeductionStatus.OPEN, owner_role="ar_manager", owner_user=None, body_hash=None, remind_at=NOW, reminded_at=None,
    due_at=NOW, escalations=0, approval_id="appr_1", asked_at=None, asked_by=None, asked_reason=None, asked_note=None,
    credit_note_id=None, accepted_minor=None, created_at=NOW, created_by="u_1", ended_at=None, ended_by=None,
    end_reason=None, end_note=None,
)  # fmt: skip


@pytest.mark.parametrize(("reason", "chosen", "owner"), [
    ("TAX", {}, "controller"), ("FREIGHT", {}, "ar_clerk"), ("DAMAGED", {}, "ar_manager"),
    ("TAX", {"TAX": "ar_clerk"}, "ar_clerk"), ("TAX", {"*": "ar_clerk"}, "controller"),
    ("DAMAGED", {"*": "ar_clerk", "TAX": "controller"}, "ar_clerk"),
])  # fmt: skip
def test_a_reason_has_its_owner_as_chosen_before_as_shipped(reason: str, chosen: dict[str, str], owner: str) -> None:
    assert owner_of(reason, chosen) == owner


def test_who_lets_the_time_pass_is_followed_by_the_next_and_the_last_one_stays() -> None:
    assert [next_owner(OWNERS, role) for role in (*OWNERS, "cfo")] == [
        "ar_manager",
        "controller",
        "controller",
        "controller",
    ]
    times = due_times(NOW, timedelta(seconds=100))
    assert (times.remind_at - NOW, times.due_at - NOW) == (timedelta(seconds=50), timedelta(seconds=100))


def test_what_is_due_and_not_disputed_may_be_deducted() -> None:
    refuse_undisputable(INVOICE, 80_00, 80_00)
    refuse_undisputable(replace(INVOICE, deducted_minor=30_00), 80_00, 50_00)
    with refused(
        "APPLIED_EXCEEDS_BALANCE", invoice_id="invoice_1", balance_due_minor=80_00, disputed_minor=30_00
    ) as no:
        refuse_undisputable(replace(INVOICE, deducted_minor=30_00), 80_00, 50_01)
    assert "50.01 EUR" in no[0].detail
    assert "50.00 EUR" in no[0].detail
    with refused(
        "APPLIED_EXCEEDS_BALANCE", invoice_id="invoice_1", balance_due_minor=20_00, disputed_minor=20_00
    ) as no:
        refuse_undisputable(replace(INVOICE, deducted_minor=30_00), 20_00, 1)
    assert " 0.00 EUR" in no[0].detail
    paid = replace(INVOICE, balance_due_minor=0, disputed_at=NOW)
    for wrong, code in (
        (replace(paid, voided_at=NOW), "INVOICE_VOID"), (paid, "INVOICE_NOT_OPEN"),
        (replace(INVOICE, disputed_at=NOW), "INVOICE_DISPUTED"),
    ):  # fmt: skip
        with refused(code, invoice_id="invoice_1"):
            refuse_undisputable(wrong, 80_00, 90_00)


def test_what_is_decided_or_waits_for_approval_is_not_decided() -> None:
    refuse_closed(DEDUCTION)
    with refused("DEDUCTION_CLOSED", deduction_id="ded_1", status="REJECTED"):
        refuse_closed(replace(DEDUCTION, status=DeductionStatus.REJECTED, asked_at=NOW))
    with refused("DEDUCTION_AWAITS_APPROVAL", deduction_id="ded_1", approval_id="appr_1"):
        refuse_closed(replace(DEDUCTION, asked_at=NOW))


def test_what_is_open_and_not_asked_for_already_may_be_written_off() -> None:
    assert (amount_of(INVOICE, 80_00), amount_of(INVOICE, 50_00, 30_00), amount_of(INVOICE, 1, 30_00)) == (
        80_00,
        50_00,
        1,
    )
    assert (amount_of(INVOICE, None), amount_of(INVOICE, None, 30_00)) == (80_00, 50_00)
    with refused("APPLIED_EXCEEDS_BALANCE", invoice_id="invoice_1", balance_due_minor=80_00, waiting_minor=30_00) as no:
        amount_of(INVOICE, 50_01, 30_00)
    assert "50.00 EUR can be written off, not 50.01 EUR" in no[0].detail
    with refused("APPLIED_EXCEEDS_BALANCE", invoice_id="invoice_1", balance_due_minor=80_00, waiting_minor=0):
        amount_of(INVOICE, 80_01)
    paid = replace(INVOICE, balance_due_minor=0)
    for wrong, code in ((replace(paid, voided_at=NOW), "INVOICE_VOID"), (paid, "INVOICE_NOT_OPEN")):
        with refused(code, invoice_id="invoice_1"):
            amount_of(wrong, 1)
    assert (worth(INVOICE, 80_00), worth(INVOICE, 40_00), worth(INVOICE, 1)) == (88_01, 44_00, 1)


def test_a_write_off_is_shown_as_it_stands() -> None:
    w = WriteOff(
        id="wo_1", invoice_id="invoice_1", customer_id="cust_1", legal_entity_id="le_us", amount_minor=5, currency_code="EUR",
        functional_minor=6, functional_currency="USD", authorised_minor=6, reason_code="R", note="n",
        status=WriteOffStatus.POSTED, approval_id=None, body_hash="h", created_at=NOW, created_by="u_1", posted_at=NOW,
    )  # fmt: skip
    said = write_off_answer(w)
    assert (said.id, said.functional_minor, said.status, said.posted_at) == ("wo_1", 6, "POSTED", NOW)
    invoices = [InvoiceBalanceAnswer(id="invoice_1", status=INVOICE.status, balance_due_minor=5)]
    with_invoice = written_off_answer(w, invoices, [])
    assert (with_invoice.id, with_invoice.invoices, with_invoice.outstanding_balances) == ("wo_1", invoices, [])


def test_adjustments_stand_beside_their_application() -> None:
    one = Adjustment(
        id="adj_1", application_id="app_1", session_id="s", payment_id="pay_1", invoice_id="invoice_1", customer_id="cust_1",
        legal_entity_id="le_us", kind=AdjustmentKind.BANK_FEE, amount_minor=1, tax_minor=0, currency_code="EUR",
        functional_minor=1, functional_tax_minor=0, functional_currency="USD", authorised_minor=0, reason_code="R", note=None,
        effective_date=DAY, entry_date=DAY, created_at=NOW, created_by="u_1",
    )  # fmt: skip
    two, other = replace(one, id="adj_2"), altered(one, "application_id", "app_2")
    assert by_application([one, other, two]) == {"app_1": [one, two], "app_2": [other]}
    assert (one.status, replace(one, undone_at=NOW).status) == ("POSTED", "UNDONE")
