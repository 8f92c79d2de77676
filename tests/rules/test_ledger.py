"""Entries that balance, and entries that undo others."""

from dataclasses import fields, replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cash.ledger import Account, JournalEntry, JournalLine, reversing
from tests.altered import altered

DAY = date(2026, 3, 10)


def entry(id: str = "je_1") -> JournalEntry:
    return JournalEntry(id, DAY, "application", "pay_1", "le_us", "USD")


TAGS = st.sampled_from(
    [{}, {"customer_id": "cust_a"}, {"customer_id": "cust_a", "invoice_id": "invoice_1"}, {"bank_account_id": "b"}]
)
POSTINGS = st.lists(
    st.tuples(
        st.sampled_from(["debit", "credit"]),
        st.sampled_from([Account.CASH, Account.ACCOUNTS_RECEIVABLE, Account.UNAPPLIED_CASH]),
        st.integers(0, 10**6),
        st.sampled_from(["USD", "EUR"]),
        st.integers(0, 10**6),
        TAGS,
    ),
    max_size=8,
)


def booked(postings: list, id: str = "je_1", *, settled: bool = True) -> JournalEntry:
    one = entry(id)
    for side, account, minor, currency, worth, tags in postings:
        getattr(one, side)(account, minor, currency, worth, **tags)
    if settled:
        one.settle_fx()
    return one


def test_a_line_of_nothing_is_not_written():
    one = entry()
    one.debit(Account.CASH, 0, "USD", 0)
    one.credit(Account.CASH, 0, "USD", 0)
    assert one.lines == []
    one.debit(Account.CASH, 1, "EUR", 0)
    one.credit(Account.CASH, 0, "EUR", 1)
    assert one.lines == [JournalLine("cash", 1, 0, "EUR", 0, 0), JournalLine("cash", 0, 0, "EUR", 0, 1)]


def test_debit_and_credit_stand_on_their_own_sides_with_their_tags():
    one = entry()
    one.debit(Account.CASH, 110, "EUR", 100, bank_account_id="bank_us")
    one.credit(Account.ACCOUNTS_RECEIVABLE, 110, "EUR", 90, customer_id="cust_a", invoice_id="invoice_1")
    assert one.lines == [
        JournalLine("cash", 110, 0, "EUR", 100, 0, bank_account_id="bank_us"),
        JournalLine("accounts_receivable", 0, 110, "EUR", 0, 90, "cust_a", "invoice_1"),
    ]
    assert not one.balanced


@pytest.mark.parametrize(
    ("cash", "relief", "line"), [(100, 90, (0, 10)), (90, 100, (10, 0)), (100, 99, (0, 1)), (99, 100, (1, 0))]
)
def test_a_gain_is_a_credit_and_a_loss_a_debit(cash, relief, line):
    one = entry()
    one.debit(Account.CASH, 110, "EUR", cash)
    one.credit(Account.ACCOUNTS_RECEIVABLE, 110, "EUR", relief)
    one.settle_fx()
    last = one.lines[-1]
    assert (last.account, last.currency_code) == ("fx_gain_loss", "USD")
    assert (last.debit_minor, last.credit_minor) == (last.functional_debit_minor, last.functional_credit_minor) == line
    assert one.balanced


def test_where_nothing_is_missing_nothing_is_booked():
    one = entry()
    one.debit(Account.CASH, 1, "USD", 1)
    one.credit(Account.REVENUE, 1, "USD", 1)
    one.settle_fx()
    assert len(one.lines) == 2
    assert one.balanced


def test_one_line_is_no_entry():
    one = entry()
    assert not one.balanced
    one.debit(Account.CASH, 1, "EUR", 0)
    assert not one.balanced
    one.credit(Account.CASH, 1, "EUR", 0)
    assert one.balanced


@given(POSTINGS)
def test_an_entry_that_is_settled_is_balanced(postings):
    one = booked(postings)
    off = sum(x.functional_debit_minor - x.functional_credit_minor for x in one.lines)
    assert off == 0
    assert one.balanced == (len(one.lines) >= 2)
    assert len([x for x in one.lines if x.account == "fx_gain_loss"]) <= 1


