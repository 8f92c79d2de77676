"""(d) The 360 view by HTTP against one hand-written SQL statement that returns the same JSON, interleaved.

The books are generated in the database: by default 20,000 customers with 200,000 invoices; the full size,
100,000 with 1,000,000, by `ARFLOW_BENCH_360_CUSTOMERS=100000`. A few customers have 5,000 open invoices, some 500,
most a handful; the requests are spread over them 5 : 15 : 80.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from bench.crowd import crowd
from bench.http import Connection
from bench.processor import Processor
from bench.report import Figure, percentile
from bench.stack import BenchStack
from models.customer_360.panels import PANELS
from models.db.engine import driver_url

ORG = "org_bench_d"
WIDTH = 32
ROUNDS = 11
FLOOR = (Path(__file__).parent / "customer_360_floor.sql").read_text()
BOOKS = (Path(__file__).parent / "customer_360_books.sql").read_text()
FULL = 800
"""How many customers have something in every panel; the requests are for these."""


def _shares(size: int) -> tuple[int, int]:
    """How many customers have 5,000 and 500 open invoices."""
    heavy = min(20, size // 1000)
    return heavy, 3 * heavy


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    size = 2_000 if quick else int(os.environ.get("ARFLOW_BENCH_360_CUSTOMERS", "20000"))
    stack.organisation(ORG, 0)
    began = time.monotonic()
    _generate(stack.database_url, size)
    note = f"{size:,} customers, {size * 10:,} invoices, made in {time.monotonic() - began:.0f} s"
    return asyncio.run(_measure(stack, size, 150 if quick else 600, note))


def _generate(url: str, size: int) -> None:
    heavy, middle = _shares(size)
    with psycopg.connect(driver_url(url, for_sqlalchemy=False), autocommit=True) as c:
        c.execute("SELECT set_config('arflow.org_id', %s, false)", (ORG,))
        for statement in BOOKS.split(";;"):
            c.execute(statement % {"org": f"'{ORG}'", "size": size, "heavy": heavy, "middle": middle, "full": FULL})  # type: ignore[arg-type]
        c.execute("ANALYZE")


async def _measure(stack: BenchStack, size: int, rounds: int, note: str) -> list[Figure]:
    token = stack.token(ORG, "u_ae", "account_executive")
    rng = random.Random(7)
    h, m = _shares(size)
    heavy, middle, usual = ([f"cust_b{n}" for n in range(*ends)] for ends in ((0, h), (h, h + m), (h + m, FULL)))
    asked = [rng.choice(rng.choices((heavy, middle, usual), (5, 15, 80))[0]) for _ in range(rounds)]
    http, floor = Connection(stack.port, token), await _floor(stack.database_url)
    await _same(http, floor, asked[:20])
    for customer in asked[: rounds // 3]:  # warm: plans, caches, the pool
        await _view(http, customer)
        await _bare(floor, customer)
    ours, bare, cached = [], [], []
    etags = {c: await _etag(http, c) for c in set(asked)}
    for customer in asked:
        ours.append(await _view(http, customer))
        bare.append(await _bare(floor, customer))
        cached.append(await _not_modified(http, customer, etags[customer]))
    processor = Processor(stack.pids().values())
    whole, floor_rate, share = await _throughput(stack, token, asked)
    others = 100 * processor.others()
    crowded = await crowd(stack, ORG, token, usual)
    p50, p99 = percentile(ours, 0.5) * 1000, percentile(ours, 0.99) * 1000
    bare50, bare99 = percentile(bare, 0.5) * 1000, percentile(bare, 0.99) * 1000
    http.close()
    await floor.close()
    return [
        Figure("360 by HTTP, serial, p50", p50, "ms", note=note),
        Figure("one SQL statement, serial, p50", bare50, "ms"),
        Figure("ratio p50", _middle(ours, bare), "x", 1.5, note="of one after the other"),
        Figure("360 by HTTP, serial, p99", p99, "ms", 200.0),
        Figure("ratio p99", p99 / bare99, "x", 3.0, note=f"floor p99 {bare99:.2f} ms"),
        Figure("304 of a panel, p50", percentile(cached, 0.5) * 1000, "ms", 5.0),
        Figure(f"360 by HTTP, {WIDTH} at once", whole, "/s"),
        Figure(f"one SQL statement, {WIDTH} at once", floor_rate, "/s"),
        Figure("share of the floor's throughput", 100 * share, "%", 60.0, at_least=True),
        Figure("processor used by others meanwhile", others, "%"),
        *crowded,
    ]


async def _floor(url: str) -> psycopg.AsyncConnection[Any]:
    c = await psycopg.AsyncConnection.connect(driver_url(url, for_sqlalchemy=False), autocommit=True)
    c.prepare_threshold = 2
    await c.execute("SET ROLE arflow_app")
    await c.execute("SET timezone TO 'UTC'")
    await c.execute("SELECT set_config('arflow.org_id', %s, false)", (ORG,))
    return c


async def _bare(c: psycopg.AsyncConnection[Any], customer: str) -> float:
    began = time.perf_counter()
    cursor = await c.execute(FLOOR, {"org": ORG, "customer": customer})  # type: ignore[arg-type]
    await cursor.fetchone()
    return time.perf_counter() - began


async def _view(http: Connection, customer: str) -> float:
    status, _, seconds = await http.request("GET", f"/v1/customers/{customer}/360")
    assert status == 200, status
    return seconds


async def _etag(http: Connection, customer: str) -> str:
    await http.request("GET", f"/v1/customers/{customer}/360/panels/cases")
    return http.etag


async def _not_modified(http: Connection, customer: str, etag: str) -> float:
    path = f"/v1/customers/{customer}/360/panels/cases"
    status, _, seconds = await http.request("GET", path, headers=f"If-None-Match: {etag}\r\n")
    assert status == 304, status
    return seconds


async def _same(http: Connection, c: psycopg.AsyncConnection[Any], customers: list[str]) -> None:
    """The floor says what the product says, or it is no floor."""
    for customer in customers:
        ours = await http.json("GET", f"/v1/customers/{customer}/360")
        cursor = await c.execute(FLOOR, {"org": ORG, "customer": customer})  # type: ignore[arg-type]
        row = await cursor.fetchone()
        assert row is not None
        bare = json.loads(row[0])
        assert (ours["customer"], ours["attention"]) == (bare["customer"], bare["attention"])
        for panel in PANELS:
            assert ours["panels"][panel]["data"] == bare["panels"][panel]["data"], (customer, panel)


async def _throughput(stack: BenchStack, token: str, asked: list[str]) -> tuple[float, float, float]:
    """Requests per second of the product and of the floor, WIDTH at once, and the share, by short rounds in turn."""
    lanes = [Connection(stack.port, token) for _ in range(WIDTH)]
    floors = [await _floor(stack.database_url) for _ in range(WIDTH)]
    rates: tuple[list[float], list[float]] = ([], [])
    for n in range(ROUNDS + 1):
        some = (
            asked[: len(asked) // 3] if n else asked
        )  # all of them warm: each connection prepares, and plans at first
        for kind, (one, connections) in enumerate(((_view, lanes), (_bare, floors))):
            left = iter(some)

            async def lane(connection: Any, left: Any = left, one: Any = one) -> None:
                for customer in left:
                    await one(connection, customer)

            began = time.perf_counter()
            await asyncio.gather(*(lane(c) for c in connections))
            if n:
                rates[kind].append(len(some) / (time.perf_counter() - began))
    for c in lanes:
        c.close()
    for f in floors:
        await f.close()
    return percentile(rates[0], 0.5), percentile(rates[1], 0.5), _middle(*rates)


def _middle(ours: Sequence[float], floor: Sequence[float]) -> float:
    """The median of the ratios of what was measured one after the other: the machine's speed changes within minutes."""
    return percentile([one / other for one, other in zip(ours, floor, strict=True)], 0.5)
