"""What a payer says is paid of each document is believed where it says so of every one and nothing speaks against it; and what a
person is shown where nothing is paid."""

from dataclasses import replace
from datetime import date

import pytest

from models.cash.bank_texts import BankText, Role
from models.cash.matching import (
    MAX_SUGGESTIONS,
    Credit,
    InvoiceBook,
    Match,
    MatchKind,
    OpenInvoice,
    SuggestionReason,
    Unmatched,
    match_credit,
)
from models.cash.statements import StatementLine

DUE = date(2026, 3, 31)
ONE = OpenInvoice("invoice_1", "INV-1001", "cust_a", "le_us", "USD", 1000, DUE)
TWO = OpenInvoice("invoice_2", "INV-1002", "cust_a", "le_us", "USD", 2000, date(2026, 1, 1))
THREE = replace(ONE, id="invoice_3", external_id="INV-1003")
OTHERS = replace(ONE, id="invoice_4", external_id="INV-1004", customer_id="cust_b")
UK = replace(ONE, id="invoice_5", external_id="INV-1005", legal_entity_id="le_uk")
EUR = replace(ONE, id="invoice_6", external_id="INV-1006", currency_code="EUR")
TWICE = replace(ONE, id="inv-1001", external_id="INV-1007")
"""Its id is another's number in small letters."""
BOOK = (ONE, TWO, THREE, OTHERS, UK, EUR)


def document(number: str, minor: int | None, currency: str | None = "USD") -> BankText:
    return BankText("RfrdDocInf/Nb", number, Role.DOCUMENT, amount_minor=minor, currency_code=currency)


def text(said: str, role: Role = Role.TEXT, *, cut: bool = False) -> BankText:
    return BankText("f", said, role, cut=cut)


A, B = document("INV-1001", 600), document("INV-1002", 500)


def match(
    amount: int,
    *texts: BankText,
    payers: tuple[str, ...] = (),
    book: tuple[OpenInvoice, ...] = BOOK,
    **of: frozenset[str],
) -> Match:
    credit = Credit(amount, "USD", "le_us", texts=texts, payers=frozenset(payers), pays_for=of)
    return match_credit(credit, InvoiceBook(book))


def test_each_document_gets_what_is_said_of_it_by_due_date() -> None:
    found = match(1100, A, B)
    assert (found.kind, found.allocations) == (MatchKind.PARTIAL, (("invoice_2", 500), ("invoice_1", 600)))
    assert (found.customer_id, found.reason_code, found.suggestions) == ("cust_a", None, ())
    three = match(1101, A, B, document("INV-1003", 1))
    assert three.allocations == (("invoice_2", 500), ("invoice_1", 600), ("invoice_3", 1))
    assert match(1100, document("INV-1001", 1000), document("INV-1002", 100)).kind is MatchKind.PARTIAL
    beside = match(1100, A, B, text("INV-1001 of march"), text("E2E-77", Role.OWN_REFERENCE), payers=("cust_a",))
    assert beside.allocations == found.allocations, "what the payer calls the payment is no other document"
    paid_for = match(1100, A, B, payers=("cust_p",), cust_p=frozenset({"cust_a"}))
    assert (paid_for.allocations, paid_for.customer_id) == (found.allocations, "cust_p")


DIFFERS = Unmatched.AMOUNT_DIFFERS


@pytest.mark.parametrize(("amount", "texts", "reason"), [
    (1101, (A, B), DIFFERS), (1099, (A, B), DIFFERS), (600, (A, document("INV-1002", None)), DIFFERS),
    (600, (A, document("INV-1002", 0)), DIFFERS), (500, (A, document("INV-1002", -100)), DIFFERS),
    (1501, (document("INV-1001", 1001), B), DIFFERS), (1200, (A, document("INV-1001", 600)), DIFFERS),
    (1100, (A, document("INV-1002", 500, "EUR")), DIFFERS), (1100, (A, document("INV-1002", 500, None)), DIFFERS),
    (1100, (A, document("INV-9999", 500)), DIFFERS), (1100, (A, B, text("INV-1003")), DIFFERS),
    (1100, (A, B, text("INV-9999")), DIFFERS), (1100, (A, B, text("INV-10", cut=True)), DIFFERS),
    (1100, (A, A, B), DIFFERS), (600, (document("INV-1001 march", 600), B), DIFFERS),
    (1100, (A, B, text("INV-1003", cut=True)), DIFFERS), (600, (text("INV-1001 INV-1002"),), DIFFERS),
    (1100, (A, document("INV-1004", 500)), Unmatched.SEVERAL_CUSTOMERS),
    (1100, (A, document("INV-1005", 500)), Unmatched.ENTITY_DIFFERS),
    (1100, (A, document("INV-1006", 500)), Unmatched.CURRENCY_DIFFERS),
])  # fmt: skip
def test_where_something_speaks_against_it_nothing_is_paid(
    amount: int, texts: tuple[BankText, ...], reason: Unmatched
) -> None:
    found = match(amount, *texts)
    assert (found.kind, found.allocations, found.reason_code) == (MatchKind.NONE, (), reason)


