"""A remittance confirmation outlives the mail server's absence, and goes out once."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.confirmations import ConfirmationActivities, smtp_transport
from models.db import stuck
from models.messages.confirmations import ConfirmationInput, ConfirmationResult, confirmation_workflow_id
from stack.process import free_port
from tests.cash_desk.books import opened, wrong
from tests.cash_desk.desk import Desk
from tests.mail import mail_server
from tests.stack_fixtures.clock import pass_time
from workflows.confirmations import ConfirmRemittance


@pytest.fixture
def database_url(fresh_database_url: str) -> str:
    """A database of its own: another test's worker on a shared one would confirm the remittance first."""
    return fresh_database_url


def exceptions(database_url: str, org: str) -> list[tuple[str, str, str]]:
    with opened(database_url) as c:
        sql = "SELECT kind, owner_role, status FROM exceptions WHERE org_id = %s"
        return [(r["kind"], r["owner_role"], r["status"]) for r in c.execute(sql, (org,))]


def mail_among_what_stands(desk: Desk) -> list[int]:
    return [t.number for t in stuck.trouble(desk.engine) if t.what == "MAIL_NOT_DELIVERED"]


def test_a_slow_mail_server_is_not_told_twice(desk: Desk, database_url: str) -> None:
    """A try that was given up after seconds is still talking to it when the next one begins."""
    customer = desk.customer(email="payer@example.com", name="Payer Ltd")
    payment = desk.run(desk.payment(customer, 500, reference="R-2")).body["id"]
    invoice = desk.run(desk.invoice(customer, 500)).body["id"]
    session = desk.run(desk.apply(payment, [{"invoice_id": invoice, "applied_minor": 500}])).body["session_id"]
    taken, go_on, sent = threading.Event(), threading.Event(), []

    def slowly(message: EmailMessage) -> None:
        taken.set()
        assert go_on.wait(60)
        sent.append(message["Message-ID"])

    doing, asked = ConfirmationActivities(desk.engine, slowly), ConfirmationInput(desk.org, session)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(doing.send_confirmation, asked)
        assert taken.wait(60)
        with pytest.raises(ApplicationError) as told:
            doing.send_confirmation(asked)
        assert (told.value.type, told.value.non_retryable) == ("BEING_SENT", False)
        go_on.set()
        assert first.result(60) == ConfirmationResult("SENT")
    assert doing.send_confirmation(asked) == ConfirmationResult("SENT")
    assert len(sent) == 1


async def test_half_a_day_without_mail_server_raises_one_exception_and_ends_in_one_mail(
    time_skipping: WorkflowEnvironment, worker_of: Callable[..., Worker], desk: Desk, database_url: str
) -> None:
    customer = desk.customer(email="payer@example.com", name="Payer Ltd")
    payment = desk.run(desk.payment(customer, 50_000, reference="R-1")).body["id"]
    invoice = desk.run(desk.invoice(customer, 50_000)).body
    line = [{"invoice_id": invoice["id"], "applied_minor": 50_000}]
    session = desk.run(desk.apply(payment, line)).body["session_id"]
    port = free_port()
    doing = ConfirmationActivities(desk.engine, smtp_transport(f"smtp://127.0.0.1:{port}"))
    started = await time_skipping.get_current_time()
    async with worker_of([ConfirmRemittance], [doing.send_confirmation, doing.report_undelivered]) as worker:
        handle = await time_skipping.client.start_workflow(
            ConfirmRemittance.run, ConfirmationInput(desk.org, session), id=confirmation_workflow_id(session),
            task_queue=worker.task_queue,
        )  # fmt: skip
        await pass_time(time_skipping, timedelta(minutes=10))
        assert exceptions(database_url, desk.org) == []
        await pass_time(time_skipping, timedelta(hours=12))
        told = [("remittance_confirmation", "ar_manager", "open")]
        deadline = time.monotonic() + 120  # the clock may run ahead of a busy worker, which then reports a little later
        while exceptions(database_url, desk.org) != told:
            assert time.monotonic() < deadline, exceptions(database_url, desk.org)
            await asyncio.sleep(0.1)
        with opened(database_url) as c:
            (one,) = c.execute("SELECT detail FROM exceptions WHERE org_id = %s", (desk.org,))
        assert one["detail"] == {"error": "ConnectionRefusedError"}
        assert mail_among_what_stands(desk) == [1]
        with mail_server(port) as kept:
            assert await handle.result() == ConfirmationResult("SENT")
            again = await asyncio.to_thread(doing.send_confirmation, ConfirmationInput(desk.org, session))
    assert (await time_skipping.get_current_time()) - started >= timedelta(hours=12)
    assert again == ConfirmationResult("SENT")
    (mail,) = kept.messages
    assert mail["To"] == "payer@example.com"
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes)
    text = content.decode()
    assert "500.00 USD" in text
    assert invoice["external_id"] in text
    assert exceptions(database_url, desk.org) == [("remittance_confirmation", "ar_manager", "resolved")]
    assert mail_among_what_stands(desk) == []
    with opened(database_url) as c:
        sql = "SELECT workflow_id FROM audit_events WHERE org_id = %s AND action = 'remittance.confirmed'"
        assert [r["workflow_id"] for r in c.execute(sql, (desk.org,))] == [handle.id]
    assert wrong(database_url, desk.org) == []
    history = (await handle.fetch_history()).to_json()
    assert "payer@example.com" not in history
    assert "Payer Ltd" not in history
