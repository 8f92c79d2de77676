"""Every record that a path can name is closed to another organisation and to a token of another legal entity; every
operation is closed to who has no role, and every write to who only reads.

The paths are the routes' own: a new one that reads a record fails here until the record that it needs is made below.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.office import Office, code, csv_statement, day, ext, ok
from tests.books import Books
from tests.stack_fixtures.described import description

ROLES = ("auditor", "ar_clerk", "ar_manager", "controller", "ops", "account_executive")
WITHOUT_ENTITY = {
    "/v1/source-connections/{name}",  # an organisation's own
    "/v1/webhook-endpoints/{endpoint_id}",
    "/v1/webhook-deliveries/{delivery_id}",
    "/v1/proposals/{proposal_id}",  # a person's own, see tests/conversation
}

SHORT_IDS = {
    "/v1/legal-entities/{legal_entity_id}",
    "/v1/bank-accounts/{bank_account_id}",
    "/v1/bank-accounts/{bank_account_id}/statement-formats",
    "/v1/bank-accounts/{bank_account_id}/statement-formats/{name}",
}
"""Ids of master data are unique within their organisation only: another one has its own of that name."""

FOR_EVERYBODY = {
    "GET /healthz", "GET /readyz", "GET /metrics",
    "GET /v1/operations/{workflow_id}",  # told to who asked for it, see test_tenancy.py
    "GET /v1/out-of-office", "PUT /v1/out-of-office", "DELETE /v1/out-of-office",  # one's own absence
    # What is proposed needs the permission of the operation that it names; the rest is one's own proposal.
    "POST /v1/proposals", "GET /v1/proposals/{proposal_id}",
    "POST /v1/proposals/{proposal_id}/commit", "POST /v1/proposals/{proposal_id}/decline",
}  # fmt: skip
"""What needs no role."""
UPLOADS = {"/v1/bank-accounts/{bank_account_id}/statements", "/v1/customer-imports"}


def described() -> list[tuple[str, str]]:
    """Method and path of every operation."""
    paths = description()["paths"]
    return sorted((method.upper(), path) for path, operations in paths.items() for method in operations)


def reads() -> list[str]:
    """The paths that name a record and read it."""
    return [path for method, path in described() if method == "GET" and "{" in path]


def sources(o: Office, customer: str) -> dict[str, str]:
    """What stands in the panels of the 360 view: path of the record's kind → its id."""
    records: dict[str, dict[str, Any]] = {
        "opportunities": {
            "name": "Seats",
            "value_minor": 5,
            "currency_code": "USD",
            "stage": "Proposal",
            "close_date": day(-9),
        },
        "quotes": {"status": "sent", "expiry_date": day(-30)},
        "orders": {"status": "shipped", "ship_date": day(3)},
        "cases": {"subject": "Wet", "priority": "high", "status": "open", "sla_status": "at_risk"},
        "contracts": {"renewal_date": day(-90), "arr_minor": 12, "mrr_minor": 1, "currency_code": "USD"},
        "nps_responses": {"score": 9, "surveyed_at": f"{day(20)}T00:00:00Z"},
    }
    found = {}
    for kind, fields in records.items():
        record = {"external_id": ext(), "customer_id": customer, **fields}
        ok(o.ops.put(f"/v1/sources/{kind}", json={"records": [record]}))
        noun = kind.replace("_", "-")
        (shown,) = ok(o.ae.get(f"/v1/customers/{customer}/{noun}"))["items"]
        found[f"/v1/{noun}/"] = shown["id"]
    return found


def format_of_a_bank(o: Office) -> str:
    """The name of a statement format of bank_us."""
    body = {"name": "mine", "date_format": "dmy", "decimal": ".", "columns": {"date": 1, "amount": 2}}
    return str(ok(o.controller.post("/v1/bank-accounts/bank_us/statement-formats", json=body), 201)["name"])


