"""Notes, calls, e-mails and meetings from HubSpot, beside what our own people logged."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from demo.hubspot import TOKEN, HubSpotStandIn
from models.customer_360.records import Activity, HeardActivity, SourceFacts
from models.db.customer_360 import activities
from models.db.engine import transaction
from models.ids import new_id
from models.messages.customer_360 import PanelRefresh
from operations.customer_360.panels import begin_refresh, complete_refresh
from sources.guard import Guard
from sources.hubspot import HubSpot
from sources.hubspot_timeline import text_of
from sources.protocol import Asked, Connection, SourceError
from tests.imports.in_process import Desk, another, desk
from tests.view360.test_hubspot import HERE

COMPANY = "8801"


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


@pytest.fixture
def hub() -> Iterator[HubSpotStandIn]:
    made = HubSpotStandIn()
    made.notes["1"] = {
        "company": COMPANY,
        "hs_timestamp": "2026-05-01T09:00:00Z",
        "hs_note_body": "<p>Asked for <b>terms</b></p>",
    }
    made.calls["2"] = {"company": COMPANY, "hs_timestamp": "2026-05-03T09:00:00.000Z", "hs_call_title": "Dunning",
                       "hs_call_body": "Promised\u00a0Friday"}  # fmt: skip
    made.emails["3"] = {"company": COMPANY, "hs_timestamp": "1777712400000", "hs_email_subject": "Invoice 7"}
    made.meetings["4"] = {"company": "1", "hs_timestamp": "2026-05-04T09:00:00Z", "hs_meeting_title": "Another's"}
    yield made
    made.close()


def asked(hub: HubSpotStandIn, customer: str = "cust_1") -> Sequence[SourceFacts]:
    connection = Connection("org_1", "hub", "hubspot", hub.url, TOKEN, 10, 2, HERE)
    return Guard(2).call(lambda: HubSpot().fetch(connection, "activities", Asked(customer, COMPANY, "USD")), 10)


def test_the_latest_of_all_kinds_come_as_text(hub: HubSpotStandIn) -> None:
    found = [one for one in asked(hub) if isinstance(one, HeardActivity)]
    assert [(one.external_id, one.type, one.notes, one.occurred_at) for one in found] == [
        ("calls/2", "call", "Dunning\n\nPromised Friday", datetime(2026, 5, 3, 9, tzinfo=UTC)),
        ("emails/3", "email", "Invoice 7", datetime(2026, 5, 2, 9, tzinfo=UTC)),
        ("notes/1", "note", "Asked for terms", datetime(2026, 5, 1, 9, tzinfo=UTC)),
    ]


def test_pages_are_followed_as_far_as_the_view_shows(hub: HubSpotStandIn) -> None:
    hub.page_size = 20
    hub.notes = {
        str(n): {"company": COMPANY, "hs_timestamp": f"2026-05-01T09:00:{n % 60:02d}Z", "hs_note_body": f"n{n}"}
        for n in range(60)
    }
    hub.calls, hub.emails = {}, {}
    assert [one.external_id for one in asked(hub)] == [f"notes/{n}" for n in range(59, 9, -1)]
    assert sum("notes/search" in path for path in hub.asked) == 3
    hub.page_size = 1
    with pytest.raises(SourceError, match="SOURCE_RESPONSE_TOO_LARGE"):
        asked(hub)


@pytest.mark.parametrize(
    ("mode", "code", "waits"),
    [("full", "SOURCE_RATE_LIMITED", 3), ("busy", "SOURCE_RATE_LIMITED", 10), ("daily", "SOURCE_RATE_LIMITED", 3600),
     ("forbidden", "SOURCE_QUERY_REFUSED", None), ("garbage", "SOURCE_RESPONSE_INVALID", None)],
)  # fmt: skip
def test_a_source_that_refuses_is_named_with_how_long_it_wants_to_be_left_alone(
    hub: HubSpotStandIn, mode: str, code: str, waits: float | None
) -> None:
    hub.script = ["ok", mode]
    with pytest.raises(SourceError) as refused:
        asked(hub)
    assert (refused.value.code, refused.value.retry_after) == (code, waits)


@pytest.mark.parametrize("moment", [None, "yesterday", "99999999999999999999"])
def test_a_moment_that_is_none_is_said_to_be_so(hub: HubSpotStandIn, moment: str | None) -> None:
    hub.notes["1"]["hs_timestamp"] = moment
    with pytest.raises(SourceError, match="SOURCE_RESPONSE_INVALID"):
        asked(hub)


@pytest.mark.parametrize(
    ("markup", "text"),
    [("a<br>b<script>alert(1)</script>", "a\nb"), ("<div>a &amp; b</div><div>c</div>", "a & b\nc"), ("a < b", "a < b"),
     ("x\u0007\u202ey", "x y"), ("<p></p>", "")],
)  # fmt: skip
def test_markup_becomes_the_text_that_a_reader_sees(markup: str, text: str) -> None:
    assert text_of(markup) == text


class View:
    """One customer's timeline, served by HubSpot beside our own."""

    def __init__(self, d: Desk, hub: HubSpotStandIn) -> None:
        self.desk, self.hub = d, hub
        (self.customer,) = d.customers({"name": "Acme", "email": "a@x.com", "external_id": COMPANY})
        with transaction(d.engine, d.org) as tx:
            tx.insert("source_connections", [{
                "name": "hub", "kind": "hubspot", "base_url": hub.url, "credential": "hub", "panels": ["activities"],
                "timeout_ms": 1000, "max_concurrent": 2, "enabled": True, "updated_at": tx.now, "updated_by": "u_ops",
            }])  # fmt: skip
            own = {"id": new_id("act"), "customer_id": self.customer, "type": "note", "notes": "Ours", "contact_id": None,
                   "occurred_at": tx.now, "logged_by": "u_clerk", "created_at": tx.now}  # fmt: skip
            tx.insert("activities", [own])

    def refresh(self) -> list[Activity]:
        start = PanelRefresh(self.desk.org, self.customer, "activities")
        with transaction(self.desk.engine, self.desk.org) as tx:
            question = begin_refresh(tx, start)
        assert question is not None
        said = asked(self.hub, self.customer)
        with transaction(self.desk.engine, self.desk.org) as tx:
            complete_refresh(tx, start, question, said)
            return list(activities.timeline(tx, self.customer, None, None, 100))


