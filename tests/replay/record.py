"""Records the histories that the replay test replays, on a stack of its own: `python -m tests.replay.record [PART …]`.

Every request of the recording carries personal data (personal.py), and the test holds that none of it is in a history.
Run it when a workflow has changed on purpose, and commit the new files beside the old ones: a file stays for as long
as runs of its kind may be open (docs on versioning), because open runs go on under the new code.
"""

import asyncio
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from temporalio.client import Client

from models.messages.deductions import resolve_workflow_id
from models.messages.webhooks import delivery_workflow_id
from stack.process import free_port
from stack.runtime import RunningStack
from tests.mail import mail_server
from tests.replay.personal import EMAIL, NAME, NOTE, said
from tests.stack_fixtures.private import PrivateStack
from tests.webhooks.receiver import receiver

HISTORIES = Path(__file__).with_name("histories")
CHECKOUT = Path(__file__).parents[2]
TODAY = datetime.now(UTC).date().isoformat()


class Recording:
    """One organisation on a running stack, and the runs that are worth keeping."""

    def __init__(self, stack: PrivateStack) -> None:
        self.stack = stack
        self.org = stack.organisation(said("organisation"))
        self.customer = stack.customer(self.org, NAME, EMAIL)
        self.http = stack.client(self.org, "u_controller", "ar_clerk", "ar_manager", "controller", patient=False)
        self.kept: dict[str, str] = {}
        self._number = 0

    def post(self, path: str, body: dict[str, Any], keep: str | None = None, *, expect: int = 200) -> dict[str, Any]:
        """Send it; `keep` names the history of its process."""
        answer = self.http.post(path, json=body)
        assert answer.status_code == expect, answer.text
        if keep:
            self.kept[keep] = self.workflow_of(answer)
        return dict(answer.json())

    def workflow_of(self, answer: httpx2.Response) -> str:
        if "X-Workflow-Id" in answer.headers:
            return str(answer.headers["X-Workflow-Id"])
        runtime = self.runtime()
        with psycopg.connect(runtime.database_url) as c:  # a refusal does not name its run
            row = c.execute("SELECT workflow_id FROM commands WHERE org_id = %s ORDER BY id DESC LIMIT 1", (self.org,))
            ((workflow_id,),) = row.fetchall()
            return str(workflow_id)

    def runtime(self) -> RunningStack:
        found = RunningStack.read(self.stack.home)
        assert found is not None
        return found

    def external_id(self) -> str:
        self._number += 1
        return said(f"number-{self._number}")

    def invoice(self, total: int) -> dict[str, Any]:
        body = {
            "customer_id": self.customer, "external_id": self.external_id(), "issue_date": TODAY,
            "currency_code": "USD", "total_minor": total,
        }  # fmt: skip
        return self.post("/v1/invoices", body, expect=201)

    def payment(self, amount: int, keep: str | None = None) -> str:
        body = {
            "customer_id": self.customer, "external_id": self.external_id(), "payment_date": TODAY,
            "currency_code": "USD", "amount_minor": amount, "reference": said("reference"),
            "remittance_text": said("remittance"), "method": said("method"),
        }  # fmt: skip
        return str(self.post("/v1/customer-payments", body, keep, expect=201)["id"])

    def apply(self, what: str, invoice: str, minor: int, keep: str | None, **more: Any) -> dict[str, Any]:
        expect = more.pop("expect", 200)
        line = {"invoice_id": invoice, "applied_minor": minor}
        body = {"applications": [line], "external_id": self.external_id(), **more}
        return self.post(f"/v1/{what}/apply", body, keep, expect=expect)


def cash(r: Recording) -> None:
    """Payments recorded, applied, refused, undone, reversed, reconciled; a credit spent."""
    invoice = r.invoice(1000)["id"]
    payment = r.payment(600, "RecordPayment.completed")
    r.apply(f"customer-payments/{payment}", invoice, 9999, "ApplyPayment.refused", expect=422)
    done = r.apply(f"customer-payments/{payment}", invoice, 600, "ApplyPayment.completed")
    undo = {"reason_code": "WRONG_MATCH", "note": NOTE}
    r.post(f"/v1/payment-applications/{done['applications'][0]['id']}/unapply", undo, "UnapplyApplication.of_payment")
    r.post(f"/v1/customer-payments/{payment}/reverse", undo, "ReversePayment.completed")
    r.post(f"/v1/customer-payments/{payment}/reverse", undo, "ReversePayment.refused", expect=409)
    over = r.payment(1500)
    second = r.invoice(400)["id"]
    credit = r.apply(f"customer-payments/{over}", invoice, 1000, None, overpayment="customer_credit")["credit_id"]
    r.apply(f"customer-credits/{credit}", second, 400, "ApplyCredit.of_payment")
    drafted = r.post(
        "/v1/bank-accounts/bank_us/reconciliations", {"through_date": TODAY, "payment_ids": [over]},
        "ReconcileBank.drafted", expect=201,
    )  # fmt: skip
    r.post(f"/v1/reconciliations/{drafted['id']}/complete", {}, "ReconcileBank.completed")
    r.post(f"/v1/reconciliations/{drafted['id']}/reopen", undo, "ReconcileBank.reopened")


