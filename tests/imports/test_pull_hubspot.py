# ruff: noqa: E501 - tables of records read better unbroken
"""Customers pulled from HubSpot: against a server that speaks its shapes on a real socket, counts requests, and misbehaves."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from demo.hubspot import TOKEN, HubSpotStandIn
from models.db.engine import transaction
from models.imports.records import Import
from operations.imports import pulling
from operations.imports import staging as import_staging
from operations.imports import validation as import_validation
from sources.access import Access
from tests.imports.in_process import CALM, Desk, another, desk, failure
from tests.imports.test_import_updates import lists
from tests.imports.test_pull import Pull


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


@pytest.fixture
def hub() -> Iterator[HubSpotStandIn]:
    made = HubSpotStandIn(page_size=3)
    yield made
    made.close()


class HubSpotPull(Pull):
    """One import that is pulled from HubSpot, driven as its process does."""

    def __init__(self, d: Desk, hub: HubSpotStandIn, secret: str | None = TOKEN, **options: Any) -> None:
        self.desk = d
        self.connector = pulling.Connector(Access(lambda *_: secret, local=True), 5)
        with transaction(d.engine, d.org) as tx:
            tx.insert("source_connections", [{
                "name": "hub", "kind": "hubspot", "base_url": hub.url, "credential": "hub", "panels": [], "timeout_ms": 1000,
                "max_concurrent": 2, "enabled": True, "updated_at": tx.now, "updated_by": "u_ops",
            }])  # fmt: skip
        self.id = d.submit({"source": "hubspot", "connection": "hub", **options}, "pull:hub", 0)

    def to_customers(self) -> Import:
        self.staged()
        import_validation.validate(self.desk.engine, self.desk.org, self.id, lambda _: None, CALM)
        return self.desk.finish(self.id)


def fill(hub: HubSpotStandIn, n: int) -> None:
    for k in range(1, n + 1):
        hub.companies[str(8800 + k)] = {"name": f"Company {k}", "phone": "+1 555 0100", "address": f"{k} Main St", "city": "Austin",
                                        "zip": "73301", "country": "United States", "contacts": [str(50 + k)]}  # fmt: skip
        hub.contacts[str(50 + k)] = {
            "email": f"ann{k}@example.com",
            "firstname": "Ann",
            "lastname": f"Lee {k}",
            "jobtitle": "Buyer",
        }


def test_companies_become_customers_with_their_first_contact_that_has_an_address(
    clerk: Desk, hub: HubSpotStandIn
) -> None:
    fill(hub, 2)
    hub.more_properties = ("segment__c",)
    hub.companies["8801"] |= {"contacts": ["40", "51", "52"], "segment__c": "gold", "website": "https://one.example"}
    hub.contacts["40"] = {"firstname": "No", "lastname": "Address"}
    hub.companies["9000"] = {"name": "Silent"}
    done = HubSpotPull(clerk, hub, mapping={"segment__c": "metadata.segment"}).to_customers()
    assert (done.status, done.total_rows, done.created) == ("COMPLETED_WITH_ERRORS", 3, 2)
    one, two = clerk.sql("SELECT * FROM customers WHERE org_id = :org ORDER BY external_id")
    assert (one["name"], one["email"], one["external_id"], one["phone"], one["website"], one["metadata"]) == (
        "Company 1", "ann1@example.com", "8801", "+1 555 0100", "https://one.example", {"segment": "gold"},
    )  # fmt: skip
    assert lists(clerk, one["id"], "contacts") == [
        {"name": "Ann Lee 1", "email": "ann1@example.com", "phone": None, "role": "Buyer"}
    ]
    assert [a["city"] for a in lists(clerk, two["id"], "addresses")] == ["Austin"]


def test_pages_are_followed_and_each_record_comes_once(clerk: Desk, hub: HubSpotStandIn) -> None:
    fill(hub, 10)
    done = HubSpotPull(clerk, hub).to_customers()
    assert (done.status, done.total_rows, done.created) == ("COMPLETED", 10, 10)
    assert sum("objects/companies?" in path for path in hub.asked) == 4
    assert sum(path.endswith("batch/read") for path in hub.asked) == 4


def test_an_empty_account_has_nothing_to_import(clerk: Desk, hub: HubSpotStandIn) -> None:
    pull = HubSpotPull(clerk, hub)
    pull.to_the_end()
    import_staging.stage(clerk.engine, clerk.org, pull.id, lambda _: None)
    assert failure(pull.row).code == "NO_ROWS"


@pytest.mark.parametrize(("mode", "least"), [("full", 3), ("busy", 10), ("daily", 3600)])
def test_a_full_window_is_waited_out_and_the_pull_goes_on_from_where_it_stood(
    clerk: Desk, hub: HubSpotStandIn, mode: str, least: int
) -> None:
    fill(hub, 7)
    pull = HubSpotPull(clerk, hub)
    pull.slice(0.0)
    assert pull.state.pulled == 3
    hub.script = [mode]
    pull.slice()
    waits = pull.state.next_attempt_at
    assert waits is not None
    assert least - 2 < (waits - datetime.now(UTC)).total_seconds() <= least + 1
    assert (pull.state.error, pull.state.pulled) == ("SOURCE_RATE_LIMITED", 3)
    asked = len(hub.asked)
    pull.slice()
    assert len(hub.asked) == asked, "nothing is asked before its time"
    pull.at_once()
    assert pull.to_customers().created == 7


@pytest.mark.parametrize("mode", ["error", "garbage", "dies"])
def test_what_passes_is_asked_again(clerk: Desk, hub: HubSpotStandIn, mode: str) -> None:
    fill(hub, 4)
    pull = HubSpotPull(clerk, hub)
    hub.script = ["ok", "ok", mode, "ok"]
    assert pull.to_customers().created == 4


@pytest.mark.parametrize(
    ("mode", "secret", "code"),
    [
        ("forbidden", TOKEN, "SOURCE_QUERY_REFUSED"),
        ("ok", "pat-wrong", "SOURCE_SIGN_IN_REFUSED"),
        ("ok", None, "SOURCE_NOT_CONFIGURED"),
        ("ok", "two words", "SOURCE_NOT_CONFIGURED"),
    ],
)
def test_what_does_not_pass_ends_the_import(
    clerk: Desk, hub: HubSpotStandIn, mode: str, secret: str | None, code: str
) -> None:
    fill(hub, 1)
    hub.script = [mode]
    done = HubSpotPull(clerk, hub, secret).to_the_end()
    assert (done.status, failure(done).code) == ("FAILED", code)
