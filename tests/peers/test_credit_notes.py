"""Published figures of other products for credit notes, to the cent. Each row says where it was published. Facts only:
amounts, and what was left on both sides.
"""

from dataclasses import dataclass

import pytest

from models.errors import Refusal
from tests.books import Books
from tests.credit_notes.desk import left, netted, note, settle, unsettle, void
from tests.session_lines.desk import apply, balance, breaches, item, posted

ERPNEXT = "ERPNext, erpnext/accounts/doctype/payment_reconciliation/test_payment_reconciliation.py"


@dataclass(frozen=True)
class Row:
    """Of an invoice of `total` a note of `credit` settles `applied`: `due` is left of the invoice, `unused` of the note."""

    source: str
    total: int
    credit: int
    applied: int
    due: int
    unused: int


ROWS = [
    Row(f"{ERPNEXT}: test_cr_note_against_invoice", 100_00, 100_00, 100_00, 0, 0),
    Row(f"{ERPNEXT}: test_cr_note_partial_against_invoice", 100_00, 100_00, 80_00, 20_00, 20_00),
    Row("ERPNext, payment reconciliation: 100 of 5,000", 5_000_00, 100_00, 100_00, 4_900_00, 0),
    Row("Salesforce Billing, blng__CreditNote__c: 10 of 100", 100_00, 10_00, 10_00, 90_00, 0),
    Row("Xero, createCreditNoteAllocation: an allocation of 1.00", 100_00, 30_00, 1_00, 99_00, 29_00),
    Row("Stripe, docs.rs/async-stripe-billing CreateCreditNote: reduces what remains", 50_00, 50_00, 50_00, 0, 0),
    Row("saybooks o2c_apply_credit: 1250 cents are 12.50", 12_50, 12_50, 12_50, 0, 0),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.source)
@pytest.mark.parametrize("within", ["alone", "in a session"])
def test_one_invoice_and_one_note(books: Books, row: Row, within: str) -> None:
    customer = books.customer()
    invoice, credit = books.invoice(customer, row.total, "2026-01-05"), note(books, customer, row.credit)
    if within == "alone":
        done = settle(books, credit, (invoice, row.applied))
        assert done["journal_entry_id"] is None, "ERPNext, the same test: in one currency there is no difference amount"
    else:
        payment = books.pay(customer, 1, "2026-01-20")
        apply(books, payment, credit_notes=[netted(credit, invoice, row.applied)], overpayment="unapplied")
    assert balance(books, invoice)[1] == row.due
    assert left(books, credit)[1] == row.unused
    assert breaches(books) == {}


def test_erpnext_an_invoice_is_settled_by_notes_and_a_payment_in_turn(books: Books) -> None:
    """ERPNext, payment reconciliation: of 5,000 a note of 100 leaves 4,900; 230 of a payment of 300 leaves 4,670 with 70 on
    the payment; 100 more leaves 4,570; over-allocation is refused."""
    customer = books.customer()
    invoice, first = books.invoice(customer, 5_000_00, "2026-01-05"), note(books, customer, 100_00)
    settle(books, first, (invoice, 100_00))
    assert balance(books, invoice) == ("PARTIALLY_PAID", 4_900_00)
    done = apply(books, books.pay(customer, 300_00, "2026-01-20"), item(invoice, 230_00))
    assert (balance(books, invoice)[1], done["available_minor"]) == (4_670_00, 70_00)
    second = note(books, customer, 100_00)
    settle(books, second, (invoice, 100_00))
    assert balance(books, invoice)[1] == 4_570_00
    with pytest.raises(Refusal) as refusal:
        settle(books, second, (invoice, 1))
    assert refusal.value.code == "APPLIED_EXCEEDS_CREDIT"
    large = note(books, customer, 4_570_01)
    with pytest.raises(Refusal) as refusal:
        settle(books, large, (invoice, 4_570_01))
    assert refusal.value.code == "APPLIED_EXCEEDS_BALANCE"
    assert breaches(books) == {}


def test_erpnext_cancelling_the_note_opens_the_invoice_again(books: Books) -> None:
    """test_invoice_status_after_cr_note_cancellation: outstanding 0, after the cancellation unpaid with 100. Here a note that
    settles something is undone first."""
    customer = books.customer()
    invoice, credit = books.invoice(customer, 100_00, "2026-01-05"), note(books, customer, 100_00)
    line = settle(books, credit, (invoice, 100_00))["applications"][0]["id"]
    with pytest.raises(Refusal) as refusal:
        void(books, credit)
    assert refusal.value.code == "CREDIT_NOTE_HAS_APPLICATIONS"
    unsettle(books, line)
    void(books, credit)
    assert balance(books, invoice) == ("OPEN", 100_00)


