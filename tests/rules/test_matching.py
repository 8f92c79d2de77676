"""Which invoices a credit pays by itself: those it names and whose balances it equals, or the one it names and is
smaller than. Whatever else comes is left to a person."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cash.matching import Credit, InvoiceBook, MatchKind, OpenInvoice, Unmatched, match_credit

DUE = date(2026, 3, 31)
NUMBERS = [f"INV-{n}" for n in (100_001, 100_002, 100_003, 100_004, 100_005)]


@dataclass(frozen=True)
class Case:
    """An open book, what a payer names of it, and how much came."""

    invoices: list[OpenInvoice]
    named: list[OpenInvoice]
    amount: int
    text: str

    def decide(self, currency: str = "USD", entity: str | None = "le_us"):
        return match_credit(Credit(self.amount, currency, entity, self.text), InvoiceBook(self.invoices))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    invoices = [
        OpenInvoice(
            f"invoice_{n}", number, draw(st.sampled_from(["cust_a", "cust_a", "cust_b"])),
            draw(st.sampled_from(["le_us", "le_us", "le_us", "le_uk"])),
            draw(st.sampled_from(["USD", "USD", "USD", "EUR"])),
            draw(st.integers(0, 5)), DUE + timedelta(days=draw(st.integers(-2, 2))),
        )
        for n, number in enumerate(NUMBERS)
    ]  # fmt: skip
    named = draw(st.lists(st.sampled_from(invoices), min_size=1, max_size=4, unique=True))
    whole = sum(i.balance_minor for i in named)
    amount = draw(st.sampled_from([max(whole, 1), whole + 1, max(whole - 1, 1), 1]))
    words = draw(st.sampled_from(["{}", "Payment {}", "Rechnung {} danke", "invoices: {}.", "({})"]))
    joint = draw(st.sampled_from([", ", " ", "; ", " and ", " + "]))
    names = [i.external_id if draw(st.booleans()) else i.id for i in named]
    return Case(invoices, named, amount, words.format(joint.join(names)))


def expected(case: Case) -> tuple[MatchKind, dict[str, int]]:
    """The rule once more, in its own words."""
    still_open = [i for i in case.named if i.balance_minor]
    fits = (
        len({i.customer_id for i in still_open}) == 1
        and {i.currency_code for i in still_open} == {"USD"}
        and {i.legal_entity_id for i in still_open} == {"le_us"}
    )
    if fits and sum(i.balance_minor for i in still_open) == case.amount:
        return MatchKind.EXACT, {i.id: i.balance_minor for i in still_open}
    if fits and len(case.named) == 1 and case.amount < case.named[0].balance_minor:
        return MatchKind.PARTIAL, {case.named[0].id: case.amount}
    return MatchKind.NONE, {}


@settings(max_examples=400)
@given(cases())
def test_only_the_two_certain_cases_are_applied(case):
    found = case.decide()
    assert (found.kind, dict(found.allocations)) == expected(case)
    assert (found.reason_code is None) == (found.kind is not MatchKind.NONE)
    if found.allocations:
        assert found.customer_id == case.named[0].customer_id
        due = {i.id: (i.due_date, i.id) for i in case.invoices}
        assert [i for i, _ in found.allocations] == sorted(dict(found.allocations), key=due.__getitem__)


@given(cases())
def test_the_same_input_has_the_same_answer(case):
    assert case.decide() == case.decide()


@given(cases())
def test_a_credit_never_applies_what_it_does_not_hold(case):
    found = case.decide()
    assert sum(minor for _, minor in found.allocations) in {0, case.amount}
    assert case.decide(currency="GBP").allocations == ()
    assert {i for i, _ in found.allocations} <= {i.id for i in case.named}


@given(cases())
def test_what_is_claimed_is_claimed_once(case):
    book = InvoiceBook(case.invoices)
    credit = Credit(case.amount, "USD", "le_us", case.text)
    found = match_credit(credit, book)
    book.claim(found)
    left = {i.id: i.balance_minor - dict(found.allocations).get(i.id, 0) for i in case.invoices}
    assert {i: book.get(i).balance_minor for i in left} == left
    if found.kind is MatchKind.EXACT:
        assert match_credit(credit, book).allocations == ()


def book(*numbers: str) -> InvoiceBook:
    return InvoiceBook(OpenInvoice(f"invoice_{n}", n, "cust_a", "le_us", "USD", 10_000, DUE) for n in numbers)


@pytest.mark.parametrize(
    ("number", "kind"), [("4711", MatchKind.PARTIAL), ("471", MatchKind.NONE), ("1999", MatchKind.NONE)]
)
def test_a_number_of_four_digits_names_an_invoice_and_less_or_a_year_does_not(number, kind):
    """Too little to pay a part by; the whole amount confirms it."""
    assert match_credit(Credit(5_000, "USD", "le_us", f"payment {number}"), book(number)).kind is kind
    assert match_credit(Credit(10_000, "USD", "le_us", f"payment {number}"), book(number)).kind is MatchKind.EXACT


def test_a_second_invoice_that_is_named_forbids_a_part_payment_of_the_first():
    two = book("INV-100001", "4711")
    assert match_credit(Credit(5_000, "USD", "le_us", "INV-100001, 4711"), two).kind is MatchKind.NONE
    assert match_credit(Credit(20_000, "USD", "le_us", "INV-100001, 4711"), two).kind is MatchKind.EXACT


@pytest.mark.parametrize("joint", ["/", " / ", ", ", " "])
def test_a_creditor_reference_that_is_nobodys_holds_a_part_back_however_it_is_set_off(joint: str):
    two = Credit(5_000, "USD", "le_us", f"INV-100001{joint}RF18539007547034")
    found = match_credit(two, book("INV-100001"))
    assert (found.kind, found.reason_code) == (MatchKind.NONE, Unmatched.REFERENCE_UNRESOLVED)
    assert match_credit(replace(two, amount_minor=10_000), book("INV-100001")).kind is MatchKind.EXACT


def test_nothing_named_is_nothing_applied_whatever_fits():
    assert match_credit(Credit(10_000, "USD", "le_us", "thank you"), book("INV-100001")).kind is MatchKind.NONE
    assert match_credit(Credit(10_000, "USD", "le_us", None), book("INV-100001")).kind is MatchKind.NONE
    assert match_credit(Credit(10_000, "USD", "le_us", "INV-100009"), book("INV-100001")).kind is MatchKind.NONE
