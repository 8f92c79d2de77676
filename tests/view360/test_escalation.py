"""A case is escalated on the real stack: API, worker, Temporal and PostgreSQL."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import httpx2
import psycopg
import pytest

from tests.catalogue import assert_as_catalogued
from tests.stack_fixtures.app import AppStack


class Desk:
    """An organisation with one customer and one case, and the people around it."""

    def __init__(self, stack: AppStack, database_url: str) -> None:
        self.stack, self.org = stack, stack.organisation()
        self.customer = stack.customer(self.org)
        self.ae = stack.client(self.org, "u_ae", "account_executive")
        self.ops = stack.client(self.org, "u_ops", "ops")
        self.database_url = database_url
        self.put()
        (self.case,) = [c["id"] for c in self.cases()]

    def put(self, **change: Any) -> None:
        case = {
            "external_id": "k",
            "customer_id": self.customer,
            "subject": "Down",
            "priority": "urgent",
            "status": "open",
        }
        answer = self.ops.put("/v1/sources/cases", json={"records": [{**case, "sla_status": "at_risk", **change}]})
        assert answer.status_code == 200, answer.text

    def cases(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ae.get(f"/v1/customers/{self.customer}/360").json()["panels"]["cases"][
            "data"
        ]
        return found

    def escalate(self, **headers: str) -> httpx2.Response:
        body = {"reason_code": "CUSTOMER_AT_RISK", "note": "The CFO called."}
        return self.ae.post(f"/v1/cases/{self.case}/escalate", json=body, headers=headers)

    def of(self, role: str) -> list[str]:
        """Why the case lies on the desk of whoever holds this role, as that person is told."""
        with self.stack.client(self.org, f"u_{role}", role) as person:
            answer = person.get("/v1/exceptions", params={"status": "open", "owner": "me"})
        return [e["reason_code"] for e in answer.json()["items"] if e["subject_id"] == self.case]

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as c:
            c.execute("SELECT set_config('arflow.org_id', %s, false)", (self.org,))
            return c.execute(statement.replace(":org", f"'{self.org}'").replace(":case", f"'{self.case}'")).fetchall()

    def sla(self, seconds: float) -> None:
        with psycopg.connect(self.database_url) as c:
            c.execute(
                "UPDATE organisations SET settings = settings || jsonb_build_object('case_escalation_sla_seconds', %s::numeric) "
                "WHERE org_id = %s",
                (seconds, self.org),
            )


@pytest.fixture
def desk(app_stack: AppStack, database_url: str) -> Iterator[Desk]:
    made = Desk(app_stack, database_url)
    yield made
    made.ae.close()
    made.ops.close()


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)


def test_an_escalation_has_owner_reason_due_time_exception_trail_and_event(desk: Desk) -> None:
    answer = desk.escalate()
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-workflow-id"].startswith(f"{desk.case}/EscalateCase/")
    said = answer.json()["escalation"]
    assert (said["owner_role"], said["reason_code"], said["note"]) == (
        "customer_success_manager",
        "CUSTOMER_AT_RISK",
        "The CFO called.",
    )
    (shown,) = desk.cases()
    assert datetime.fromisoformat(shown["escalation"]["due_at"]) == datetime.fromisoformat(said["due_at"])
    rows = desk.sql(
        "SELECT reason_code, owner_role, subject_id, due_at - created_at FROM exceptions "
        "WHERE org_id = :org AND kind = 'case_escalation'"
    )
    assert [(r[0], r[1], r[2], r[3].total_seconds()) for r in rows] == [
        ("CUSTOMER_AT_RISK", "customer_success_manager", desk.case, 4 * 3600)
    ]
    assert desk.sql(
        "SELECT action, actor, reason_code FROM audit_events WHERE org_id = :org AND subject_id = :case ORDER BY seq DESC LIMIT 1"
    ) == [("case.escalated", "u_ae", "CUSTOMER_AT_RISK")]
    assert desk.sql(
        "SELECT count(*) FROM outbox_events WHERE org_id = :org AND type = 'case.escalated' AND subject = :case"
    ) == [(1,)]
    again = desk.escalate()
    assert (again.status_code, again.json()["code"]) == (409, "CASE_ALREADY_ESCALATED")


def test_the_same_key_escalates_once(desk: Desk) -> None:
    first, again = desk.escalate(**{"Idempotency-Key": "once"}), desk.escalate(**{"Idempotency-Key": "once"})
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"


def test_a_closed_case_is_not_escalated_and_closing_settles_an_escalation(desk: Desk) -> None:
    assert desk.escalate().status_code == 200
    desk.put(status="Closed")
    assert desk.sql(
        "SELECT status, resolution_code FROM exceptions WHERE org_id = :org AND kind = 'case_escalation'"
    ) == [("resolved", "CASE_CLOSED")]
    refused = desk.escalate()
    assert (refused.status_code, refused.json()["code"]) == (409, "CASE_CLOSED")


def test_an_overdue_escalation_is_reminded_and_handed_on(desk: Desk) -> None:
    desk.sla(3)
    began = time.monotonic()
    assert desk.escalate().status_code == 200
    before = desk.of("customer_success_manager"), desk.of("account_manager")
    if time.monotonic() - began < 3:  # else it was overdue before we looked
        assert before == (["CUSTOMER_AT_RISK"], [])
    until(lambda: desk.of("account_manager") == ["CUSTOMER_AT_RISK"])
    assert desk.of("customer_success_manager") == []
    told = desk.sql(
        "SELECT action, actor FROM audit_events WHERE org_id = :org AND subject_id = :case "
        "AND action LIKE 'case.esc%' ORDER BY seq"
    )
    assert told[:3] == [
        ("case.escalated", "u_ae"),
        ("case.escalation.reminded", "system"),
        ("case.escalation.overdue", "system"),
    ]
    nameless = "SELECT action FROM audit_events WHERE org_id = :org AND subject_id = :case AND workflow_id IS NULL"
    assert not {action for (action,) in desk.sql(nameless)} & {action for action, _ in told}
    events = desk.sql("SELECT type FROM outbox_events WHERE org_id = :org AND subject = :case ORDER BY seq")
    assert [e[0] for e in events][:3] == [action for action, _ in told[:3]]
    desk.put(status="Solved")
    assert desk.of("account_manager") == []
    settled = "SELECT status FROM case_escalations WHERE org_id = :org"
    assert desk.sql(settled) == [("RESOLVED",)]
    fields = ("type", "subject", "data")
    said = desk.sql(
        "SELECT type, subject, data FROM outbox_events WHERE org_id = :org AND subject = :case ORDER BY seq"
    )
    assert_as_catalogued(dict(zip(fields, row, strict=True)) for row in said)
    assert said[-1][0] == "case.escalation.resolved"


def test_a_case_of_another_organisation_is_a_context_mismatch(desk: Desk, app_stack: AppStack) -> None:
    with app_stack.client(app_stack.organisation(), "u_ae", "account_executive") as stranger:
        answer = stranger.post(f"/v1/cases/{desk.case}/escalate", json={"reason_code": "X"})
        read = stranger.get(f"/v1/cases/{desk.case}")
    assert (answer.status_code, answer.json()["code"]) == (403, "ORG_CONTEXT_MISMATCH")
    assert (read.status_code, read.json()["code"]) == (403, "ORG_CONTEXT_MISMATCH")
    missing = desk.ae.post("/v1/cases/case_01m81a5jhbecnawhmfhcd214ah/escalate", json={"reason_code": "X"})
    assert (missing.status_code, missing.json()["code"]) == (404, "CASE_NOT_FOUND")