@pytest.fixture(scope="module")
def records(office: Office) -> dict[str, str]:
    """One record of each kind, all of le_us: by the name that paths give its id, or by the beginning of the path."""
    o, customer = office, office.customer()
    invoice, payment = o.invoice(customer, 1000)["id"], o.payment(customer, 500)
    beside = [{"kind": "write_off", "amount_minor": 1, "reason_code": "SMALL_DIFFERENCE"}]
    line = {"invoice_id": invoice, "applied_minor": 100, "adjustments": beside}
    session = ok(o.apply(payment, [], lines=[line], overpayment="customer_credit"))
    noted = {
        "customer_id": customer, "external_id": ext(), "issue_date": day(5), "currency_code": "USD", "total_minor": 5,
        "reason_code": "GOODS_RETURNED",
    }  # fmt: skip
    note = ok(o.manager.post("/v1/credit-notes", json=noted), 201)["id"]
    bank = ok(
        o.clerk.post("/v1/bank-accounts/bank_us/reconciliations", json={"through_date": day(0), "payment_ids": []}), 201
    )
    statement = o.statement(csv_statement((day(3), "5.00", "USD", "x", "", ext())))["id"]
    activity = ok(o.ae.post(f"/v1/customers/{customer}/activities", json={"type": "call", "notes": "Wet."}), 201)
    body = {"name": "Asked for", "email": f"{ext()}@example.com", "legal_entity_id": "le_us"}
    change = ok(o.ae.post("/v1/customers", json=body), 202)
    options = json.dumps({"source": "csv", "legal_entity_id": "le_us"})
    content = f"name,email\nNew,{ext()}@example.com\n".encode()
    sent = o.clerk.post(
        "/v1/customer-imports", files={"file": ("c.csv", content, "text/csv")}, data={"options": options}
    )
    imported = ok(sent, 202)["id"]
    deadline = time.monotonic() + 120
    while ok(o.clerk.get(f"/v1/customer-imports/{imported}"))["status"] != "AWAITING_REVIEW":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ok(o.manager.post(f"/v1/customer-imports/{imported}/decisions", json={"decision": "approve"}))
    small = {"invoice_id": o.invoice(customer, 300)["id"], "reason_code": "SMALL_BALANCE"}
    written_off = ok(o.clerk.post("/v1/write-offs", json=small), 201)["id"]
    short = {"invoice_id": o.invoice(customer, 300)["id"], "amount_minor": 5, "reason_code": "DAMAGED_GOODS"}
    deducted = ok(o.clerk.post("/v1/deductions", json=short), 201)["id"]
    items = ok(o.controller.get("/v1/exceptions", params={"status": "open"}))["items"]
    return sources(o, customer) | {
        "legal_entity_id": "le_us", "bank_account_id": "bank_us", "name": format_of_a_bank(o),
        "customer_id": customer, "invoice_id": invoice, "payment_id": payment["id"], "credit_id": session["credit_id"],
        "credit_note_id": note, "adjustment_id": session["adjustments"][0]["id"],
        "entry_id": session["journal_entry_id"], "recon_id": bank["id"], "statement_id": statement,
        "activity_id": activity["id"], "change_id": change["change_id"], "write_off_id": written_off,
        "deduction_id": deducted,
        "approval_id": change["change_id"],
        "import_id": imported, "panel": "cases",
        "workflow_id": ok(o.clerk.get(f"/v1/statements/{statement}"))["workflow_id"],
        "exception_id": next(e["id"] for e in items if e["kind"] == "unmatched_payment"),
    }  # fmt: skip


def filled(path: str, records: dict[str, str]) -> str:
    """The path with the ids of the records; KeyError where none is made for it."""
    query = "?item=x&quantity=1" if path.endswith("/price") else ""
    at = re.match(r"(.*/)\{record_id\}", path)
    return re.sub(r"\{(\w+)\}", lambda m: records[at[1] if at else m[1]], path) + query


@pytest.mark.parametrize("path", [p for p in reads() if p not in WITHOUT_ENTITY])
def test_a_record_is_its_organisations_and_its_entitys(
    office: Office, other: Office, records: dict[str, str], path: str
):
    asked = filled(path, records)
    mine, elsewhere = (office.client("all", *ROLES, entities=(e,)) for e in ("le_us", "le_uk"))
    assert mine.get(asked).status_code == 200, mine.get(asked).text
    assert code(elsewhere.get(asked)) == (403, "FORBIDDEN")
    if path not in SHORT_IDS:
        assert code(other.client("all", *ROLES).get(asked)) == (403, "ORG_CONTEXT_MISMATCH")


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    made = Books(database_url)
    yield made
    made.close()


def test_who_has_no_role_may_nothing_and_who_only_reads_writes_nothing(books: Books):
    nobody, auditor = books.api("janitor"), books.api("auditor")
    let_in = set[str]()
    for method, path in described():
        asked = re.sub(r"\{\w+\}", "x", path)
        body = (
            {"files": {"file": ("x.csv", b"x")}} if path in UPLOADS and method == "POST" else {"json": {"surprise": 1}}
        )
        if f"{method} {path}" in FOR_EVERYBODY:
            continue
        for person in [nobody] if method == "GET" else [nobody, auditor]:
            r = person.request(method, asked, **({} if method == "GET" else body))
            if r.status_code != 403 or r.json()["code"] != "FORBIDDEN":
                let_in.add(f"{method} {path} {r.status_code}")
    assert let_in == set()
