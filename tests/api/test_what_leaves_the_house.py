"""What a running stack lets out beside its answers: logs and runs in Temporal. And bodies of absurd size, which it lets in
only so far."""

import asyncio
import os
from collections.abc import Iterator

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

from tests.api.office import Office, code, csv_statement, day, ext, ok


def test_the_logs_of_api_and_worker_name_nobody(office: Office) -> None:
    mark = f"Qzyxw{os.urandom(4).hex()}"
    clerk = office.clerk
    body = {
        "name": f"{mark} Ltd",
        "email": f"{mark}@example.com",
        "legal_entity_id": "le_us",
        "notes": mark,
        "tax_id": mark,
    }
    change = ok(clerk.post("/v1/customers", json=body), 202)
    for who in (office.manager, office.controller):
        said = {"decision": "approve", "comment": mark}
        ok(who.post(f"/v1/customer-changes/{change['change_id']}/decisions", json=said))
    again = body | {"email": f"{mark.upper()}@EXAMPLE.com", "tax_id": None}
    assert code(clerk.post("/v1/customers", json=again)) == (409, "DUPLICATE_EMAIL")
    assert code(clerk.post("/v1/customers", json=body | {"email": mark})) == (422, "VALIDATION_FAILED")
    customer = change["customer_id"]
    invoice = office.invoice(customer, 100, external_id=mark, lines=[{"description": mark}])
    payment = office.payment(customer, 100, external_id=mark, reference=mark, remittance_text=mark)
    ok(office.apply(payment, [(invoice, 100)]))
    assert code(clerk.post("/v1/customer-payments", json=office.payment_body(mark, 1))) == (404, "CUSTOMER_NOT_FOUND")
    office.statement(csv_statement((day(4), "3.00", "USD", mark, mark, mark)))
    assert clerk.get("/v1/customers", params={"q": mark}).status_code == 200
    assert clerk.get(f"/v1/customers/{mark}").status_code == 404
    logs = {f.name: f.read_text(errors="replace") for f in office.stack.home.glob("*.log")}
    assert {"api.log", "worker.log"} <= logs.keys()
    assert '"route": "/v1/customer-payments/{payment_id}/apply"' in logs["api.log"]  # it is the log of these requests
    assert [name for name, text in logs.items() if mark.lower() in text.lower()] == []


async def test_every_posting_says_in_temporal_what_it_is_and_whose(office: Office, temporal_client: Client) -> None:
    def work() -> dict[str, tuple[str, dict[str, str]]]:
        """Process → its run and the attributes that find it."""
        customer, clerk = office.customer(), office.clerk
        invoice, second = office.invoice(customer, 400), office.invoice(customer, 100)
        recorded = clerk.post("/v1/customer-payments", json=office.payment_body(customer, 900))
        payment = ok(recorded, 201)["id"]
        mine = {"PaymentId": payment}
        applied = office.apply(payment, [(invoice, 400)], overpayment="customer_credit")
        spent = office.apply(ok(applied)["credit_id"], [(second, 100)])
        undone = office.unapply(ok(spent)["applications"][0])
        loose = office.statement(csv_statement((day(3), "5.00", "USD", "x", "", ext())))["lines"][0]["payment_id"]
        assigned = clerk.post(f"/v1/customer-payments/{loose}/assign", json={"customer_id": customer})
        body = {"through_date": day(0), "payment_ids": [payment]}
        drafted = clerk.post("/v1/bank-accounts/bank_us/reconciliations", json=body)
        upload = office.upload(csv_statement((day(2), "5.00", "USD", "x", "", ext())))
        reversed_ = office.reverse(payment)
        runs = {
            "RecordPayment": (recorded, mine), "ApplyPayment": (applied, mine), "ApplyCredit": (spent, mine),
            "UnapplyApplication": (undone, mine), "AssignPayment": (assigned, {"PaymentId": loose}),
            "ReconcileBank": (drafted, {}), "ImportStatement": (upload, {}), "ReversePayment": (reversed_, mine),
        }  # fmt: skip
        assert [kind for kind, (answer, _) in runs.items() if not answer.is_success] == []
        return {kind: (answer.headers["X-Workflow-Id"], wanted) for kind, (answer, wanted) in runs.items()}

    for kind, (run, wanted) in (await asyncio.to_thread(work)).items():
        handle = temporal_client.get_workflow_handle(run)
        await handle.result()  # whose payment it was, some learn only from its commit
        described = await handle.describe()
        found = {p.key.name: p.value for p in described.typed_search_attributes}
        assert found.items() >= {"OrgId": office.org, "ProcessType": kind, **wanted}.items(), kind
        assert await described.static_summary(), kind
        told: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        assert told.current_details, kind


def test_ten_megabytes_that_do_not_announce_themselves(office: Office, customer: str) -> None:
    payment = office.payment(customer, 5)

    def endless() -> Iterator[bytes]:
        yield b'{"applications": ['
        for _ in range(100):
            yield b" " * 100_000

    with office.stack.client(office.org, "u_clerk", "ar_clerk", patient=False) as clerk:
        url, json_type = f"/v1/customer-payments/{payment['id']}/apply", {"Content-Type": "application/json"}
        assert code(clerk.post(url, content=endless(), headers=json_type)) == (413, "PAYLOAD_TOO_LARGE")
    assert office.get(payment["id"]) == payment


def test_a_time_is_no_date_wherever_one_is_asked_for(office: Office, customer: str) -> None:
    for path in (
        f"/v1/customers/{customer}/ar-aging?as_of=2026-01-01T00:00:00Z", "/v1/reports/ar-aging?as_of=2026-01-01T00:00",
        "/v1/reports/trial-balance?as_of=20260101", "/v1/reports/ar-roll-forward?from=2026-01-01&to=2026-01-31T00:00:00",
        f"/v1/customers/{customer}/price?item=X&quantity=1&date=2026-01-01T00:00:00Z",
    ):  # fmt: skip
        assert code(office.controller.get(path)) == (422, "VALIDATION_FAILED"), path
    applied = {"applications": [], "overpayment": "unapplied", "posting_date": "2026-01-01T00:00:00Z"}
    url = f"/v1/customer-payments/{office.payment(customer, 5)['id']}"
    for path, body in (
        ("apply", applied), ("reverse", {"reason_code": "X", "reversal_date": "2026-01-01T00:00:00Z"}),
    ):  # fmt: skip
        assert code(office.clerk.post(f"{url}/{path}", json=body)) == (422, "VALIDATION_FAILED"), path
