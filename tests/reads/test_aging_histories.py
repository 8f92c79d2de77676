"""Aging against the slow and plain computation, on random histories, days and moments; and the reports' ties."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from models.cash.report_answers import AgingAnswer
from models.db.cash.aging import aging_of
from models.db.cash.aging_report import ar_aging_report
from models.db.cash.cash_report import unapplied_cash_report
from models.db.cash.roll_forward import ar_roll_forward
from models.db.engine import transaction
from tests.books import Books, today
from tests.reads.histories import START, History

FIGURES = (
    "current_minor", "days_30_minor", "days_60_minor", "days_90plus_minor", "unapplied_minor", "credits_minor",
    "disputed_minor",
)  # fmt: skip


def figures(aging: AgingAnswer) -> dict[str, dict[str, int]]:
    found = {c.currency_code: {n: getattr(c, n) for n in FIGURES if getattr(c, n)} for c in aging.by_currency}
    return {currency: of for currency, of in found.items() if of}


def without_disputes(expected: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {c: {n: m for n, m in of.items() if n != "disputed_minor"} for c, of in expected.items()}


@pytest.mark.parametrize("seed", [0, 1, 102, 115])
def test_aging_is_what_going_through_everything_gives(books: Books, seed: int) -> None:
    history = History(books, seed)
    history.run(100)
    assert len(history.applied) > 1, history.refused
    days = [START + timedelta(n) for n in range(0, 200, 13)] + [today(), today() + timedelta(40)]
    with transaction(books.engine, books.org, snapshot=True) as tx:
        for day in days:
            now = aging_of(tx, history.customer, day)
            assert figures(now) == history.aging(day, 10**6), day
            assert now.net_minor == now.total_minor - now.unapplied_minor - now.credits_minor
        for step in history.random.sample(range(1, history.step), 12):
            for day in (*history.random.sample(days[:-2], 2), days[-2]):
                known = aging_of(tx, history.customer, day, history.moments[step])
                expected = history.aging(day, step)
                seen = figures(known)
                if day < today():  # what was disputed on an earlier day has tests of its own
                    seen, expected = without_disputes(seen), without_disputes(expected)
                assert seen == expected, (day, step)
        last = aging_of(tx, history.customer, today(), history.moments[-1])
        assert replace(last, known_at=None) == aging_of(tx, history.customer, today())


@pytest.mark.parametrize("seed", [10, 216, 221])
def test_reports_tie_to_the_ledger_on_any_day(books: Books, seed: int) -> None:
    history = History(books, seed)
    history.run(25)
    books.close_period("2026-02")
    history.run(30)
    books.close_period("2026-01")
    books.close_period("2026-03")
    history.run(25)
    days = [START + timedelta(n) for n in range(-5, 250, 11)] + [today(), today() + timedelta(30)]
    timing = 0
    with transaction(books.engine, books.org, snapshot=True) as tx:
        for day in days:
            aging, cash = ar_aging_report(tx, day, None), unapplied_cash_report(tx, day, None)
            differences = [c.difference_minor for c in aging.control] + [c.difference_minor for c in cash.control]
            assert differences == [0] * 6, (day, aging, cash)
            timing += sum(c.timing_count for c in aging.control)
            of_customer = [i for i in aging.items if i.customer_id == history.customer]
            assert sum(i.unapplied_minor for i in of_customer) == sum(t.unapplied_minor for t in cash.totals)
            assert sum(i.credits_minor for i in of_customer) == sum(t.credits_minor for t in cash.totals)
            alone = aging_of(tx, history.customer, day)
            assert [c for i in of_customer for c in i.by_currency] == alone.by_currency
        for since, until in pairwise(days):
            moved = ar_roll_forward(tx, since, until - timedelta(1), None).items
            assert [m.difference_minor for m in moved] == [0, 0]
            closing = ar_aging_report(tx, until - timedelta(1), None).control
            assert [m.closing_minor for m in moved] == [c.ledger_minor for c in closing]
    assert timing > 0