def adjusted(r: Recording) -> None:
    """A payment that a bank took a fee out of; the fee undone."""
    invoice, payment = r.invoice(500)["id"], r.payment(475)
    fee = {"kind": "bank_fee", "amount_minor": 25, "reason_code": "BANK_FEE", "note": NOTE}
    body = {"applications": [{"invoice_id": invoice, "applied_minor": 475, "adjustments": [fee]}]}
    done = r.post(f"/v1/customer-payments/{payment}/apply", body, "ApplyPayment.adjusted")
    undo = {"reason_code": "WRONG_MATCH", "note": NOTE}
    r.post(f"/v1/adjustments/{done['adjustments'][0]['id']}/undo", undo, "UndoAdjustment.of_payment")


def written_off(r: Recording) -> None:
    """A write-off within authority, reversed; one that is approved, and one that is given back and rejected."""
    body = {"reason_code": "SMALL_BALANCE", "note": NOTE}
    done = r.post("/v1/write-offs", body | {"invoice_id": r.invoice(400)["id"]}, "WriteOff.completed", expect=201)
    undo = {"reason_code": "PAID_AFTER_ALL", "note": NOTE}
    r.post(f"/v1/write-offs/{done['id']}/reverse", undo, "ReverseWriteOff.completed")
    cfo = r.stack.client(r.org, "u_cfo", "cfo", patient=False)
    for name, decisions in (("approved", ["approve"]), ("returned", ["return", "reject"])):
        asked = r.post(
            "/v1/write-offs", body | {"invoice_id": r.invoice(2_000_000)["id"]}, f"WriteOff.{name}", expect=202
        )
        door = f"/v1/approvals/{asked['approval_id']}"
        r.kept[f"ObtainApproval.{name}"] = f"{asked['approval_id']}/ObtainApproval"
        for decision in decisions:
            said = {"decision": decision, "reason_code": "CHECKED", "comment": NOTE}
            assert cfo.post(f"{door}/decisions", json=said).status_code == 200
            if decision == "return":
                r.post(f"{door}/resubmit", {"comment": NOTE})


def credited(r: Recording) -> None:
    """A credit note issued, applied, netted in a payment, undone, voided."""
    invoice = r.invoice(500)["id"]
    body = {
        "customer_id": r.customer, "external_id": r.external_id(), "issue_date": TODAY, "currency_code": "USD",
        "total_minor": 125, "reason_code": "GOODS_RETURNED", "note": NOTE,
    }  # fmt: skip
    note = r.post("/v1/credit-notes", body, "IssueCreditNote.completed", expect=201)["id"]
    line = {"applications": [{"invoice_id": invoice, "applied_minor": 25}]}
    done = r.post(f"/v1/credit-notes/{note}/apply", line, "ApplyCreditNote.completed")
    undo = {"reason_code": "WRONG_MATCH", "note": NOTE}
    r.post(
        f"/v1/credit-note-applications/{done['applications'][0]['id']}/unapply", undo, "UnapplyCreditNote.completed"
    )  # fmt: skip
    r.post(f"/v1/credit-notes/{note}/void", undo, "VoidCreditNote.completed")
    r.post(f"/v1/credit-notes/{note}/void", undo, "VoidCreditNote.refused", expect=409)


def deducted(r: Recording) -> None:
    """Deductions rejected, accepted, decided twice, and brought before those above."""
    for name, minor, expect in (("rejected", 100, 200), ("accepted", 200, 200), ("submitted", 2_600_000, 202)):
        body = {"invoice_id": r.invoice(minor)["id"], "amount_minor": minor, "reason_code": "DAMAGED_GOODS",
                "customer_reason": NOTE, "note": NOTE}  # fmt: skip
        made = r.post("/v1/deductions", body, expect=201)["id"]
        said = {"decision": "reject" if name == "rejected" else "accept", "reason_code": "CHECKED", "note": NOTE}
        r.post(f"/v1/deductions/{made}/resolve", said, f"DecideDeduction.{name}", expect=expect)
        if name == "rejected":
            r.post(f"/v1/deductions/{made}/resolve", said, "DecideDeduction.refused", expect=409)
        if name != "submitted":
            r.kept[f"ResolveDeduction.{name}"] = resolve_workflow_id(made)


