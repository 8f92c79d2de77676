"""The process of a deduction on a real Temporal: begun with it, ended with it, begun again where it is lost."""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from models.db.engine import make_engine, transaction
from models.ids import new_id
from models.messages.commands import PROCESS_QUEUE
from models.messages.deductions import DeductionInput, resolve_workflow_id
from tests.approvals.ledger import Ledger, verified
from tests.customers.desk import ok, refused
from tests.stack_fixtures.app import AppStack
from workflows import open_work


@pytest.fixture(scope="module")
def desk(app_stack: AppStack) -> Iterator[Ledger]:
    yield from verified(app_stack)


def short(desk: Ledger, total: int, minor: int, reason: str = "DAMAGED_GOODS") -> tuple[str, str]:
    """An invoice paid short; and the deduction."""
    invoice = desk.invoice(total)
    body = {"customer_id": desk.payer, "external_id": new_id("ext"), "payment_date": "2026-02-01",
            "amount_minor": total - minor, "currency_code": "USD"}  # fmt: skip
    said = {"invoice_id": invoice, "amount_minor": minor, "reason_code": reason, "customer_reason": "a wet pallet"}
    session = {"applications": [{"invoice_id": invoice, "applied_minor": total - minor}], "deductions": [said]}
    paid = ok(desk("u_clerk").post("/v1/customer-payments", json=body | {"apply": session}), 201)
    return invoice, str(paid["session"]["deductions"][0]["id"])


def resolve(desk: Ledger, deduction: str, decision: str, by: str = "u_manager", **headers: str) -> Any:
    body = {"decision": decision, "reason_code": "CHECKED"}
    return desk(by).post(f"/v1/deductions/{deduction}/resolve", json=body, headers=headers)


async def running(client: Client, deduction: str) -> Any:
    """Its process, once the relay has begun it."""
    handle = client.get_workflow_handle(resolve_workflow_id(deduction))
    async with asyncio.timeout(60):
        while True:
            try:
                await handle.describe()
                return handle
            except RPCError:
                await asyncio.sleep(0.2)


@pytest.mark.parametrize(("decision", "becomes"), [("accept", "ACCEPTED"), ("reject", "REJECTED")])
async def test_it_begins_with_the_deduction_and_ends_with_the_decision(
    desk: Ledger, temporal_client: Client, decision: str, becomes: str
) -> None:
    invoice, deduction = short(desk, 100_000, 12_000)
    handle = temporal_client.get_workflow_handle(resolve_workflow_id(deduction), result_type=str)
    await running(temporal_client, deduction)
    said = ok(resolve(desk, deduction, decision))
    assert said["status"] == becomes
    async with asyncio.timeout(60):
        assert await handle.result() == becomes
    assert desk.balance(invoice) == (("PAID", 0) if decision == "accept" else ("PARTIALLY_PAID", 12_000))
    refused(resolve(desk, deduction, decision), 409, "DEDUCTION_CLOSED")


async def test_paid_in_full_it_is_withdrawn_and_its_approval_with_it(desk: Ledger, temporal_client: Client) -> None:
    invoice, deduction = short(desk, 900_000, 500_000)
    asked = ok(resolve(desk, deduction, "accept"), 202)
    assert (asked["status"], asked["awaits_approval"]) == ("OPEN", True)
    await running(temporal_client, deduction)
    body = {"customer_id": desk.payer, "external_id": new_id("ext"), "payment_date": "2026-02-02", "amount_minor": 500_000,
            "currency_code": "USD", "apply": {"applications": [{"invoice_id": invoice, "applied_minor": 500_000}]}}  # fmt: skip
    ok(desk("u_clerk").post("/v1/customer-payments", json=body), 201)
    handle = temporal_client.get_workflow_handle(resolve_workflow_id(deduction), result_type=str)
    approving = temporal_client.get_workflow_handle(f"{asked['approval_id']}/ObtainApproval")
    async with asyncio.timeout(60):
        assert await handle.result() == "WITHDRAWN"
        await approving.result()
    assert ok(desk("u_clerk").get(f"/v1/approvals/{asked['approval_id']}"))["status"] == "WITHDRAWN"


