"""(a) Apply by HTTP against a bare Temporal workflow on the same server, interleaved; the median of five rounds.

Between the measurements the stack comes to rest: every remittance confirmation of the round before is sent. The rate at
32 concurrent is what callers see; the sustained one counts until the last confirmation is sent.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg

from bench.http import Connection
from bench.report import Figure, percentile
from bench.stack import BenchStack

ORG = "org_bench_a"
WIDTH = 32


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    customers = stack.organisation(ORG, 64)
    return asyncio.run(_run(stack, customers, rounds=2 if quick else 5, n=40 if quick else 100))


async def _run(stack: BenchStack, customers: list[str], *, rounds: int, n: int) -> list[Figure]:
    token = stack.token(ORG, "u_clerk", "ar_clerk")
    floor = subprocess.Popen(
        [sys.executable, "-m", "bench.floor", stack.temporal_address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    lanes = [Connection(stack.port, token) for _ in range(WIDTH)]
    ours: defaultdict[str, list[float]] = defaultdict(list)
    bare: defaultdict[str, list[float]] = defaultdict(list)
    memory = [memory_of(stack)]
    try:
        await _floor(floor, "serial 20")
        await _serial(lanes[0], await prepare(lanes, customers, 20))
        for _ in range(rounds):
            await at_rest(stack)
            times = (await _floor(floor, f"serial {n}"))["times"]
            bare["serial"] += times
            bare["p50"].append(statistics.median(times))
            work = await prepare(lanes, customers, n)
            await at_rest(stack)
            times = await _serial(lanes[0], work)
            ours["serial"] += times
            ours["p50"].append(statistics.median(times))
            await at_rest(stack)
            found = await _floor(floor, f"concurrent {3 * n} {WIDTH}")
            bare["rate"].append(3 * n / found["seconds"])
            bare["p99"].append(percentile(found["times"], 0.99))
            work = await prepare(lanes, customers, 3 * n)
            await at_rest(stack)
            began = time.perf_counter()
            times = await concurrent(lanes, work)
            ours["rate"].append(3 * n / (time.perf_counter() - began))
            ours["p99"].append(percentile(times, 0.99))
            await at_rest(stack)
            ours["sustained"].append(3 * n / (time.perf_counter() - began))
        memory.append(memory_of(stack))
        under = await _while_a_statement_posts(lanes, customers, n)
    finally:
        floor.stdin and floor.stdin.close()
        floor.wait(20)
    ratio = statistics.median(a / b for a, b in zip(ours["p50"], bare["p50"], strict=True))
    rates = statistics.median(a / b for a, b in zip(ours["rate"], bare["rate"], strict=True))
    ms = 1000
    return [
        Figure("apply by HTTP, p50 over the bare workflow's", ratio, "x", 1.5),
        Figure(
            "apply by HTTP at 32 concurrent, share of the bare rate",
            rates,
            "x",
            0.65,
            at_least=True,
            note="moonshot 0.8",
        ),
        Figure("apply by HTTP, serial p50", statistics.median(ours["serial"]) * ms, "ms"),
        Figure("apply by HTTP, serial p99", percentile(ours["serial"], 0.99) * ms, "ms", 500),
        Figure("apply by HTTP, 32 concurrent", statistics.median(ours["rate"]), "/s"),
        Figure("apply by HTTP, 32 concurrent p99", statistics.median(ours["p99"]) * ms, "ms"),
        Figure("apply by HTTP, until all confirmations are sent", statistics.median(ours["sustained"]), "/s"),
        Figure("bare workflow, serial p50", statistics.median(bare["serial"]) * ms, "ms"),
        Figure("bare workflow, serial p99", percentile(bare["serial"], 0.99) * ms, "ms"),
        Figure("bare workflow, 32 concurrent", statistics.median(bare["rate"]), "/s"),
        Figure("apply while a 1,000-line statement posts, p99", percentile(under, 0.99) * ms, "ms", 2000),
        Figure("memory of the API process, before", memory[0]["API"], "MB"),
        Figure("memory of the API process, after", memory[1]["API"], "MB"),
        Figure("memory of the worker process, before", memory[0]["worker"], "MB"),
        Figure("memory of the worker process, after", memory[1]["worker"], "MB"),
    ]


async def at_rest(stack: BenchStack) -> None:
    """Until every session that was applied by HTTP has its confirmation, and a moment longer."""
    missing = """SELECT count(*) FROM application_sessions s WHERE NOT EXISTS (SELECT 1 FROM remittance_confirmations c
                   WHERE c.org_id = s.org_id AND c.session_id = s.id)"""
    async with await psycopg.AsyncConnection.connect(stack.database_url, autocommit=True) as conn:
        until = time.monotonic() + 120
        while (left := await (await conn.execute(missing)).fetchone()) != (0,):
            if time.monotonic() > until:
                raise RuntimeError(f"confirmations not sent after two minutes: {left}")
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)


async def _floor(floor: "subprocess.Popen[str]", command: str) -> Any:
    assert floor.stdin is not None
    assert floor.stdout is not None
    floor.stdin.write(command + "\n")
    floor.stdin.flush()
    return json.loads(await asyncio.to_thread(floor.stdout.readline))


async def prepare(lanes: list[Connection], customers: list[str], n: int) -> list[tuple[str, Any]]:
    """n recorded payments with an invoice each: the requests that apply them, ready to send."""
    stamp = time.time_ns()
    invoices = []
    for start in range(0, n, 100):
        items = [
            {
                "customer_id": customers[k % len(customers)], "external_id": f"b{stamp}-{k}", "issue_date": "2026-09-01",
                "due_date": "2026-10-01", "currency_code": "USD", "total_minor": 10_000,
            }
            for k in range(start, min(start + 100, n))
        ]  # fmt: skip
        made = await lanes[0].json("POST", "/v1/invoices:batch", {"invoices": items})
        invoices += [x["invoice"] for x in made["items"]]
    work: list[tuple[str, Any]] = []
    todo = iter(invoices)

    async def lane(c: Connection) -> None:
        for invoice in todo:
            paid = {
                "customer_id": invoice["customer_id"], "payment_date": "2026-10-15", "amount_minor": 10_000,
                "currency_code": "USD", "external_id": "p" + invoice["external_id"],
            }  # fmt: skip
            p = await c.json("POST", "/v1/customer-payments", paid)
            body = {"applications": [{"invoice_id": invoice["id"], "applied_minor": 10_000}]}
            work.append((f"/v1/customer-payments/{p['id']}/apply", body))

    await asyncio.gather(*(lane(c) for c in lanes))
    return work


async def _serial(c: Connection, work: list[tuple[str, Any]]) -> list[float]:
    return [await _one(c, path, body) for path, body in work]


async def _one(c: Connection, path: str, body: Any) -> float:
    status, content, seconds = await c.request("POST", path, body)
    if status != 200:
        raise RuntimeError(f"{status} {content[:300]!r}")
    return seconds


async def concurrent(lanes: list[Connection], work: list[tuple[str, Any]]) -> list[float]:
    todo = iter(work)
    times: list[float] = []

    async def lane(c: Connection) -> None:
        for path, body in todo:
            times.append(await _one(c, path, body))

    await asyncio.gather(*(lane(c) for c in lanes))
    return times


async def _while_a_statement_posts(lanes: list[Connection], customers: list[str], n: int) -> list[float]:
    """One clerk applies payments while a statement of 1,000 lines is being worked off."""
    work = await prepare(lanes, customers, n)
    rows = "".join(f"2026-10-20,1.00,USD,Payer {k},r{time.time_ns()},nothing\n" for k in range(1000))
    csv = ("date,amount,currency,payer,reference,remittance_text\n" + rows).encode()
    boundary = "bench-boundary"
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="s.csv"\r\nContent-Type: text/csv\r\n\r\n'
    data = part.encode() + csv + f"\r\n--{boundary}--\r\n".encode()
    await _upload(lanes[1], data, boundary)
    return await _serial(lanes[0], work)


async def _upload(c: Connection, data: bytes, boundary: str) -> None:
    import httpx2

    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        r = await client.post(
            f"http://127.0.0.1:{c._port}/v1/bank-accounts/bank_us/statements", content=data,
            headers={"Authorization": f"Bearer {c._token}", "Content-Type": f"multipart/form-data; boundary={boundary}"},
        )  # fmt: skip
        r.raise_for_status()


def memory_of(stack: BenchStack) -> dict[str, float]:
    """Resident megabytes of API and worker."""
    found = {}
    for part, pid in stack.pids().items():
        status = Path(f"/proc/{pid}/status")
        if status.exists():
            line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
            found[part] = int(line.split()[1]) / 1024
    return {"API": 0.0, "worker": 0.0, **found}
