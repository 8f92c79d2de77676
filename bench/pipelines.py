"""What speaking to PostgreSQL costs this side: our exchange and pool against psycopg's own pipeline and psycopg_pool.

The same statements, those of a posting and those of a read on the event loop, by both, interleaved in many short rounds
on one database; each posting is rolled back. The figures are medians of this process' own processor time: the server
does the same for both. psycopg_pool is measured where it is installed (it is no dependency).
"""

import asyncio
import importlib
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor, Connection, RawCursor
from psycopg.rows import dict_row
from sqlalchemy import Engine

from bench.posting import WHO, _Enough, _invoice, _submission
from bench.report import Figure
from bench.stack import BenchStack
from models.db.commands import ANSWER
from models.db.engine import APP_ROLE, driver_url, make_engine, transaction
from models.db.postgres.connection import Access, LoopConnection, ThreadConnection
from models.db.postgres.statements import ACT_AS, Asked, numbered
from models.ids import new_id
from operations import registry
from operations.commands import submit
from operations.runner import _execute, run_now

ORG = "org_bench_b"
TIMES = 40
"""Repetitions in a round."""


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    assert registry
    url, rounds = stack.database_url, 5 if quick else 40
    (customer,) = stack.organisation(ORG, 1)
    engine = make_engine(url, pool_size=2)
    exchanges = _posting(engine, customer)
    access = Access(driver_url(url, for_sqlalchemy=False), APP_ROLE)
    found = _postings(access, exchanges, rounds) | asyncio.run(_reads(access, rounds)) | _pools(access, engine, rounds)
    engine.dispose()
    return [Figure(name, value * 1000, "ms") for name, value in found.items()]


def _posting(engine: Engine, customer: str) -> list[list[Asked]]:
    """What a posting sends, message by message, ended by a rollback."""
    invoice = _invoice(engine, customer, "pipelines")
    paid = {
        "customer_id": customer, "external_id": "pipelines", "payment_date": "2026-10-01", "currency_code": "USD",
        "amount_minor": 10_000,
    }  # fmt: skip
    payment = run_now(engine, WHO, _submission("record_payment", paid, new_id("pay"), customer)).body
    body = {
        "applications": [{"invoice_id": invoice["id"], "applied_minor": 10_000}], "overpayment": None,
        "posting_date": None, "external_id": None,
    }  # fmt: skip
    command = submit(engine, WHO, _submission("apply_payment", body, payment["id"], customer)).command_id
    sent: list[list[Asked]] = []
    exchange = ThreadConnection.exchange

    def keep(conn: ThreadConnection, asked: Any) -> Any:
        sent.append(list(asked))
        return exchange(conn, asked)

    with patch.object(ThreadConnection, "exchange", keep), suppress(_Enough), transaction(engine, ORG) as tx:
        _execute(tx, command)
        tx.connection()  # sends what waits for the commit
        raise _Enough
    sent[-1].append(("ROLLBACK", {}))
    return sent


def _postings(access: Access, exchanges: list[list[Asked]], rounds: int) -> dict[str, float]:
    ours = ThreadConnection.open(access)
    options = {"prepare_threshold": 2, "cursor_factory": RawCursor, "row_factory": dict_row}
    theirs: Connection[dict[str, Any]] = psycopg.connect(**access.arguments | options)
    theirs.execute(access.begin)

    def exchange() -> None:
        for asked in exchanges:
            ours.exchange(asked)

    def pipeline() -> None:
        for asked in exchanges:
            with theirs.pipeline():
                cursors = [
                    theirs.cursor().execute(text, [params[n] for n in names])
                    for (text, names), params in ((numbered(sql), params) for sql, params in asked)
                ]
            for cursor in cursors:
                _ = cursor.fetchall() if cursor.description else [], cursor.rowcount

    found = _measured({"posting, exchange": exchange, "posting, psycopg's pipeline": pipeline}, rounds)
    ours.close()
    theirs.close()
    return found


async def _reads(access: Access, rounds: int) -> dict[str, float]:
    ours = await LoopConnection.open(access)
    options = {"prepare_threshold": 2, "cursor_factory": AsyncRawCursor}
    theirs = await AsyncConnection.connect(**access.arguments | options)
    await theirs.execute(access.begin)
    asked: list[Asked] = [(ACT_AS, {"org": ORG}), (ANSWER, {"org": ORG, "id": "cmd_none"})]

    async def exchange() -> None:
        await ours.results(asked)

    async def pipeline() -> None:
        async with theirs.pipeline():
            for sql, params in asked:
                text, names = numbered(sql)
                cursor = await theirs.cursor().execute(text, [params[n] for n in names])
        assert cursor.pgresult is not None

    ways: Mapping[str, Callable[[], Awaitable[None]]] = {
        "read on the event loop, exchange": exchange,
        "read on the event loop, psycopg's pipeline": pipeline,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for n in range(rounds + 1):
        for name, work in list(ways.items())[:: 1 if n % 2 else -1]:
            began = time.process_time()
            for _ in range(TIMES):
                await work()
            times[name].append((time.process_time() - began) / TIMES)
    await ours.close()
    await theirs.close()
    return {name: statistics.median(seconds[1:]) for name, seconds in times.items()}


def _pools(access: Access, engine: Engine, rounds: int) -> dict[str, float]:
    """Taking a connection and giving it back."""

    def sqlalchemy() -> None:
        engine.raw_connection().close()

    ways: dict[str, Callable[[], None]] = {"a connection of SQLAlchemy's pool": sqlalchemy}
    try:
        pools = importlib.import_module("psycopg_pool")
    except ModuleNotFoundError:
        return _measured(ways, rounds)
    with pools.ConnectionPool(access.url, min_size=4, kwargs={"autocommit": True}) as pool:
        pool.wait()

        def psycopg_pool() -> None:
            with pool.connection():
                pass

        return _measured(ways | {"a connection of psycopg_pool": psycopg_pool}, rounds)


def _measured(ways: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Processor seconds each takes; the first round warms up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for n in range(rounds + 1):
        for name, work in list(ways.items())[:: 1 if n % 2 else -1]:
            began = time.process_time()
            for _ in range(TIMES):
                work()
            times[name].append((time.process_time() - began) / TIMES)
    return {name: statistics.median(seconds[1:]) for name, seconds in times.items()}
