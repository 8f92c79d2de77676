"""The production shape under load, one fault after the other and some at once: nothing lost, nothing twice, nobody waits long."""

import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stack.process import free_port
from tests.cash_desk.books import opened, wrong
from tests.customers.desk import ROLES, Desk, ok
from tests.imports.support import decide, mark, reviewed, table, until
from tests.mail import mail_server
from tests.production import load
from tests.production.load import Caller, Paid, Read, each_once, touches, without
from tests.production.servers import Span
from tests.production.shape import Build, Production, folder, production

PAYERS = 4
LONGEST = 10.0
"""Seconds that a payment waits at most, repetitions included, while PostgreSQL is there."""
QUIET = float(os.environ.get("ARFLOW_TRIAL_QUIET", "15"))
ONLY = os.environ.get("ARFLOW_TRIAL_ONLY", "")
BACK = 5.0
"""So long after PostgreSQL has come back a read may still be told to come again."""
ROWS, LINES = 5_000, 1_000
NOW = Build("1.0.0")
RESULTS = Path(__file__).parents[2] / "bench" / "results" / "trial.json"


@dataclass
class Trial:
    """The shape, and when PostgreSQL was away of it."""

    shape: Production
    away: list[Span] = field(default_factory=list)

    async def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        self.away.append(await self.shape.postgres.away(how))

    async def rolled(self) -> None:
        """Both APIs and both workers made anew, one after the other, each when the one before is ready."""
        for name in ("api-1", "api-2", "worker-1", "worker-2"):
            assert await self.shape.stop(name) == 0
            self.shape.start(name, NOW)
            if name.startswith("api-"):
                await self.shape.ready(name)
            await asyncio.sleep(5)  # the proxy sees it, too


def faults(at: Trial) -> dict[str, Callable[[], Awaitable[None]]]:
    """Each of the trial, then servers in pairs."""
    shape = at.shape

    async def kill(*names: str) -> None:
        shape.kill(*names)

    async def cut() -> None:
        await asyncio.to_thread(shape.proxy.cut)

    async def both(*what: Awaitable[None]) -> None:
        await asyncio.gather(*what)

    return {
        "an API killed": lambda: kill("api-1"),
        "a worker killed": lambda: kill("worker-1"),
        "Temporal stands still for 20 s": lambda: shape.stand_still(20),
        "PostgreSQL restarted": at.restart,
        "every connection cut": cut,
        "Temporal killed": lambda: kill("Temporal"),
        "PostgreSQL killed": lambda: at.restart(signal.SIGKILL),
        "everything of ours made anew": at.rolled,
        "an API and a worker killed": lambda: kill("api-2", "worker-2"),
        "both workers killed": lambda: kill("worker-1", "worker-2"),
        "a worker and Temporal killed": lambda: kill("worker-1", "Temporal"),
        "PostgreSQL restarted while Temporal stands still": lambda: both(at.restart(), shape.stand_still(10)),
        "PostgreSQL and an API killed": lambda: both(at.restart(signal.SIGKILL), kill("api-1")),
        "connections cut while Temporal stands still": lambda: both(cut(), shape.stand_still(10)),
    }


@pytest.mark.soak
async def test_the_production_shape_under_faults_loses_nothing_and_nobody_waits_long(
    record_property: Callable[[str, object], None],
) -> None:
    home, smtp = folder(), free_port()
    with mail_server(smtp) as mails:
        async with production(home, ARFLOW_SMTP_URL=f"smtp://127.0.0.1:{smtp}") as shape:
            said = await tried(Trial(shape))
            said["mails_sent_twice"] = sum(n - 1 for n in Counter(mails.ids()).values())
    shutil.rmtree(home)  # of a trial that failed it stays: its logs say why
    record_property("trial", json.dumps(said))
    RESULTS.write_text(json.dumps(said, indent=1) + "\n")


async def tried(at: Trial) -> dict[str, Any]:
    """Load, every fault under it, then what is in the books; the figures."""
    shape = at.shape
    await asyncio.to_thread(shape.command, NOW, "migrate")
    for name in ("api-1", "api-2", "worker-1", "worker-2"):
        shape.start(name, NOW)
    await asyncio.to_thread(shape.wait_ready, 240)
    desk = Desk(shape, await asyncio.to_thread(shape.organisation))
    customer = shape.arflow("customer", "create", "--org", desk.org, "--name", "A", "--email", "a@example.com")
    payer = customer.stdout.strip()

    def caller(who: str) -> Caller:
        return Caller(shape.base_url, shape.token(desk.org, who, *ROLES[who]))

    slow = await asyncio.to_thread(begun, desk)
    over, read, changes = threading.Event(), Read(), list[dict[str, Any]]()
    paid = [Paid() for _ in range(PAYERS)]
    callers = [caller("u_clerk") for _ in paid]
    others = [caller(who) for who in ("u_ae", "u_clerk", "u_manager", "u_controller")]
    happened: dict[str, Span] = {}
    with ThreadPoolExecutor(PAYERS + 2) as pool:
        loads = [pool.submit(load.pay, over, c, payer, p) for c, p in zip(callers, paid, strict=True)]
        loads.append(pool.submit(load.read, over, others[0], read))
        loads.append(pool.submit(load.submit, over, others[1], others[2:], changes))
        try:
            for name, fault in faults(at).items():
                if ONLY not in name:
                    continue
                await asyncio.sleep(QUIET)
                began = time.monotonic()
                await fault()
                happened[name] = (began, time.monotonic())
                assert not any(done.done() for done in loads), [d.exception() for d in loads if d.done()]
            await asyncio.sleep(QUIET)
        finally:
            over.set()
        for done in loads:
            await asyncio.to_thread(done.result, 300)
    said = figures(at, paid, read, happened)
    seen = sum((c.seen for c in (*callers, *others)), Counter[str]())
    said |= {"changes": len(changes), "seen": dict(seen), "refused_reads": refused_reads(at, read, happened)}
    print(shape.home, json.dumps(said, indent=1))  # noqa: T201 - make soak reports its figures
    assert [odd for c in (*callers, *others) for odd in c.odd] == []
    assert "500" not in seen
    assert {c["status"] for c in changes} == {"APPROVED"}
    assert said["refused_reads"] == []
    await asyncio.to_thread(ended, desk, slow)
    owner = shape.postgres.url("arflow_owner")
    each_once(owner, desk.org, payer, [payment for p in paid for payment in p.payments])
    assert created(owner, desk.org, changes) == len(changes)
    assert await asyncio.to_thread(wrong, shape.postgres.embedded.url(), desk.org) == []
    verified = await asyncio.to_thread(shape.arflow, "verify", check=False)
    assert verified.returncode == 0, verified.stdout
    assert shape.unexpected() == []
    for c in (*callers, *others):
        c.close()
    assert said["longest"] < LONGEST, said
    desk.close()
    return said


