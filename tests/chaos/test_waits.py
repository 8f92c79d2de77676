"""How long a payment waits while the servers behind the API fail one after the other, and what is seen of it."""

import os
import signal
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx2
import psycopg
import pytest

from models.ids import new_id
from stack.runtime import RunningStack
from tests.cash_desk.books import wrong
from tests.chaos.clients import Client
from tests.stack_fixtures.private import PrivateStack

CALLERS = 6
LONGEST = 10.0
"""Seconds that 99 of 100 payments wait at most, repetitions included, while PostgreSQL is there."""
QUIET = 12.0
AMOUNT = 700


Span = tuple[float, float]
"""From when to when, by the monotonic clock."""


def stand_still(stack: PrivateStack, part: str, seconds: float) -> Span:
    """Nothing answers, and no connection ends."""
    pid, began = stack.pids()[part], time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
    return began, time.monotonic()


def killed_database(stack: PrivateStack) -> Span:
    """It recovers from its log, which takes as long as the machine lets it."""
    runtime, began = RunningStack.read(stack.home), time.monotonic()
    assert runtime is not None
    stack.kill("PostgreSQL")
    while True:
        with suppress(psycopg.OperationalError), psycopg.connect(runtime.database_url, connect_timeout=2):
            return began, time.monotonic()
        time.sleep(0.1)


def without(span: Span, away: Sequence[Span]) -> float:
    """How long it was, less what PostgreSQL was away of it."""
    begin, end = span
    return end - begin - sum(max(0.0, min(end, until) - max(begin, since)) for since, until in away)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_payment_waits_less_than_ten_seconds_whichever_server_behind_the_api_fails(
    private_stack: Callable[..., PrivateStack], record_property: Callable[[str, object], None]
) -> None:
    stack = private_stack().start()
    org = stack.organisation()
    customer = stack.customer(org, "A", "a@example.com")
    token = stack.token(org, "u_clerk", "ar_clerk")
    over = threading.Event()
    away: list[Span] = []
    clients = [Client(stack.base_url, token) for _ in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS + 1) as pool:
        paying = [pool.submit(pay_until, over, client, customer) for client in clients]
        reading = pool.submit(read_until, over, stack, token)
        try:
            for fault in (
                lambda: stand_still(stack, "Temporal", 8),
                lambda: stack.kill("worker"),
                lambda: stack.kill("Temporal"),
                lambda: away.append(stand_still(stack, "PostgreSQL", 3)),
                lambda: away.append(killed_database(stack)),
                lambda: stand_still(stack, "Temporal", 20),
            ):
                time.sleep(QUIET)
                fault()
            time.sleep(QUIET)
        finally:
            over.set()
        waits = sorted(without(span, away) for done in paying for span in done.result())
        reads = reading.result()
    p99 = waits[int(len(waits) * 0.99)]
    said = (
        f"{len(waits)} payments under faults: median {statistics.median(waits):.2f} s, p99 {p99:.2f} s, longest "
        f"{waits[-1]:.2f} s; {sum(c.retries for c in clients)} repetitions; {reads}"
    )
    record_property("waits", said)
    assert [odd for c in clients for odd in c.odd] == []
    assert sum(c.retries for c in clients) > 0, "nothing was interrupted: the run proved nothing"
    runtime = RunningStack.read(stack.home)
    assert runtime is not None
    assert wrong(runtime.database_url, org) == []
    assert p99 < LONGEST, said
    assert "500" not in reads
    assert stack.stop() == 0


def pay_until(over: threading.Event, client: Client, customer: str) -> list[Span]:
    """Record and apply one after the other; from when to when each took to its success."""
    waits: list[Span] = []
    while not over.is_set():
        own = {"customer_id": customer, "currency_code": "USD"}
        dated = own | {"external_id": new_id("ext"), "issue_date": "2026-01-15", "total_minor": AMOUNT}
        invoice = client.post("/v1/invoices", dated)["id"]
        began = time.monotonic()
        received = own | {"external_id": new_id("ext"), "payment_date": "2026-01-15", "amount_minor": AMOUNT}
        payment = client.post("/v1/customer-payments", received)["id"]
        waits.append((began, time.monotonic()))
        began = time.monotonic()
        body = {"applications": [{"invoice_id": invoice, "applied_minor": AMOUNT}]}
        client.post(f"/v1/customer-payments/{payment}/apply", body)
        waits.append((began, time.monotonic()))
    return waits


def read_until(over: threading.Event, stack: PrivateStack, token: str) -> dict[str, int]:
    """What was answered to somebody who only reads, and how often."""
    seen: dict[str, int] = {}
    with httpx2.Client(base_url=stack.base_url, timeout=5, trust_env=False) as reader:
        while not over.wait(0.2):
            try:
                said = str(reader.get("/v1/invoices?limit=1", headers={"Authorization": f"Bearer {token}"}).status_code)
            except httpx2.HTTPError as error:
                said = type(error).__name__
            seen[said] = seen.get(said, 0) + 1
    return seen
