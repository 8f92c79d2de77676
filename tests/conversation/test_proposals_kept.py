"""What is kept of a proposal, when it may be carried out, and that nothing else comes of it, through the operations alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models.access import Principal
from tests.books import Books, today
from tests.conversation.proposing import Proposing
from tests.rules.refusals import refused


@pytest.fixture
def person(books: Books) -> Proposing:
    return Proposing(books, books.who)


AGENT: dict[str, Any] = {
    "agent": "helper", "client": "test-client", "writes_per_hour": 2, "amount_minor_per_day": 5_000, "budget_currency": "USD",
}  # fmt: skip


def test_a_proposal_shows_what_would_happen_and_keeps_who_brought_it(person: Proposing) -> None:
    invoice, payment = person.open_items(1000)
    lines = {"applications": [{"invoice_id": invoice, "applied_minor": 1000}]}
    made = person.make("apply_payment", payment, lines, **AGENT)
    now = person.books.moment()
    effect, kept = made["effect"], person.of(made)
    (shown,) = person.books.sql("SELECT external_id FROM invoices WHERE id = %(id)s", id=invoice)
    assert (effect["status"], effect["payment_id"], effect["session_id"]) == ("FULLY_APPLIED", payment, None)
    assert effect["names"] == {invoice: shown["external_id"]}
    (entry,) = effect["journal_entries"]
    assert (entry["id"], {x["account"]: x["debit_minor"] - x["credit_minor"] for x in entry["lines"]}) == (
        None,
        {"cash": 1000, "accounts_receivable": -1000},
    )
    assert (made["status"], made["proposal_id"][:5], made["record_id"]) == ("OPEN", "prop_", payment)
    assert (made["agent"], made["client"], made["proposed_by"]) == ("helper", "test-client", person.who.sub)
    assert made["confirm_path"] == f"/confirm/{made['proposal_id']}"
    assert (made["in_words"] != [], made["ended_at"], made["successor_id"], made["warnings"]) == (True, None, None, [])
    assert [kept[name].isoformat() for name in ("made_at", "expires_at")] == [made["made_at"], made["expires_at"]]
    assert (made["confirmation"], made["expired"], made["effect_hash"]) == ("elicitation", False, kept["effect_hash"])
    assert kept["expires_at"] - kept["made_at"] == timedelta(days=1)
    assert timedelta(0) <= now - kept["made_at"] < timedelta(minutes=1)
    assert {name: kept[name] for name in AGENT} == AGENT
    assert (kept["amount_minor"], kept["amount_currency"]) == (1000, "USD")
    assert (kept["customer_id"], kept["body"]) == (None, lines)
    (said,) = person.trail(made["proposal_id"])
    assert (said["action"], said["payload"]["operation"]) == ("proposal.made", "apply_payment")
    assert said["payload"]["record_id"] == payment
    assert said["payload"]["conversation"]["agent"] == "helper"


def test_nothing_of_what_is_shown_has_happened(person: Proposing) -> None:
    made = person.application()
    assert person.books.sql("SELECT status FROM payments WHERE org_id = :org") == [{"status": "UNAPPLIED"}]
    for table in ("payment_applications", "journal_entries", "outbox_events"):
        beside = "" if table != "outbox_events" else " AND type = 'ar.payment.applied'"
        beside = " AND kind = 'application'" if table == "journal_entries" else beside
        assert person.books.sql(f"SELECT 1 FROM {table} WHERE org_id = :org{beside}") == []
    (status,) = person.books.sql("SELECT http_status FROM commands WHERE org_id = :org AND operation = 'proposal.make'")
    assert (status["http_status"], made["status"]) == (201, "OPEN")


def test_a_record_that_would_be_made_has_its_id_already(person: Proposing) -> None:
    invoice, _ = person.open_items(400)
    made = person.make("create_write_off", None, {"invoice_id": invoice, "reason_code": "SMALL_BALANCE"})
    assert (made["record_id"][:3], made["effect"]["id"]) == ("wo_", made["record_id"])
    kept = person.of(made)
    assert made["effect"]["names"][kept["customer_id"]] == "Customer"
    person.commit(person.confirmed(made))
    assert person.books.sql("SELECT id FROM write_offs WHERE org_id = :org") == [{"id": made["record_id"]}]


def test_carried_out_it_is_what_was_shown_and_says_through_whom(person: Proposing) -> None:
    made = person.confirmed(person.application(**AGENT))
    done = person.commit(made)
    kept = person.of(made)
    (command,) = person.books.sql("SELECT id, operation FROM commands WHERE org_id = :org AND path LIKE '%%/commit'")
    assert (done.status, command["operation"]) == (200, "apply_payment")
    assert (kept["status"], kept["confirmed_by"], kept["command_id"]) == ("COMMITTED", "elicitation", command["id"])
    assert kept["ended_at"] is not None
    (applied,) = (e for e in person.trail(made["record_id"]) if e["action"] == "payment.applied")
    through = {
        "agent": "helper",
        "client": "test-client",
        "proposal_id": kept["id"],
        "effect_hash": kept["effect_hash"],
    }
    assert applied["payload"]["conversation"] == through
    said = person.trail(kept["id"])
    assert [e["action"].split(".")[1] for e in said] == ["made", "confirmed", "committed"]
    assert [e["payload"]["conversation"] for e in said] == [through] * 3
    about = {"operation": "apply_payment", "record_id": made["record_id"], "conversation": through}
    assert [e["payload"] for e in said] == [about, about | {"by": "elicitation"}, about]
    assert person.commit(made).replayed


def test_a_yes_is_said_once_and_the_last_way_counts(person: Proposing) -> None:
    made = person.application()
    for by in ("elicitation", "elicitation", "page"):
        assert person.act("confirm", made, by=by)["status"] == "OPEN"
    assert person.of(made)["confirmed_by"] == "page"
    assert [e["payload"].get("by") for e in person.trail(made["proposal_id"])] == [None, "elicitation", "page"]


def test_it_is_carried_out_by_its_person_for_its_record_after_a_yes_and_in_time(person: Proposing) -> None:
    made, other = person.application(), person.application()
    somebody = replace(person, who=Principal("u_other", person.books.org, frozenset({"ar_clerk"}), None))
    with refused("PERSON_REQUIRED"):
        person.commit(made)
    (no,) = (e for e in person.trail(made["record_id"]) if e["action"] == "apply_payment.refused")
    assert no["payload"]["conversation"]["proposal_id"] == made["proposal_id"]
    for act, body in (("confirm", {"by": "page"}), ("decline", {})):
        with refused("FORBIDDEN"):
            somebody.act(act, made, **body)
    person.confirmed(made)
    with refused("FORBIDDEN"):
        somebody.commit(made)
    with refused("FORBIDDEN"):
        person.commit(made, other["record_id"])
    person.books.sql(
        "UPDATE proposals SET expires_at = now() WHERE org_id = :org AND id = %(id)s", id=made["proposal_id"]
    )
    with refused("PROPOSAL_EXPIRED"):
        person.commit(made)
    with refused("PROPOSAL_EXPIRED"):
        person.act("confirm", made, by="page")
    assert {row["status"] for row in person.books.sql("SELECT status FROM payments WHERE org_id = :org")} == {
        "UNAPPLIED"
    }


def test_where_something_else_would_happen_by_now_nothing_does(person: Proposing) -> None:
    customer = person.books.customer()
    invoice = person.books.invoice(customer, 2000, "2026-01-01")
    payment = person.books.pay(customer, 1000, "2026-01-02")
    lines = {"applications": [{"invoice_id": invoice, "applied_minor": 1000}]}
    made = person.confirmed(person.make("apply_payment", payment, lines))
    person.books.apply(person.books.pay(customer, 100, "2026-01-02"), (invoice, 100))
    with refused("PROPOSAL_STALE"):
        person.commit(made)
    assert person.of(made)["status"] == "OPEN"
    paid = person.books.sql("SELECT applied_minor FROM payments WHERE id = %(id)s", id=payment)
    assert paid == [{"applied_minor": 0}]


def test_one_that_another_replaces_is_over_and_what_has_ended_stays_so(person: Proposing) -> None:
    made = person.application()
    body = person.of(made)["body"]
    new = person.make("apply_payment", made["record_id"], body, replaces=made["proposal_id"])
    kept = person.of(made)
    assert (kept["status"], kept["successor_id"]) == ("STALE", new["proposal_id"])
    with refused("PROPOSAL_STALE"):
        person.act("confirm", made, by="page")
    assert person.act("decline", made)["successor_id"] == new["proposal_id"]
    person.act("decline", new)
    person.make("apply_payment", made["record_id"], body, replaces=new["proposal_id"])
    assert (person.of(new)["status"], person.of(new)["successor_id"]) == ("DECLINED", None)


def test_a_no_is_said_once_and_not_after_the_deed(person: Proposing) -> None:
    made, done = (person.confirmed(person.application(client="test-client")) for _ in range(2))
    for _ in range(2):
        answer = person.act("decline", made, reason_code="NOT_THIS_ONE")
        assert (answer["status"], answer["ended_at"] is not None) == ("DECLINED", True)
    first, _, no = person.trail(made["proposal_id"])
    assert (no["action"], no["reason_code"]) == ("proposal.declined", "NOT_THIS_ONE")
    assert no["payload"] == {"operation": "apply_payment", "conversation": first["payload"]["conversation"]}
    with refused("PROPOSAL_CLOSED"):
        person.commit(made)
    person.commit(done)
    with refused("PROPOSAL_CLOSED"):
        person.act("decline", done)


def test_budgets_are_of_an_agent_and_count_what_was_carried_out(person: Proposing) -> None:
    few: dict[str, Any] = {"agent": "few", "writes_per_hour": 1}
    first, second = (person.confirmed(person.application(**few)) for _ in range(2))
    person.commit(first)
    with refused("BUDGET_EXCEEDED"):
        person.commit(second)
    little: dict[str, Any] = {"agent": "little", "amount_minor_per_day": 1500}
    first, second = (person.confirmed(person.application(**little)) for _ in range(2))
    person.commit(first)
    with refused("BUDGET_EXCEEDED"):
        person.commit(second)
    person.commit(person.confirmed(person.application(500, **little)))


def test_a_budget_in_a_currency_counts_all_at_the_days_rate(person: Proposing) -> None:
    person.books.rate("GBP", "USD", today(), "2")
    within: dict[str, Any] = {"agent": "one", "amount_minor_per_day": 5000, "budget_currency": "USD"}
    made = person.application(300, "GBP", **within)
    assert (person.of(made)["amount_minor"], person.of(made)["amount_currency"]) == (600, "USD")
    own = person.application(300, **within)
    assert (person.of(own)["amount_minor"], person.of(own)["amount_currency"]) == (300, "USD")
    unbound = person.application(300, "GBP", agent="one", budget_currency="USD")
    assert (person.of(unbound)["amount_minor"], person.of(unbound)["amount_currency"]) == (300, "GBP")
    with refused("FX_RATE_MISSING"):
        person.application(300, "GBP", **within | {"budget_currency": "XAF"})
    disputed = person.books.invoice(person.books.customer(), 300, "2026-01-01")
    beyond = person.make("open_deduction", None, _shortage(disputed), **within | {"budget_currency": "XAF"})
    assert (person.of(beyond)["amount_minor"], person.of(beyond)["amount_currency"]) == (0, "XAF")


def _shortage(invoice: str) -> dict[str, Any]:
    return {"invoice_id": invoice, "amount_minor": 100, "reason_code": "SHORTAGE"}


def test_an_organisation_lets_assistants_propose_or_read_or_nothing(person: Proposing) -> None:
    made = person.confirmed(person.application())
    person.settings(agents="read_only")
    person.application()
    for who in ("agent", "client"):
        with refused("AGENTS_READ_ONLY"):
            person.application(1000, "USD", **{who: "helper"})
    with refused("AGENTS_READ_ONLY"):
        person.commit(made)
    person.settings(agents="off")
    with refused("AGENTS_OFF"):
        person.application()
    with refused("AGENTS_OFF"):
        person.commit(made)
    person.settings(agents=None)
    person.commit(made)


def test_what_the_rules_refuse_cannot_be_proposed(person: Proposing) -> None:
    invoice, payment = person.open_items(1000)
    with refused("APPLIED_EXCEEDS_PAYMENT"):
        person.make("apply_payment", payment, {"applications": [{"invoice_id": invoice, "applied_minor": 1001}]})
    assert person.books.sql("SELECT 1 FROM proposals WHERE org_id = :org") == []
