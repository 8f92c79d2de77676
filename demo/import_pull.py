"""The walk through a pull: accounts come from a stand-in for Salesforce over its REST API, which is short of requests once."""

import json
from typing import Any

from demo.context import Demo
from demo.crm import CREDENTIAL, Crm
from demo.import_waiting import wait_for

ACCOUNTS = 40
OPTIONS = {"source": "salesforce", "legal_entity_id": "le_us", "connection": "sales"}


def walk_pull(ctx: Demo) -> None:
    """Connect, pull through a lack of requests, review, execute."""
    ctx.tell.chapter("Forty accounts straight from the CRM")
    crm = Crm(page_size=10, script=["ok", "ok", "busy"])
    crm.accounts.rows = [_account(ctx.walk, n) for n in range(ACCOUNTS)]
    crm.accounts.rows[7]["Contacts"] = []
    try:
        _connect(ctx, crm.url, enabled=True)
        _pull(ctx)
    finally:
        crm.close()
        _connect(ctx, crm.url, enabled=False)


def _account(walk: str, n: int) -> dict[str, Any]:
    contact = {"Email": f"crm.{walk}.{n}@example.com", "FirstName": "Ann", "LastName": f"Lee {n}", "Title": "Buyer"}
    return {
        "Id": f"001{walk:0>6.6}{n:06d}AAA", "Name": f"{walk} Account {n}", "BillingStreet": f"{n} Main Street",
        "BillingCity": "Austin", "BillingCountry": "United States", "Contacts": [contact],
    }  # fmt: skip


def _connect(ctx: Demo, url: str, *, enabled: bool) -> None:
    secrets = (ctx.settings.secrets_dir or ctx.settings.home / "secrets") / ctx.org_id
    secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    (secrets / "demo-sales").write_text(CREDENTIAL)
    body = {"kind": "salesforce", "base_url": url, "credential": "demo-sales", "panels": [], "enabled": enabled}
    ctx.ops.put("/v1/source-connections/sales", body)


def _pull(ctx: Demo) -> None:
    ctx.tell.step("The clerk asks for the CRM's accounts: no file, only the name of the connection that ops has made")
    sent = ctx.clerk.call(
        "POST", "/v1/customer-imports", expect=202, files={"options": (None, json.dumps(OPTIONS))}
    ).json()
    ctx.tell.see_run(sent["workflow_id"])
    ready = wait_for(ctx, sent["id"], "AWAITING_REVIEW", "FAILED")
    pulled = ready["pull"]["pulled"], ready["pull"]["total"]
    ctx.tell.same("all have come, though the CRM was out of requests for a second", pulled, (ACCOUNTS, ACCOUNTS))
    ctx.tell.same("one has no contact with an address", ready["summary"]["codes"], {"FIELD_REQUIRED": 1})
    ctx.manager.post(f"/v1/customer-imports/{sent['id']}/decisions", {"decision": "approve"})
    done = wait_for(ctx, sent["id"], "COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED")
    ctx.tell.same(
        "the others are customers under the CRM's own ids", (done["created"], done["failed"]), (ACCOUNTS - 1, 1)
    )
