"""The relay's line: one connection, one thread that speaks on it, and an end that waits for what is under way."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from models.db import outbox
from models.db.postgres.connection import ThreadConnection
from operations.relay import RelayLine
from tests.books import Books


@pytest.fixture
async def line(books: Books) -> AsyncIterator[RelayLine]:
    made = RelayLine()
    await made.open(books.engine)
    yield made
    await made.close()


def asked(conn: ThreadConnection, first: int, *, second: int) -> tuple[int, str]:
    """What PostgreSQL answers, and on which thread it was asked."""
    return int(conn.rows("SELECT :a * 10 + :b AS n", a=first, b=second)[0]["n"]), threading.current_thread().name


async def test_what_is_asked_is_answered_on_the_one_thread_of_the_line(line: RelayLine) -> None:
    answers = await asyncio.gather(*(line.do(asked, n, second=7) for n in (1, 2, 3)))
    assert [n for n, _ in answers] == [17, 27, 37]
    assert {thread for _, thread in answers} == {"relay_0"}


async def test_events_are_read_up_to_the_first_that_is_too_young(line: RelayLine, books: Books) -> None:
    customer = books.customer()
    for amount in (5, 6, 7):
        books.pay(customer, amount, "2026-01-02")
    while await line.do(outbox.publish):
        pass
    ours = books.sql("SELECT position FROM outbox_events WHERE org_id = :org ORDER BY position")
    first, young, last = (row["position"] for row in ours[-3:])
    old = "UPDATE outbox_events SET at = at - interval '20 seconds' WHERE position IN (%(first)s, %(last)s)"
    books.sql(old, first=first, last=last)
    age = timedelta(seconds=10)
    assert [e.position for e in await line.do(outbox.read_after, first - 1, age)] == [first]
    assert await line.do(outbox.read_after, first, age) == []
    assert [e.position for e in await line.do(outbox.read_after, young, age)][:1] == [last]
    assert [e.position for e in await line.do(outbox.read_after, first - 1)][:3] == [first, young, last]


async def test_what_goes_wrong_there_is_raised_here_and_the_line_goes_on(line: RelayLine) -> None:
    def wrong(conn: ThreadConnection) -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        await line.do(wrong)
    assert (await line.do(asked, 1, second=2))[0] == 12


async def test_who_is_cancelled_leaves_the_call_behind_and_the_next_one_waits_for_it(line: RelayLine) -> None:
    began, go_on, done = threading.Event(), threading.Event(), list[str]()

    def slowly(conn: ThreadConnection) -> None:
        began.set()
        go_on.wait(20)
        done.append("first")

    first = asyncio.create_task(line.do(slowly))
    await asyncio.to_thread(began.wait, 20)
    first.cancel()
    second = asyncio.create_task(line.do(lambda conn: done.append("second")))
    await asyncio.sleep(0.02)
    assert done == []
    go_on.set()
    await second
    assert done == ["first", "second"]


async def test_only_one_line_leads_and_another_does_once_it_is_closed(books: Books) -> None:
    first, second = RelayLine(), RelayLine()
    await first.open(books.engine)
    await second.open(books.engine)
    assert (await first.do(outbox.try_lead), await second.do(outbox.try_lead)) == (True, False)
    pid = await first.do(lambda conn: conn.rows("SELECT pg_backend_pid() AS pid")[0]["pid"])
    await first.close()
    async with asyncio.timeout(20):
        while books.sql("SELECT 1 FROM pg_stat_activity WHERE pid = %(pid)s", pid=pid):
            await asyncio.sleep(0.01)  # the server hears of it a moment later
    assert await second.do(outbox.try_lead)
    await second.close()


async def test_a_line_that_was_never_open_is_closed_all_the_same() -> None:
    line = RelayLine()
    await line.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        await line.do(asked, 1, second=2)
