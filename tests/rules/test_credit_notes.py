"""Credit notes: how far they have come, which invoices they settle, what both documents lose by it, and the tax in them."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cash.allocation import OpenInvoice
from models.cash.credit_note_lines import credit_note_application_answer
from models.cash.credit_notes import (
    NOTHING_NETTED,
    CreditLine,
    CreditNote,
    CreditNoteApplication,
    CreditNoteStatus,
    Netting,
    check_notes,
    check_pairs,
    net,
    refuse_excess,
    tax_of_note,
)
from models.errors import Refusal
from tests.altered import altered
from tests.rules.refusals import refused

DAY, NOW = date(2026, 3, 10), datetime(2026, 3, 10, 12, tzinfo=UTC)


def note(total: int = 100, balance: int | None = None, worth: int | None = None, id: str = "cn_1") -> CreditNote:
    left = total if balance is None else balance
    return CreditNote(
        id=id, customer_id="cust_1", legal_entity_id="le_us", external_id="CN-1", invoice_id=None, issue_date=DAY,
        currency_code="EUR", total_minor=total, tax_minor=0, balance_minor=left, fx_rate=Decimal(1), functional_currency="USD",
        functional_total_minor=total, functional_balance_minor=left if worth is None else worth, functional_tax_minor=0,
        authorised_minor=0, revenue_account="revenue", reason_code="GOODS_RETURNED", note=None, tax_given=False,
        created_at=NOW, created_by="u_1", posted_at=NOW,
    )  # fmt: skip


def invoice(balance: int = 100, worth: int | None = None, id: str = "invoice_1") -> OpenInvoice:
    functional = balance if worth is None else worth
    return OpenInvoice(id, "cust_1", "le_us", "EUR", DAY, 10**6, balance, functional, False)


def netted(notes: Sequence[CreditNote], invoices: Sequence[OpenInvoice], *lines: tuple[int, int, int]) -> Netting:
    """Each line: which note, which invoice, how much."""
    asked = [CreditLine(notes[n].id, invoices[i].id, minor) for n, i, minor in lines]
    return net(asked, {n.id: n for n in notes}, {i.id: i for i in invoices})


@pytest.mark.parametrize(("changed", "status"), [
    ({}, "OPEN"), ({"balance_minor": 99}, "PARTIALLY_APPLIED"), ({"balance_minor": 0}, "APPLIED"),
    ({"posted_at": None}, "PENDING_APPROVAL"), ({"posted_at": None, "rejected_at": NOW}, "REJECTED"),
    ({"balance_minor": 0, "voided_at": NOW}, "VOID"),
])  # fmt: skip
def test_how_far_a_note_has_come(changed: dict[str, object], status: str) -> None:
    n = note()
    for field, value in changed.items():
        n = altered(n, field, value)
    assert n.status == CreditNoteStatus(status)
    if status in ("OPEN", "PARTIALLY_APPLIED", "APPLIED"):
        check_notes([note(), n])
    else:
        with refused("CREDIT_NOTE_NOT_OPEN", credit_note_id="cn_1", status=status):
            check_notes([note(), n])


def test_a_note_settles_what_is_of_its_own_customer_entity_and_currency() -> None:
    notes, lines = {"cn_1": note()}, [CreditLine("cn_1", "invoice_1", 1), CreditLine("cn_1", "invoice_2", 1)]

    def check(**other: object) -> None:
        second = invoice(id="invoice_2")
        for field, value in other.items():
            second = altered(second, field, value)
        check_pairs(lines, notes, {"invoice_1": invoice(), "invoice_2": second})

    check()
    others = {"void": True, "customer_id": "cust_2", "legal_entity_id": "le_uk", "currency_code": "USD"}
    codes = ("INVOICE_VOID", "INVOICE_CUSTOMER_MISMATCH", "LEGAL_ENTITY_MISMATCH", "CREDIT_NOTE_CURRENCY_MISMATCH")
    for field, code in zip(list(others), codes, strict=True):
        of_note = {"credit_note_id": "cn_1"} if field == "currency_code" else {}
        with refused(code, invoice_id="invoice_2", **of_note):
            check(**others)  # the first of them in this order
        with refused(code, invoice_id="invoice_2", **of_note):
            check(**{field: others.pop(field)})


def test_each_line_takes_its_share_of_what_both_are_carried_at() -> None:
    done = netted([note(100, worth=120)], [invoice(60, 66), invoice(90, 99, "invoice_2")], (0, 0, 60), (0, 1, 30))
    assert [(p.functional_credit_minor, p.functional_relief_minor, p.has_exchange) for p in done.lines] == [
        (72, 66, True), (36, 33, True),
    ]  # fmt: skip
    assert [p.note.balance_minor for p in done.lines] == [100, 40]
    left = done.notes["cn_1"]
    assert (left.balance_minor, left.functional_balance_minor, left.total_minor) == (10, 12, 100)
    assert [(i.balance_minor, i.functional_balance_minor) for i in done.invoices.values()] == [(0, 0), (60, 66)]
    assert done.has_exchange
    assert not netted([note()], [invoice()], (0, 0, 5)).has_exchange
    assert not NOTHING_NETTED.has_exchange
    refuse_excess(done)


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(0, 900)), min_size=2, max_size=2),
    st.lists(st.tuples(st.integers(1, 500), st.integers(0, 900)), min_size=2, max_size=2),
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(1, 400)), max_size=6),
)
def test_no_worth_is_lost_and_what_takes_all_takes_all_worth(
    of_notes: list[tuple[int, int]], of_invoices: list[tuple[int, int]], lines: list[tuple[int, int, int]]
) -> None:
    notes = [note(minor, worth=worth, id=f"cn_{n}") for n, (minor, worth) in enumerate(of_notes)]
    invoices = [invoice(minor, worth, f"invoice_{n}") for n, (minor, worth) in enumerate(of_invoices)]
    done = netted(notes, invoices, *lines)
    left, open_ = done.notes.values(), done.invoices.values()
    gone = sum(n.balance_minor for n in notes) - sum(n.balance_minor for n in left)
    assert gone == sum(i.balance_minor for i in invoices) - sum(i.balance_minor for i in open_) >= 0
    assert sum(p.functional_credit_minor for p in done.lines) == sum(n.functional_balance_minor for n in notes) - sum(
        n.functional_balance_minor for n in left
    )
    for one in (*((n.balance_minor, n.functional_balance_minor) for n in left),
                *((i.balance_minor, i.functional_balance_minor) for i in open_)):  # fmt: skip
        assert min(one) >= 0
        assert one[0] or not one[1], "settled, but some of its worth is left"


def test_more_than_there_is_takes_what_there_is_and_is_refused_the_notes_first() -> None:
    over_both = netted([note(50)], [invoice(30)], (0, 0, 60))
    assert (over_both.notes["cn_1"].balance_minor, over_both.invoices["invoice_1"].balance_minor) == (20, 0)
    with refused("APPLIED_EXCEEDS_CREDIT", credit_note_id="cn_1", balance_minor=50):
        refuse_excess(over_both)
    with refused("APPLIED_EXCEEDS_BALANCE", invoice_id="invoice_1", balance_due_minor=30):
        refuse_excess(netted([note(50)], [invoice(30)], (0, 0, 31)))
    with refused("APPLIED_EXCEEDS_CREDIT", credit_note_id="cn_1", balance_minor=20):
        refuse_excess(netted([note(50)], [invoice(30), invoice(90, id="invoice_2")], (0, 0, 31), (0, 1, 21)))
    refuse_excess(netted([note(50)], [invoice(50)], (0, 0, 50)))
    with pytest.raises(Refusal) as no:
        refuse_excess(over_both)
    assert "0.60 EUR" in no.value.detail
    assert "0.50 EUR" in no.value.detail
    with pytest.raises(Refusal) as no:
        refuse_excess(netted([note(50)], [invoice(30)], (0, 0, 31)))
    assert "0.31 EUR" in no.value.detail
    assert "0.30 EUR" in no.value.detail


def test_an_invoice_is_settled_from_when_both_documents_are_there() -> None:
    later = replace(invoice(), issue_date=DAY + timedelta(days=3))
    assert netted([note()], [later], (0, 0, 5)).lines[0].effective_date == later.issue_date
    issued = replace(note(), issue_date=DAY + timedelta(days=5))
    assert netted([issued], [later], (0, 0, 5)).lines[0].effective_date == issued.issue_date


@pytest.mark.parametrize(("total", "noted", "noted_tax", "tax"), [
    (119, 0, 0, 19), (60, 0, 0, 10), (59, 60, 10, 9), (0, 119, 19, 0), (119, 60, 10, 9), (2, 60, 0, 2), (5, 60, 15, 0),
])  # fmt: skip
def test_all_notes_of_an_invoice_take_back_the_tax_of_their_sum(
    total: int, noted: int, noted_tax: int, tax: int
) -> None:
    assert tax_of_note(total, 119, 19, noted, noted_tax) == tax


APPLIED = CreditNoteApplication(
    id="cna_1", credit_note_id="cn_1", invoice_id="invoice_1", customer_id="cust_1", legal_entity_id="le_us",
    payment_id="pay_1", session_id="sess_1", external_id=None, command_id="c", line_no=1, applied_minor=10,
    currency_code="EUR", functional_credit_minor=12, functional_relief_minor=11, functional_currency="USD",
    journal_entry_id=None, effective_date=DAY, entry_date=DAY, created_at=NOW, created_by="u_1",
)  # fmt: skip


def test_what_was_undone_is_not_posted_and_an_exchange_is_what_both_lost_apart() -> None:
    assert (APPLIED.status, APPLIED.exchange_minor) == ("POSTED", -1)
    assert replace(APPLIED, undone_at=NOW).status == "UNDONE"


def test_an_application_is_answered_with_its_documents_its_session_and_its_times() -> None:
    undone = NOW + timedelta(hours=1)
    assert asdict(credit_note_application_answer(replace(APPLIED, undone_at=undone))) == {
        "id": "cna_1", "status": "UNDONE", "credit_note_id": "cn_1", "invoice_id": "invoice_1", "applied_minor": 10,
        "currency_code": "EUR", "payment_id": "pay_1", "session_id": "sess_1", "effective_date": DAY, "applied_at": NOW,
        "unapplied_at": undone,
    }  # fmt: skip
    assert credit_note_application_answer(APPLIED).unapplied_at is None