def net(*entries: JournalEntry) -> dict[tuple, tuple[int, int]]:
    """What entries did in all, per account, currency and tags; what came to nothing is left out."""
    sums: dict[tuple, tuple[int, int]] = {}
    for line in (x for e in entries for x in e.lines):
        key = (line.account, line.currency_code, line.customer_id, line.invoice_id, line.bank_account_id)
        own, worth = sums.get(key, (0, 0))
        sums[key] = (
            own + line.debit_minor - line.credit_minor,
            worth + line.functional_debit_minor - line.functional_credit_minor,
        )
    return {k: v for k, v in sums.items() if v != (0, 0)}


@given(st.lists(POSTINGS, max_size=4))
def test_what_is_reversed_comes_to_nothing_on_every_account(all_postings):
    entries = [booked(p, f"je_{n}") for n, p in enumerate(all_postings)]
    undone = reversing(entries, entry("je_r"))
    assert net(*entries, undone) == {}
    assert len(undone.lines) == len(net(*entries)), "one line for each account, currency and tags that moved"
    for line in undone.lines:
        assert min(line.debit_minor, line.credit_minor) == 0
        assert min(line.functional_debit_minor, line.functional_credit_minor) == 0
        assert min(line.debit_minor, line.credit_minor, line.functional_debit_minor, line.functional_credit_minor) >= 0
        assert line.debit_minor or line.credit_minor or line.functional_debit_minor or line.functional_credit_minor


@pytest.mark.parametrize(
    ("minor", "worth"), [(5, 7), (5, 0), (0, 7), (-5, -7), (-5, 0), (0, -7), (5, -7), (-5, 7), (0, 0)]
)
def test_each_amount_is_reversed_on_its_own_side_whatever_the_other_does(minor, worth):
    """A remainder may be more euros and less dollars than before: money of the one is a debit, of the other a credit."""
    line = JournalLine("unapplied_cash", max(minor, 0), max(-minor, 0), "EUR", max(worth, 0), max(-worth, 0), "cust_a")
    before = entry()
    before.lines.append(line)
    undone = reversing([before], entry("je_r")).lines
    if (minor, worth) == (0, 0):
        assert undone == []
    else:
        opposite = (line.credit_minor, line.debit_minor, line.functional_credit_minor, line.functional_debit_minor)
        (got,) = undone
        assert (got.debit_minor, got.credit_minor, got.functional_debit_minor, got.functional_credit_minor) == opposite
        assert (got.account, got.currency_code, got.customer_id) == ("unapplied_cash", "EUR", "cust_a")


def test_the_digest_is_of_every_word_of_the_entry():
    one = entry()
    one.debit(Account.CASH, 1, "USD", 1, bank_account_id="b")
    one.credit(Account.REVENUE, 1, "USD", 1, customer_id="c", invoice_id="i")
    seen = {one.digest()}
    assert one.digest() in seen
    for name, other in [
        ("id", "je_2"), ("entry_date", DAY + timedelta(days=1)), ("kind", "x"), ("source_id", "pay_2"),
        ("legal_entity_id", "le_uk"), ("functional_currency", "GBP"),
    ]:  # fmt: skip
        seen.add(altered(one, name, other).digest())
    for at in range(2):
        for f in fields(JournalLine):
            old = getattr(one.lines[at], f.name)
            lines = list(one.lines)
            lines[at] = altered(lines[at], f.name, old + 1 if isinstance(old, int) else "other")
            seen.add(replace(one, lines=lines).digest())
    seen.add(replace(one, lines=one.lines[::-1]).digest())
    seen.add(replace(one, lines=one.lines[:1]).digest())
    assert len(seen) == 1 + 6 + 2 * len(fields(JournalLine)) + 2


def test_the_digest_of_an_entry_never_changes():
    """The trail keeps it for ever: another text to hash would make every kept entry look altered."""
    one = entry()
    one.debit(Account.CASH, 1, "USD", 1, bank_account_id="b")
    one.credit(Account.ACCOUNTS_RECEIVABLE, 1, "USD", 1, customer_id="c", invoice_id="i")
    assert one.digest() == "1c0a60e9763a54940f4694920cbaadfd9a6c1ae2d855e7c346d227a957f9ecea"
