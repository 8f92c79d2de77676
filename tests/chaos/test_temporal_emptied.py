"""Temporal loses everything under load: PostgreSQL alone is enough for all that is open to go on."""

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from models.ids import new_id
from stack.process import free_port
from stack.runtime import RunningStack
from tests.cash_desk.books import opened, wrong
from tests.chaos.clients import Client
from tests.chaos.desks import OnDesks
from tests.chaos.test_killed_processes import confirmed, wait_for
from tests.customers.desk import Desk, ok
from tests.imports.support import decide, mark, reviewed, see, send, table, until
from tests.mail import mail_server
from tests.stack_fixtures.private import PrivateStack

TODAY = "2026-01-15"
ROWS = 400
LINES = 450
STEPS = [
    {"role": "ar_manager", "remind_after_seconds": 45, "escalate_after_seconds": 50, "fallback": "cfo"},
    {"role": "controller"},
]


def emptied(stack: PrivateStack) -> None:
    """Temporal dies, and comes back with nothing: no runs, no schedules, no search attributes."""
    folder = stack.home / "temporal"
    shutil.move(folder, stack.home / f"lost{time.monotonic_ns()}")
    stack.wait_restarted("Temporal", stack.kill("Temporal"))


def posted_through_it(clerk: Client, customer: str, stop: threading.Event, payments: list[str]) -> None:
    """Payments, recorded and applied, one after the other."""
    while not stop.is_set():
        about = {"customer_id": customer, "currency_code": "USD"}
        invoice = clerk.post(
            "/v1/invoices", about | {"external_id": new_id("e"), "issue_date": TODAY, "total_minor": 700}
        )["id"]
        payment = clerk.post(
            "/v1/customer-payments",
            about | {"external_id": new_id("e"), "payment_date": TODAY, "amount_minor": 700},
        )["id"]
        body = {"applications": [{"invoice_id": invoice, "applied_minor": 700}]}
        assert clerk.post(f"/v1/customer-payments/{payment}/apply", body)["status"] == "FULLY_APPLIED"
        payments.append(str(payment))


@pytest.mark.timeout(900)
def test_everything_open_goes_on_with_an_empty_temporal(private_stack: Callable[..., PrivateStack]) -> None:
    smtp = free_port()
    stack = private_stack(ARFLOW_SMTP_URL=f"smtp://127.0.0.1:{smtp}").start()
    desk = Desk(stack, stack.organisation())
    payer = stack.customer(desk.org, "Payer", "payer@example.com")
    runtime = RunningStack.read(stack.home)
    assert runtime is not None
    dead = f"http://127.0.0.1:{free_port()}/hook"
    ok(desk("u_ops").post("/v1/webhook-endpoints", json={"url": dead}), 201)
    ok(
        desk("u_controller").put(
            "/v1/approval-policies", json={"operations": {"create": {"steps": STEPS}, "import": {"steps": STEPS[:1]}}}
        )
    )
    kept: dict[str, Any] = {"untouched": desk.submit(), "decided": desk.submit()}
    on_desks = OnDesks.left(desk, payer, runtime.database_url)
    clerk, manager = desk("u_clerk"), desk("u_manager")
    rows = {name: table([(f"{name} {n}", f"{name}{n}.{mark()}@example.com") for n in range(ROWS)]) for name in "abc"}
    paused, waiting = reviewed(clerk, rows["a"], batch_size=5)["id"], reviewed(clerk, rows["b"])["id"]
    assert decide(manager, paused).status_code == 200
    assert clerk.post(f"/v1/customer-imports/{paused}/pause").status_code in (200, 409)

    caller = Client(stack.base_url, stack.token(desk.org, "u_clerk", "ar_clerk"))
    stop, payments = threading.Event(), list[str]()
    with ThreadPoolExecutor(2) as pool:
        loads = [pool.submit(posted_through_it, caller, payer, stop, payments) for _ in range(2)]
        wait_for(lambda: len(payments) > 3, 120, lambda: "no load")
        lines = "date,amount,currency,payer,reference,remittance_text\n" + "".join(
            f"{TODAY},{n}.00,USD,Somebody,ref-{n},nothing\n" for n in range(1, LINES)
        )
        statement = ok(
            clerk.post("/v1/bank-accounts/bank_us/statements", files={"file": ("s.csv", lines.encode(), "text/csv")}),
            202,
        )["id"]
        staging = send(clerk, rows["c"]).json()["id"]
        emptied(stack)
        ok(desk.decide(kept["decided"], "u_manager"))
        time.sleep(5)
        stop.set()
        for load in loads:
            load.result(240)

    def state(path: str) -> str:
        return str(ok(clerk.get(path))["status"])

    assert caller.odd == []
    wait_for(lambda: state(f"/v1/statements/{statement}") == "COMPLETED", 120, lambda: "the statement stands")
    assert until(clerk, staging, "AWAITING_REVIEW", seconds=120)["valid_rows"] == ROWS
    if see(clerk, paused)["status"] == "PAUSED":
        assert clerk.post(f"/v1/customer-imports/{paused}/resume").status_code == 200
    assert until(clerk, paused, seconds=120)["created"] == ROWS
    assert decide(manager, waiting).status_code == 200
    assert until(clerk, waiting, seconds=120)["created"] == ROWS
    with mail_server(smtp) as mails:
        wait_for(
            lambda: desk.change(kept["untouched"])["steps"][0]["escalated_at"] is not None, 150,
            lambda: "the deadline of an untouched change has not come",
        )  # fmt: skip
        assert desk.approve(kept["decided"], "u_controller")["status"] == "APPROVED"
        on_desks.goes_on()
        wait_for(lambda: confirmed(runtime.database_url, desk.org) == len(payments), 240, lambda: f"{len(mails.ids())}")
    each_applied_once_of(runtime.database_url, desk.org, payments)
    assert wrong(runtime.database_url, desk.org) == []
    assert stack.arflow("verify").returncode == 0
    assert "nothing open lacks its process" in stack.arflow("resume").stdout
    desk.close()
    assert stack.stop() == 0


def each_applied_once_of(url: str, org: str, payments: list[str]) -> None:
    with opened(url) as c:
        rows = c.execute(
            "SELECT payment_id, count(*) AS n FROM payment_applications WHERE org_id = %s GROUP BY 1", (org,)
        ).fetchall()
    assert {row["payment_id"]: row["n"] for row in rows} == dict.fromkeys(payments, 1)
