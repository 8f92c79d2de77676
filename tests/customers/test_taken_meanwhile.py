"""What an open change asks for counts as taken; what is taken all the same, or refused by the database, ends visibly."""

import contextlib
import json
from collections.abc import Iterator

import psycopg
import pytest

from models.customers.change_records import Change
from models.db.engine import transaction
from models.errors import Refusal
from operations.approvals.execution import execute as execute_change
from operations.customers import execution
from operations.customers.visibility import may_be_named
from operations.runner import execute
from tests.customers.desk import Desk, fresh, ok, refused
from tests.customers.office import ByHand, Office


def submitted(office: Office, **fields: object) -> str:
    """A new customer's change, kept and carried out as its process would."""
    from models.ids import new_id
    from models.messages.changes import change_workflow_id

    change = new_id("chg")
    body = {"name": f"Nr {change}", "email": fresh(), "legal_entity_id": "le_us"} | fields
    execute(office.engine, office.org, office.keep("customer.create", "u_clerk", body, "", change_workflow_id(change)))
    return change


def act(office: Office, operation: str, user: str, change: str, **body: object) -> dict:
    said = {"decision": "approve", "reason_code": None} | body if operation == "change.decide" else body
    return json.loads(
        execute(office.engine, office.org, office.act(operation, user, change, dict(said)).command_id).json
    )


def approved(office: Office, change: str) -> Change:
    for user in ("u_manager", "u_controller"):
        act(office, "change.decide", user, change)
    execute_change(office.engine, office.org, change, last_try=True)
    return office.change(change)


def outside(database_url: str, office: Office, sql: str, **params: object) -> None:
    with psycopg.connect(database_url) as c:
        c.execute("SELECT set_config('arflow.org_id', %s, true)", (office.org,))
        c.execute(sql, {"org": office.org} | params)


TAKE = (
    "INSERT INTO customers (org_id, id, legal_entity_id, external_id, name, name_key, email, email_key) "
    "VALUES (%(org)s, %(id)s, 'le_us', %(external)s, 'Other', 'other', %(email)s, %(email)s)"
)


def take(database_url: str, office: Office, external_id: str) -> str:
    """Somebody who has not looked at the claims, as an import that committed in the same moment."""
    made = f"cust_{fresh('z')[:12]}"
    outside(database_url, office, TAKE, id=made, external=external_id, email=fresh())
    return made


@pytest.fixture(autouse=True)
def nobody_left_behind(database_url: str) -> Iterator[None]:
    """Whoever was taken in unaudited goes again: what verifies all organisations of this database later reads them."""
    yield
    with psycopg.connect(database_url) as c:
        c.execute("DELETE FROM customers WHERE name = 'Other' AND id LIKE 'cust\\_z%'")


def failed(office: Office, change: str, code: str) -> Change:
    row = office.change(change)
    assert (row.chain.status, row.failure_code) == ("FAILED", code)
    assert office.open_exceptions(change) == [code]
    return row


def test_an_external_id_taken_meanwhile_fails_the_change_visibly_and_it_can_be_corrected(office: Office, database_url):
    change = submitted(office, external_id="EXT-9")
    other = take(database_url, office, "EXT-9")
    approved(office, change)
    row = failed(office, change, "EXTERNAL_ID_CONFLICT")
    assert other in (row.failure_detail or "")
    body = {**(row.request or {}), "external_id": "EXT-10"}
    act(office, "change.resubmit", "u_clerk", change, customer=body)
    assert office.open_exceptions(change) == []
    assert approved(office, change).chain.status == "APPROVED"


def test_it_can_be_withdrawn_too(office: Office, database_url):
    change = submitted(office, external_id="EXT-1")
    take(database_url, office, "EXT-1")
    approved(office, change)
    assert act(office, "change.withdraw", "u_clerk", change)["status"] == "WITHDRAWN"
    with pytest.raises(Refusal, match="EXTERNAL_ID_CONFLICT"):  # the other one's still
        submitted(office, external_id="EXT-1")


def test_a_corrected_change_claims_its_new_external_id_and_gives_the_old_one_back(office: Office):
    change = submitted(office, external_id="OLD")
    act(office, "change.decide", "u_manager", change, decision="return", reason_code="TYPO")
    act(
        office,
        "change.resubmit",
        "u_clerk",
        change,
        customer={**(office.change(change).request or {}), "external_id": "NEW"},
    )
    with pytest.raises(Refusal, match="EXTERNAL_ID_CONFLICT"):
        submitted(office, external_id="NEW")
    assert approved(office, submitted(office, external_id="OLD")).chain.status == "APPROVED"
    assert approved(office, change).chain.status == "APPROVED"


def test_two_open_changes_never_have_one_external_id(office: Office):
    first, second = submitted(office, external_id="ONE"), submitted(office, external_id="TWO")
    act(office, "change.decide", "u_manager", second, decision="return", reason_code="TYPO")
    with pytest.raises(Refusal, match="EXTERNAL_ID_CONFLICT"):
        act(
            office,
            "change.resubmit",
            "u_clerk",
            second,
            customer={**(office.change(second).request or {}), "external_id": "ONE"},
        )
    assert approved(office, first).chain.status == "APPROVED"


