"""Deductions decided: rejected and collected, accepted by a credit note within authority, beyond it through those above."""

from typing import Any

import pytest

from models.access import Principal
from models.errors import Refusal
from tests.books import Books, today
from tests.credit_notes.desk import control, left, noted, unsettle, void
from tests.credit_notes.test_notes import posted, refused
from tests.deductions.desk import approve, decide, deduction, disputed, short, shown, stated, status, waiting
from tests.session_lines.desk import balance, breaches, person


@pytest.fixture
def damaged(books: Books) -> tuple[str, str, str]:
    """A customer's invoice of 1,000.00 paid 120.00 short; and the deduction."""
    customer = books.customer()
    invoice = books.invoice(customer, 1_000_00, "2026-01-05", tax_minor=100_00)
    session = short(books, books.pay(customer, 880_00, "2026-02-01"), [(invoice, 880_00)], deduction(invoice, 120_00))
    return customer, invoice, session["deductions"][0]["id"]


def test_rejected_it_is_due_and_collected(books: Books, damaged: tuple[str, str, str]) -> None:
    customer, invoice, d = damaged
    said = decide(books, d, "reject", note="the carrier signed for it")
    assert said.items() >= {
        "id": d, "status": "REJECTED", "end_reason": "REJECTED", "end_note": "the carrier signed for it",
        "ended_by": "u_manager", "credit_note": None, "credit_note_id": None,
        "invoices": [{"id": invoice, "status": "PARTIALLY_PAID", "balance_due_minor": 120_00}],
    }.items()  # fmt: skip
    assert disputed(books, invoice) == (120_00, 0)
    assert books.aging(customer).items() >= {"total_minor": 120_00, "disputed_minor": 0}.items()
    assert waiting(books, "ar_manager") == []
    assert posted(books, d) == []
    books.apply(books.pay(customer, 120_00, "2026-03-01"), (invoice, 120_00))
    assert (balance(books, invoice), status(books, d)) == (("PAID", 0), ("REJECTED", "REJECTED"))
    assert breaches(books) == {}


def test_accepted_it_is_credited_with_its_tax_and_the_invoice_settled(
    books: Books, damaged: tuple[str, str, str]
) -> None:
    customer, invoice, d = damaged
    said = decide(books, d, "accept", note="pallet 7")
    made = said["credit_note"]
    assert said.items() >= {
        "status": "ACCEPTED", "end_reason": "ACCEPTED", "ended_by": "u_manager", "accepted_minor": 120_00,
        "approval_id": None, "credit_note_id": made["id"],
        "invoices": [{"id": invoice, "status": "PAID", "balance_due_minor": 0}],
    }.items()  # fmt: skip
    assert made.items() >= {
        "status": "APPLIED", "external_id": d, "customer_id": customer, "invoice_id": invoice, "total_minor": 120_00,
        "balance_minor": 0, "reason_code": "ACCEPTED", "note": "pallet 7", "created_by": "u_manager",
    }.items()  # fmt: skip
    assert [(a["invoice_id"], a["applied_minor"], a["payment_id"]) for a in made["applications"]] == [
        (invoice, 120_00, None)
    ]
    assert books.get(f"/v1/credit-notes/{made['id']}") == made
    # US books keep the tax as it was invoiced, as for any credit note that states none.
    assert posted(books, made["id"]) == [(str(today()), {"revenue": 120_00, "accounts_receivable": -120_00})]
    assert balance(books, invoice) == ("PAID", 0)
    assert control(books, str(today())) == (0, 0)
    assert waiting(books, "ar_manager") == []
    events = books.sql(
        "SELECT type, data FROM outbox_events WHERE org_id = :org AND subject = %(id)s ORDER BY id", id=d
    )
    assert [e["type"] for e in events] == ["deduction.opened", "deduction.accepted"]
    assert events[1]["data"].items() >= {"credit_note_id": made["id"], "accepted_minor": 120_00}.items()
    trail = [e["action"] for e in books.get("/v1/audit-events", subject_id=d)["items"]]
    assert trail == ["deduction.opened", "deduction.accepted"]
    assert breaches(books) == {}


def test_in_the_uk_the_tax_goes_with_it(books: Books) -> None:
    customer = books.customer(entity="le_uk")
    invoice = books.invoice(customer, 120_00, "2026-01-05", currency="GBP", tax_minor=20_00)
    made = decide(books, stated(books, invoice, 60_00)["id"], "accept")["credit_note"]
    assert posted(books, made["id"]) == [
        (str(today()), {"revenue": 50_00, "tax_payable": 10_00, "accounts_receivable": -60_00})
    ]
    assert disputed(books, invoice) == (60_00, 0)
    assert breaches(books) == {}


