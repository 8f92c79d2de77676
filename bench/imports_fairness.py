"""Imports beside payments and beside each other: what three large imports cost the desk that applies payments, and how long
a small import takes while large ones run.

Payments are applied one after the other by HTTP (what a person feels), quiet and while three imports execute. The small
imports are uploaded while those three still run.
"""

import asyncio
import statistics
import threading
import time
from typing import Any

import httpx2

from bench.apply import concurrent, prepare
from bench.http import Connection
from bench.imports import HEADER, table
from bench.report import Figure, percentile
from bench.stack import BenchStack

ORG = "org_bench_f"
OPTIONS = '{"source": "csv", "legal_entity_id": "le_us", "batch_size": 1000}'
PATH = "/v1/customer-imports"
assert HEADER


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    customers = stack.organisation(ORG, 64)
    rows, payments = (20_000, 40) if quick else (120_000, 250)
    with _person(stack, "u_clerk", "ar_clerk") as clerk, _person(stack, "u_manager", "ar_manager") as manager:
        alone = _small(clerk, manager)
        quiet = asyncio.run(_applied(stack, customers, payments))
        large = [_upload(clerk, table(rows)) for _ in range(3)]
        for one in large:
            _until(clerk, one, "AWAITING_REVIEW")
            manager.post(f"{PATH}/{one}/decisions", json={"decision": "approve"}).raise_for_status()
        taken: list[float] = []
        began = time.perf_counter()
        small = threading.Thread(target=lambda: taken.extend(_small(clerk, manager) for _ in range(2)))
        small.start()
        busy = asyncio.run(_applied(stack, customers, payments))
        applied_for = time.perf_counter() - began
        small.join()
        still = sum(clerk.get(f"{PATH}/{one}").json()["status"] == "EXECUTING" for one in large)
        for one in large:
            _until(clerk, one, "COMPLETED")
    ms = 1000
    return [
        Figure(
            "apply by HTTP while 3 imports execute, p50 over quiet",
            statistics.median(busy) / statistics.median(quiet),
            "x",
        ),
        Figure("apply by HTTP, quiet p50", statistics.median(quiet) * ms, "ms"),
        Figure("apply by HTTP, quiet p99", percentile(quiet, 0.99) * ms, "ms"),
        Figure("apply by HTTP while 3 imports execute, p50", statistics.median(busy) * ms, "ms"),
        Figure("apply by HTTP while 3 imports execute, p99", percentile(busy, 0.99) * ms, "ms", 500),
        Figure("a small import alone, upload to end", alone, "s"),
        Figure("a small import while 3 large ones execute, the slower of two", max(taken), "s", 60),
        Figure(
            "large imports still executing after both", still, "", note=f"payments were applied for {applied_for:.0f} s"
        ),
    ]


async def _applied(stack: BenchStack, customers: list[str], n: int) -> list[float]:
    lanes = [Connection(stack.port, stack.token(ORG, "u_clerk", "ar_clerk")) for _ in range(8)]
    return await concurrent(lanes[:1], await prepare(lanes, customers, n))


def _person(stack: BenchStack, user: str, role: str) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {stack.token(ORG, user, role)}"}
    return httpx2.Client(base_url=stack.base_url, headers=headers, timeout=120, trust_env=False)


def _upload(clerk: httpx2.Client, content: bytes) -> str:
    sent = clerk.post(PATH, files={"file": ("c.csv", content)}, data={"options": OPTIONS})
    return str(sent.raise_for_status().json()["id"])


def _small(clerk: httpx2.Client, manager: httpx2.Client) -> float:
    """Seconds of an import of fifty rows, decided at once."""
    began = time.perf_counter()
    one = _upload(clerk, table(50))
    _until(clerk, one, "AWAITING_REVIEW")
    manager.post(f"{PATH}/{one}/decisions", json={"decision": "approve"}).raise_for_status()
    _until(clerk, one, "COMPLETED")
    return time.perf_counter() - began


def _until(who: httpx2.Client, import_id: str, status: str) -> dict[str, Any]:
    while True:
        now: dict[str, Any] = who.get(f"{PATH}/{import_id}").json()
        if now["status"] == status:
            return now
        assert now["status"] in ("STAGING", "VALIDATING", "EXECUTING", "AWAITING_REVIEW"), now
        time.sleep(0.05)
