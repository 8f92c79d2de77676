# ruff: noqa: PT012, SIM117 - what a transaction raises, it raises at its end
"""What a transaction promises of the way its statements travel."""

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Timer
from unittest.mock import ANY

import psycopg
import pytest
from psycopg import errors

from models.answers import read_row
from models.db.engine import fetch_once, make_engine, transaction
from tests.books import Books

LARGE = 8 * 1024 * 1024  # far more than a socket holds at a time


@pytest.mark.timeout(120, func_only=True)
def test_what_travels_together_may_be_large_both_ways(books: Books) -> None:
    with transaction(books.engine, books.org) as tx:
        for _ in range(3):
            tx.later("INSERT INTO verify_erased (org_id, subject_id) VALUES (:org, :t)", t="x" * LARGE)
        large = "SELECT subject_id AS t, CAST(:t AS text) AS mine FROM verify_erased"
        told = tx.batch(*[(large, {"t": "y" * LARGE})] * 2)
        assert [[len(r["t"]) + len(r["mine"]) for r in rows] for rows in told] == [[2 * LARGE] * 3] * 2
        tx.later("INSERT INTO verify_erased (org_id, subject_id) VALUES (:org, :t)", t="z" * LARGE)
        tx.later("DELETE FROM verify_erased")
    row = fetch_once(books.engine, books.org, "SELECT length(:t)", {"t": "x" * LARGE})
    assert row == (str(LARGE).encode(),)


def test_an_error_of_what_waited_ends_the_transaction_and_nothing_is_committed(books: Books) -> None:
    customer = books.customer()
    with pytest.raises(errors.DivisionByZero), transaction(books.engine, books.org) as tx:
        tx.later("UPDATE customers SET notes = 'x' WHERE org_id = :org AND id = :id", id=customer)
        tx.later("SELECT 1 / 0")
    assert books.sql("SELECT notes FROM customers WHERE id = %(id)s", id=customer) == [{"notes": None}]


def test_of_a_record_is_saved_what_differs(books: Books) -> None:
    @dataclass(frozen=True)
    class Customer:
        id: str
        notes: str | None
        metadata: Mapping[str, object]
        credit_limit: Decimal | None
        updated_at: datetime

    asked = (
        "SELECT id, notes, metadata, credit_limit, updated_at, xmin::text AS written FROM customers WHERE id = %(id)s"
    )
    one = Customer(books.customer(), None, {}, None, datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC))
    later = replace(
        one, metadata={"a": [1, None]}, credit_limit=Decimal("100.50"), updated_at=one.updated_at + timedelta(1)
    )
    with transaction(books.engine, books.org) as tx:
        assert tx.save("customers", one, later) is later
        tx.save("customers", later, replace(later, notes="it's"))
    (row,) = books.sql(asked, id=one.id)
    assert read_row(Customer, row) == replace(later, notes="it's")
    with transaction(books.engine, books.org) as tx:
        tx.save("customers", later, later)
    assert books.sql(asked, id=one.id) == [row]
    with transaction(books.engine, books.org) as tx:
        tx.save("customers", later, one)
    assert books.sql(asked, id=one.id) == [
        {**row, "metadata": {}, "credit_limit": None, "updated_at": one.updated_at, "written": ANY}
    ]


def test_what_must_hold_is_looked_at_before_anything_is_committed(books: Books) -> None:
    customer = books.customer()

    def never(row: object) -> None:
        raise LookupError(row)

    with pytest.raises(LookupError), transaction(books.engine, books.org) as tx:
        tx.check_first(never, "SELECT 1 AS one")
        tx.later("UPDATE customers SET notes = 'x' WHERE org_id = :org AND id = :id", id=customer)
    assert books.sql("SELECT notes FROM customers WHERE id = %(id)s", id=customer) == [{"notes": None}]