def test_what_hubspot_says_stands_beside_what_was_logged_and_follows_it(clerk: Desk, hub: HubSpotStandIn) -> None:
    view = View(clerk, hub)
    first = view.refresh()
    assert [(a.notes.split("\n")[0], a.source, a.logged_by) for a in first] == [
        ("Ours", "arflow", "u_clerk"), ("Dunning", "hub", "source:hub"), ("Invoice 7", "hub", "source:hub"),
        ("Asked for terms", "hub", "source:hub"),
    ]  # fmt: skip
    assert [a.id for a in view.refresh()] == [a.id for a in first], "what is as it was keeps its id"
    hub.notes["1"]["hs_note_body"] = "Asked for 60 days"
    del hub.emails["3"]
    after = {a.external_id: a for a in view.refresh()}
    assert set(after) == {None, "calls/2", "notes/1"}
    assert (after["notes/1"].notes, after["notes/1"].id) == ("Asked for 60 days", first[3].id)


def test_the_trail_says_that_something_was_heard_and_not_what(clerk: Desk, hub: HubSpotStandIn) -> None:
    view = View(clerk, hub)
    heard = view.refresh()[1]
    (said,) = clerk.sql(
        "SELECT action, payload FROM audit_events WHERE org_id = :org AND subject_id = :id", id=heard.id
    )
    assert said["action"] == "activity.heard"
    assert "Dunning" not in said["payload"]


def test_what_is_older_than_the_latest_stays_as_it_was_heard(clerk: Desk, hub: HubSpotStandIn) -> None:
    view = View(clerk, hub)
    view.refresh()
    hub.notes = {
        str(100 + n): {"company": COMPANY, "hs_timestamp": f"2026-06-01T09:00:{n:02d}Z", "hs_note_body": f"n{n}"}
        for n in range(60)
    }
    kept = {a.external_id for a in view.refresh()}
    assert {"calls/2", "emails/3", "notes/1", "notes/159", "notes/110"} <= kept
    assert len(kept) == 54
