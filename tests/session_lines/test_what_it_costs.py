"""A session asks the database as often as it did before there were adjustments, and about them only where it has some."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from models.db.postgres.connection import ThreadConnection
from tests.books import Books
from tests.session_lines.desk import apply, beside, item


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The statements that are sent, by round trip."""
    sent: list[list[str]] = []
    exchange = ThreadConnection.exchange

    def told(self: ThreadConnection, statements: Any) -> Any:
        sent.append([sql for sql, _ in statements])
        return exchange(self, statements)

    with monkeypatch.context() as patch:
        patch.setattr(ThreadConnection, "exchange", told)
        yield sent


def settled(books: Books, monkeypatch: pytest.MonkeyPatch, *fees: int) -> list[list[str]]:
    customer = books.customer()
    total = 1_000 + sum(fees)
    invoice, payment = books.invoice(customer, total, "2026-01-05"), books.pay(customer, 1_000, "2026-01-20")
    with listening(monkeypatch) as sent:
        apply(books, payment, item(invoice, 1_000, *(beside("bank_fee", fee) for fee in fees)))
    return sent


def test_without_adjustments_nothing_is_asked_about_them(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = settled(books, monkeypatch)
    assert plain
    assert [sql for trip in plain for sql in trip if "adjustments" in sql or "authority_limits" in sql] == []


def test_with_them_there_are_as_many_round_trips_however_many_there_are(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, one, ten = (len(settled(books, monkeypatch, *fees)) for fees in ((), (5,), (1,) * 10))
    assert one == ten == plain
