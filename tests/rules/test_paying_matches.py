"""A payer who pays for others: its receipts that name their invoices are its own payments of them."""

from datetime import date

import pytest

from models.cash.bank_texts import plain_texts
from models.cash.matching import Credit, InvoiceBook, MatchKind, OpenInvoice, Unmatched, match_credit

PARENT, CHILD, SISTER, STRANGER = "cust_parent", "cust_child", "cust_sister", "cust_stranger"
BOOK = [
    OpenInvoice(f"invoice_{n}", f"INV-10000{n}", customer, "le_us", "USD", 1000, date(2026, 3, 31))
    for n, customer in enumerate([PARENT, CHILD, SISTER, STRANGER])
]
OWN, CHILDS, SISTERS, STRANGERS = BOOK


def credit(amount: int, *named: OpenInvoice, payers=(PARENT,), paid=(CHILD, SISTER)) -> Credit:
    text = " ".join(i.external_id for i in named)
    return Credit(
        amount, "USD", "le_us", texts=plain_texts(None, text, ()), payers=frozenset(payers),
        pays_for={payer: frozenset(paid) for payer in payers if payer == PARENT},
    )  # fmt: skip


@pytest.mark.parametrize(("amount", "kind"), [(1000, MatchKind.EXACT), (400, MatchKind.PARTIAL)])
def test_the_parent_pays_a_childs_invoice_whole_or_in_part(amount: int, kind: MatchKind):
    found = match_credit(credit(amount, CHILDS), InvoiceBook(BOOK))
    assert (found.kind, found.customer_id, found.allocations) == (kind, PARENT, ((CHILDS.id, amount),))


def test_one_receipt_may_pay_invoices_of_several_for_whom_it_pays():
    found = match_credit(credit(3000, OWN, CHILDS, SISTERS), InvoiceBook(BOOK))
    assert (found.kind, found.customer_id) == (MatchKind.EXACT, PARENT)
    assert {i for i, _ in found.allocations} == {OWN.id, CHILDS.id, SISTERS.id}


def test_with_a_strangers_invoice_among_them_nothing_is_paid():
    found = match_credit(credit(2000, CHILDS, STRANGERS), InvoiceBook(BOOK))
    assert (found.kind, found.customer_id, found.reason_code) == (MatchKind.NONE, None, Unmatched.SEVERAL_CUSTOMERS)


def test_a_part_of_a_strangers_invoice_is_still_not_paid():
    found = match_credit(credit(400, STRANGERS), InvoiceBook(BOOK))
    assert (found.kind, found.customer_id, found.reason_code) == (MatchKind.NONE, None, Unmatched.PAYER_DIFFERS)


def test_the_child_does_not_pay_for_the_parent():
    found = match_credit(credit(400, OWN, payers=(CHILD,)), InvoiceBook(BOOK))
    assert (found.kind, found.reason_code) == (MatchKind.NONE, Unmatched.PAYER_DIFFERS)


def test_a_payment_that_fits_nothing_is_the_parents_all_the_same():
    found = match_credit(credit(1500, CHILDS), InvoiceBook(BOOK))
    assert (found.kind, found.customer_id, found.reason_code) == (MatchKind.NONE, PARENT, Unmatched.AMOUNT_DIFFERS)


def test_of_two_payers_of_one_name_the_one_who_pays_for_the_customer_is_meant():
    found = match_credit(credit(400, CHILDS, payers=(PARENT, STRANGER)), InvoiceBook(BOOK))
    assert (found.kind, found.customer_id) == (MatchKind.PARTIAL, PARENT)


def test_a_customer_of_the_name_itself_comes_before_one_who_pays_for_it():
    found = match_credit(credit(400, CHILDS, payers=(PARENT, CHILD)), InvoiceBook(BOOK))
    assert (found.kind, found.customer_id) == (MatchKind.PARTIAL, CHILD)