def test_kill_bill_credits_are_consumed_in_the_order_in_which_they_are_named(books: Books) -> None:
    """Kill Bill #553: credits of 20.00 and 10.00, the oldest first. Nothing is consumed by itself here: who nets says which."""
    customer = books.customer()
    invoice = books.invoice(customer, 25_00, "2026-01-05")
    older, newer = note(books, customer, 20_00), note(books, customer, 10_00, "2026-01-11")
    payment = books.pay(customer, 1, "2026-01-20")
    lines = [netted(older, invoice, 20_00), netted(newer, invoice, 5_00)]
    apply(books, payment, credit_notes=lines, overpayment="unapplied")
    assert balance(books, invoice) == ("PAID", 0)
    assert (left(books, older), left(books, newer)) == (("APPLIED", 0), ("PARTIALLY_APPLIED", 5_00))


def test_dynamics_cash_and_a_note_close_an_invoice(books: Books) -> None:
    """Dynamics 365, centralized payments: 75.00 of cash and a credit note of 25.00 close an invoice of 100.00."""
    customer = books.customer()
    invoice, credit = books.invoice(customer, 100_00, "2026-01-05"), note(books, customer, 25_00)
    done = apply(
        books,
        books.pay(customer, 75_00, "2026-01-20"),
        item(invoice, 75_00),
        credit_notes=[netted(credit, invoice, 25_00)],
    )
    assert (balance(books, invoice), left(books, credit), done["status"]) == (
        ("PAID", 0),
        ("APPLIED", 0),
        "FULLY_APPLIED",
    )


def test_dynamics_exchange_between_invoice_and_settlement(books: Books) -> None:
    """Dynamics 365, centralized payments: EUR 600.00 invoiced at 1.2062 and settled at 1.2277 gain 12.90 USD; by a note, which is
    a liability where cash is an asset, they lose them."""
    for day, rate in (("2026-01-05", "1.2062"), ("2026-01-20", "1.2277")):
        books.rate("EUR", "USD", day, rate)
    customer = books.customer()
    paid, credited = (books.invoice(customer, 600_00, "2026-01-05", currency="EUR") for _ in range(2))
    done = apply(books, books.pay(customer, 600_00, "2026-01-20", currency="EUR"), item(paid, 600_00))
    assert posted(books, done["journal_entry_id"])["fx_gain_loss"] == -12_90
    credit = note(books, customer, 600_00, "2026-01-20", currency_code="EUR")
    entry = posted(books, settle(books, credit, (credited, 600_00))["journal_entry_id"])
    assert entry == {"accounts_receivable": 12_90, "fx_gain_loss": -12_90}
    assert breaches(books) == {}


def test_a_note_for_its_invoice_has_no_exchange_difference(books: Books) -> None:
    """A credit note that corrects an invoice is at that one's rate, so nothing is won or lost."""
    for day, rate in (("2026-01-05", "1.2062"), ("2026-01-20", "1.2277")):
        books.rate("EUR", "USD", day, rate)
    customer = books.customer()
    invoice = books.invoice(customer, 600_00, "2026-01-05", currency="EUR")
    credit = note(books, customer, 600_00, "2026-01-20", currency_code="EUR", invoice_id=invoice)
    assert settle(books, credit, (invoice, 600_00))["journal_entry_id"] is None
    assert breaches(books) == {}


@pytest.mark.parametrize(("over", "code"), [
    ("the note", "APPLIED_EXCEEDS_CREDIT"), ("the invoice", "APPLIED_EXCEEDS_BALANCE"),
    ("the customer", "INVOICE_CUSTOMER_MISMATCH"),
])  # fmt: skip
def test_saybooks_the_same_bounds_as_cash(books: Books, over: str, code: str) -> None:
    """saybooks, o2c_apply_credit: never more than the note has left, than the invoice still owes, never across customers."""
    customer = books.customer()
    owner = books.customer() if over == "the customer" else customer
    invoice = books.invoice(owner, 60_00, "2026-01-05")
    credit = note(books, customer, 50_00 if over == "the note" else 80_00)
    with pytest.raises(Refusal) as refusal:
        settle(books, credit, (invoice, 61_00 if over == "the invoice" else 51_00))
    assert refusal.value.code == code
