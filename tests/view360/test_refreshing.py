"""What is kept of a source's answer, or of its failure, and who is asked again without anybody waiting."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from models.customer_360.panels import retry_in
from models.customer_360.records import ActivityType, HeardActivity, Opportunity
from models.db.engine import transaction
from models.messages.customer_360 import PanelRefresh
from operations.customer_360.panels import Question, begin_refresh, complete_refresh, fail_refresh, hot_set
from tests.books import Books
from tests.view360.test_acting import DEAL
from tests.view360.test_view import put

SYSTEM: dict[str, Any] = {
    "kind": "hubspot", "base_url": "https://api.hubapi.com", "credential": "crm", "panels": ["opportunities", "activities"],
}  # fmt: skip


@pytest.fixture
def customer(books: Books) -> str:
    """Whom a CRM knows, which serves two panels."""
    found = books.customer(external_id="001A")
    connect(books)
    return found


def connect(books: Books, name: str = "crm", **change: Any) -> None:
    answer = books.api("ops").request("PUT", f"/v1/source-connections/{name}", json={**SYSTEM, **change})
    assert answer.status_code == 200, answer.text


def begin(books: Books, customer: str, panel: str = "opportunities", since: datetime | None = None) -> Question | None:
    with transaction(books.engine, books.org) as tx:
        return begin_refresh(tx, PanelRefresh(books.org, customer, panel, since))


def complete(books: Books, customer: str, asked: Question, *said: Any, panel: str = "opportunities") -> int:
    with transaction(books.engine, books.org) as tx:
        return complete_refresh(tx, PanelRefresh(books.org, customer, panel), asked, said)


def fail(books: Books, customer: str, asked: Question, code: str) -> datetime:
    with transaction(books.engine, books.org) as tx:
        fail_refresh(tx, PanelRefresh(books.org, customer, "opportunities"), asked, code)
        return tx.now


def snapshot(books: Books) -> dict[str, Any]:
    (found,) = books.sql("SELECT * FROM panel_snapshots WHERE org_id = :org")
    return found


def deal(customer: str, external_id: str) -> Opportunity:
    return Opportunity(
        external_id=external_id, customer_id=customer, name="Deal", value_minor=1, currency_code="USD", stage="Proposal",
        close_date=date(2099, 1, 1), closed=False,
    )  # fmt: skip


def test_an_answer_replaces_what_the_source_said_before(books: Books, customer: str) -> None:
    asked = begin(books, customer)
    assert asked is not None
    assert (asked.customer.source_customer_id, asked.connection.name) == ("001A", "crm")
    assert complete(books, customer, asked, deal(customer, "a"), deal(customer, "b"), deal(customer, "b")) == 2
    again = begin(books, customer)
    assert again is not None
    assert complete(books, customer, again, deal(customer, "b")) == 1
    rows = books.sql("SELECT external_id, closed, source FROM opportunities WHERE org_id = :org ORDER BY external_id")
    assert [tuple(r.values()) for r in rows] == [("a", True, "crm"), ("b", False, "crm")]
    trail = books.sql(
        "SELECT action, actor FROM audit_events WHERE org_id = :org AND action LIKE 'opportunity.%%' ORDER BY seq"
    )
    assert [t["action"] for t in trail] == ["opportunity.created", "opportunity.created", "opportunity.closed"]
    assert {t["actor"] for t in trail} == {"source:crm"}
    kept = snapshot(books)
    assert (kept["as_of"], kept["failures"], kept["error_code"], kept["next_attempt_at"]) == (
        again.asked_at,
        0,
        None,
        None,
    )


def test_what_a_source_says_of_the_timeline_stands_in_it(books: Books, customer: str) -> None:
    asked = begin(books, customer, "activities")
    assert asked is not None
    at = datetime(2026, 1, 1, tzinfo=UTC)
    call = HeardActivity(external_id="c", customer_id=customer, type=ActivityType.CALL, notes="n", occurred_at=at)
    assert complete(books, customer, asked, call, panel="activities") == 1
    rows = books.sql("SELECT external_id, source, notes FROM activities WHERE org_id = :org")
    assert [tuple(r.values()) for r in rows] == [("c", "crm", "n")]


def test_while_one_asks_the_next_attempt_is_as_far_as_the_sources_patience(books: Books, customer: str) -> None:
    connect(books, timeout_ms=4000)
    asked = begin(books, customer)
    assert asked is not None
    kept = snapshot(books)
    assert (kept["as_of"], kept["attempted_at"], kept["failures"]) == (None, asked.asked_at, 0)
    assert kept["next_attempt_at"] == asked.asked_at + timedelta(seconds=5)


def test_whoever_saw_an_older_snapshot_is_content_with_a_newer_one(books: Books, customer: str) -> None:
    asked = begin(books, customer)
    assert asked is not None
    complete(books, customer, asked)
    assert begin(books, customer, since=asked.asked_at - timedelta(seconds=1)) is None
    assert begin(books, customer, since=asked.asked_at) is not None
    assert begin(books, customer) is not None


def test_a_failure_stands_beside_the_old_answer_and_leaves_the_source_alone(books: Books, customer: str) -> None:
    first = begin(books, customer)
    assert first is not None
    complete(books, customer, first)
    for failures in (1, 2):
        asked = begin(books, customer)
        assert asked is not None
        now = fail(books, customer, asked, "SOURCE_TIMEOUT")
        kept = snapshot(books)
        assert (kept["as_of"], kept["attempted_at"]) == (first.asked_at, asked.asked_at)
        assert (kept["failures"], kept["error_code"]) == (failures, "SOURCE_TIMEOUT")
        assert kept["next_attempt_at"] == now + retry_in(failures - 1)


def test_another_source_of_the_panel_begins_anew(books: Books, customer: str) -> None:
    asked = begin(books, customer)
    assert asked is not None
    complete(books, customer, asked)
    connect(books, panels=["activities"])
    connect(books, "other", panels=["opportunities"])
    assert begin(books, customer, since=asked.asked_at - timedelta(seconds=1)) is not None
    kept = snapshot(books)
    assert (kept["source"], kept["as_of"]) == ("other", None)


def test_there_is_nothing_to_ask_without_a_source_or_a_customer(books: Books, customer: str) -> None:
    assert begin(books, customer, "quotes") is None
    assert begin(books, "cust_01m81a5jhbecnawhmfhcd214ah") is None
    assert books.sql("SELECT 1 FROM panel_snapshots WHERE org_id = :org") == []


def test_a_panel_has_one_source(books: Books, customer: str) -> None:
    body = {**SYSTEM, "panels": ["opportunities", "cases"]}
    refused = books.api("ops").request("PUT", "/v1/source-connections/other", json=body)
    (wrong,) = refused.json()["errors"]
    assert (refused.status_code, wrong["loc"], wrong["code"], wrong["detail"]) == (
        422, "/panels", "PANEL_TAKEN", "crm serves opportunities",
    )  # fmt: skip
    connect(books, "other", panels=["opportunities"], enabled=False)
    rows = books.sql(
        "SELECT payload FROM audit_events WHERE org_id = :org AND action = 'source_connection.changed' ORDER BY seq"
    )
    assert len(rows) == 2
    assert '"before":null' in rows[0]["payload"]
    assert '"name":"other"' in rows[1]["payload"]


def test_panels_of_whom_somebody_looked_at_are_asked_for_before_they_are_stale(books: Books, customer: str) -> None:
    def hot(limit: int = 9) -> list[tuple[str, str]]:
        with transaction(books.engine, books.org) as tx:
            return [(r.customer_id, r.panel) for r in hot_set(tx, limit)]

    assert hot() == []
    books.get(f"/v1/customers/{customer}/360", "ops")
    books.sql("""INSERT INTO customer_360_views (org_id, customer_id, viewed_at) VALUES (:org, %(c)s, clock_timestamp())
                 ON CONFLICT (org_id, customer_id) DO UPDATE SET viewed_at = excluded.viewed_at""", c=customer)  # fmt: skip
    assert sorted(hot()) == [(customer, "activities"), (customer, "opportunities")]
    assert len(hot(1)) == 1
    asked = begin(books, customer)
    assert asked is not None
    complete(books, customer, asked)
    assert hot() == [(customer, "activities")]
    books.sql("UPDATE panel_snapshots SET as_of = as_of - interval '211 seconds' WHERE org_id = :org")
    assert sorted(hot()) == [(customer, "activities"), (customer, "opportunities")]
    books.sql("UPDATE customer_360_views SET viewed_at = viewed_at - interval '31 minutes' WHERE org_id = :org")
    assert hot() == []
    books.sql("UPDATE customer_360_views SET viewed_at = viewed_at - interval '1 day' WHERE org_id = :org")
    hot()
    assert books.sql("SELECT 1 FROM customer_360_views WHERE org_id = :org") == []


def test_records_of_customers_beyond_the_tokens_entities_are_not_written(books: Books) -> None:
    ours, theirs = books.customer(entity="le_us"), books.customer(entity="le_uk")
    american = books.api("ops", entities=("le_us",))

    def say(customer: str, external_id: str) -> int:
        body = {"records": [{"external_id": external_id, "customer_id": customer, **DEAL}]}
        return american.request("PUT", "/v1/sources/opportunities", json=body).status_code

    put(books, "opportunities", {"external_id": "theirs", "customer_id": theirs, **DEAL})
    assert (say(ours, "a"), say(theirs, "b"), say(ours, "theirs")) == (200, 403, 403)
    rows = books.sql("SELECT external_id, customer_id FROM opportunities WHERE org_id = :org ORDER BY external_id")
    assert [tuple(r.values()) for r in rows] == [("a", ours), ("theirs", theirs)]


def test_a_renewal_at_risk_is_due_on_its_day_and_names_what_is_at_stake(books: Books) -> None:
    c, today = books.customer(entity="le_uk"), datetime.now(UTC).date()
    soon = today + timedelta(days=20)
    say = {"customer_id": c, "arr_minor": 120_000, "currency_code": "GBP"}
    put(
        books,
        "contracts",
        {**say, "external_id": "near", "renewal_date": str(soon)},
        {**say, "external_id": "late", "renewal_date": str(today - timedelta(days=2))},
    )
    near, late = books.sql("SELECT * FROM exceptions WHERE org_id = :org ORDER BY reason_code")
    assert (near["kind"], near["legal_entity_id"], near["status"]) == ("contract_renewal", "le_uk", "open")
    assert near["due_at"] == datetime.combine(soon, time(), UTC)
    assert late["due_at"] == late["created_at"]
    assert near["detail"] == {
        "customer_id": c, "contract_id": near["subject_id"], "renewal_date": str(soon), "arr_minor": 120_000,
        "currency_code": "GBP",
    }  # fmt: skip
