"""What follows of anything that is under approval from its chain; and an event as it goes out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.access import Principal
from models.answers import Page
from models.approvals.approval import Approval
from models.approvals.chain import Decision, decide, executed, failed, open_chain
from models.approvals.plan import steps_of_roles
from models.approvals.records import StepDecision
from models.outbox import OutboxEvent, cloud_event, event_feed

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MANAGER = Principal("u_manager", "org_1", frozenset({"ar_manager"}), None)
OPEN = Approval(
    id="apr_1", legal_entity_id="le_us", submitted_at=NOW, workflow_id="ApprovalWorkflow:apr_1", warnings=(),
    chain=open_chain("u_clerk", steps_of_roles(("ar_manager",)), NOW), kind="write_off", subject_id="inv_1",
    customer_id=None, summary="A write-off", href="/v1/invoices/inv_1", amount_minor=5, currency_code="USD", reason_code=None,
    authority=None, request=None, command_id="cmd_1",
)  # fmt: skip
SAID = StepDecision(
    id="dec_1", round=1, step=1, role="ar_manager", decision=Decision.APPROVE, decided_by="u_manager", on_behalf_of=None,
    reason_code=None, comment=None, channel="api", decided_at=LATER,
)  # fmt: skip


def test_what_waits_is_decided_carried_out_or_fails() -> None:
    assert OPEN.awaiting is OPEN.chain.pending
    assert OPEN.awaiting is not None
    assert (OPEN.is_approved, OPEN.is_ended, OPEN.whose) == (False, False, "")
    approved = decide(OPEN.chain, MANAGER, Decision.APPROVE, now=LATER)
    decided = OPEN.decided(approved, LATER, SAID)
    assert (decided.awaiting, decided.is_approved, decided.is_ended, decided.closed_at) == (None, True, False, None)
    assert decided.decisions == (SAID,)
    assert decided.decided(approved, LATER, replace(SAID, id="dec_2")).decisions == (SAID, replace(SAID, id="dec_2"))
    done = decided.moved_to(executed(approved), LATER)
    assert (done.awaiting, done.is_approved, done.is_ended, done.closed_at) == (None, False, True, LATER)
    stuck = decided.failed(failed(approved), LATER, "INVOICE_PAID", "It is paid.")
    assert (stuck.is_approved, stuck.is_ended, stuck.closed_at) == (False, False, LATER), (
        "its submitter may still move it"
    )
    assert (stuck.failure_code, stuck.failure_detail, stuck.decisions) == ("INVOICE_PAID", "It is paid.", (SAID,))


@pytest.mark.parametrize(("entities", "covered"), [
    (None, True), (frozenset({"le_us", "le_uk"}), True), (frozenset({"le_uk"}), False), (frozenset(), False),
])  # fmt: skip
def test_a_token_for_some_legal_entities_covers_what_is_of_them(entities: frozenset[str] | None, covered: bool) -> None:
    assert OPEN.is_covered_by(entities) is covered
    assert replace(OPEN, legal_entity_id=None).is_covered_by(entities) is (entities is None)


def test_an_approval_is_of_its_kind_and_its_customer() -> None:
    one = replace(OPEN, customer_id="cust_1")
    assert (one.about, one.whose, one.lane) == ("write_off", "cust_1", "yellow")
    limits = replace(OPEN, kind="authority_limits")
    assert (limits.about, limits.lane) == ("authority_limits", "red")


def test_an_event_goes_out_as_a_cloud_event() -> None:
    event = OutboxEvent(
        org_id="org_1", id="evt_1", type="ar.payment.applied", subject="pay_1", data={"n": 1}, at=NOW, position=7
    )
    said = cloud_event(event)
    assert (said.specversion, said.id, said.source, said.type) == ("1.0", "evt_1", "/organisations/org_1", event.type)
    assert (said.subject, said.time, said.arflowposition) == ("pay_1", "2026-03-02T09:00:00Z", 7)
    assert (said.datacontenttype, said.data) == ("application/json", {"n": 1})
    feed = event_feed(Page(items=[said], next_cursor="on"), "later")
    assert (feed.items, feed.next_cursor, feed.resume_cursor) == ([said], "on", "later")
