"""The rules of the 360 view: who owns an escalation until when, how old a panel may be, what a source's words mean."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from models.customer_360.escalation import OWNERS, deadline
from models.customer_360.panels import MAX_AGE, Freshness, retry_in
from models.customer_360.source_records import (
    CaseRecord,
    ContractRecord,
    NpsRecord,
    OpportunityRecord,
    OrderRecord,
    PutQuotes,
    QuoteRecord,
)
from models.customer_360.stages import open_or_closed
from models.customer_360.words import priority_rank
from models.exceptions.owners import DueTimes, next_owner

NOW, TODAY = datetime(2026, 3, 10, 12, tzinfo=UTC), date(2026, 3, 10)
SECOND = timedelta(seconds=1)
KEYS: dict[str, Any] = {"external_id": "X-1", "customer_id": "cust_1"}


@pytest.mark.parametrize(("rank", "seconds", "hours"), [
    (1, None, 4), (2, None, 8), (3, None, 24), (4, None, 72), (6, None, 72), (1, 7200, 2),
])  # fmt: skip
def test_an_escalation_is_reminded_of_half_way(rank: int, seconds: int | None, hours: int) -> None:
    whole = timedelta(hours=hours)
    assert deadline(rank, NOW, seconds) == DueTimes(NOW + whole / 2, NOW + whole)


@pytest.mark.parametrize("rank", [0, 7])
def test_an_urgency_that_is_none_has_no_deadline(rank: int) -> None:
    with pytest.raises(AssertionError):
        deadline(rank, NOW)


def test_each_is_followed_by_the_next_and_the_last_stays() -> None:
    assert [next_owner(OWNERS, role) for role in OWNERS] == [*OWNERS[1:], OWNERS[-1]]
    assert next_owner(OWNERS, "ar_clerk") == OWNERS[-1]


def test_a_panel_is_stale_after_five_minutes_or_before_its_time() -> None:
    for age, stale in ((0, False), (300, False), (300.001, True), (-0.001, True)):
        assert Freshness("crm", NOW - timedelta(seconds=age)).stale(NOW) is stale, age
    assert Freshness("crm").stale(NOW)
    assert [retry_in(n) for n in (0, 1, 5, 6, 7, 100)] == [
        *(timedelta(seconds=s) for s in (5, 10, 160)),
        *[MAX_AGE] * 3,
    ]


@pytest.mark.parametrize(("fields", "worth"), [
    ({"as_of": NOW}, False), ({}, True),
    ({"next_attempt_at": NOW}, True), ({"next_attempt_at": NOW + SECOND}, False),
    ({"next_attempt_at": NOW + SECOND, "attempted_at": NOW + SECOND}, True),
    ({"next_attempt_at": NOW + SECOND, "attempted_at": NOW}, True),
    ({"next_attempt_at": NOW + SECOND, "attempted_at": NOW, "error_code": "DOWN"}, False),
    ({"next_attempt_at": NOW + SECOND, "attempted_at": NOW - 1.5 * SECOND}, False),
    ({"next_attempt_at": NOW + SECOND, "attempted_at": NOW - 1.49 * SECOND}, True),
])  # fmt: skip
def test_a_source_is_asked_where_that_may_help(fields: dict[str, datetime], worth: bool) -> None:
    assert Freshness("crm", **fields).worth_asking(NOW) is worth  # type: ignore[arg-type]


@pytest.mark.parametrize(("stage", "own", "found"), [
    ("Closed Won", {}, "closed"), ("closed-lost", {}, "closed"), ("Proposal/Price Quote", {}, "open"), ("Lunch", {}, None),
    ("lunch", {"LUNCH": "open"}, "open"), ("Closed Won", {"Lunch": "open", "closed won": "open"}, "open"),
    ("Proposal", {"Lunch": "closed"}, "open"),
])  # fmt: skip
def test_a_stage_is_open_or_closed_in_the_organisations_words_before_ours(stage, own, found) -> None:
    assert open_or_closed(stage, own) == found


def test_urgency_is_known_by_the_words_of_sources() -> None:
    assert [priority_rank(p) for p in (" p1 ", "High", "sev-3", "low", "LOWEST", "whenever")] == [1, 2, 6, 4, 5, 6]


def test_what_a_source_says_is_kept_as_our_rules_need_it() -> None:
    money: dict[str, Any] = {"value_minor": 5, "currency_code": "USD"}
    deal = OpportunityRecord(**KEYS, **money, name="Deal", stage="Closed Won", close_date=TODAY)
    assert (deal.facts(TODAY).closed, deal.facts(TODAY).stage) == (True, "Closed Won")
    assert not deal.model_copy(update={"stage": "Proposal"}).facts(TODAY).closed
    for status, closed in (("accepted", True), ("sent", False)):
        assert QuoteRecord(**KEYS, status=status).facts(TODAY).closed is closed
    for status, closed in (("Delivered", True), ("open", False)):
        order = OrderRecord(**KEYS, status=status).facts(TODAY)
        assert (order.closed, order.recent_on) == (closed, TODAY)
    shipped, ordered = date(2026, 1, 2), date(2026, 1, 1)
    assert OrderRecord(**KEYS, status="x", ship_date=shipped).facts(TODAY).recent_on == shipped
    assert OrderRecord(**KEYS, status="x", ship_date=shipped, order_date=ordered).facts(TODAY).recent_on == ordered
    case = CaseRecord(**KEYS, subject="S", priority="high", status="Solved").facts(TODAY)
    assert (case.priority_rank, case.closed, case.sla_status) == (2, True, "none")
    said = CaseRecord(**KEYS, subject="S", priority="?", status="new", sla_due_at=NOW).facts(TODAY)
    assert (said.priority_rank, said.closed, said.sla_status) == (6, False, None)
    said = CaseRecord(**KEYS, subject="S", priority="?", status="new", sla_status="ok", sla_due_at=NOW).facts(TODAY)
    assert said.sla_status == "ok"
    score = NpsRecord.model_validate({**KEYS, "latest": -100, "surveyed_at": NOW})
    assert score.facts(TODAY).score == -100


@pytest.mark.parametrize(("given", "arr", "mrr"), [
    ({"arr_minor": 1200}, 1200, 100), ({"mrr_minor": 100}, 1200, 100), ({"arr_minor": 18}, 18, 2), ({"arr_minor": 6}, 6, 0),
    ({"arr_minor": 5, "mrr_minor": 7}, 5, 7), ({"arr_minor": 0}, 0, 0), ({"mrr_minor": 0}, 0, 0),
])  # fmt: skip
def test_a_year_is_twelve_months(given: dict[str, int], arr: int, mrr: int) -> None:
    contract = ContractRecord.model_validate({**KEYS, **given, "renewal_date": TODAY, "currency_code": "USD"})
    found = contract.facts(TODAY)
    assert (found.arr_minor, found.mrr_minor, found.notice_days, found.closed) == (arr, mrr, 90, False)
    told = contract.model_copy(update={"notice_days": 0, "status": "churned"}).facts(TODAY)
    assert (told.notice_days, told.closed) == (0, True)


def test_a_contract_recurs_and_a_record_is_named_once() -> None:
    with pytest.raises(ValidationError) as no:
        ContractRecord.model_validate({**KEYS, "renewal_date": TODAY, "currency_code": "USD"})
    assert [e["type"] for e in no.value.errors()] == ["FIELD_REQUIRED"]
    one = {**KEYS, "status": "sent"}
    with pytest.raises(ValidationError) as no:
        PutQuotes.model_validate({"records": [one, one]})
    assert [e["type"] for e in no.value.errors()] == ["EXTERNAL_ID_REPEATED"]
    assert len(PutQuotes.model_validate({"records": [one, {**one, "external_id": "X-2"}]}).records) == 2
