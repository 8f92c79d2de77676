"""The clock of the machine of API and worker jumps by an hour, forward and back, under work; the servers' goes on."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import time_machine

from models.ids import new_id
from stack.checkers import find_faketime
from stack.process import free_port
from tests.cash_desk.books import wrong
from tests.customers.desk import Desk, ok
from tests.stack_fixtures.app import Access, run_process

TODAY = "2026-01-15"
JUMPS = {"+0": 0, "+3600": 3600, "-3600": -3600, "+1": 1}
HEADER = "date,amount,currency,payer,reference,remittance_text\n"


def until(true: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return found


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_clock_that_jumps_an_hour_is_said_and_holds_nothing_up(
    fresh_database_url: str, temporal_address: str, temporal_namespace: str, tmp_path: Path
) -> None:
    library = find_faketime()
    if library is None:
        pytest.skip("no libfaketime: `python -m stack.prepare soak` says why")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    environment = {
        "ARFLOW_HOME": str(tmp_path), "ARFLOW_PORT": str(free_port()), "ARFLOW_DATABASE_URL": fresh_database_url,
        "ARFLOW_TEMPORAL_ADDRESS": temporal_address, "ARFLOW_TEMPORAL_NAMESPACE": temporal_namespace,
        "ARFLOW_BUILD_ID": "1.0", "ARFLOW_RESUME_SECONDS": "5",
    }  # fmt: skip
    off = environment | {
        "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    at = Access(f"http://127.0.0.1:{environment['ARFLOW_PORT']}", environment)
    with ExitStack() as opened:
        for name in ("api", "worker"):
            process = run_process(name, tmp_path, off)
            opened.callback(process.wait, 60)
            opened.callback(process.terminate)
        at.wait_ready(180)
        desk = Desk(at, at.organisation())
        payer = at.customer(desk.org, "Payer", "payer@example.com")
        with time_machine.travel(datetime.now(UTC) - timedelta(hours=2)):  # good whichever of these hours it is
            for who in ("u_clerk", "u_manager", "u_controller"):
                desk(who)
        opened.callback(desk.close)
        under_way = desk.submit()
        for jump, seconds in JUMPS.items():
            clock.write_text(jump)
            expected = seconds if abs(seconds) > 10 else 0
            until(partial(is_off_by, at, expected))
            began = time.monotonic()
            paid(desk, payer)
            assert time.monotonic() - began < 20
            assert desk.approve(desk.submit())["status"] == "APPROVED"
            statement = read_in(desk)
            until(partial(has_ended, desk, statement))
        assert desk.approve(under_way)["status"] == "APPROVED"
        with psycopg.connect(fresh_database_url) as c:
            # (statement lines that match nothing lie on desks of their own)
            stands = "SELECT reason_code FROM exceptions WHERE kind IN ('not_moving', 'step_failing')"
            assert c.execute(stands).fetchall() == []
            recorded = "SELECT max(abs(extract(epoch FROM now() - at))) FROM audit_events"
            ((longest,),) = c.execute(recorded).fetchall()
            assert longest < 600, "what is recorded goes by the database's clock"
            confirmed = "SELECT count(*) FROM remittance_confirmations"
            until(lambda: c.execute(confirmed).fetchone() == (len(JUMPS),))
            assert wrong(fresh_database_url, desk.org) == []
        assert at.arflow("verify").returncode == 0
    logs = [(tmp_path / f"{name}.log").read_text() for name in ("api", "worker")]
    assert all("this machine's clock is not the database's" in log for log in logs)
    assert all("Traceback" not in log for log in logs)


def is_off_by(at: Access, seconds: int) -> bool:
    """As readiness and metrics say, which look every half minute."""
    said = httpx2.get(f"{at.base_url}/readyz?verbose", timeout=10, trust_env=False).json()
    found = sum(t["number"] for t in said["trouble"] if t["what"] == "CLOCK_OFF")
    metrics = httpx2.get(f"{at.base_url}/metrics", timeout=10, trust_env=False).text
    (line,) = (line for line in metrics.splitlines() if line.startswith("arflow_clock_ahead_seconds "))
    return abs(abs(seconds) - found) < 5 and abs(float(line.split()[1]) - seconds) < 5


def has_ended(desk: Desk, statement: str) -> bool:
    return bool(ok(desk("u_clerk").get(f"/v1/statements/{statement}"))["status"] == "COMPLETED")


def paid(desk: Desk, payer: str) -> None:
    own = {"customer_id": payer, "currency_code": "USD", "external_id": new_id("e")}
    invoice = ok(desk("u_clerk").post("/v1/invoices", json=own | {"issue_date": TODAY, "total_minor": 700}), 201)["id"]
    body = own | {"payment_date": TODAY, "amount_minor": 700}
    body |= {"apply": {"applications": [{"invoice_id": invoice, "applied_minor": 700}]}}
    payment = ok(desk("u_clerk").post("/v1/customer-payments", json=body), 201)
    assert payment["status"] == "FULLY_APPLIED"


def read_in(desk: Desk) -> str:
    lines = HEADER + "".join(f"{TODAY},1.00,USD,X,{new_id('r')},t\n" for _ in range(30))
    file = {"file": ("s.csv", lines.encode(), "text/csv")}
    return str(ok(desk("u_clerk").post("/v1/bank-accounts/bank_us/statements", files=file), 202)["id"])
