"""Which open invoices a credit pays: exactly those it names, or it is left to a person."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cash.matching import Credit, InvoiceBook, Match, MatchKind, OpenInvoice, Unmatched, match_credit
from models.cash.statements import StatementLine

DUE = date(2026, 3, 31)


def invoice(
    number: str,
    balance: int,
    *,
    customer: str = "cust_a",
    entity: str = "le_us",
    currency: str = "USD",
    due: date = DUE,
    external_id: str | None = None,
) -> OpenInvoice:
    return OpenInvoice(f"invoice_{number}", external_id or f"INV-{number}", customer, entity, currency, balance, due)


BOOK = [
    invoice("1", 10000),
    invoice("2", 5000, due=date(2026, 1, 1)),
    invoice("3", 0),
    invoice("4", 7000, customer="cust_b"),
    invoice("5", 8000, currency="EUR"),
    invoice("6", 9000, entity="le_uk"),
]


def match(
    amount: int,
    text: str | None,
    *structured: str,
    invoices: list[OpenInvoice] | None = None,
    likely: list[OpenInvoice] | None = None,
) -> Match:
    credit = Credit(amount, "USD", "le_us", text, structured)
    return match_credit(credit, InvoiceBook(invoices or BOOK), likely or [])


@pytest.mark.parametrize(
    "text", ["INV-1", "inv-1", "Invoice no. 1", "paid (INV 1)", "INVOICE_1", "invoice_1", "#INV-1."]
)
def test_one_invoice_named_and_the_whole_amount_pays_it(text):
    found = match(10000, text)
    assert (found.kind, found.allocations, found.customer_id) == (MatchKind.EXACT, (("invoice_1", 10000),), "cust_a")
    assert found.reason_code is None
    assert found.suggestions == ()


def test_several_invoices_of_one_customer_are_paid_by_their_sum_in_order_of_due_date():
    found = match(15000, "INV-1 / INV-2")
    assert found.allocations == (("invoice_2", 5000), ("invoice_1", 10000))


def test_a_structured_reference_is_as_good_as_a_text():
    assert match(10000, None, "INV-1").kind is MatchKind.EXACT
    assert match(10000, "INV-1", "INV-1").allocations == (("invoice_1", 10000),)


def test_a_smaller_amount_pays_the_one_named_invoice_in_part():
    found = match(1, "INV-1")
    assert (found.kind, found.allocations) == (MatchKind.PARTIAL, (("invoice_1", 1),))


@pytest.mark.parametrize(
    ("amount", "text", "reason", "customer"),
    [
        (10000, None, Unmatched.NO_REFERENCE, None),
        (10000, "thank you", Unmatched.NO_REFERENCE, None),
        (10000, "INV-99", Unmatched.REFERENCE_UNKNOWN, None),
        (5000, "INV-3", Unmatched.ALREADY_PAID, "cust_a"),
        (17000, "INV-1 INV-4", Unmatched.SEVERAL_CUSTOMERS, None),
        (8000, "INV-5", Unmatched.CURRENCY_DIFFERS, "cust_a"),
        (9000, "INV-6", Unmatched.ENTITY_DIFFERS, None),
        (9000, "INV-6 INV-1", Unmatched.ENTITY_DIFFERS, "cust_a"),
        (10001, "INV-1", Unmatched.AMOUNT_DIFFERS, "cust_a"),
        (14999, "INV-1 INV-2", Unmatched.AMOUNT_DIFFERS, "cust_a"),
        (1, "INV-1 INV-2", Unmatched.AMOUNT_DIFFERS, "cust_a"),
        (4000, "INV-2 INV-3", Unmatched.AMOUNT_DIFFERS, "cust_a"),
    ],
)
def test_everything_else_is_left_to_a_person_with_its_reason(amount, text, reason, customer):
    found = match(amount, text)
    assert (found.kind, found.allocations, found.reason_code) == (MatchKind.NONE, (), reason)
    assert found.customer_id == customer


def test_named_invoices_that_do_not_add_up_are_suggested():
    found = match(14999, "INV-1 INV-2")
    assert [(item.invoice_id, item.reason) for item in found.suggestions] == [
        ("invoice_2", "NAMED"),
        ("invoice_1", "NAMED"),
    ]


def test_another_entitys_invoice_says_neither_whose_it_is_nor_whether_it_is_paid():
    book = InvoiceBook([invoice("7", 0, entity="le_uk"), invoice("8", 100, entity="le_uk", customer="cust_b")])
    for text in ("INV-7", "INV-8", "INV-7 INV-8"):
        found = match_credit(Credit(100, "USD", "le_us", text), book)
        assert (found.reason_code, found.customer_id, found.suggestions) == (Unmatched.ENTITY_DIFFERS, None, ()), text
    payers = Credit(100, "USD", "le_us", "INV-8", payers=frozenset({"cust_b"}))
    assert match_credit(payers, book).customer_id is None


def test_another_entitys_invoice_is_not_suggested_whatever_names_it():
    assert match(9000, "INV-6").suggestions == ()
    assert [item.invoice_id for item in match(1234, "INV-6 INV-1 INV-4").suggestions] == ["invoice_1", "invoice_4"]
    anybodys = match_credit(Credit(9001, "USD", None, "INV-6", ()), InvoiceBook(BOOK))
    assert [item.invoice_id for item in anybodys.suggestions] == ["invoice_6"]


def test_the_callers_candidates_follow_with_the_same_amount_first():
    found = match(7000, "thanks", likely=[invoice("2", 5000), invoice("4", 7000), invoice("5", 1, currency="EUR")])
    assert [(item.invoice_id, item.reason) for item in found.suggestions] == [
        ("invoice_4", "SAME_AMOUNT"),
        ("invoice_2", "SAME_PAYER"),
    ]


def test_suggestions_are_bounded():
    assert len(match(1, "thanks", likely=[invoice(str(number), 5) for number in range(100, 200)]).suggestions) == 10


def test_a_paid_invoice_beside_an_open_one_does_not_spoil_the_exact_amount():
    assert match(5000, "INV-2 INV-3").allocations == (("invoice_2", 5000),)


def test_two_invoices_that_one_name_may_mean_are_never_guessed_between():
    twins = [invoice("a", 100, external_id="X-1"), invoice("b", 100, external_id="x-1")]
    assert match(100, "X-1", invoices=twins).allocations == (("invoice_a", 100),)
    assert match(100, "x-1", invoices=twins).allocations == (("invoice_b", 100),)
    neither = [invoice("a", 100, external_id="Xa-1"), invoice("b", 100, external_id="xA-1")]
    assert match(100, "XA-1", invoices=neither).reason_code is Unmatched.AMBIGUOUS_REFERENCE


def test_a_number_that_two_invoices_answer_to_is_ambiguous():
    both = [invoice("a", 100, external_id="123"), invoice("b", 100, external_id="INV-123")]
    found = match(100, "Invoice no. 123", invoices=both)
    assert found.reason_code is Unmatched.AMBIGUOUS_REFERENCE
    assert {item.invoice_id for item in found.suggestions} == {"invoice_a", "invoice_b"}
    assert match(100, "INV-123", invoices=both).allocations == (("invoice_b", 100),)


def test_a_year_in_the_text_neither_spoils_an_exact_match_nor_makes_a_partial_one():
    noisy = [invoice("1", 10000), invoice("9", 50000, customer="cust_b", external_id="2026")]
    assert match(10000, "INV-1 March 2026", invoices=noisy).allocations == (("invoice_1", 10000),)
    assert match(10000, "March 2026", invoices=noisy).kind is MatchKind.NONE
    assert match(50000, "March 2026", invoices=noisy).allocations == (("invoice_9", 50000),)


def test_a_number_with_a_slash_is_one_reference_before_it_is_two():
    slashed = [invoice("a", 100, external_id="2026/0017"), invoice("b", 900, external_id="0017")]
    assert match(100, "2026/0017", invoices=slashed).allocations == (("invoice_a", 100),)
    assert match(15000, "INV-1/INV-2").kind is MatchKind.EXACT


def test_a_later_line_finds_what_an_earlier_one_left():
    book = InvoiceBook(BOOK)
    first = match_credit(Credit(4000, "USD", "le_us", "INV-1"), book)
    book.claim(first)
    second = match_credit(Credit(6000, "USD", "le_us", "INV-1"), book)
    assert (second.kind, second.allocations) == (MatchKind.EXACT, (("invoice_1", 6000),))
    book.claim(second)
    assert match_credit(Credit(6000, "USD", "le_us", "INV-1"), book).reason_code is Unmatched.ALREADY_PAID
    with pytest.raises(ValueError, match="balance"):
        book.claim(second)


def test_any_entity_will_do_where_the_bank_account_has_none():
    assert match_credit(Credit(9000, "USD", None, "INV-6"), InvoiceBook(BOOK)).kind is MatchKind.EXACT


@pytest.mark.parametrize("amount", [0, -1])
def test_only_money_that_came_in_is_matched(amount):
    with pytest.raises(ValueError, match="came in"):
        match(amount, "INV-1")


def test_a_lines_own_reference_counts_as_remittance():
    line = StatementLine(1, DUE, DUE, 10000, "USD", payer="ACME", reference="INV-1", remittance_text="thanks")
    assert match_credit(Credit.of(line, "le_us"), InvoiceBook(BOOK)).kind is MatchKind.EXACT


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 12000)), max_size=30),
    st.lists(st.integers(0, 12000), min_size=6, max_size=6),
)
def test_no_invoice_is_ever_paid_twice_whatever_comes(credits, balances):
    book = InvoiceBook([invoice(str(number), balance) for number, balance in enumerate(balances, 1)])
    applied: dict[str, int] = {}
    for number, amount in credits:
        found = match_credit(Credit(amount, "USD", "le_us", f"INV-{number}, INV-{number % 3 + 1}"), book)
        assert sum(minor for _, minor in found.allocations) in {0, amount}
        assert (found.reason_code is None) == (found.kind is not MatchKind.NONE)
        for invoice_id, minor in found.allocations:
            applied[invoice_id] = applied.get(invoice_id, 0) + minor
        book.claim(found)
    for number, balance in enumerate(balances, 1):
        assert applied.get(f"invoice_{number}", 0) + book.get(f"invoice_{number}").balance_minor == balance