def test_across_rates_nothing_is_left_on_any_account(books: Books) -> None:
    customer = books.customer()
    books.rate("EUR", "USD", "2026-01-05", "1.137")
    invoice = books.invoice(customer, 100_01, "2026-01-05", currency="EUR")
    for minor in (33_33, 33_34):
        decide(books, stated(books, invoice, minor)["id"], "accept")
    last = stated(books, invoice, 33_34)["id"]
    decide(books, last, "accept")
    assert balance(books, invoice) == ("PAID", 0)
    assert control(books, str(today())) == (0, 0)
    assert breaches(books) == {}


def test_what_was_paid_of_it_meanwhile_is_not_credited(books: Books, damaged: tuple[str, str, str]) -> None:
    customer, invoice, d = damaged
    books.apply(books.pay(customer, 50_00, "2026-02-20"), (invoice, 50_00))
    said = decide(books, d, "accept")
    assert (said["amount_minor"], said["accepted_minor"], said["credit_note"]["total_minor"]) == (120_00, 70_00, 70_00)
    assert balance(books, invoice) == ("PAID", 0)
    assert breaches(books) == {}


def test_accepting_one_that_leaves_nothing_due_withdraws_the_others(books: Books) -> None:
    invoice = books.invoice(books.customer(), 100_00, "2026-01-05")
    first, second = stated(books, invoice, 70_00)["id"], stated(books, invoice, 30_00)["id"]
    books.apply(books.pay(books.get(f"/v1/invoices/{invoice}")["customer_id"], 30_00, "2026-02-01"), (invoice, 30_00))
    decide(books, first, "accept")
    assert (status(books, first), status(books, second)) == (("ACCEPTED", "ACCEPTED"), ("WITHDRAWN", "INVOICE_PAID"))
    assert breaches(books) == {}


@pytest.mark.parametrize("decision", ["accept", "reject"])
def test_it_is_decided_once(books: Books, damaged: tuple[str, str, str], decision: str) -> None:
    _, invoice, d = damaged
    decide(books, d, decision)
    for again in ("accept", "reject"):
        r = refused("DEDUCTION_CLOSED", decide, books, d, again)
        assert r.extra.items() >= {"deduction_id": d, "status": f"{decision.upper()}ED"}.items()
    assert len(books.get("/v1/credit-notes", invoice_id=invoice)["items"]) == (decision == "accept")


def test_a_withdrawn_one_is_not_decided(books: Books, damaged: tuple[str, str, str]) -> None:
    customer, invoice, d = damaged
    books.apply(books.pay(customer, 120_00, "2026-02-20"), (invoice, 120_00))
    refused("DEDUCTION_CLOSED", decide, books, d, "accept")


@pytest.mark.parametrize(
    ("by", "minor", "roles"),
    [("clerk", 1, ["ar_manager"]), ("manager", 1_000_00, []), ("manager", 1_000_01, ["controller"]),
     ("clerk", 1_000_01, ["ar_manager", "controller"]), ("controller", 25_000_00, []),
     ("controller", 25_000_01, ["cfo"])],
)  # fmt: skip
def test_authority_of_each_role(books: Books, by: str, minor: int, roles: list[str]) -> None:
    invoice = books.invoice(books.customer(), 50_000_00, "2026-01-05")
    d = stated(books, invoice, minor)["id"]
    said = decide(books, d, "accept", by=by)
    if not roles:
        assert (said["status"], said["awaits_approval"]) == ("ACCEPTED", False)
    else:
        assert (said["status"], said["awaits_approval"], said["credit_note"]) == ("OPEN", True, None)
        approval = books.get(f"/v1/approvals/{said['approval_id']}")
        assert (
            approval.items()
            >= {"kind": "deduction", "subject_id": d, "role": roles[0], "href": f"/v1/deductions/{d}"}.items()
        )
        assert [s["role"] for s in approval["steps"]] == roles
        found = books.api(roles[0], user="u_above").get("/v1/approvals?awaiting=me&kind=deduction").json()["items"]
        assert [a["id"] for a in found] == [said["approval_id"]]
        assert disputed(books, invoice) == (50_000_00, minor)
        refused("DEDUCTION_AWAITS_APPROVAL", decide, books, d, "reject", by="controller")
        refused("DEDUCTION_AWAITS_APPROVAL", decide, books, d, "accept", by="controller")
    assert breaches(books) == {}