def begun(desk: Desk) -> dict[str, str]:
    """What takes longer than a fault: an import under way, a statement read in."""
    clerk, manager = desk("u_clerk"), desk("u_manager")
    rows = [(f"Row {n}", f"r{n}.{mark()}@example.com") for n in range(ROWS)]
    held = reviewed(clerk, table(rows), batch_size=5)["id"]
    assert decide(manager, held).status_code == 200
    lines = "date,amount,currency,payer,reference,remittance_text\n" + "".join(
        f"{load.TODAY},{n}.00,USD,Somebody,ref-{n},nothing\n" for n in range(1, LINES + 1)
    )
    file = {"file": ("s.csv", lines.encode(), "text/csv")}
    statement = ok(clerk.post("/v1/bank-accounts/bank_us/statements", files=file), 202)["id"]
    return {"import": held, "statement": statement}


def ended(desk: Desk, slow: dict[str, str]) -> None:
    clerk = desk("u_clerk")
    assert until(clerk, slow["import"], seconds=300)["created"] == ROWS
    deadline = time.monotonic() + 300
    while (status := ok(clerk.get(f"/v1/statements/{slow['statement']}"))["status"]) != "COMPLETED":
        assert time.monotonic() < deadline, status
        time.sleep(1)


def refused_reads(at: Trial, read: Read, happened: dict[str, Span]) -> list[str]:
    """Reads that were not answered though PostgreSQL was there, and not only since a moment."""
    return [
        f"{status} after {span[1] - span[0]:.1f} s, "
        + ", ".join(
            f"{span[0] - began:.1f} s since {name}" for name, (began, _) in happened.items() if began < span[0]
        )[-80:]
        for span, status in read.answers
        if not touches(span, at.away, BACK) and (status != 200 or span[1] - span[0] > LONGEST)
    ]


def created(url: str, org: str, changes: list[dict[str, Any]]) -> int:
    """How many of the changes made exactly one customer."""
    with opened(url) as c:
        rows = c.execute(
            """SELECT ch.id FROM customer_changes ch JOIN customers cu ON cu.org_id = ch.org_id AND cu.id = ch.customer_id
               WHERE ch.org_id = %s AND ch.id = ANY(%s)""",
            (org, [change["change_id"] for change in changes]),
        ).fetchall()
    return len(rows)


def figures(at: Trial, paid: list[Paid], read: Read, happened: dict[str, Span]) -> dict[str, Any]:
    """What is kept of a trial."""
    spans = sorted((span for p in paid for span in p.waits), key=lambda span: without(span, at.away))
    waits = [without(span, at.away) for span in spans]
    reads = sorted(span[1] - span[0] for span, status in read.answers if status == 200)
    since = {name: [without(s, at.away) for s in spans if began <= s[1] and s[0] <= until + QUIET]
             for name, (began, until) in happened.items()}  # fmt: skip
    tries = {span: said for p in paid for span, said in p.tries.items()}
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "command": "pytest -m soak tests/production/test_trial.py",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "temporal": Path(at.shape.temporal.command[0]).name,
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0]},
        "payments": sum(len(p.payments) for p in paid),
        "answers_waited_for": len(waits),
        "p50": round(statistics.median(waits), 3),
        "p99": round(waits[int(len(waits) * 0.99)], 3),
        "longest": round(waits[-1], 3),
        "longest_with_postgresql_away": round(max(until - began for began, until in spans), 3),
        "postgresql_away": [round(until - began, 2) for began, until in at.away],
        "slowest": [f"{without(s, at.away):.1f} s: {', '.join(tries.get(s, ['at once']))}" for s in spans[:-4:-1]],
        "reads": len(read.answers),
        "reads_p99": round(reads[int(len(reads) * 0.99)], 3),
        "longest_wait_around": {name: round(max(found, default=0), 2) for name, found in since.items()},
    }
