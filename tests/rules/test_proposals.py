"""A proposal: until when it may be committed, within which budget, and when two effects are one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from models.conversation.proposals import (
    ProposalRecord,
    ProposalStatus,
    Spent,
    committing,
    hash_of,
    require_budget,
)
from tests.rules.refusals import refused

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
OPEN = ProposalRecord(
    id="prop_1", operation="customer.update_all", record_id="cust_1", body={}, effect={}, effect_hash="h", warnings=[],
    confirmation="page", customer_id=None, actor="u", agent=None, client=None, writes_per_hour=None, amount_minor_per_day=None,
    amount_minor=50, budget_currency=None, amount_currency="USD", status=ProposalStatus.OPEN, made_at=NOW,
    expires_at=NOW, ended_at=None, confirmed_by=None,
    command_id=None, successor_id="prop_2",
)  # fmt: skip
BY_AGENT = replace(OPEN, record_id="pay_1", agent="a", client="C" * 50)


def test_it_may_be_committed_while_it_is_open_and_not_after_its_time() -> None:
    before = NOW - timedelta(microseconds=1)
    OPEN.require_committable(before)
    with refused("PROPOSAL_EXPIRED") as no:
        OPEN.require_committable(NOW)
    assert "2026-03-10 12:00 UTC" in no[0].detail
    with refused("PROPOSAL_STALE", proposal_id="prop_2"):
        replace(OPEN, status=ProposalStatus.STALE).require_committable(before)
    for status in (ProposalStatus.COMMITTED, ProposalStatus.DECLINED):
        with refused("PROPOSAL_CLOSED", status_of_proposal=status) as no:
            replace(OPEN, status=status).require_committable(before)
        assert status.lower() in no[0].detail


@pytest.mark.parametrize(("writes", "allowed", "fits"), [(0, 1, True), (1, 1, False), (2, 1, False), (9, None, True)])
def test_an_agent_has_so_many_writes_an_hour(writes: int, allowed: int | None, fits: bool) -> None:
    p = replace(OPEN, writes_per_hour=allowed)
    if fits:
        require_budget(p, Spent(writes, 0))
        return
    with refused("BUDGET_EXCEEDED", budget="writes_per_hour", retry_after=600) as no:
        require_budget(p, Spent(writes, 0))
    assert f" {allowed} writes an hour" in no[0].detail


@pytest.mark.parametrize(("amount", "spent", "limit", "fits"), [
    (50, 50, 100, True), (51, 50, 100, False), (50, 51, 100, False), (0, 101, 100, True), (1, 0, 0, False), (50, 999, None, True),
])  # fmt: skip
def test_an_agent_moves_no_more_in_a_day_than_it_may(amount: int, spent: int, limit: int | None, fits: bool) -> None:
    p = replace(OPEN, amount_minor=amount, amount_minor_per_day=limit)
    if fits:
        require_budget(p, Spent(9, spent))
        return
    told: dict[str, Any] = {"limit_minor": limit, "used_minor": spent, "amount_minor": amount, "currency_code": "USD"}
    with refused("BUDGET_EXCEEDED", budget="amount_minor_per_day", retry_after=3600, **told):
        require_budget(p, Spent(0, spent))


def test_what_is_said_of_it_elsewhere() -> None:
    assert OPEN.conversation == {"proposal_id": "prop_1", "effect_hash": "h"}
    assert BY_AGENT.conversation == {"agent": "a", "client": "C" * 50, "proposal_id": "prop_1", "effect_hash": "h"}
    assert OPEN.summary == "Customer update all cust_1, by conversation"
    assert BY_AGENT.summary == f"Customer update all pay_1, by conversation ({'C' * 40})"
    assert (OPEN.memo, OPEN.found_by) == ({"proposal": "prop_1"}, {})
    assert BY_AGENT.memo == {"proposal": "prop_1", "client": "C" * 50, "agent": "a"}
    assert BY_AGENT.found_by == {"PaymentId": "pay_1"}


def test_effects_are_one_whatever_their_new_ids_and_moments() -> None:
    one: JsonValue = {"id": "pay_1", "entries": [{"of": "pay_1x", "digest": "a", "ü": 1}], "conversation": {"x": 1}}
    other: JsonValue = {"entries": [{"ü": 1, "of": "pay_2x"}], "id": "pay_2"}
    assert hash_of(one, {"pay_1": "P", "pay_1x": "Q"}) == hash_of(other, {"pay_2x": "Q", "pay_2": "P"})
    assert hash_of(one, {"pay_1": "P"}) != hash_of(other, {"pay_2": "Q"})
    assert hash_of({"a": 1}, {}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert hash_of(["ü"], {}) != hash_of(["u"], {})


@pytest.mark.parametrize(("path", "found"), [
    (f"/v1/proposals/prop_{'0' * 26}/commit", f"prop_{'0' * 26}"), (f"/v1/proposals/prop_{'0' * 25}/commit", None),
    (f"/v1/proposals/prop_{'0' * 26}/decline", None), (f"x/v1/proposals/prop_{'0' * 26}/commit", None),
])  # fmt: skip
def test_a_commit_is_known_by_its_path(path: str, found: str | None) -> None:
    assert committing(path) == found
