"""Hard deletion: refused with transactions, complete otherwise, in the database and in Temporal (docs/api.md, section 4)."""

import asyncio
import json
import os
import subprocess
from functools import partial

import psycopg
import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from models.audit.chain import AuditEvent, breaches
from models.db.engine import make_engine
from operations.verify import verify
from settings import Settings
from stack.temporal import ensure_cli
from tests.customers.desk import Desk, ok, refused
from tests.customers.test_builds import until

TABLES = """
SELECT c.table_name, c.column_name, c.data_type = 'bytea' FROM information_schema.columns c JOIN information_schema.tables t
 USING (table_schema, table_name) WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
   AND c.data_type IN ('text', 'json', 'jsonb', 'ARRAY', 'character', 'character varying', 'bytea')
"""


def places(database_url: str, *needles: str) -> list[str]:
    """Every column of every table in which one of the texts stands."""
    found = []
    with psycopg.connect(database_url) as c:
        for table, column, binary in c.execute(TABLES).fetchall():
            text = f"encode({column}, 'escape')" if binary else f"{column}::text"
            sql = f"SELECT count(*) FROM {table} WHERE " + " OR ".join(
                f"position(lower(%s) in lower({text})) > 0" for _ in needles
            )
            if c.execute(sql, needles).fetchall() != [(0,)]:
                found.append(f"{table}.{column}")
    return found


def chain_breaches(database_url: str, org: str, subject: str) -> list[str]:
    """What is wrong with a subject's audit chain; it has events, and the first no longer says what it said."""
    columns = (
        "org_id, subject_id, seq, at, actor, action, reason_code, request_id, workflow_id, "
        "payload, salt, digest, prev_hash, hash"
    )
    with psycopg.connect(database_url) as c:
        rows = c.execute(
            f"SELECT {columns} FROM audit_events WHERE org_id = %s AND subject_id = %s ORDER BY seq", (org, subject)
        ).fetchall()
        head = c.execute(
            "SELECT seq, hash FROM audit_heads WHERE org_id = %s AND subject_id = %s", (org, subject)
        ).fetchone()
    assert rows
    assert rows[0][9] is None  # erased
    return breaches([AuditEvent(*r) for r in rows], head)


def verified(database_url: str, org: str) -> list[str]:
    """What `arflow verify` has to say about the organisation."""
    engine = make_engine(database_url, pool_size=1)
    try:
        return [text for finding in verify(engine, org) for text in finding.breaches]
    finally:
        engine.dispose()


def delete(desk: Desk, customer: str, **query) -> dict:
    return ok(
        desk("u_clerk").delete(
            f"/v1/customers/{customer}", params={"mode": "hard", "reason_code": "TEST_RECORD"} | query
        ),
        202,
    )


def test_after_a_hard_deletion_no_personal_value_is_left(desk: Desk, database_url: str):
    mark = f"Zyx{os.urandom(4).hex()}"
    body = desk.body(
        name=f"{mark} Ltd", email=f"{mark}@example.com", tax_id=f"T{mark}", notes=f"about {mark}", phone="+1 555 0100",
        contacts=[{"name": f"{mark} Person"}], addresses=[{"type": "billing", "lines": [mark], "city": mark, "country": "GB"}],
        metadata={"k": mark}, tax_profiles=[{"tax_code": "EXEMPT", "certificate_number": mark}], external_id=f"x{mark}",
        pricing_tiers=[{"item": mark, "price": 1}], entity_overrides=[{"legal_entity_id": "le_uk", "notes": mark}],
    )  # fmt: skip
    clerk = desk("u_clerk")
    refused(clerk.post("/v1/customers", json=body | {"legal_entity_id": "le_no"}), 404, "LEGAL_ENTITY_NOT_FOUND")
    change = ok(clerk.post("/v1/customers", json=body), 202)
    ok(desk.decide(change, "u_manager", comment=f"I know {mark}"))
    ok(desk.decide(change, "u_controller"))
    customer = change["customer_id"]
    desk.approve(desk.patch(customer, notes=f"again {mark}"))
    ok(
        desk.decide(
            desk.patch(customer, website=f"{mark}.example.com"), "u_manager", "reject", reason_code="NO", comment=mark
        )
    )
    returned = desk.patch(customer, notes=f"third {mark}")
    ok(desk.decide(returned, "u_manager", "return", reason_code="NO"))
    still_open = desk.patch(customer, name=f"{mark} Limited")
    assert places(database_url, mark)
    deletion = delete(desk, customer)
    seen = desk.change(deletion)
    assert (seen["lane"], [s["role"] for s in seen["steps"]]) == ("red", ["manager", "controller", "cfo"])
    assert desk.approve(deletion, "u_manager", "u_controller", "u_cfo")["status"] == "APPROVED"
    assert places(database_url, mark) == []
    refused(clerk.get(f"/v1/customers/{customer}"), 404, "CUSTOMER_NOT_FOUND")
    refused(clerk.patch(f"/v1/customers/{customer}", json={"notes": "x"}), 404, "CUSTOMER_NOT_FOUND")
    after = desk.change(deletion)
    assert [(s["status"], s["decided_by"]) for s in after["steps"]] == [
        ("APPROVED", "u_manager"), ("APPROVED", "u_controller"), ("APPROVED", "u_cfo")
    ]  # fmt: skip
    assert desk.change(still_open)["status"] == desk.change(returned)["status"] == "REJECTED"
    refused(desk.decide(still_open, "u_manager"), 409, "CHANGE_CLOSED")
    assert verified(database_url, desk.org) == []
    subjects = [customer, change["change_id"], deletion["change_id"], still_open["change_id"]]
    assert [b for subject in subjects for b in chain_breaches(database_url, desk.org, subject)] == []
    ok(clerk.post("/v1/customers", json=body), 202)  # address, tax id and external id are free again


