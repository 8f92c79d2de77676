"""A Temporal that is there and too busy to take anything: nobody is told that the service is away."""

import asyncio
import gc
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from temporalio.client import Client as Temporal
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from models.messages.changes import change_workflow_id
from stack.process import free_port
from stack.temporal import DevServer, ensure_cli
from tests.books import Books
from workflows.conversion import DATA_CONVERTER
from workflows.search_attributes import register_search_attributes

MOMENT = 120.0
LINES = {
    "file": ("s.csv", b"date,amount,currency,payer,reference,remittance_text\n2026-01-15,1.00,USD,X,r,t\n", "text/csv")
}


@contextmanager
def writing_nothing(file: Path) -> Iterator[None]:
    """Somebody else holds the server's database: it answers, and can keep nothing."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=60)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")


@pytest.mark.timeout(280)
async def test_what_a_busy_temporal_does_not_take_is_posted_in_place_or_kept_and_brought_to_it(
    quiet_database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "temporal.db"
    server = DevServer(
        cli=ensure_cli(None, print), file=file, log=tmp_path / "temporal.log", port=free_port(), ui_port=None
    )
    process = await server.start()
    try:
        client = await Temporal.connect(server.address, data_converter=DATA_CONVERTER)
        await register_search_attributes(client)
        with closing(Books(quiet_database_url)) as books:
            clerk = books.api("ar_clerk")
            clerk.app.state.temporal = SimpleNamespace(client=client)
            payment = {
                "customer_id": books.customer(),
                "payment_date": "2026-01-15",
                "amount_minor": 5,
                "currency_code": "USD",
            }
            change = {"name": "B", "email": "b@example.com", "legal_entity_id": "le_us"}
            async with httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=clerk.app), base_url="http://arflow.test", headers=clerk.headers
            ) as asking:
                with writing_nothing(file):
                    paid, submitted, read = await asyncio.gather(
                        asking.post("/v1/customer-payments", json=payment | {"external_id": "p"}),
                        asking.post("/v1/customers", json=change),
                        asking.post("/v1/bank-accounts/bank_us/statements", files=LINES),
                    )
                assert paid.status_code == 201, paid.text
                assert (submitted.status_code, submitted.json()["status"]) == (202, "SUBMITTED"), submitted.text
                assert submitted.headers["Location"].startswith("/v1/operations/")
                assert read.status_code == 202, read.text
                await begun(client, read.json()["workflow_id"])
                await begun(client, change_workflow_id(submitted.json()["change_id"]))
                going_on = await going_on_when_told_to_end()
                gc.collect()  # what the client leaves of a call that was cancelled tells of itself here, in no later test
                assert going_on == 0
    finally:
        process.kill()
        await process.wait()


async def going_on_when_told_to_end() -> int:
    """How much of what waits for the server, or for its next try, would hold up the end of its process."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert left
    assert all(task.cancel() for task in left)
    _, going_on = await asyncio.wait(left, timeout=1)
    return len(going_on)


async def begun(client: Temporal, workflow_id: str) -> None:
    """It was brought to the server, without anybody asking again."""
    async with asyncio.timeout(MOMENT):
        while True:
            try:
                found = await client.get_workflow_handle(workflow_id).describe()
            except RPCError:
                await asyncio.sleep(0.3)
            else:
                assert found.status is WorkflowExecutionStatus.RUNNING
                return