def test_what_one_person_credits_on_one_invoice_is_one_amount(books: Books) -> None:
    invoice = books.invoice(books.customer(), 50_000_00, "2026-01-05")
    first, second = stated(books, invoice, 900_00)["id"], stated(books, invoice, 200_00)["id"]
    assert decide(books, first, "accept")["status"] == "ACCEPTED"
    assert decide(books, second, "accept", user="u_other")["status"] == "ACCEPTED"
    third = stated(books, invoice, 100_01)["id"]
    assert decide(books, third, "accept")["awaits_approval"] is True


def test_approved_by_all_it_is_credited_in_the_name_of_who_asked(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 5_000_00, "2026-01-05")
    d = stated(books, invoice, 1_200_00)["id"]
    approval = decide(books, d, "accept", by="clerk", note="two pallets")["approval_id"]
    approve(books, approval, "manager")
    assert (status(books, d), disputed(books, invoice)) == (("OPEN", None), (5_000_00, 1_200_00))
    assert approve(books, approval, "controller")["status"] == "APPROVED"
    now = shown(books, d)
    assert now.items() >= {
        "status": "ACCEPTED", "end_reason": "ACCEPTED", "end_note": "two pallets", "ended_by": "u_clerk",
        "approval_id": approval, "awaits_approval": False, "accepted_minor": 1_200_00,
    }.items()  # fmt: skip
    made = books.get(f"/v1/credit-notes/{now['credit_note_id']}")
    assert made.items() >= {"status": "APPLIED", "created_by": "u_clerk", "approval_id": approval}.items()
    assert disputed(books, invoice) == (3_800_00, 0)
    evidence = books.get(f"/v1/approvals/{approval}/evidence")
    assert [e["action"] for e in evidence["trail"]] == [
        "approval.submitted", "approval.decided", "approval.decided", "approval.executed",
    ]  # fmt: skip
    assert breaches(books) == {}


@pytest.mark.parametrize("how", ["reject", "withdraw"])
def test_not_approved_it_is_open_to_be_decided_anew(books: Books, how: str) -> None:
    invoice = books.invoice(books.customer(), 5_000_00, "2026-01-05")
    d = stated(books, invoice, 1_200_00)["id"]
    approval = decide(books, d, "accept")["approval_id"]
    if how == "reject":
        approve(books, approval, "controller", "reject", reason_code="NOT_OURS")
    else:
        books.do("approval.withdraw", approval, {}, person(books, "manager"))
    now = shown(books, d)
    assert (now["status"], now["awaits_approval"], now["approval_id"]) == ("OPEN", False, approval)
    assert disputed(books, invoice) == (5_000_00, 1_200_00)
    assert decide(books, d, "reject")["status"] == "REJECTED"
    assert breaches(books) == {}


def test_paid_while_the_chain_runs_it_is_withdrawn_and_approving_it_fails(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 5_000_00, "2026-01-05")
    d = stated(books, invoice, 1_200_00)["id"]
    approval = decide(books, d, "accept")["approval_id"]
    books.apply(books.pay(customer, 5_000_00, "2026-02-01"), (invoice, 5_000_00))
    assert status(books, d) == ("WITHDRAWN", "INVOICE_PAID")
    answered = approve(books, approval, "controller")
    assert (answered["status"], answered["failure"]["code"]) == ("FAILED", "DEDUCTION_CLOSED")
    assert books.get("/v1/credit-notes", invoice_id=invoice)["items"] == []
    assert breaches(books) == {}


def test_limits_that_change_while_the_chain_runs_leave_the_chain_as_it_was(books: Books) -> None:
    invoice = books.invoice(books.customer(), 5_000_00, "2026-01-05")
    d = stated(books, invoice, 1_200_00)["id"]
    approval = decide(books, d, "accept", by="clerk")["approval_id"]
    limit = {"limits": [{"kind": "deduction", "role": "ar_manager", "limit_minor": 20_000_00}]}
    asked = books.api("controller", user="u_controller").request("PUT", "/v1/authority-limits", json=limit)
    assert asked.status_code == 202
    for by in ("controller", "cfo"):
        books.do("approval.decide", asked.json()["approval_id"], {"decision": "approve"}, _other(books, by))
    approve(books, approval, "manager")
    assert status(books, d) == ("OPEN", None)
    approve(books, approval, "controller")
    assert status(books, d)[0] == "ACCEPTED"
    assert books.get(f"/v1/approvals/{approval}")["authority"]["version"] == 0