def passed_over(r: Recording) -> None:
    """A deduction that its owners let lie, and one that is paid while its approval is under way."""
    assert r.http.patch("/v1/settings", json={"deduction_sla_seconds": 2}).status_code == 200
    body = {"amount_minor": 100, "reason_code": "FREIGHT", "customer_reason": NOTE}
    late = r.post("/v1/deductions", body | {"invoice_id": r.invoice(300)["id"]}, expect=201)["id"]
    assert r.http.patch("/v1/settings", json={"deduction_sla_seconds": None}).status_code == 200
    deadline = time.monotonic() + 60
    while r.http.get(f"/v1/deductions/{late}").json()["owner_role"] != "controller":
        assert time.monotonic() < deadline
        time.sleep(0.3)
    r.post(f"/v1/deductions/{late}/resolve", {"decision": "reject", "reason_code": "CHECKED"})
    r.kept["ResolveDeduction.escalated"] = resolve_workflow_id(late)
    invoice, total = r.invoice(2_700_000)["id"], 2_700_000
    paid = r.post("/v1/deductions", body | {"invoice_id": invoice, "amount_minor": total}, expect=201)["id"]
    said = {"decision": "accept", "reason_code": "CHECKED"}
    approval = r.post(f"/v1/deductions/{paid}/resolve", said, expect=202)["approval_id"]
    r.apply(f"customer-payments/{r.payment(total)}", invoice, total, None)
    r.kept["ResolveDeduction.withdrawn"] = resolve_workflow_id(paid)
    r.kept["ObtainApproval.needless"] = f"{approval}/ObtainApproval"


def fallback(r: Recording) -> None:
    """A posting whose local activity cannot get at its row in time, and is finished as a regular one."""
    invoice, payment = r.invoice(300)["id"], r.payment(300)
    with psycopg.connect(r.runtime().database_url) as held:
        held.execute("SELECT 1 FROM payments WHERE id = %s FOR UPDATE", (payment,))
        r.apply(f"customer-payments/{payment}", invoice, 300, "ApplyPayment.fallback", expect=202)


def bank(r: Recording) -> None:
    """A statement with a line that names its invoice and one of an unknown payer, who is then named."""
    named = r.invoice(250)["external_id"]
    rows = [
        "date,amount,currency,payer,reference,remittance_text",
        f"{TODAY},2.50,USD,{NAME},{said('bank')},invoice {named}",
        f"{TODAY},7.70,USD,{NAME},{said('bank')},{said('remittance')}",
    ]
    files = {"file": (f"{said('file')}.csv", "\n".join(rows).encode(), "text/csv")}
    answer = r.http.post("/v1/bank-accounts/bank_us/statements", files=files)
    assert answer.status_code == 202, answer.text
    r.kept["ImportStatement.completed"] = answer.headers["X-Workflow-Id"]
    deadline = time.monotonic() + 60
    while (statement := r.http.get(f"/v1/statements/{answer.json()['id']}").json())["status"] == "PROCESSING":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    (unknown,) = [x["payment_id"] for x in statement["lines"] if x["status"] == "UNMATCHED"]
    body = {"customer_id": r.customer}
    r.post(f"/v1/customer-payments/{unknown}/assign", body, "AssignPayment.completed")


def webhooks(r: Recording) -> None:
    """Events about a payment sent to an endpoint that does not take the first attempt."""
    with receiver() as there:
        there.answers = [500]
        types = ["ar.payment.received", "ar.payment.reversed"]
        made = r.post("/v1/webhook-endpoints", {"url": there.url, "event_types": types}, expect=201)
        payment = r.payment(100)
        there.wait(2)
        r.kept["DeliverWebhooks.retried"] = delivery_workflow_id(made["id"], payment)


PARTS = (cash, adjusted, written_off, credited, deducted, passed_over, bank, fallback, webhooks)


async def export(r: Recording) -> None:
    """Write the kept runs, and one confirmation where money was applied, once they have ended."""
    client = await Client.connect(r.runtime().temporal_address, namespace=r.runtime().temporal_namespace)
    query = "WorkflowType = 'ConfirmRemittance' AND ExecutionStatus = 'Completed'"
    deadline = time.monotonic() + 60
    while "ApplyPayment.completed" in r.kept and "ConfirmRemittance.in_place" not in r.kept:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.3)
        async for confirmed in client.list_workflows(query):
            r.kept["ConfirmRemittance.in_place"] = confirmed.id
    HISTORIES.mkdir(exist_ok=True)
    for name, workflow_id in r.kept.items():
        handle = client.get_workflow_handle(workflow_id)
        while (await handle.describe()).close_time is None:
            assert time.monotonic() < deadline, name
            await asyncio.sleep(0.1)
        history = await handle.fetch_history()
        # Failures carry stack traces: where this checkout and its Python lie is nobody's business.
        text = history.to_json().replace(f"{CHECKOUT}/", "").replace(sys.base_prefix, "python")
        (HISTORIES / f"{name}.json").write_text(text + "\n")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="arflow-record-") as home:
        smtp = free_port()
        environment = {
            **os.environ, "ARFLOW_HOME": f"{home}/home", "ARFLOW_PORT": str(free_port()),
            "ARFLOW_TEMPORAL_PORT": str(free_port()), "ARFLOW_TEMPORAL_UI_PORT": str(free_port()),
            "ARFLOW_SMTP_URL": f"smtp://127.0.0.1:{smtp}",
        }  # fmt: skip
        stack = PrivateStack(f"http://127.0.0.1:{environment['ARFLOW_PORT']}", environment).start()
        try:
            with mail_server(smtp):
                recording = Recording(stack)
                for part in PARTS:
                    if part.__name__ in (sys.argv[1:] or [p.__name__ for p in PARTS]):
                        part(recording)
                asyncio.run(export(recording))
        finally:
            stack.stop()


if __name__ == "__main__":
    main()
