"""The production shape under load, one fault after the other and some at once: nothing lost, nothing twice, nobody waits long."""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stack.process import free_port
from tests.cash_desk.books import wrong
from tests.chaos.test_postgresql_restored import how_it_ended
from tests.customers.desk import Desk, ok
from tests.imports.support import decide, mark, reviewed, table, until
from tests.mail import mail_server
from tests.production import load
from tests.production.afterwards import created, each_once, missed, touches, without
from tests.production.certificates import Authority
from tests.production.database import Span
from tests.production.faults import NOW, Trial, faults
from tests.production.load import Caller, Change, Followed, Paid, Read
from tests.production.servers import NAMESPACE
from tests.production.shape import folder, production

PAYERS = 4
LONGEST = 10.0
"""Seconds that a payment waits at most, repetitions included, while PostgreSQL is there and nothing is stopped for a restore."""
QUIET = float(os.environ.get("ARFLOW_TRIAL_QUIET", "12"))
ONLY = os.environ.get("ARFLOW_TRIAL_ONLY", "")
ORG = "org_trial"
BACK = 5.0
"""So long after PostgreSQL has come back a read may still be told to come again."""
ROWS, LINES = 5_000, 1_000
RESULTS = Path(__file__).parents[2] / "bench" / "results" / "trial.json"


@pytest.mark.soak
async def test_the_production_shape_under_faults_loses_nothing_and_nobody_waits_long(
    record_property: Callable[[str, object], None],
) -> None:
    home, smtp = folder(), free_port()
    company = Authority(home / "company")
    began = time.monotonic()
    with mail_server(smtp, company.serving()) as mails:
        async with production(home, company, ARFLOW_SMTP_URL=f"smtp://localhost:{smtp}") as shape:
            said = await tried(Trial(shape))
            said["mails_sent_twice"] = sum(n - 1 for n in Counter(mails.ids()).values())
    said["seconds"] = round(time.monotonic() - began)
    shutil.rmtree(home)  # of a trial that failed it stays: its logs say why
    record_property("trial", json.dumps(said))
    if not ONLY:
        RESULTS.write_text(json.dumps(said, indent=1) + "\n")


class People:
    """Who calls, each with a token of their own."""

    ROLES = {f"u_payer_{n}": "ar_clerk" for n in range(PAYERS)} | {
        "u_reads": "account_executive", "u_submits": "ar_clerk", "u_manager": "ar_manager", "u_controller": "controller",
        "u_follows": "controller",
    }  # fmt: skip

    def __init__(self, at: Trial, org: str) -> None:
        self._at, self._org = at, org
        self.callers = {who: Caller(at.shape.base_url, self._token(who), at.told) for who in self.ROLES}
        at.signed_in = self._sign_in

    def __getitem__(self, who: str) -> Caller:
        return self.callers[who]

    def _token(self, who: str) -> str:
        return self._at.shape.token(self._org, who, self.ROLES[who])

    def _sign_in(self) -> None:
        """Every other one of them, anew."""
        for who, caller in list(self.callers.items())[::2]:
            caller.sign_in(self._token(who))

    @property
    def seen(self) -> Counter[str]:
        return sum((c.seen for c in self.callers.values()), Counter[str]())

    @property
    def odd(self) -> list[str]:
        return [odd for c in self.callers.values() for odd in c.odd]

    def close(self) -> None:
        for caller in self.callers.values():
            caller.close()