def test_a_customer_with_transactions_is_not_deleted(desk: Desk):
    customer = desk.customer()
    deletion = delete(desk, customer)
    body = {"customer_id": customer, "external_id": customer, "currency_code": "USD"}
    ok(desk("u_clerk").post("/v1/invoices", json=body | {"issue_date": "2026-01-01", "total_minor": 5}), 201)
    url = f"/v1/customers/{customer}?mode=hard"
    refused(desk("u_clerk").delete(url), 409, "HAS_TRANSACTIONS")
    refused(desk("u_clerk").delete(f"{url}&force=true"), 409, "HAS_TRANSACTIONS")
    failed = desk.approve(deletion, "u_manager", "u_controller", "u_cfo")
    assert (failed["status"], failed["failure"]["code"]) == ("FAILED", "HAS_TRANSACTIONS")
    assert desk.read(customer)["status"] == "active"
    withdrawn = ok(desk("u_clerk").post(f"/v1/customer-changes/{deletion['change_id']}/withdraw"))
    assert withdrawn["status"] == "WITHDRAWN"


def test_a_policy_may_let_the_cfo_force_it_and_the_books_stay(own_desk: Desk, database_url: str):
    desk = own_desk
    mark = f"Forced{os.urandom(4).hex()}"
    customer = desk.customer(name=f"{mark} Inc", email=f"{mark}@example.com")
    body = {
        "customer_id": customer,
        "external_id": "i1",
        "issue_date": "2026-01-01",
        "currency_code": "USD",
        "total_minor": 5,
    }
    invoice = ok(desk("u_clerk").post("/v1/invoices", json=body), 201)["id"]
    ok(desk("u_cfo").put("/v1/approval-policies", json={"force_delete": True}))
    refused(desk("u_clerk").delete(f"/v1/customers/{customer}?mode=hard"), 409, "HAS_TRANSACTIONS")
    deletion = delete(desk, customer, force=True)
    assert desk.approve(deletion, "u_manager", "u_controller", "u_cfo")["status"] == "APPROVED"
    refused(desk("u_clerk").get(f"/v1/customers/{customer}"), 404, "CUSTOMER_NOT_FOUND")
    assert ok(desk("u_clerk").get(f"/v1/invoices/{invoice}"))["customer_id"] == customer
    assert places(database_url, mark) == []
    assert chain_breaches(database_url, desk.org, customer) == []
    assert verified(database_url, desk.org) == []


def test_force_goes_with_hard_only(desk: Desk):
    response = desk("u_clerk").delete(f"/v1/customers/{desk.customer()}?force=true")
    refused(response, 422, "VALIDATION_FAILED")


@pytest.fixture
def cli(temporal_address: str, temporal_namespace: str):
    program = str(ensure_cli(Settings().temporal_cli, print))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        where = ["--address", temporal_address, "--namespace", temporal_namespace]
        return subprocess.run([program, *arguments, *where], capture_output=True, text=True, timeout=120, check=False)

    return run


async def test_nothing_personal_is_in_temporal_and_deletion_takes_the_histories(
    desk: Desk, cli, temporal_client: Client
):
    mark = f"Hist{os.urandom(4).hex()}"
    change = ok(
        desk("u_clerk").post("/v1/customers", json=desk.body(name=f"{mark} Inc", email=f"{mark}@example.com")), 202
    )
    token = ok(desk("u_manager").get(f"/v1/customer-changes/{change['change_id']}/approval-token"))["token"]
    ok(desk.decide(change, "u_manager", comment=f"{mark} is fine"))
    ok(desk.decide(change, "u_controller"))
    shown = cli("workflow", "show", "--workflow-id", change["workflow_id"], "--output", "json")
    assert '"events"' in shown.stdout
    described = cli("workflow", "describe", "--workflow-id", change["workflow_id"], "--output", "json").stdout
    assert mark.lower() not in (_decoded(shown.stdout) + described).lower()
    assert token.split(".")[1] not in shown.stdout
    deletion = delete(desk, change["customer_id"])
    desk.approve(deletion, "u_manager", "u_controller", "u_cfo")
    erasing = temporal_client.get_workflow_handle(f"{deletion['change_id']}/EraseHistories")
    await until(partial(exists, erasing))
    await asyncio.wait_for(erasing.result(), 120)
    for gone in (change["workflow_id"], deletion["workflow_id"]):
        assert "not found" in cli("workflow", "describe", "--workflow-id", gone).stderr


async def exists(handle: WorkflowHandle) -> bool:
    try:
        await handle.describe()
    except RPCError:
        return False
    return True


def _decoded(history: str) -> str:
    """The history with its payloads readable."""
    import base64

    found: list[str] = [history]

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("data"), str):
                found.append(base64.b64decode(value["data"] + "==").decode("utf-8", "replace"))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(json.loads(history))
    return "\n".join(found)