async def test_beyond_authority_it_is_credited_by_the_last_approval(desk: Ledger, temporal_client: Client) -> None:
    invoice, deduction = short(desk, 900_000, 500_000)
    approval = ok(resolve(desk, deduction, "accept", by="u_clerk"), 202)["approval_id"]
    evidence = f"/v1/approvals/{approval}/evidence"
    token = ok(desk("u_manager").get(f"/v1/approvals/{approval}/approval-token"))
    assert token["token"]
    ok(desk.approve_as(approval, "u_manager"))
    assert ok(desk.approve_as(approval, "u_controller"))["status"] == "APPROVED"
    found = ok(desk("u_clerk").get(f"/v1/deductions/{deduction}"))
    assert (found["status"], found["approval_id"], desk.balance(invoice)) == ("ACCEPTED", approval, ("PAID", 0))
    (entry,) = desk.entries(found["credit_note_id"])
    assert {x["account"]: x["debit_minor"] - x["credit_minor"] for x in entry["lines"]} == {
        "revenue": 500_000, "accounts_receivable": -500_000,
    }  # fmt: skip
    assert ok(desk("u_auditor").get(evidence))["format"] == "arflow.approval-evidence/1"
    handle = temporal_client.get_workflow_handle(resolve_workflow_id(deduction), result_type=str)
    async with asyncio.timeout(60):
        await running(temporal_client, deduction)
        assert await handle.result() == "ACCEPTED"


async def test_the_same_key_decides_once(desk: Ledger) -> None:
    _, deduction = short(desk, 1_000, 100)
    key = new_id("key")
    first, again = (resolve(desk, deduction, "accept", **{"Idempotency-Key": key}) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_whoever_lets_the_time_pass_is_passed_over(desk: Ledger, temporal_client: Client) -> None:
    controller = desk("u_controller")
    ok(controller.patch("/v1/settings", json={"deduction_sla_seconds": 2}))
    try:
        _, deduction = short(desk, 1_000, 100, "FREIGHT")
    finally:
        ok(controller.patch("/v1/settings", json={"deduction_sla_seconds": None}))
    deadline = time.monotonic() + 60
    while (found := ok(desk("u_clerk").get(f"/v1/deductions/{deduction}")))["owner_role"] != "controller":
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.3)
    description = await temporal_client.get_workflow_handle(resolve_workflow_id(deduction)).describe()
    by_name = {p.key.name: p.value for p in description.typed_search_attributes}
    assert by_name.items() >= {"OrgId": desk.org, "ProcessType": "ResolveDeduction", "CustomerId": desk.payer}.items()
    assert by_name["AwaitingRole"] in ("ar_manager", "controller")
    trail = ok(controller.get("/v1/audit-events", params={"subject_id": deduction}))["items"]
    assert {"deduction.reminded", "deduction.escalated"} <= {e["action"] for e in trail}
    assert all(e["workflow_id"] for e in trail if e["action"] in ("deduction.reminded", "deduction.escalated"))
    ok(resolve(desk, deduction, "reject", by="u_controller"))


async def test_a_lost_process_is_begun_again_from_the_books_alone(
    desk: Ledger, temporal_client: Client, database_url: str
) -> None:
    _, deduction = short(desk, 1_000, 100)
    handle = await running(temporal_client, deduction)
    await handle.terminate("lost")
    engine = make_engine(database_url, pool_size=1)
    try:
        with transaction(engine, desk.org) as tx:
            (listed,) = [w for w in open_work.OPEN_WORK if w.table == "deductions"]
            wanted = {n.begun.id for n in listed.found(tx)}
    finally:
        engine.dispose()
    assert resolve_workflow_id(deduction) in wanted
    desk.stack.arflow("resume")
    again = temporal_client.get_workflow_handle(resolve_workflow_id(deduction))
    assert (await again.describe()).status is WorkflowExecutionStatus.RUNNING
    ok(resolve(desk, deduction, "reject"))
    async with asyncio.timeout(60):
        assert (
            await temporal_client.get_workflow_handle(resolve_workflow_id(deduction), result_type=str).result()
            == "REJECTED"
        )


async def test_without_its_record_the_run_ends_visibly(desk: Ledger, temporal_client: Client) -> None:
    missing = new_id("ded")
    with pytest.raises(WorkflowFailureError) as failure:
        await temporal_client.execute_workflow(
            "ResolveDeduction", DeductionInput(desk.org, missing), id=resolve_workflow_id(missing),
            task_queue=PROCESS_QUEUE, execution_timeout=timedelta(seconds=60),
        )  # fmt: skip
    cause = failure.value.cause.__cause__ or failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "RECORD_GONE"
