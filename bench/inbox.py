"""(e) The approver's inbox with 100,000 pending changes, the effective view over a million customers, and a whole change

(submit, approve, approve, visible) against a bare workflow of the same shape (no-ops, with the deadlines and search
attributes that an approval has) and against the barest one (neither), interleaved.

The number of customers: `ARFLOW_BENCH_CUSTOMERS` (1,000,000).
"""

import asyncio
import os
import random
import time
from pathlib import Path

import psycopg
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.worker import Worker

from bench.bare_change import BareChain, BareChange, bare_step
from bench.http import Connection
from bench.report import Figure, percentile
from bench.stack import BenchStack
from models.db.engine import driver_url

ORG = "org_bench_e"
QUEUE = "bench-bare-change"
SETTLE = 0.1
"""Seconds in which the server writes what the run before left to be listed: each pays for its own."""
ROWS = (Path(__file__).parent / "inbox.sql").read_text()


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    customers = 20_000 if quick else int(os.environ.get("ARFLOW_BENCH_CUSTOMERS", "1000000"))
    pending = 10_000 if quick else 100_000
    stack.organisation(ORG, 0)
    began = time.monotonic()
    with psycopg.connect(driver_url(stack.database_url, for_sqlalchemy=False), autocommit=True) as c:
        for statement in ROWS.split(";;"):
            c.execute(statement % {"org": f"'{ORG}'", "customers": customers, "pending": pending})  # type: ignore[arg-type]
        c.execute("ANALYZE")
    note = f"{pending:,} pending changes, {customers:,} customers, made in {time.monotonic() - began:.0f} s"
    return asyncio.run(_measure(stack, customers, 100 if quick else 400, 15 if quick else 60, note))


async def _measure(stack: BenchStack, customers: int, reads: int, changes: int, note: str) -> list[Figure]:
    figures = [*await _inbox(stack, reads, note), *await _views(stack, customers, reads)]
    return figures + await _changes(stack, changes)


async def _inbox(stack: BenchStack, reads: int, note: str) -> list[Figure]:
    http = Connection(stack.port, stack.token(ORG, "u_manager", "ar_manager"))
    path = "/v1/customer-changes?status=pending&awaiting=me"
    cursor, first, later = None, [], []
    for n in range(reads + 10):
        status, _, seconds = await http.request("GET", path)
        assert status == 200
        page = await http.json("GET", f"{path}&cursor={cursor}" if cursor else path)
        _, _, deep = await http.request("GET", f"{path}&cursor={cursor}" if cursor else path)
        cursor = page["next_cursor"]
        if n >= 10:
            first.append(seconds)
            later.append(deep)
    http.close()
    return [
        Figure("inbox, first page, p50", percentile(first, 0.5) * 1000, "ms", note=note),
        Figure("inbox, first page, p99", percentile(first, 0.99) * 1000, "ms", 50.0),
        Figure("inbox, further pages, p99", percentile(later, 0.99) * 1000, "ms", 50.0),
    ]


async def _views(stack: BenchStack, customers: int, reads: int) -> list[Figure]:
    http = Connection(stack.port, stack.token(ORG, "u_ae", "account_executive"))
    rng, taken = random.Random(11), []
    for n in range(reads + 30):
        customer = f"cust_b{rng.randrange(customers // 10) * 10 + 1:08d}"
        status, _, seconds = await http.request("GET", f"/v1/customers/{customer}?legal_entity_id=le_uk")
        assert status == 200, status
        if n >= 30:
            taken.append(seconds)
    http.close()
    return [
        Figure("effective view, p50", percentile(taken, 0.5) * 1000, "ms"),
        Figure("effective view, p99", percentile(taken, 0.99) * 1000, "ms", 20.0),
    ]


async def _changes(stack: BenchStack, rounds: int) -> list[Figure]:
    client = await Client.connect(stack.temporal_address)
    people = {u: Connection(stack.port, stack.token(ORG, u, r)) for u, r in _PEOPLE.items()}
    taken: dict[str, list[float]] = {"ours": [], "BareChain": [], "BareChange": []}
    async with Worker(client, task_queue=QUEUE, workflows=[BareChange, BareChain], activities=[bare_step]):
        for n in range(rounds + 5):
            for name in taken:
                await asyncio.sleep(SETTLE)
                seconds = await (_change(people, n) if name == "ours" else _bare(client, name))
                if n >= 5:
                    taken[name].append(seconds)
    for http in people.values():
        http.close()
    p50, p99 = ({name: percentile(v, share) for name, v in taken.items()} for share in (0.5, 0.99))
    return [
        Figure("submit, approve, approve, visible, p50", p50["ours"] * 1000, "ms"),
        Figure("submit, approve, approve, visible, p99", p99["ours"] * 1000, "ms"),
        Figure("bare workflow of the same shape, p50", p50["BareChain"] * 1000, "ms"),
        Figure("bare workflow of the same shape, p99", p99["BareChain"] * 1000, "ms"),
        Figure("ratio p50", p50["ours"] / p50["BareChain"], "x", 2.0),
        Figure("ratio p99", p99["ours"] / p99["BareChain"], "x", 2.0),
        Figure("bare workflow without deadlines and search attributes, p50", p50["BareChange"] * 1000, "ms"),
        Figure("ratio p50 against that", p50["ours"] / p50["BareChange"], "x"),
    ]


_PEOPLE = {"u_clerk": "ar_clerk", "u_manager": "ar_manager", "u_controller": "controller"}


async def _change(people: dict[str, Connection], n: int) -> float:
    began = time.perf_counter()
    body = {"name": f"Bench {n} {began}", "email": f"bench{n}-{time.time_ns()}@example.com", "legal_entity_id": "le_us"}
    made = await people["u_clerk"].json("POST", "/v1/customers", body)
    for user in ("u_manager", "u_controller"):
        await people[user].json("POST", f"/v1/customer-changes/{made['change_id']}/decisions", {"decision": "approve"})
    seen = await people["u_clerk"].json("GET", f"/v1/customers/{made['customer_id']}")
    assert seen["status"] == "active"
    return time.perf_counter() - began


async def _bare(client: Client, kind: str) -> float:
    began = time.perf_counter()
    shown = [SearchAttributePair(SearchAttributeKey.for_keyword(n), "x") for n in ("OrgId", "ProcessType", "ChangeId")]
    start: WithStartWorkflowOperation = WithStartWorkflowOperation(
        kind,
        id=f"bare-{time.time_ns()}",
        task_queue=QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        search_attributes=TypedSearchAttributes(shown if kind == "BareChain" else []),
        static_summary="Bare chain" if kind == "BareChain" else None,
    )
    await client.execute_update_with_start_workflow("submitted", start_workflow_operation=start)
    handle = await start.workflow_handle()
    for step in ("first", "second"):
        await handle.execute_update("decide", step)
    return time.perf_counter() - began
