"""When two effects are one, and what is shown of an effect: of what is queued in a transaction, which is taken back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from models.cash.ledger import JournalEntry
from models.commands import Answered
from models.conversation.proposals import Effect
from models.db.engine import transaction
from models.ids import new_id
from operations.commands import own_command
from operations.effects import effect_of
from operations.work import Work
from tests.books import Books


@contextmanager
def working(books: Books, operation: str = "apply_payment", workflow: str | None = None) -> Iterator[Work]:
    with transaction(books.engine, books.org, rehearsal=True) as tx:
        yield Work(tx, replace(own_command(operation, workflow_id=workflow), resource_id="pay_1"))


def effect(work: Work, answer: dict[str, Any], *made: str) -> Effect:
    return effect_of(work, Answered(json.dumps(answer)), made)


def post(work: Work, minor: int, account: str = "cash", currency: str = "USD") -> str:
    """Queue an entry; its id."""
    entry = JournalEntry(new_id("je"), date(2026, 1, 5), "application", "pay_1", "le_us", currency)
    entry.debit("accounts_receivable", minor, currency, minor)
    entry.credit(account, minor, currency, minor)
    work.post(entry)
    return entry.id


def applied(books: Books, minor: int = 100, reason: str = "GIVEN", days: int = 1, **answer: Any) -> Effect:
    """The effect of an application, with ids and moments of its own."""
    with working(books) as work:
        new, entry = new_id("papp"), post(work, minor)
        work.audit("pay_1", "payment.applied", {"id": new, "command": work.cmd.id}, reason_code=reason)
        until = work.now + timedelta(days=days)
        return effect(work, {"id": new, "at": work.now.isoformat(), "until": until.isoformat(), **answer}, new, entry)


def test_effects_are_one_whatever_ids_and_moments_they_make(books: Books) -> None:
    once = applied(books)
    assert applied(books).hash == once.hash
    assert applied(books, days=2).hash == once.hash
    others = applied(books, 101), applied(books, reason="OTHER"), applied(books, days=-1), applied(books, status="OPEN")
    assert len({once.hash, *(e.hash for e in others)}) == 5


def test_two_new_ids_that_change_places_are_another_effect(books: Books) -> None:
    with working(books) as work:
        first, second = new_id("papp"), new_id("papp")
        hashes = [effect(work, {"of": one}, first, second).hash for one in (first, second)]
    assert hashes[0] != hashes[1]


def test_what_is_shown_names_what_is_there_and_not_what_is_yet_to_be_made(books: Books) -> None:
    with working(books) as work:
        new, entry = new_id("papp"), post(work, 100)
        shown = effect(work, {"id": "pay_1", "lines": [{"id": new, "n": 1}], "of": "inv_1"}, new, entry, "pay_1").shown
    assert shown["lines"] == [{"id": None, "n": 1}]
    assert (shown["id"], shown["of"]) == ("pay_1", "inv_1")
    (posted,) = json.loads(json.dumps(shown["journal_entries"]))
    assert (posted["id"], posted["source_id"], posted["lines"][1]["credit_minor"]) == (None, "pay_1", 100)


def test_what_changes_is_shown_from_the_trail_unless_the_answer_says_it(books: Books) -> None:
    with working(books, "customer.update") as work:
        work.audit("cust_1", "customer.looked_at", {})
        assert "diff" not in effect(work, {}).shown
        work.audit("cust_1", "change.submitted", {"diff": {"name": ["A", "B"]}})
        assert effect(work, {}).shown["diff"] == {"name": ["A", "B"]}
        assert effect(work, {"diff": "said"}).shown["diff"] == "said"


def test_what_moves_counts_by_currency_and_whether_money_leaves(books: Books) -> None:
    with working(books) as work:
        assert (effect(work, {}).amounts, effect(work, {}).money_leaves) == ({}, False)
        for minor, currency in ((100, "USD"), (50, "GBP"), (25, "USD")):
            post(work, minor, currency=currency)
        found = effect(work, {"customer_id": "cust_1", "warnings": [{"code": "LATE", "detail": "It is late.", "n": 1}]})
        assert (found.amounts, found.money_leaves) == ({"USD": 125, "GBP": 50}, False)
        assert (found.customer_id, [(w.code, w.detail) for w in found.warnings]) == (
            "cust_1",
            [("LATE", "It is late.")],
        )
        post(work, 1, "refunds_payable")
        assert effect(work, {}).money_leaves
        assert (effect(work, {"customer_id": 7}).customer_id, effect(work, {}).warnings) == (None, [])


def test_what_is_repaid_no_more_does_not_leave(books: Books) -> None:
    with working(books) as work:
        entry = JournalEntry("je_1", date(2026, 1, 5), "application", "pay_1", "le_us", "USD")
        entry.debit("refunds_payable", 100, "USD", 100)
        entry.credit("cash", 100, "USD", 100)
        work.post(entry)
        assert not effect(work, {}).money_leaves


@pytest.mark.parametrize(
    ("operation", "one"),
    [("import.pause", True), ("import.resume", True), ("import.cancel", True), ("import.submit", False)],
)
def test_counters_of_an_import_that_runs_are_not_compared(books: Books, operation: str, one: bool) -> None:
    with working(books, operation) as work:
        hashes = [
            effect(work, {"status": "EXECUTING", "progress": [{"created": n, "status": status}]}).hash
            for status, n in (("EXECUTING", 1), ("EXECUTING", 2), ("PAUSED", 1))
        ]
    assert (hashes[0] == hashes[1], hashes[0] == hashes[2]) == (one, False)


@pytest.mark.parametrize(("operation", "one"), [("customer.update", True), ("change.decide", False)])
def test_the_process_and_the_change_that_a_customers_change_begins_are_new_each_time(
    books: Books, operation: str, one: bool
) -> None:
    def begun() -> str:
        change = new_id("chg")
        with working(books, operation, f"org/customer/{change}") as work:
            return effect(work, {"change_id": change, "workflow_id": work.cmd.workflow_id}).hash

    assert (begun() == begun()) is one
