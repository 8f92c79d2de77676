"""Customers in the demo: nobody changes one alone. Everything in one operation, two approvals (one by a signal from the

Temporal CLI), an update with three actions, a refused self-approval, an overdue step, a deactivation, an erasure by three.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from demo.console import Claim
from demo.context import Demo
from demo.people import Person
from stack.temporal import ensure_cli

PATIENCE_SECONDS: Final = 120.0
_SHORT: Final = {"remind_after_seconds": 1, "escalate_after_seconds": 2}


def walk_customers(ctx: Demo) -> None:
    """The life of one customer, and of a test record that should never have been."""
    ctx.tell.chapter("Customers: changed by chains of approval, never by one person")
    change = _create(ctx)
    customer = change["customer_id"]
    _not_there_yet(ctx, customer)
    _self_approval(ctx)
    _first_by_api(ctx, change)
    _second_by_signal(ctx, change)
    _two_entities(ctx, customer)
    _three_actions(ctx, customer)
    _overdue(ctx, customer)
    _evidence(ctx, change)
    _deactivate(ctx, customer)
    _erase(ctx)


def _create(ctx: Demo) -> dict[str, Any]:
    ctx.tell.step("The clerk submits a new customer with everything, in one operation")
    body = {
        "name": ctx.new("Northwind Outfitters Inc."),
        "email": f"ap@{ctx.new('northwind')}.example.com",
        "legal_entity_id": "le_us",
        "customer_type": "wholesale",
        "credit_limit": "1250000",
        "payment_terms": "NET45",
        "currency_code": "USD",
        "addresses": [
            {"type": "billing", "lines": ["7 Harbour St"], "city": "Boston", "region": "MA", "country": "US"}
        ],
        "pricing_tiers": [
            {"item": "TENT-4", "price": "189.00", "min_quantity": 1, "max_quantity": 99},
            {"item": "TENT-4", "price": "171.50", "min_quantity": 100},
        ],
        "tax_profiles": [
            {"tax_code": "RESALE", "certificate_number": "MA-1187", "certificate_expires_on": "2031-12-31"}
        ],
        "contacts": [{"name": "Dana Reed", "role": "Accounts payable"}],
        "metadata": {"segment": "outdoor"},
    }
    change: dict[str, Any] = ctx.clerk.post("/v1/customers", body, expect=202).json()
    ctx.tell.same("it waits for approval", change["status"], "PENDING_APPROVAL")
    warned = [w["code"] for w in change["warnings"]]
    ctx.tell.claim("the large credit limit is pointed out to every approver", "CREDIT_LIMIT_LARGE" in warned, warned)
    ctx.tell.see(f"/v1/customer-changes/{change['change_id']}")
    ctx.tell.see_run(change["workflow_id"])
    return change


def _not_there_yet(ctx: Demo, customer: str) -> None:
    ctx.tell.step("Before approval there is no such customer")
    ctx.clerk.get(f"/v1/customers/{customer}", expect=404)
    ctx.tell.happened("GET answers 404, for the clerk as for everyone.")


def _self_approval(ctx: Demo) -> None:
    ctx.tell.step("The manager submits a change herself, and tries to approve it")
    body = {"name": ctx.new("Self-made"), "email": f"{ctx.new('self')}@example.com", "legal_entity_id": "le_us"}
    mine = ctx.manager.post("/v1/customers", body, expect=202).json()
    url = f"/v1/customer-changes/{mine['change_id']}"
    refused = ctx.manager.post(f"{url}/decisions", {"decision": "approve"}, expect=403).json()
    ctx.tell.same("refused, and the refusal is in the audit trail", refused["code"], "SEGREGATION_OF_DUTIES")
    ctx.manager.post(f"{url}/withdraw")


def _first_by_api(ctx: Demo, change: dict[str, Any]) -> None:
    ctx.tell.step("The AR manager finds it in her inbox and approves")
    inbox = ctx.manager.get("/v1/customer-changes?status=pending&awaiting=me&limit=200").json()["items"]
    ctx.tell.claim("it is in her inbox", change["change_id"] in [c["id"] for c in inbox])
    after = _decide(ctx.manager, change)
    ctx.tell.same(
        "now the controller's step is pending", [s["status"] for s in after["steps"]], ["APPROVED", "PENDING"]
    )


def _second_by_signal(ctx: Demo, change: dict[str, Any]) -> None:
    ctx.tell.step("The controller approves by a signal from the Temporal CLI")
    url = f"/v1/customer-changes/{change['change_id']}"
    word = {"token": ctx.controller.get(f"{url}/approval-token").json()["token"], "decision": "approve"}
    cli = ensure_cli(ctx.settings.temporal_cli, ctx.tell.happened)
    command = [str(cli), "workflow", "signal", "--address", ctx.settings.temporal_target]
    command += ["--namespace", ctx.settings.temporal_namespace, "--workflow-id", change["workflow_id"]]
    subprocess.run(
        [*command, "--name", "decide", "--input", json.dumps(word)], check=True, capture_output=True, text=True
    )
    ctx.tell.happened("A single-use token proves who it is; the signal runs the same code as the API.")
    _until(ctx, "executed", lambda: ctx.clerk.get(url).json()["status"] == "APPROVED")
    record = ctx.clerk.get(f"/v1/customers/{change['customer_id']}").json()
    ctx.tell.same("the customer is there, at version 1", (record["status"], record["version"]), ("active", 1))
    price = ctx.account_executive.get(f"/v1/customers/{record['id']}/price?item=TENT-4&quantity=250").json()
    ctx.tell.same("250 tents cost its own price", price["price"], "171.50")


def _two_entities(ctx: Demo, customer: str) -> None:
    ctx.tell.step("The UK entity sets a credit limit of its own: one master, one override")
    body = {"entity_overrides": [{"legal_entity_id": "le_uk", "action": "add", "credit_limit": "80000"}]}
    approve(ctx, _patch(ctx, customer, body))
    seen = ctx.clerk.get(f"/v1/customers/{customer}?legal_entity_id=le_uk").json()
    found = (seen["credit_limit"], seen["credit_limit_currency"], seen["payment_terms"])
    ctx.tell.same("le_uk sees GBP 80,000 and the master's terms", found, ("80000", "GBP", "NET45"))
    ctx.tell.see(f"/v1/customers/{customer}?legal_entity_id=le_uk")


def _three_actions(ctx: Demo, customer: str) -> None:
    ctx.tell.step("An update with three actions: add an address, change a price, delete a tax profile")
    record = ctx.clerk.get(f"/v1/customers/{customer}").json()
    body = {
        "addresses": [{"action": "add", "type": "shipping", "lines": ["Dock 4"], "city": "Salem", "country": "US"}],
        "pricing_tiers": [{"action": "update", "id": record["pricing_tiers"][1]["id"], "price": "169.00"}],
        "tax_profiles": [{"action": "delete", "id": record["tax_profiles"][0]["id"]}],
    }
    change = _patch(ctx, customer, body)
    diff = ctx.clerk.get(f"/v1/customer-changes/{change['change_id']}").json()["diff"]
    ctx.tell.table(("path", "before", "after"), [(d["path"], _short(d["before"]), _short(d["after"])) for d in diff])
    approve(ctx, change)
    after = ctx.clerk.get(f"/v1/customers/{customer}").json()
    counts = (len(after["addresses"]), after["pricing_tiers"][1]["price"], len(after["tax_profiles"]))
    ctx.tell.same("all three took effect together", counts, (2, "169", 0))


def _overdue(ctx: Demo, customer: str) -> None:
    ctx.tell.step("A step that nobody decides: reminded after 1 s, escalated after 2 (hours or days in earnest)")
    steps = [{"role": "ar_manager", **_SHORT, "fallback": "cfo"}, {"role": "controller"}]
    before = ctx.controller.get("/v1/approval-policies").json()["operations"]
    ctx.controller.put("/v1/approval-policies", {"operations": before | {"update": {"steps": steps}}})
    change = _patch(ctx, customer, {"notes": "Pays by ACH."})
    url = f"/v1/customer-changes/{change['change_id']}"
    _until(ctx, "escalated", lambda: ctx.clerk.get(url).json()["steps"][0]["escalated_at"] is not None)
    ctx.controller.put("/v1/approval-policies", {"operations": before})
    found = ctx.controller.get("/v1/exceptions?status=open&limit=200").json()["items"]
    mine = {e["reason_code"]: e["owner_role"] for e in found if e["subject_id"] == change["change_id"]}
    ctx.tell.same("it has left the role's desk for its fallback's", mine, {"APPROVAL_OVERDUE": "cfo"})
    ctx.tell.see_run(change["workflow_id"])
    approve(ctx, change)
    ctx.tell.happened("Decided late, it still counts; the exceptions close by themselves.")


def _evidence(ctx: Demo, change: dict[str, Any]) -> None:
    ctx.tell.step("The auditor takes the evidence home and checks it offline")
    path = f"/v1/customer-changes/{change['change_id']}/evidence"
    packet = ctx.auditor.get(path, headers={"Accept": "application/pdf"}).content
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "evidence.pdf"
        file.write_bytes(packet)
        ctx.tell.happened(ctx.arflow("verify-evidence", str(file)).stdout.splitlines()[0])
        document = ctx.auditor.get(path).json()
        document["change"]["decisions"][0]["decided_by"] = "u_nobody"
        file.write_text(json.dumps(document))
        code = ctx.arflow("verify-evidence", str(file), check=False).returncode
    ctx.tell.same("with another approver's name in it, it no longer verifies", code, 1)
    ctx.tell.see(path)


def _deactivate(ctx: Demo, customer: str) -> None:
    ctx.tell.step("The customer goes out of business: deactivated, not deleted")
    change = ctx.clerk.delete(f"/v1/customers/{customer}?reason_code=CLOSED_DOWN", expect=202).json()
    approve(ctx, change)
    ctx.tell.same("inactive", ctx.clerk.get(f"/v1/customers/{customer}").json()["status"], "inactive")


def _erase(ctx: Demo) -> None:
    ctx.tell.step("A test record is erased: manager, controller and CFO, the red lane")
    mark = ctx.new("Zebra Test")
    body = {"name": mark, "email": f"{ctx.new('zebra')}@example.com", "legal_entity_id": "le_us"}
    created = ctx.clerk.post("/v1/customers", body, expect=202).json()
    approve(ctx, created)
    url = f"/v1/customers/{created['customer_id']}"
    change = ctx.clerk.delete(f"{url}?mode=hard&reason_code=TEST_RECORD", expect=202).json()
    seen = ctx.clerk.get(f"/v1/customer-changes/{change['change_id']}").json()
    ctx.tell.same(
        "three steps", (seen["lane"], [s["role"] for s in seen["steps"]]), ("red", ["manager", "controller", "cfo"])
    )
    approve(ctx, change, ctx.manager, ctx.controller, ctx.cfo)
    ctx.clerk.get(url, expect=404)
    trail = ctx.auditor.get(f"/v1/audit-events?subject_id={created['customer_id']}").json()["items"]
    ctx.tell.claim(
        "who and when remain in its audit trail, what it said is gone",
        [e["action"] for e in trail if not e["erased"]] in ([], ["trail.erased"]),  # which says that, and nothing else
        trail,
    )


def _patch(ctx: Demo, customer: str, body: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = ctx.clerk.patch(f"/v1/customers/{customer}", body, expect=202).json()
    return made


def _decide(who: Person, change: dict[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = who.post(
        f"/v1/customer-changes/{change['change_id']}/decisions", {"decision": "approve"}
    ).json()
    return done


def approve(ctx: Demo, change: dict[str, Any], *people: Person) -> None:
    """Decide every step of a change; the manager and the controller unless others are named."""
    for who in people or (ctx.manager, ctx.controller):
        done = _decide(who, change)
    ctx.tell.same("approved by all, and carried out", done["status"], "APPROVED")


def _until(ctx: Demo, what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise Claim.failed(f"{what} within {PATIENCE_SECONDS:.0f} s", "not yet")
        time.sleep(0.2)
    ctx.tell.claim(what, True)


def _short(value: Any) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else ", ".join(f"{k} {v}" for k, v in value.items() if v is not None)
    return text if len(text) <= 48 else f"{text[:45]}..."
