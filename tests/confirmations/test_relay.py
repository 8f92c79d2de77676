"""The relay: confirmations start when the desk is calm, or when they have waited long enough; and each once."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from models.db import outbox
from models.db.postgres.connection import ThreadConnection
from models.messages.confirmations import confirmation_workflow_id
from tests.books import Books
from workflows import reactions

PATIENCE = 2.0
LONG = 90.0
"""More than any machine takes for a step."""


@pytest.fixture
async def books(fresh_database_url: str, temporal_client: Client) -> AsyncIterator[Books]:
    """Books whose events a relay reads."""
    made = Books(fresh_database_url)
    relaying = asyncio.create_task(reactions.run_relay(temporal_client, made.engine))
    yield made
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)
    made.close()


def session(books: Books) -> str:
    """A payment applied in full; the session's id."""
    customer = books.customer()
    invoice = books.invoice(customer, 100, "2026-01-01")
    return str(books.apply(books.pay(customer, 100, "2026-01-02"), (invoice, 100))["session_id"])


async def started(client: Client, session_id: str) -> bool:
    try:
        await client.get_workflow_handle(confirmation_workflow_id(session_id)).describe()
    except RPCError:
        return False
    return True


async def ended(client: Client, session_id: str) -> str:
    """End the session's confirmation, as if it had been sent; its run."""
    handle = client.get_workflow_handle(confirmation_workflow_id(session_id))
    with contextlib.suppress(RPCError):  # ended already, where a worker is at hand
        await handle.terminate()
    return (await handle.describe()).run_id


async def test_it_starts_at_once_when_the_desk_is_calm(
    books: Books, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reactions, "PATIENCE", timedelta(seconds=2 * LONG))  # not because it has waited long enough
    applied = await asyncio.to_thread(session, books)
    async with asyncio.timeout(LONG):
        while not await started(temporal_client, applied):
            await asyncio.sleep(0.05)


async def test_it_waits_while_postings_go_on_but_not_for_ever(
    books: Books, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reactions, "PATIENCE", timedelta(seconds=PATIENCE))
    monkeypatch.setattr(reactions, "CALM_SECONDS", LONG)  # however slowly this machine posts, it goes on
    customer = await asyncio.to_thread(books.customer)
    began = time.monotonic()
    applied = await asyncio.to_thread(session, books)
    async with asyncio.timeout(LONG):
        while not await started(temporal_client, applied):
            await asyncio.to_thread(books.pay, customer, 5, "2026-01-02")
            await asyncio.sleep(0.05)
    assert time.monotonic() - began > 0.8 * PATIENCE


async def test_a_relay_that_forgot_how_far_it_had_come_starts_nothing_twice_and_goes_on(
    fresh_database_url: str, temporal_client: Client
):
    books = Books(fresh_database_url)
    applied = await asyncio.to_thread(session, books)
    runs: dict[str, str] = {}
    for _ in range(2):
        relaying = asyncio.create_task(reactions.run_relay(temporal_client, books.engine))
        async with asyncio.timeout(LONG):
            while not relaying.done() and not await started(temporal_client, applied):
                await asyncio.sleep(0.05)
        assert not relaying.done(), relaying.exception()
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        runs[applied] = await ended(temporal_client, applied)
        await asyncio.to_thread(books.sql, "DELETE FROM outbox_cursors")  # died before it could write it down
        applied = await asyncio.to_thread(session, books)
    for confirmed, run in runs.items():
        newest = await temporal_client.get_workflow_handle(confirmation_workflow_id(confirmed)).describe()
        assert newest.run_id == run, "the event was reacted to twice"
    assert not await started(temporal_client, applied), "nobody reads any more"
    books.close()


async def test_a_relay_stopped_in_the_middle_of_a_statement_lets_it_end_before_the_connection(
    fresh_database_url: str, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
):
    """Closing a connection under a statement of another thread takes the whole process down."""
    books, steps, asked = Books(fresh_database_url), list[str](), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly(conn: ThreadConnection) -> int:
        loop.call_soon_threadsafe(asked.set)
        conn.rows("SELECT pg_sleep(0.5)")
        steps.append("answered")
        return 0

    monkeypatch.setattr(outbox, "publish", slowly)
    close = ThreadConnection.close

    def closing(conn: ThreadConnection) -> None:
        steps.append("closed")
        close(conn)

    monkeypatch.setattr(ThreadConnection, "close", closing)
    relaying = asyncio.create_task(reactions.run_relay(temporal_client, books.engine))
    await asked.wait()
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)
    assert steps == ["answered", "closed"]
    books.close()