def _other(books: Books, role: str) -> Any:
    return person(books, role, f"u_{role}_limits")


def test_accepted_in_a_closed_month_it_is_booked_in_the_next_open_one(
    books: Books, damaged: tuple[str, str, str]
) -> None:
    _, invoice, d = damaged
    this_month = today().strftime("%Y-%m")
    books.close_period(this_month)
    made = decide(books, d, "accept")["credit_note"]
    ((day, lines),) = posted(books, made["id"])
    assert (day > str(today()), day[-2:], lines) == (True, "01", {"revenue": 120_00, "accounts_receivable": -120_00})
    assert made["issue_date"] == str(today())
    assert balance(books, invoice) == ("PAID", 0)
    assert control(books, str(today()))[1] == 0
    assert breaches(books) == {}


def test_accepted_it_stands_though_the_session_is_undone(books: Books, damaged: tuple[str, str, str]) -> None:
    customer, invoice, d = damaged
    made = decide(books, d, "accept")["credit_note"]
    books.reverse(books.get("/v1/customer-payments", customer_id=customer)["items"][0]["id"])
    assert status(books, d) == ("ACCEPTED", "ACCEPTED")
    assert (balance(books, invoice), left(books, made["id"])) == (("PARTIALLY_PAID", 880_00), ("APPLIED", 0))
    assert breaches(books) == {}


def test_its_note_can_be_unapplied_and_voided_as_any(books: Books, damaged: tuple[str, str, str]) -> None:
    _, invoice, d = damaged
    made = decide(books, d, "accept")["credit_note"]
    unsettle(books, made["applications"][0]["id"])
    void(books, made["id"])
    assert (balance(books, invoice), disputed(books, invoice)) == (("PARTIALLY_PAID", 120_00), (120_00, 0))
    assert status(books, d)[0] == "ACCEPTED"
    assert breaches(books) == {}


def test_a_note_that_has_its_id_already_does_not_stand_in_the_way(books: Books, damaged: tuple[str, str, str]) -> None:
    customer, invoice, d = damaged
    noted(books, customer, 1_00, external_id=d)
    assert decide(books, d, "accept")["credit_note"]["external_id"] != d
    assert balance(books, invoice) == ("PAID", 0)
    assert breaches(books) == {}


def test_a_dry_run_shows_the_note_and_leaves_it_open(books: Books, damaged: tuple[str, str, str]) -> None:
    _, invoice, d = damaged
    manager, body = books.api("ar_manager", user="u_manager"), {"decision": "accept", "reason_code": "ACCEPTED"}
    dry = manager.post(f"/v1/deductions/{d}/resolve?dry_run=true", body)
    assert (dry.status_code, dry.json()["credit_note"]["total_minor"]) == (200, 120_00)
    beyond = books.api("ar_clerk", user="u_clerk").post(f"/v1/deductions/{d}/resolve?dry_run=true", body)
    assert (beyond.status_code, beyond.json()["awaits_approval"]) == (202, True)
    assert (status(books, d), disputed(books, invoice)) == (("OPEN", None), (120_00, 120_00))
    assert books.get("/v1/approvals", kind="deduction")["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"decision": "maybe"}, {"decision": None}, {"reason_code": None}, {"reason_code": "no"}, {"amount_minor": 1}],
)
def test_what_cannot_be_meant_is_refused(books: Books, damaged: tuple[str, str, str], wrong: dict[str, Any]) -> None:
    body = {"decision": "accept", "reason_code": "ACCEPTED"} | wrong
    r = books.api("ar_manager").post(f"/v1/deductions/{damaged[2]}/resolve", body)
    assert (r.status_code, r.json()["code"]) == (422, "VALIDATION_FAILED")


def test_who_may_decide(books: Books, damaged: tuple[str, str, str]) -> None:
    body = {"decision": "reject", "reason_code": "NO"}
    for role in ("auditor", "cfo", "account_executive", "bank_feed", "manager"):
        assert books.api(role).post(f"/v1/deductions/{damaged[2]}/resolve", body).status_code == 403, role
    elsewhere = Principal("u_m", books.org, frozenset({"ar_manager"}), frozenset({"le_uk"}))
    with pytest.raises(Refusal) as refusal:
        books.do("resolve_deduction", damaged[2], body, elsewhere)
    assert refusal.value.code == "FORBIDDEN"
    missing = "ded_01m81a5jhbecnawhmfhcd214ah"
    assert refused("DEDUCTION_NOT_FOUND", decide, books, missing, "accept")