def test_a_strangers_documents_and_two_of_one_name_are_left_to_a_person() -> None:
    stranger = match(1100, A, B, payers=("cust_x",))
    assert (stranger.kind, stranger.customer_id, stranger.reason_code) == (
        MatchKind.NONE,
        None,
        Unmatched.PAYER_DIFFERS,
    )
    two = match(600, document("Inv-1001", 600), book=(*BOOK, TWICE))
    assert (two.kind, two.reason_code) == (MatchKind.NONE, Unmatched.AMBIGUOUS_REFERENCE)
    with pytest.raises(ValueError, match="only money that came in"):
        match(0, A)


def suggested(credit: Credit, book: InvoiceBook, *more: list[OpenInvoice]) -> list[tuple[str, str, int]]:
    return [(s.invoice_id, s.reason, s.balance_due_minor) for s in match_credit(credit, book, *more).suggestions]


def test_a_person_is_shown_the_named_then_the_similar_then_the_likely() -> None:
    credit = Credit(1000, "USD", "le_us", "INV-1002 INV-1005")
    book = InvoiceBook((*BOOK[:5], replace(ONE, id="paid", external_id="INV-1", balance_minor=0)))
    n, s, a, p = SuggestionReason
    stale = replace(THREE, balance_minor=1)
    unknown = replace(ONE, id="invoice_8", external_id="INV-1008", balance_minor=7)
    similar = [stale, TWO, replace(unknown, currency_code="EUR"), replace(unknown, balance_minor=0)]
    assert suggested(credit, book, [], similar) == [("invoice_2", n, 2000), ("invoice_3", s, 1000)]
    likely = [
        unknown,
        TWO,
        stale,
        OTHERS,
        replace(unknown, id="x", currency_code="EUR"),
        replace(unknown, id="y", balance_minor=0),
    ]
    assert suggested(credit, book, likely, []) == [
        ("invoice_2", n, 2000), ("invoice_3", a, 1000), ("invoice_4", a, 1000), ("invoice_8", p, 7),
    ]  # fmt: skip
    many = [replace(unknown, id=f"i{k}") for k in range(20)]
    assert len(suggested(credit, book, many)) == MAX_SUGGESTIONS
    assert suggested(replace(credit, legal_entity_id=None), book)[1] == ("invoice_5", n, 1000)
    (first,) = match_credit(replace(credit, amount_minor=3000, remittance_text="INV-1002"), book).suggestions
    assert (first.external_id, first.customer_id, first.currency_code) == ("INV-1002", "cust_a", "USD")


def test_a_line_is_matched_by_all_that_the_bank_said() -> None:
    line = StatementLine(1, DUE, DUE, 1000, "USD", "ACME", "INV-1001", "thanks", ())
    credit = Credit.of(line, "le_us")
    assert (credit.amount_minor, credit.currency_code, credit.legal_entity_id) == (1000, "USD", "le_us")
    assert "INV-1001" in credit.references()
    assert match_credit(credit, InvoiceBook(BOOK)).allocations == (("invoice_1", 1000),)


@pytest.mark.parametrize(("own", "kind"), [
    ("INV-9", MatchKind.NONE), ("inv-9", MatchKind.NONE), ("PO-9", MatchKind.PARTIAL), ("9999", MatchKind.PARTIAL),
    ("invoice_9", MatchKind.NONE),
])  # fmt: skip
def test_the_payers_own_number_is_another_reference_where_it_is_written_like_an_invoices(
    own: str, kind: MatchKind
) -> None:
    assert match(600, text("INV-1001"), text(own, Role.OWN_REFERENCE)).kind is kind
