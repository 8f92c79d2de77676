"""A payment recorded and applied in one call against the same in two, in one run, taking turns; and a batch of 500.

Every payment pays an invoice of its own. Processor time is that of all processes of the stack, PostgreSQL and Temporal
included.
"""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from bench.apply import WIDTH, at_rest
from bench.http import Connection
from bench.processor import processor_seconds
from bench.report import Figure, percentile
from bench.stack import BenchStack

ORG = "org_bench_one_call"
PAYMENTS = "/v1/customer-payments"
BATCH = 500

Pay = Callable[[Connection, dict[str, Any]], Awaitable[None]]


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    customers = stack.organisation(ORG, 64)
    return asyncio.run(_run(stack, customers, rounds=2 if quick else 5, n=40 if quick else 100))


async def one_call(c: Connection, receipt: dict[str, Any]) -> None:
    done = await c.json("POST", PAYMENTS, receipt)
    assert done["session"]["status"] == "FULLY_APPLIED"


async def two_calls(c: Connection, receipt: dict[str, Any]) -> None:
    alone = {k: v for k, v in receipt.items() if k != "apply"}
    recorded = await c.json("POST", PAYMENTS, alone)
    done = await c.json("POST", f"{PAYMENTS}/{recorded['id']}/apply", receipt["apply"])
    assert done["status"] == "FULLY_APPLIED"


async def _run(stack: BenchStack, customers: list[str], *, rounds: int, n: int) -> list[Figure]:
    token = stack.token(ORG, "u_clerk", "ar_clerk")
    lanes = [Connection(stack.port, token) for _ in range(WIDTH)]
    measured: dict[str, defaultdict[str, list[float]]] = {"one": defaultdict(list), "two": defaultdict(list)}
    ways: dict[str, Pay] = {"one": one_call, "two": two_calls}
    for pay in ways.values():
        await _serial(lanes[0], pay, await receipts(lanes[0], customers, 20))
    for _ in range(rounds):
        for way, pay in ways.items():
            found = measured[way]
            work = await receipts(lanes[0], customers, n)
            await at_rest(stack)
            used = processor_seconds(stack.pids().values())
            times = await _serial(lanes[0], pay, work)
            found["processor"].append((processor_seconds(stack.pids().values()) - used) / n)
            found["p50"].append(statistics.median(times))
            found["serial"] += times
            work = await receipts(lanes[0], customers, 3 * n)
            await at_rest(stack)
            found["rate"].append(3 * n / await _crowd(lanes, pay, work))
    for _ in range(1 if n < 100 else 3):
        work = await receipts(lanes[0], customers, BATCH)
        await at_rest(stack)
        began = time.perf_counter()
        done = await lanes[0].json("POST", f"{PAYMENTS}:batch", {"payments": work})
        measured["one"]["batch"].append(time.perf_counter() - began)
        assert all(x["payment"]["session"]["status"] == "FULLY_APPLIED" for x in done["items"])
        work = await receipts(lanes[0], customers, BATCH)
        await at_rest(stack)
        measured["two"]["batch"].append(await _crowd(lanes, two_calls, work))
    return _figures(measured["one"], measured["two"])


def _figures(one: dict[str, list[float]], two: dict[str, list[float]]) -> list[Figure]:
    def over(name: str) -> float:
        return statistics.median(a / b for a, b in zip(one[name], two[name], strict=True))

    ms = 1000
    return [
        Figure("record and apply in one call, p50 over two calls'", over("p50"), "x", 0.65),
        Figure(f"a batch of {BATCH}, over as many in two calls at {WIDTH} concurrent", over("batch"), "x", 0.65),
        Figure(f"one call at {WIDTH} concurrent, rate over that of two", over("rate"), "x", at_least=True),
        Figure("one call, processor time over that of two", over("processor"), "x"),
        Figure("one call, serial p50", statistics.median(one["serial"]) * ms, "ms"),
        Figure("one call, serial p99", percentile(one["serial"], 0.99) * ms, "ms"),
        Figure("two calls, serial p50", statistics.median(two["serial"]) * ms, "ms"),
        Figure("two calls, serial p99", percentile(two["serial"], 0.99) * ms, "ms"),
        Figure(f"one call, {WIDTH} concurrent", statistics.median(one["rate"]), "/s"),
        Figure(f"two calls, {WIDTH} concurrent", statistics.median(two["rate"]), "/s"),
        Figure("one call, processor time", statistics.median(one["processor"]) * ms, "ms"),
        Figure("two calls, processor time", statistics.median(two["processor"]) * ms, "ms"),
        Figure("batch", BATCH / statistics.median(one["batch"]), "/s"),
    ]


async def receipts(c: Connection, customers: list[str], n: int) -> list[dict[str, Any]]:
    """n payments to be sent, each with the session that pays an invoice in full."""
    stamp, work = time.time_ns(), []
    for start in range(0, n, 100):
        items = [
            {
                "customer_id": customers[k % len(customers)], "external_id": f"b{stamp}-{k}", "issue_date": "2026-09-01",
                "due_date": "2026-10-01", "currency_code": "USD", "total_minor": 10_000,
            }
            for k in range(start, min(start + 100, n))
        ]  # fmt: skip
        made = await c.json("POST", "/v1/invoices:batch", {"invoices": items})
        for invoice in (x["invoice"] for x in made["items"]):
            line = {"invoice_id": invoice["id"], "applied_minor": 10_000}
            work.append({
                "customer_id": invoice["customer_id"], "payment_date": "2026-10-15", "amount_minor": 10_000,
                "currency_code": "USD", "external_id": "p" + invoice["external_id"], "apply": {"applications": [line]},
            })  # fmt: skip
    return work


async def _serial(c: Connection, pay: Pay, work: list[dict[str, Any]]) -> list[float]:
    times = []
    for receipt in work:
        began = time.perf_counter()
        await pay(c, receipt)
        times.append(time.perf_counter() - began)
    return times


async def _crowd(lanes: list[Connection], pay: Pay, work: list[dict[str, Any]]) -> float:
    """Seconds until all are done."""
    todo = iter(work)

    async def lane(c: Connection) -> None:
        for receipt in todo:
            await pay(c, receipt)

    began = time.perf_counter()
    await asyncio.gather(*(lane(c) for c in lanes))
    return time.perf_counter() - began