async def tried(at: Trial) -> dict[str, Any]:
    """Load, every fault under it, then what is in the books; the figures."""
    shape = at.shape
    await asyncio.to_thread(shape.command, NOW, "migrate")
    for name in ("api-1", "api-2", "worker-1", "worker-2"):
        shape.start(name, NOW)
    await asyncio.to_thread(shape.wait_ready, 240)
    await asyncio.to_thread(shape.command, NOW, "org", "create", ORG, "--name", "Acme")
    desk, payer = Desk(shape, ORG), shape.customer(ORG)
    slow = await asyncio.to_thread(begun, desk)
    people = await asyncio.to_thread(People, at, ORG)
    over, read, followed, changes = threading.Event(), Read(), Followed(), list[Change]()
    paid = [Paid() for _ in range(PAYERS)]
    happened: dict[str, Span] = {}
    with ThreadPoolExecutor(PAYERS + 3) as pool:
        loads = [pool.submit(load.pay, over, people[f"u_payer_{n}"], payer, one) for n, one in enumerate(paid)]
        loads.append(pool.submit(load.read, over, people["u_reads"], read))
        loads.append(pool.submit(load.follow, over, people["u_follows"], followed))
        deciders = people["u_manager"], people["u_controller"]
        loads.append(pool.submit(load.submit, over, people["u_submits"], deciders, changes))
        try:
            for name, fault in faults(at, people["u_submits"]).items():
                if not any(word in name for word in ONLY.split(",")):
                    continue
                await asyncio.sleep(QUIET)
                await shape.ready("api-1", "api-2")  # on a busy machine one that was killed takes its time
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
    said |= {"changes": len(changes), "seen": dict(people.seen), "refused_reads": refused_reads(at, read, happened)}
    print(shape.home, json.dumps(said, indent=1))  # noqa: T201 - make soak reports its figures
    assert people.odd == []
    assert "500" not in people.seen
    assert {c.status for c in changes} == {"APPROVED"}
    assert said["refused_reads"] == []
    await proved(at, desk, payer, slow, [payment for p in paid for payment in p.payments], changes)
    await asyncio.to_thread(load.follow, over, people["u_follows"], followed)
    assert missed(shape.postgres.url("arflow_owner"), ORG, followed) == []
    people.close()
    desk.close()
    assert said["longest"] < LONGEST, said
    return said | {"runs_ended_without_record": at.gone}


async def proved(
    at: Trial, desk: Desk, payer: str, slow: dict[str, str], payments: list[str], changes: list[Change]
) -> None:
    """What is in the books: everything once, and nothing that goes on without being in there."""
    shape, owner = at.shape, at.shape.postgres.url("arflow_owner")
    await asyncio.to_thread(ended, desk, slow)
    each_once(owner, ORG, payer, payments)
    assert created(owner, ORG, changes) == len(changes)
    assert await asyncio.to_thread(wrong, shape.postgres.embedded.url(), ORG) == []
    await asyncio.to_thread(shape.command, NOW, "verify")
    if at.lost:
        await at.swept()
        address = shape.environment["ARFLOW_TEMPORAL_ADDRESS"]
        assert await how_it_ended(address, f"{at.lost}/CustomerChange", NAMESPACE) == "RECORD_GONE"
    assert shape.unexpected() == []


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
        if not touches(span, at.stopped, BACK) and (status != 200 or span[1] - span[0] > LONGEST)
    ]


def figures(at: Trial, paid: list[Paid], read: Read, happened: dict[str, Span]) -> dict[str, Any]:
    """What is kept of a trial."""
    spans = sorted((span for p in paid for span in p.waits), key=lambda span: without(span, at.stopped))
    stopped = [at.restored] if at.restored else []
    waits = [without(span, at.stopped) for span in spans]
    reads = sorted(span[1] - span[0] for span, status in read.answers if status == 200)
    since = {name: [without(s, at.stopped) for s in spans if began <= s[1] and s[0] <= until + QUIET]
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
        "longest_with_postgresql_away": round(max(s[1] - s[0] for s in spans if not touches(s, stopped)), 3),
        "postgresql_away": [round(until - began, 2) for began, until in at.away],
        "stopped_for_the_restore": at.restored and round(at.restored[1] - at.restored[0], 1),
        "payments_sent_again_after_it": sum(p.repeated for p in paid),
        "slowest": [f"{without(s, at.stopped):.1f} s: {', '.join(tries.get(s, ['at once']))}" for s in spans[:-4:-1]],
        "reads": len(read.answers),
        "reads_p99": round(reads[int(len(reads) * 0.99)], 3),
        "longest_wait_around": {name: round(max(found, default=0), 2) for name, found in since.items()},
    }
