"""A submission that no worker has looked at yet: what is known of it is shown at once, to those who may see it."""

from collections.abc import Iterator

import pytest

from models.db.engine import make_engine
from models.ids import new_id
from models.messages.changes import change_workflow_id
from operations.runner import execute
from tests.customers.desk import Desk, fresh, ok, refused
from tests.customers.office import Office


@pytest.fixture
def here(own_desk: Desk, database_url: str) -> Iterator[Office]:
    """Commands of the desk's organisation that are kept, and carried by nobody."""
    engine = make_engine(database_url, pool_size=2)
    yield Office(engine, own_desk.org)
    engine.dispose()


def kept(here: Office, operation: str = "customer.create", resource: str = "", **body: object) -> tuple[str, str]:
    """The change to come, and its command."""
    change = new_id("chg")
    return change, here.keep(operation, "u_clerk", body, resource, change_workflow_id(change))


NEW = {"name": "Soon", "legal_entity_id": "le_us"}


def test_a_submission_is_shown_before_anybody_has_looked_at_it(own_desk: Desk, here: Office):
    customer = new_id("cust")
    change, command = kept(here, resource=customer, email=fresh(), **NEW)
    before = own_desk.change(change)
    assert (before["status"], before["operation"], before["lane"]) == ("SUBMITTED", "create", "yellow")
    assert (before["customer_id"], before["submitted_by"], before["steps"]) == (customer, "u_clerk", [])
    assert before["workflow_id"] == change_workflow_id(change)
    assert (before["diff"], before["erased"], before["awaiting_role"], before["closed_at"]) == ([], False, None, None)
    assert own_desk.change(change, "u_auditor") == before
    approval = ok(own_desk("u_auditor").get(f"/v1/approvals/{change}"))
    assert (approval["kind"], approval["subject_id"]) == ("customer_change", customer)
    assert (
        approval.items() >= {k: before[k] for k in ("id", "status", "lane", "steps", "submitted_by", "round")}.items()
    )
    execute(here.engine, here.org, command)
    after = own_desk.change(change)
    assert (after["status"], after["customer_id"], after["awaiting_role"]) == (
        "PENDING_APPROVAL",
        customer,
        "ar_manager",
    )
    assert set(after) == set(before)


@pytest.mark.parametrize(
    ("operation", "body", "lane"),
    [
        (
            "update",
            {"patch": {"notes": "x", "entity_overrides": [{"legal_entity_id": "le_uk", "action": "add"}]}},
            "yellow",
        ),
        ("deactivate", {"mode": "soft", "reason_code": "LEFT"}, "yellow"),
        ("delete", {"mode": "hard"}, "red"),
    ],
)
def test_so_is_one_about_a_customer_that_there_is(
    own_desk: Desk, here: Office, operation: str, body: dict[str, object], lane: str
):
    customer = own_desk.customer()
    change, _ = kept(here, f"customer.{operation}", customer, **body)
    found = own_desk.change(change)
    assert (found["status"], found["operation"], found["lane"]) == ("SUBMITTED", operation, lane)
    assert (found["customer_id"], found["legal_entity_id"]) == (customer, "le_us")
    assert found["entities"] == (["le_us", "le_uk"] if operation == "update" else ["le_us"])
    assert found["reason_code"] == body.get("reason_code")


@pytest.mark.parametrize("door", ["customer-changes", "approvals"])
def test_it_is_shown_to_those_only_whose_token_covers_it(own_desk: Desk, here: Office, desk: Desk, door: str):
    change, _ = kept(here, email=fresh(), **NEW)
    path = f"/v1/{door}/{change}"
    assert ok(own_desk("u_us", "ar_clerk", entities=("le_us",)).get(path))["status"] == "SUBMITTED"
    refused(own_desk("u_uk", "ar_clerk", entities=("le_uk",)).get(path), 404, "CHANGE_NOT_FOUND")
    assert ok(own_desk("u_clerk", "ar_clerk", entities=("le_uk",)).get(path))["status"] == "SUBMITTED"
    refused(desk("u_clerk").get(path), 404, "CHANGE_NOT_FOUND")


def test_one_that_was_refused_is_no_change(own_desk: Desk, here: Office):
    change, command = kept(here, name="No", email=fresh(), legal_entity_id="le_no")
    with pytest.raises(Exception, match="LEGAL_ENTITY_NOT_FOUND"):
        execute(here.engine, here.org, command)
    for door in ("customer-changes", "approvals"):
        refused(own_desk("u_clerk").get(f"/v1/{door}/{change}"), 404, "CHANGE_NOT_FOUND")
