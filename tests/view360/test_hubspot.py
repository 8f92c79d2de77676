# ruff: noqa: E501 - tables of records read better unbroken
"""The HubSpot adapter of the 360 view: deals and tickets of a company, against a server that speaks its shapes on a real socket."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from demo.hubspot import TOKEN, HubSpotStandIn
from models.outgoing import Hosts
from sources.guard import Guard
from sources.hubspot import HubSpot
from sources.protocol import Asked, Connection, SourceError

COMPANY = "8801"
HERE = Hosts.of(["http://127.0.0.1:*"])
DEAL = {
    "company": COMPANY, "dealname": "Big\ndeal", "amount": "1234.565", "dealstage": "contractsent", "closedate": "2027-01-31T10:00:00Z",
}  # fmt: skip


@pytest.fixture
def hub() -> Iterator[HubSpotStandIn]:
    made = HubSpotStandIn(deals={"7": dict(DEAL)})
    yield made
    made.close()


def fetch(hub: HubSpotStandIn, panel: str = "opportunities", company: str = COMPANY, secret: str | None = TOKEN) -> Any:
    connection = Connection("org_1", "hub", "hubspot", hub.url, secret, 10, 2, HERE)
    return Guard(2).call(lambda: HubSpot().fetch(connection, panel, Asked("cust_1", company, "USD")), 10)


def code_of(hub: HubSpotStandIn, **options: Any) -> str:
    with pytest.raises(SourceError) as refused:
        fetch(hub, **options)
    return refused.value.code


def test_deals_come_in_exact_minor_units_with_their_stages_name(hub: HubSpotStandIn) -> None:
    (deal,) = fetch(hub)
    assert (deal.external_id, deal.name, deal.value_minor, deal.currency_code) == ("7", "Big deal", 123456, "USD")
    assert (deal.stage, deal.close_date, deal.closed) == ("Contract Sent", date(2027, 1, 31), False)


def test_a_deals_own_currency_is_taken_and_what_has_ended_or_is_anothers_left_out(hub: HubSpotStandIn) -> None:
    hub.deals["8"] = DEAL | {"amount": "5000", "deal_currency_code": "JPY", "dealstage": "990011"}
    hub.deals["9"] = DEAL | {"dealstage": "closedwon"}
    hub.deals["10"] = DEAL | {"company": "1"}
    found = fetch(hub)
    assert [(d.external_id, d.value_minor, d.currency_code, d.stage) for d in found] == [
        ("7", 123456, "USD", "Contract Sent"), ("8", 5000, "JPY", "990011"),
    ]  # fmt: skip


def test_tickets_are_cases(hub: HubSpotStandIn) -> None:
    hub.tickets["70"] = {
        "company": COMPANY,
        "subject": "It\nbroke",
        "hs_ticket_priority": "HIGH",
        "hs_pipeline_stage": "1",
    }
    hub.tickets["71"] = {"company": COMPANY, "subject": "Done", "hs_pipeline_stage": "4"}
    (case,) = fetch(hub, "cases")
    assert (case.subject, case.priority, case.priority_rank, case.status) == ("It broke", "High", 2, "New")


def test_pages_of_a_search_are_followed_and_an_endless_one_is_refused(hub: HubSpotStandIn) -> None:
    hub.page_size = 3
    hub.deals = {str(n): dict(DEAL) for n in range(1, 9)}
    assert len(fetch(hub)) == 8
    hub.page_size = 1
    hub.deals = {str(n): dict(DEAL) for n in range(1, 20)}
    assert code_of(hub) == "SOURCE_RESPONSE_TOO_LARGE"


@pytest.mark.parametrize(
    ("mode", "code"),
    [("full", "SOURCE_RATE_LIMITED"), ("error", "SOURCE_UNAVAILABLE"), ("garbage", "SOURCE_RESPONSE_INVALID"),
     ("forbidden", "SOURCE_QUERY_REFUSED"), ("dies", "SOURCE_UNAVAILABLE")],
)  # fmt: skip
def test_what_a_broken_source_answers_has_a_name(hub: HubSpotStandIn, mode: str, code: str) -> None:
    hub.script = [mode]
    assert code_of(hub) == code


def test_wrong_or_missing_tokens_and_unlinked_customers(hub: HubSpotStandIn) -> None:
    assert code_of(hub, secret="pat-wrong") == "SOURCE_SIGN_IN_REFUSED"
    assert code_of(hub, secret=None) == "SOURCE_NOT_CONFIGURED"
    asked = len(hub.asked)
    assert code_of(hub, company="8801 OR 1=1") == "SOURCE_CUSTOMER_UNKNOWN"
    assert len(hub.asked) == asked


@pytest.mark.parametrize("wrong", [{"amount": "much"}, {"dealstage": None}, {"closedate": "soon"}, {"amount": "-5"}])
def test_a_record_that_cannot_be_read_is_said_to_be_so(hub: HubSpotStandIn, wrong: dict[str, Any]) -> None:
    hub.deals["7"] |= wrong
    assert code_of(hub) == "SOURCE_RESPONSE_INVALID"