@contextlib.contextmanager
def rule(database_url: str, table: str, check: str) -> Iterator[None]:
    """A rule of the database that none of ours foresees."""
    with psycopg.connect(database_url, autocommit=True) as c:
        c.execute(f"ALTER TABLE {table} ADD CONSTRAINT unforeseen CHECK ({check}) NOT VALID")
        try:
            yield
        finally:
            c.execute(f"ALTER TABLE {table} DROP CONSTRAINT unforeseen")


def test_what_the_database_refuses_for_good_fails_the_change(office: Office, database_url):
    change = submitted(office, notes="unforeseen")
    with rule(database_url, "customers", "notes <> 'unforeseen'"):
        approved(office, change)
    failed(office, change, "WRITE_REFUSED")
    act(office, "change.resubmit", "u_clerk", change)
    assert approved(office, change).chain.status == "APPROVED"


def test_a_fault_that_stays_fails_the_change_in_the_end_and_an_outage_does_not(office: Office, monkeypatch):
    change = submitted(office)

    def broken(*_: object) -> int:
        raise KeyError("no such thing")

    monkeypatch.setitem(execution._CARRY_OUT, "create", broken)
    for user in ("u_manager", "u_controller"):
        act(office, "change.decide", user, change)
    with pytest.raises(KeyError):
        execute_change(office.engine, office.org, change)

    def away(*_: object) -> int:
        raise psycopg.OperationalError

    monkeypatch.setitem(execution._CARRY_OUT, "create", away)
    with pytest.raises(psycopg.OperationalError):
        execute_change(office.engine, office.org, change, last_try=True)
    monkeypatch.setitem(execution._CARRY_OUT, "create", broken)
    execute_change(office.engine, office.org, change, last_try=True)
    failed(office, change, "NOT_CARRIED_OUT")


def test_a_reactivation_that_the_database_refuses_fails_too(office: Office, database_url):
    customer = approved(office, submitted(office, notes="sleeps")).customer_id
    outside(
        database_url,
        office,
        "UPDATE customers SET status = 'inactive' WHERE org_id = %(org)s AND id = %(id)s",
        id=customer,
    )
    from models.ids import new_id
    from models.messages.changes import change_workflow_id

    change = new_id("chg")
    command = office.keep("customer.reactivate", "u_clerk", {}, customer, change_workflow_id(change))
    execute(office.engine, office.org, command)
    with rule(database_url, "customers", "notes <> 'sleeps' OR status = 'inactive'"):
        approved(office, change)
    failed(office, change, "WRITE_REFUSED")


def test_a_command_that_the_database_refuses_for_good_ends_and_is_on_a_desk(office: Office, database_url):
    change = submitted(office)
    with (
        rule(database_url, "customer_change_decisions", "comment <> 'unforeseen'"),
        pytest.raises(Refusal, match="WRITE_REFUSED"),
    ):
        act(office, "change.decide", "u_manager", change, comment="unforeseen")
    assert office.open_exceptions(change) == ["WRITE_REFUSED"]
    act(office, "change.decide", "u_manager", change)


def test_over_http_the_process_ends_as_failed_and_withdraws(desk: Desk, database_url):
    taken = fresh("x")
    change = desk.submit(external_id=taken)
    made = f"cust_{fresh('z')[:12]}"
    with psycopg.connect(database_url) as c:
        c.execute(TAKE, {"org": desk.org, "id": made, "external": taken, "email": fresh()})
    ok(desk.decide(change, "u_manager"))
    assert ok(desk.decide(change, "u_controller"))["status"] == "FAILED"
    body = desk.body(external_id=taken)
    refused(desk("u_clerk").post("/v1/customers", json=body), 409, "EXTERNAL_ID_CONFLICT")
    mine = ok(desk("u_clerk").get("/v1/exceptions", params={"status": "open", "owner": "me"}))["items"]
    assert "EXTERNAL_ID_CONFLICT" in {e["reason_code"] for e in mine if e["subject_id"] == change["change_id"]}
    done = desk("u_clerk").post(f"/v1/customer-changes/{change['change_id']}/withdraw", json={})
    assert ok(done)["status"] == "WITHDRAWN"


def test_who_covers_everything_is_told_which_customer_has_it_and_others_that_one_has(by_hand: ByHand):
    address = fresh()
    holder = by_hand.customer(email=address, tax_id="US-1", external_id="E-1")
    for field, value, code in [("email", address, "DUPLICATE_EMAIL"), ("tax_id", "us 1", "DUPLICATE_TAX_ID")]:
        with pytest.raises(Refusal) as no:
            by_hand.submitted(**{field: value})
        noun = field.replace("_", " ")
        assert (no.value.code, no.value.detail) == (code, f"The {noun} belongs to {holder}.")
        assert no.value.extra["conflicting_id"] == holder
    with transaction(by_hand.engine, by_hand.org) as tx:
        assert [may_be_named(tx, holder, e) for e in (None, ["le_us"], ["le_uk"], [])] == [True, True, False, False]
    change = by_hand.submitted(legal_entity_id="le_uk")
    with transaction(by_hand.engine, by_hand.org) as tx:
        assert [may_be_named(tx, change, e) for e in (None, ["le_uk", "le_us"], ["le_us"])] == [True, True, False]
