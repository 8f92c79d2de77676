"""What is applied while confirmations are switched off is never confirmed, however late the relay comes to it."""

from collections.abc import Iterator

import pytest

from models.db import outbox
from models.db.engine import lent
from operations.cash import confirmations
from tests.books import Books


@pytest.fixture
def books(fresh_database_url: str) -> Iterator[Books]:
    made = Books(fresh_database_url)
    yield made
    made.close()


def session(books: Books) -> str:
    """A payment applied in full; the payment's id."""
    customer = books.customer()
    invoice = books.invoice(customer, 100, "2026-01-01")
    payment = books.pay(customer, 100, "2026-01-02")
    books.apply(payment, (invoice, 100))
    return payment


def switch(books: Books, word: str | None) -> dict[str, object]:
    return books.do("change_settings", books.org, {"remittance_confirmation": word})


def silent(books: Books) -> list[str]:
    """The payments whose sessions the relay would not confirm, as it finds them now."""
    with lent(books.engine) as conn:
        while outbox.publish(conn):
            pass
        events = outbox.read_after(conn, 0)
        left_out = confirmations.unwanted(conn, events)
    return [e.subject for e in events if e.id in left_out]


def test_every_session_is_confirmed_where_nothing_was_ever_switched(books: Books):
    session(books)
    assert silent(books) == []


def test_sessions_of_the_silent_time_stay_unconfirmed_when_it_is_over(books: Books):
    switch(books, "off")
    quiet = session(books)
    after = switch(books, "send")
    session(books)
    assert silent(books) == [quiet]
    assert "remittance_confirmation_since" in after


def test_switching_off_also_holds_back_what_has_not_gone_out_yet(books: Books):
    waiting = session(books)
    switch(books, "off")
    switch(books, "send")
    assert silent(books) == [waiting]


def test_the_default_again_is_an_end_of_the_silent_time(books: Books):
    switch(books, "off")
    quiet = session(books)
    switch(books, None)
    loud = session(books)
    assert silent(books) == [quiet]
    assert loud not in silent(books)


def test_other_events_are_nobodys_confirmations(books: Books):
    switch(books, "off")
    books.pay(books.customer(), 5, "2026-01-02")
    assert silent(books) == []


def test_one_organisation_is_silent_and_another_is_not(books: Books):
    other = Books(books.owner_url)
    try:
        switch(books, "off")
        quiet, loud = session(books), session(other)
        assert silent(books) == [quiet]
        assert loud != quiet
    finally:
        other.close()
