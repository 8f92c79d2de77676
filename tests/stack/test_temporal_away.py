"""An outage of Temporal takes nothing down that does not need it: an API starts, serves what it can, and says what not."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from temporalio.client import Client as Temporal
from temporalio.client import ScheduleHandle, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from api.outages import is_outage
from models.ids import new_id
from models.messages.changes import change_workflow_id
from settings import Settings
from stack.process import free_port
from stack.temporal import DevServer, ensure_cli
from tests.books import Books
from tests.stack_fixtures.app import Access, run_process
from workflows import starts
from workflows.connection import NamespaceGone, connect

TODAY = "2026-01-15"
MOMENT = 120.0
"""Longer than anything here takes on a busy machine."""


@pytest.fixture
def alone(fresh_database_url: str, tmp_path: Path) -> Access:
    """Where an API and a worker will be whose Temporal is not there."""
    port = free_port()
    environment = {
        "ARFLOW_HOME": str(tmp_path),
        "ARFLOW_PORT": str(port),
        "ARFLOW_DATABASE_URL": fresh_database_url,
        "ARFLOW_TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
        "ARFLOW_DRAIN_SECONDS": "3",
    }
    return Access(f"http://127.0.0.1:{port}", environment)


@contextmanager
def running(at: Access, *names: str) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    by_name = {name: run_process(name, at.home, at.environment) for name in names}
    started = list(by_name.values())
    try:
        yield by_name
    finally:
        for process in started:
            process.terminate()
        assert [p.wait(60) for p in started] == [0] * len(started)


def test_an_api_starts_and_serves_without_temporal_and_says_what_is_missing(alone: Access) -> None:
    migrated = alone.arflow("migrate")
    assert "Temporal" in migrated.stdout
    assert "does not answer" in migrated.stdout
    org = alone.organisation()
    customer = alone.customer(org, "A", "a@example.com")
    with running(alone, "api") as started, alone.client(org, "u_clerk", "ar_clerk", patient=False) as clerk:
        alone.wait_ready(MOMENT, everything=False)
        ready = clerk.get("/readyz").json()
        assert (ready["status"], ready["missing"]) == ("ready", ["temporal"])
        assert ready["checks"]["temporal"] != "ok"
        verbose = clerk.get("/readyz?verbose").json()
        assert verbose["status"] == "degraded"
        assert "TEMPORAL_AWAY" in {t["what"] for t in verbose["trouble"]}

        own = {"customer_id": customer, "currency_code": "USD"}
        invoice = {"external_id": "i", "issue_date": TODAY, "total_minor": 700}
        assert clerk.post("/v1/invoices", json=own | invoice).status_code == 201
        assert len(clerk.get("/v1/invoices").json()["items"]) == 1

        key = {"Idempotency-Key": new_id("key")}
        payment = own | {"external_id": "p", "payment_date": TODAY, "amount_minor": 700}
        first = clerk.post("/v1/customer-payments", json=payment, headers=key)
        assert (first.status_code, first.json()["code"]) == (503, "UNAVAILABLE"), first.text
        again = clerk.post("/v1/customer-payments", json=payment, headers=key)
        assert again.status_code == 201, again.text
        once_more = clerk.post("/v1/customer-payments", json=payment, headers=key)
        assert (once_more.status_code, once_more.headers["Idempotent-Replayed"]) == (201, "true")
        assert once_more.json()["id"] == again.json()["id"]
        assert len(clerk.get("/v1/customer-payments").json()["items"]) == 1

        started["api"].terminate()
        not_ready_before_it_is_closed(clerk)


def answers(clerk: httpx2.Client) -> bool:
    try:
        return clerk.get("/healthz").status_code == 200
    except httpx2.TransportError:
        return False


def not_ready_before_it_is_closed(clerk: httpx2.Client) -> None:
    """A balancer sees it in time, and whoever comes meanwhile is served."""
    began = time.monotonic()
    while (ready := clerk.get("/readyz")).status_code == 200:
        assert time.monotonic() < began + MOMENT
    assert ready.json()["missing"] == ["process", "temporal"]
    served = clerk.get("/v1/invoices")
    assert (served.status_code, served.headers["Connection"]) == (200, "close")
    while answers(clerk):
        time.sleep(0.1)
    assert time.monotonic() - began > 2


@pytest.mark.timeout(300)
async def test_once_temporal_is_there_processes_begin_without_a_restart(alone: Access, tmp_path: Path) -> None:
    port = int(alone.environment["ARFLOW_TEMPORAL_ADDRESS"].rpartition(":")[2])
    org = alone.organisation()
    customer = alone.customer(org, "A", "a@example.com")
    server = DevServer(
        cli=ensure_cli(None, print),
        file=None,
        log=tmp_path / "temporal.log",
        port=port,
        ui_port=None,
        namespaces=["default"],
    )
    with running(alone, "api", "worker"):
        await asyncio.to_thread(alone.wait_ready, MOMENT, everything=False)
        process = await server.start()
        try:
            await asyncio.to_thread(alone.wait_ready, MOMENT)
            client = await Temporal.connect(server.address)
            deadline = time.monotonic() + MOMENT
            while True:  # until the worker has told the server of the search attributes, starts are refused
                answer = await asyncio.to_thread(_pay, alone, org, customer)
                assert answer.status_code == 201, answer.text
                if await _ended(client, answer.headers["X-Workflow-Id"]):
                    break
                assert time.monotonic() < deadline, "processes do not begin"
        finally:
            process.kill()
            await process.wait()


async def test_whoever_connects_is_told_that_the_namespace_is_gone(temporal_address: str) -> None:
    settings = Settings(temporal_address=temporal_address, temporal_namespace="nowhere")
    with pytest.raises(NamespaceGone, match=f"{temporal_address} has no namespace nowhere"):
        await connect(settings)
    server = await Temporal.connect(temporal_address, namespace="nowhere")
    with pytest.raises(RPCError) as gone:
        await server.get_workflow_handle("any").describe()
    assert is_outage(gone.value)


@pytest.mark.timeout(280)
async def test_a_namespace_that_is_gone_is_named_and_all_goes_on_once_it_is_back(alone: Access, tmp_path: Path) -> None:
    alone.environment["ARFLOW_TEMPORAL_NAMESPACE"] = "mine"
    org = alone.organisation()
    server = DevServer(
        cli=ensure_cli(None, print), file=None, log=tmp_path / "temporal.log", ui_port=None,
        port=int(alone.environment["ARFLOW_TEMPORAL_ADDRESS"].rpartition(":")[2]),
    )  # fmt: skip
    process = await server.start()
    try:
        with running(alone, "api", "worker") as started:
            await asyncio.to_thread(_without_its_namespace, alone, org, server)
            assert [p.poll() for p in started.values()] == [None, None]
    finally:
        process.kill()
        await process.wait()


def _without_its_namespace(at: Access, org: str, server: DevServer) -> None:
    with at.client(org, "u_clerk", "ar_clerk", patient=False) as clerk:
        at.wait_ready(MOMENT, everything=False)
        _until(lambda: _said_of_temporal(clerk) == "its namespace is gone")
        assert "TEMPORAL_AWAY" in {t["what"] for t in clerk.get("/readyz?verbose").json()["trouble"]}
        lines = f"date,amount,currency,payer,reference,remittance_text\n{TODAY},1.00,USD,X,r,t\n"
        file = {"file": ("s.csv", lines, "text/csv")}
        change, key = {"name": "B", "email": "b@example.com", "legal_entity_id": "le_us"}, {"Idempotency-Key": "change"}
        answers = [
            clerk.post("/v1/bank-accounts/bank_us/statements", files=file),
            clerk.post("/v1/customers", json=change, headers=key),
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE"), answer.text
            assert answer.headers["Retry-After"].isdigit()
        _namespace(server, "create")
        at.wait_ready(MOMENT)
        _until(lambda: [s["status"] for s in clerk.get("/v1/statements").json()["items"]] == ["COMPLETED"])
        _until(lambda: clerk.post("/v1/customers", json=change, headers=key).status_code == 202)
        _namespace(server, "delete")
        _until(lambda: _said_of_temporal(clerk) == "its namespace is gone")
        under_way = clerk.get("/v1/customer-changes?status=pending").json()["items"][0]["id"]
        assert clerk.post("/v1/customers", json=change | {"email": "c@example.com"}).status_code == 503
        _namespace(server, "create")
        at.wait_ready(MOMENT)
        asyncio.run(_goes_on(server.address, under_way))
        _until(lambda: len(clerk.get("/v1/customer-changes?status=pending").json()["items"]) == 2)


async def _goes_on(address: str, change: str) -> None:
    """Nobody asks for it: the sweep begins its process anew, and the schedules."""
    client = await Temporal.connect(address, namespace="mine")
    async with asyncio.timeout(MOMENT):
        for handle in (
            client.get_workflow_handle(change_workflow_id(change)),
            client.get_schedule_handle("seal-trails"),
        ):
            while not await _is_there(handle):
                await asyncio.sleep(0.5)


async def _is_there(handle: "WorkflowHandle[Any, Any] | ScheduleHandle") -> bool:
    with suppress(RPCError):
        await handle.describe()
        return True
    return False


def _said_of_temporal(clerk: httpx2.Client) -> str:
    return str(clerk.get("/readyz").json()["checks"]["temporal"])


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOMENT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _namespace(server: DevServer, act: str) -> None:
    words = [act, *(["--yes"] if act == "delete" else []), "mine", "--address", server.address]
    subprocess.run([server.cli, "operator", "namespace", *words], check=True, capture_output=True)


async def _ended(client: Temporal, workflow_id: str) -> bool:
    """Its process, which there may not be."""
    try:
        await client.get_workflow_handle(workflow_id).result()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


def _pay(at: Access, org: str, customer: str) -> httpx2.Response:
    with at.client(org, "u_clerk", "ar_clerk") as clerk:
        body = {"customer_id": customer, "payment_date": TODAY, "amount_minor": 5, "currency_code": "USD"}
        return clerk.post("/v1/customer-payments", json=body | {"external_id": new_id("ext")})


async def test_a_payment_whose_process_nobody_begins_is_carried_out_in_place(
    quiet_database_url: str, temporal_client: Temporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starts, "POSTING_QUEUE", "a-queue-that-nobody-works-off")
    with closing(Books(quiet_database_url)) as books:
        clerk = books.api("ar_clerk")
        clerk.app.state.temporal = SimpleNamespace(client=temporal_client)
        body = {"customer_id": books.customer(), "payment_date": TODAY, "amount_minor": 5, "currency_code": "USD"}
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=clerk.app), base_url="http://arflow.test", headers=clerk.headers
        ) as asking:
            answer = await asking.post("/v1/customer-payments", json=body | {"external_id": "p"})
        assert answer.status_code == 201, answer.text
        run = temporal_client.get_workflow_handle(answer.headers["X-Workflow-Id"])
        assert (await run.describe()).status is WorkflowExecutionStatus.RUNNING, "it goes on, and finds it done"
        await run.terminate()
