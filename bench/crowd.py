"""A thousand views at once: of as many customers, and of one whose panel is stale while its source takes a second."""

import asyncio
import os
import time
from collections.abc import Sequence

import psycopg

from bench.http import Connection
from bench.report import Figure, percentile
from bench.stack import BenchStack
from demo.crm import CREDENTIAL, Crm
from models.db.engine import driver_url

CROWD = 1000
SOURCE_SECONDS = 1.0
DEAL = {
    "Id": "006A",
    "Name": "Deal",
    "Amount": 10,
    "StageName": "Proposal",
    "CloseDate": "2099-01-31",
    "IsClosed": False,
}


async def crowd(stack: BenchStack, org: str, token: str, customers: Sequence[str]) -> list[Figure]:
    """Call it last: afterwards a source serves the organisation's opportunities."""
    lanes = [Connection(stack.port, token) for _ in range(CROWD)]
    apart = await _all_at_once(lanes, [customers[n % len(customers)] for n in range(CROWD)])
    crm = Crm(lacks=frozenset())
    try:
        await _serve(stack, org, customers[0], crm)
        await lanes[0].request("GET", f"/v1/customers/{customers[0]}/360")
        _age(stack, customers[0])
        asked, crm.mode, crm.delay_seconds = len(crm.queries), "slow", SOURCE_SECONDS
        together = await _all_at_once(lanes, [customers[0]] * CROWD)
        asked = len(crm.queries) - asked
    finally:
        crm.close()
        for lane in lanes:
            lane.close()
    return [
        Figure(
            f"{CROWD:,} views at once, of {len(set(customers)):,} customers, p50", percentile(apart, 0.5) * 1000, "ms"
        ),
        Figure("the slowest of them", max(apart) * 1000, "ms", 2000.0),
        Figure(f"{CROWD:,} stale views of one customer at once, p50", percentile(together, 0.5) * 1000, "ms"),
        Figure("the slowest of them", max(together) * 1000, "ms", note=f"its source took {SOURCE_SECONDS:g} s"),
        Figure("how often its source was asked", asked, "times", 1.0),
    ]


async def _all_at_once(lanes: Sequence[Connection], customers: Sequence[str]) -> list[float]:
    await asyncio.gather(*(lane.request("GET", "/healthz") for lane in lanes))  # connected
    began = time.perf_counter()

    async def one(lane: Connection, customer: str) -> float:
        status, _, _ = await lane.request("GET", f"/v1/customers/{customer}/360")
        assert status == 200, status
        return time.perf_counter() - began

    return await asyncio.gather(*(one(*pair) for pair in zip(lanes, customers, strict=True)))


async def _serve(stack: BenchStack, org: str, customer: str, crm: Crm) -> None:
    account = "001" + os.urandom(6).hex()
    crm.hold(account, "Opportunity", DEAL)
    secrets = stack.home / "secrets" / org
    secrets.mkdir(parents=True, exist_ok=True)
    (secrets / "crm").write_text(CREDENTIAL + "\n")
    with psycopg.connect(driver_url(stack.database_url, for_sqlalchemy=False)) as c:
        c.execute("UPDATE customers SET external_id = %s WHERE id = %s", (account, customer))
    ops = Connection(stack.port, stack.token(org, "u_ops", "ops"))
    said = {"kind": "salesforce", "base_url": crm.url, "credential": "crm", "panels": ["opportunities"]}
    await ops.json("PUT", "/v1/source-connections/crm", said)
    ops.close()


def _age(stack: BenchStack, customer: str) -> None:
    with psycopg.connect(driver_url(stack.database_url, for_sqlalchemy=False)) as c:
        done = c.execute(
            "UPDATE panel_snapshots SET as_of = as_of - interval '6 minutes', next_attempt_at = NULL, "
            "attempted_at = attempted_at - interval '6 minutes' WHERE customer_id = %s AND as_of IS NOT NULL",
            (customer,),
        )
        assert done.rowcount == 1, "the source has not answered"
