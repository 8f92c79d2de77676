"""What an approval of its own shares with all: tokens and signals, delegation, deadlines, evidence, a process begun again."""

import json
import re
import subprocess
import time
from collections.abc import Iterator

import pytest
from temporalio.client import Client

from models.db.engine import make_engine
from models.inbox.evidence import faults, read
from operations.approvals.deadlines import escalate, remind
from settings import Settings
from stack.temporal import ensure_cli
from tests.approvals.ledger import Ledger
from tests.customers.desk import ok, refused
from tests.stack_fixtures.app import AppStack


@pytest.fixture(scope="module")
def desk(app_stack: AppStack) -> Iterator[Ledger]:
    made = Ledger(app_stack)
    yield made
    made.close()


def asked(desk: Ledger, amount: int = 60_000) -> str:
    return str(ok(desk.write_off(desk.invoice(amount)), 202)["approval_id"])


def test_a_token_decides_its_step_by_signal_once(desk: Ledger, temporal_address: str, temporal_namespace: str) -> None:
    approval = asked(desk, 40_000)
    url = f"/v1/approvals/{approval}"
    refused(desk("u_controller").get(f"{url}/approval-token"), 403, "FORBIDDEN")
    token = ok(desk("u_manager").get(f"{url}/approval-token"))["token"]
    ok(desk("u_manager2").get(f"{url}/approval-token"))
    deadline = time.monotonic() + 60
    cli = ensure_cli(Settings().temporal_cli, print)

    def signal(word: dict[str, str]) -> int:
        command = [str(cli), "workflow", "signal", "--address", temporal_address, "--namespace", temporal_namespace]
        command += ["--workflow-id", f"{approval}/ObtainApproval", "--name", "decide", "--input", json.dumps(word)]
        return subprocess.run(command, check=False, capture_output=True, timeout=120).returncode

    while signal({"token": "apt_forged.x", "decision": "approve"}):
        assert time.monotonic() < deadline, "the relay begins its process"
        time.sleep(0.5)
    assert signal({"token": token, "decision": "approve", "comment": "by signal"}) == 0
    while (found := ok(desk("u_clerk").get(url)))["status"] == "PENDING_APPROVAL":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert (found["status"], found["decisions"][0]["channel"]) == ("APPROVED", "signal")
    trail = ok(desk("u_controller").get("/v1/audit-events", params={"subject_id": approval}))["items"]
    assert "TOKEN_FORGED" in [e["payload"].get("because") for e in trail]


def test_a_step_is_delegated_to_who_holds_its_role(desk: Ledger) -> None:
    approval = asked(desk)
    url = f"/v1/approvals/{approval}/delegate"
    ok(desk("u_manager2").get("/v1/approvals?awaiting=me"))
    refused(desk("u_manager").post(url, json={"step": 1, "to_user_id": "u_clerk"}), 403, "SEGREGATION_OF_DUTIES")
    given = ok(desk("u_manager").post(url, json={"step": 1, "to_user_id": "u_manager2"}))
    assert given["steps"][0]["delegated_to"] == "u_manager2"
    done = ok(desk.approve_as(approval, "u_manager2"))
    assert done["decisions"][0]["on_behalf_of"] == "u_manager"


def test_nobody_decides_two_steps(desk: Ledger) -> None:
    approval = asked(desk)
    ok(desk.approve_as(approval, "u_all"))
    refused(desk.approve_as(approval, "u_all"), 403, "SEGREGATION_OF_DUTIES")
    assert ok(desk.approve_as(approval, "u_controller"))["status"] == "APPROVED"


def test_a_step_that_nobody_decides_is_reminded_and_escalated_once(desk: Ledger, database_url: str) -> None:
    approval = asked(desk)
    engine = make_engine(database_url, pool_size=1)
    try:
        assert [remind(engine, desk.org, approval, 1, 1) for _ in range(2)] == [True, False]
        assert [escalate(engine, desk.org, approval, 1, 1) for _ in range(2)] == [True, False]
    finally:
        engine.dispose()
    found = ok(desk("u_controller").get("/v1/exceptions", params={"status": "open"}))["items"]
    mine = {e["reason_code"]: e["owner_role"] for e in found if e["subject_id"] == approval}
    assert mine == {"APPROVAL_OVERDUE": "controller"}
    told = [
        e["type"] for e in ok(desk("u_controller").get("/v1/events?limit=200"))["items"] if e["subject"] == approval
    ]
    assert {"approval.submitted", "approval.reminded", "approval.escalated"} <= set(told)
    ok(desk.approve_as(approval, "u_manager"))
    found = ok(desk("u_controller").get("/v1/exceptions", params={"status": "open"}))["items"]
    assert [e for e in found if e["subject_id"] == approval] == []


def test_the_evidence_proves_itself_on_paper_too(desk: Ledger, tmp_path) -> None:
    approval = asked(desk)
    ok(desk.approve_as(approval, "u_manager", comment="Société Générale 株式会社 #strong[x]"))
    ok(desk.approve_as(approval, "u_controller"))
    url = f"/v1/approvals/{approval}/evidence"
    document = ok(desk("u_auditor").get(url))
    assert (document["format"], faults(document)) == ("arflow.approval-evidence/1", [])
    pdf = desk("u_auditor").get(url, headers={"Accept": "application/pdf"})
    assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
    assert re.search(rb"pdfaid:part[>\"=\s]*3", pdf.content)
    assert faults(read(pdf.content)) == []
    file = tmp_path / "packet.pdf"
    file.write_bytes(pdf.content)
    assert "write_off APPROVED" in desk.stack.arflow("verify-evidence", str(file)).stdout
    altered = json.loads(json.dumps(document))
    altered["approval"]["decisions"][0]["decided_by"] = "u_nobody"
    assert faults(altered) == ["the decisions are not the trail's"]
    altered = json.loads(json.dumps(document))
    altered["trail"][1]["actor"] = "u_nobody"
    assert faults(altered)


async def test_a_lost_process_is_begun_again_by_the_next_decision(desk: Ledger, temporal_client: Client) -> None:
    approval = asked(desk)
    handle = temporal_client.get_workflow_handle(f"{approval}/ObtainApproval")
    ok(desk.approve_as(approval, "u_manager"))
    await handle.terminate("lost")
    done = ok(desk.approve_as(approval, "u_controller"))
    assert done["status"] == "APPROVED"