def test_a_savepoint_takes_back_what_began_inside_it_sent_or_not(books: Books) -> None:
    one, two, three = (books.customer() for _ in range(3))
    note = "UPDATE customers SET notes = :n WHERE org_id = :org AND id = :id"
    with transaction(books.engine, books.org) as tx:
        tx.later(note, n="kept", id=one)
        with pytest.raises(LookupError), tx.savepoint("inside"):
            tx.later(note, n="never sent", id=two)
            raise LookupError
        with pytest.raises(LookupError), tx.savepoint("inside"):
            assert tx.run(note, n="sent", id=two) == 1
            tx.later("SELECT 1 / 0")  # would fail if it were sent
            raise LookupError
        with pytest.raises(errors.DivisionByZero), tx.savepoint("inside"):
            tx.later(note, n="with an error", id=two)
            tx.later("SELECT 1 / 0")
        with tx.savepoint("inside"):
            tx.later(note, n="kept, too", id=three)
    found = books.sql(
        "SELECT notes FROM customers WHERE id IN (%(a)s, %(b)s, %(c)s) ORDER BY id", a=one, b=two, c=three
    )
    assert [r["notes"] for r in found] == ["kept", None, "kept, too"]


def test_a_connection_serves_on_after_errors_and_after_more_statements_than_it_keeps_prepared(books: Books) -> None:
    one = make_engine(books.engine.url.render_as_string(hide_password=False), pool_size=1)
    for _ in range(3):
        for n in range(150):
            with transaction(one, books.org) as tx:
                assert tx.scalar(f"SELECT CAST(:n AS int) + {n}", n=1) == n + 1
        for _ in range(3):  # prepared behind an error or not at all
            with pytest.raises(errors.DivisionByZero), transaction(one, books.org) as tx:
                tx.batch(("SELECT 1 / CAST(:zero AS int)", {"zero": 0}), ("SELECT 'never'", {}))
            with transaction(one, books.org) as tx:
                assert tx.scalar("SELECT 1 / CAST(:zero AS int)", zero=1) == 1
                assert tx.scalar("SELECT 'never'") == "never"
    with transaction(one, books.org) as tx:
        kept = tx.scalar("SELECT count(*) FROM pg_prepared_statements")
    assert kept <= 102
    one.dispose()


def test_what_the_driver_does_for_itself_takes_no_prepared_statement_away(books: Books) -> None:
    one = make_engine(books.engine.url.render_as_string(hide_password=False), pool_size=1)
    for _ in range(5):
        with transaction(one, books.org) as tx:
            assert tx.scalar("SELECT 1") == 1
            for _ in range(5):
                tx.connection().execute("SELECT 2")
            tx.connection().execute("DECLARE mine CURSOR FOR SELECT 3")
            tx.connection().execute("CLOSE mine")
    with pytest.raises(errors.InvalidSqlStatementName), transaction(one, books.org) as tx:
        tx.connection().execute("DEALLOCATE ALL")
        tx.scalar("SELECT 1")
    with transaction(one, books.org) as tx:
        assert tx.scalar("SELECT 1") == 1
    one.dispose()


def test_a_transaction_that_failed_cannot_be_committed(books: Books) -> None:
    with pytest.raises(errors.InFailedSqlTransaction), transaction(books.engine, books.org) as tx:
        with suppress(errors.DivisionByZero):
            tx.run("SELECT 1 / 0")


def test_a_read_is_answered_though_every_connection_was_lost(books: Books) -> None:
    with ExitStack() as held:
        open_ones = [held.enter_context(transaction(books.engine, books.org)) for _ in range(4)]
        pids = [tx.scalar("SELECT pg_backend_pid()") for tx in open_ones]
    books.sql("SELECT pg_terminate_backend(p) FROM unnest(%(p)s::int[]) p", p=pids)
    assert books.get("/v1/invoices")["items"] == []


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_a_lost_connection_is_an_operational_error_and_is_replaced(books: Books, seconds: float) -> None:
    with pytest.raises(psycopg.OperationalError), transaction(books.engine, books.org) as tx:
        pid = tx.scalar("SELECT pg_backend_pid()")
        loss = Timer(seconds, books.sql, ["SELECT pg_terminate_backend(%(pid)s)"], {"pid": pid})
        loss.start()
        if not seconds:
            loss.join()
        tx.run("SELECT pg_sleep(10)")
    loss.join()
    with transaction(books.engine, books.org) as tx:
        assert tx.scalar("SELECT true")
