"""A change in Temporal's UI: its summary, where it stands, how it is found; readable, and nothing personal in it."""

import re
from pathlib import Path

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

from tests.customers.desk import Desk, fresh, ok, refused
from tests.customers.test_builds import until

DOCS = Path(__file__).parents[2] / "docs" / "customers.md"


async def details(client: Client, workflow_id: str) -> str:
    handle = client.get_workflow_handle(workflow_id)
    metadata: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details


async def test_a_run_says_what_it_is_where_it_stands_and_whom_it_waits_for(desk: Desk, temporal_client: Client):
    name = f"Secret {fresh()[:9]}"
    change = desk.submit(name=name, notes=name)
    handle = temporal_client.get_workflow_handle(change["workflow_id"])

    async def come_to(step: str, said: str = "") -> None:
        """Answers go out at the commit; what the server shows follows."""

        async def there() -> bool:
            shown = await seen()
            told = await details(temporal_client, change["workflow_id"])
            return shown.get("CurrentStep") == step and told.startswith(said)

        await until(there)

    async def seen() -> dict[str, object]:
        described = await handle.describe()
        found = {p.key.name: p.value for p in described.typed_search_attributes}
        told = f"{await described.static_summary()} {await details(temporal_client, change['workflow_id'])} {found}"
        assert name not in told
        assert "@" not in told
        return found

    assert await (await handle.describe()).static_summary() == f"Create customer {change['change_id']}"
    await come_to("1", "Step 1")
    step = desk.change(change)["steps"][0]
    began, due = (step[k][:19] for k in ("started_at", "due_at"))
    waiting = await details(temporal_client, change["workflow_id"])
    assert re.fullmatch(rf"Step 1: waiting for \*\*ar_manager\*\* since {began}\S*, due {due}\S*", waiting)
    found = await seen()
    assert str(found["DueAt"]).replace(" ", "T")[:19] == due
    assert {k: v for k, v in found.items() if not k.startswith(("DueAt", "Temporal", "Build"))} == {
        "OrgId": desk.org, "ProcessType": "CustomerChange", "ChangeId": change["change_id"], "Lane": "yellow",
        "CustomerId": change["customer_id"], "CurrentStep": "1", "AwaitingRole": "ar_manager",
    }  # fmt: skip
    ok(desk.decide(change, "u_manager"))
    await come_to("2", "Step 2")
    assert (await seen())["AwaitingRole"] == "controller"
    ok(desk.decide(change, "u_controller", "return", reason_code="TYPO"))
    await come_to("PENDING_APPROVAL", "Returned for correction; waiting for the submitter")
    ok(desk("u_clerk").post(f"/v1/customer-changes/{change['change_id']}/resubmit"))
    assert desk.approve(change)["status"] == "APPROVED"
    await come_to("APPROVED", "APPROVED")
    ended = await seen()
    assert not {"AwaitingRole", "DueAt"} & set(ended)


async def test_a_refusal_reads_as_a_sentence_and_not_as_a_stack_trace(desk: Desk, temporal_client: Client):
    email = fresh()
    desk.submit(email=email)
    answer = desk("u_clerk").post("/v1/customers", json=desk.body(email=email))
    problem = refused(answer, 409, "DUPLICATE_EMAIL")
    query = f"OrgId = '{desk.org}' AND ProcessType = 'CustomerChange' AND ExecutionStatus = 'Completed'"

    async def refused_runs() -> list[str]:
        runs = [w.id async for w in temporal_client.list_workflows(query)]
        return [w for w in runs if "DUPLICATE_EMAIL" in await details(temporal_client, w)]

    await until(refused_runs)
    run = (await refused_runs())[0]
    assert await details(temporal_client, run) == "The submission was refused: DUPLICATE_EMAIL"
    history = (await temporal_client.get_workflow_handle(run).fetch_history()).to_json()
    assert f'"message": "DUPLICATE_EMAIL: {problem["detail"]}"' in history
    assert "stackTrace" not in history
    assert "Traceback" not in history


async def test_every_saved_query_of_the_docs_finds_what_it_says(own_desk: Desk, temporal_client: Client):
    desk = own_desk
    saved = dict(re.findall(r"^\| ([^|]+) \| `([^`]+)`[^|]*\|$", DOCS.read_text(), re.MULTILINE))
    customer = desk.customer()
    deletion = ok(desk("u_clerk").delete(f"/v1/customers/{customer}?mode=hard&reason_code=TEST"), 202)
    desk.approve(deletion, "u_manager", "u_controller")  # it waits for the CFO
    fresh_one = desk.submit()
    one, two = desk.patch(desk.customer(), notes="a"), None
    two = desk.patch(one["customer_id"], notes="b")
    desk.approve(one)
    assert desk.approve(two)["status"] == "FAILED"
    expected = {
        "red-lane changes waiting for a CFO": {deletion["workflow_id"]},
        "everything past due": {deletion["workflow_id"], fresh_one["workflow_id"]},
        "a customer's changes": {deletion["workflow_id"]},
        "failed, waiting for their submitter": {two["workflow_id"]},
        "an organisation's first steps": {fresh_one["workflow_id"]},
    }
    assert set(saved) >= set(expected)
    later = "2099-01-01T00:00:00Z"  # as if everything open were past due
    for what, wanted in expected.items():
        query = saved[what].replace("cust_…", customer).replace("org_…", desk.org)
        query = f'({re.sub("20..-..-..T00:00:00Z", later, query)}) AND OrgId = "{desk.org}"'

        async def finds(query: str = query, wanted: set[str] = wanted, what: str = what) -> bool:
            found = {w.id async for w in temporal_client.list_workflows(query)}
            whole = what == "a customer's changes"  # its creation is one of them
            return wanted <= found if whole else wanted == found

        await until(finds)  # lists lag behind
