"""Write-offs on their own: at once within authority, beyond it by the chain of those above (docs/approvals.md)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from models.ids import new_id
from tests.approvals.ledger import TODAY, Ledger, verified
from tests.customers.desk import ok, refused
from tests.stack_fixtures.app import AppStack


@pytest.fixture(scope="module")
def desk(app_stack: AppStack) -> Iterator[Ledger]:
    yield from verified(app_stack)


def lines(entry: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(x["account"], x["debit_minor"], x["credit_minor"]) for x in entry["lines"]]


def test_a_clerk_writes_off_five_dollars_and_not_a_cent_more(desk: Ledger) -> None:
    small, large = desk.invoice(500), desk.invoice(501)
    done = ok(desk.write_off(small), 201)
    assert (done["status"], done["amount_minor"], done["approval_id"]) == ("POSTED", 500, None)
    assert done["invoices"] == [{"id": small, "status": "PAID", "balance_due_minor": 0}]
    (entry,) = desk.entries(done["id"])
    assert lines(entry) == [("write_off", 500, 0), ("accounts_receivable", 0, 500)]
    assert (entry["id"], entry["entry_date"]) == (done["journal_entry_id"], TODAY)
    asked = ok(desk.write_off(large), 202)
    assert (asked["status"], asked["journal_entry_id"], desk.balance(large)) == (
        "PENDING_APPROVAL",
        None,
        ("OPEN", 501),
    )
    approval = ok(desk("u_auditor").get(f"/v1/approvals/{asked['approval_id']}"))
    assert (approval["kind"], approval["subject_id"], approval["amount"]) == (
        "write_off", asked["id"], {"currency_code": "USD", "minor": 501},
    )  # fmt: skip
    assert [s["role"] for s in approval["steps"]] == ["ar_manager"]
    assert approval["authority"] == {
        "version": 0, "functional_minor": 501, "given_minor": 0, "submitter": {"role": "ar_clerk", "limit_minor": 500},
        "steps": [{"role": "ar_manager", "limit_minor": 50000}],
    }  # fmt: skip
    assert ok(desk("u_manager").get(approval["href"]))["id"] == asked["id"]
    assert "5.01 USD" in approval["summary"]
    desk.approve_as(asked["approval_id"], "u_manager")


@pytest.mark.parametrize(
    ("by", "amount", "roles"),
    [
        ("u_clerk", 50_000, ["ar_manager"]),
        ("u_clerk", 50_001, ["ar_manager", "controller"]),
        ("u_clerk", 1_000_001, ["ar_manager", "controller", "cfo"]),
        ("u_manager", 1_000_000, ["controller"]),
        ("u_controller", 1_000_001, ["cfo"]),
    ],
)
def test_the_chain_goes_up_to_the_first_whose_limit_covers_it(
    desk: Ledger, by: str, amount: int, roles: list[str]
) -> None:
    asked = ok(desk.write_off(desk.invoice(amount), by), 202)
    url = f"/v1/approvals/{asked['approval_id']}"
    assert [s["role"] for s in ok(desk("u_auditor").get(url))["steps"]] == roles
    assert ok(desk(by).post(f"{url}/withdraw"))["status"] == "WITHDRAWN"
    assert ok(desk("u_clerk").get(f"/v1/write-offs/{asked['id']}"))["status"] == "WITHDRAWN"


def test_the_last_approval_posts_it_once(desk: Ledger) -> None:
    invoice = desk.invoice(1_200_000)
    asked = ok(desk.write_off(invoice, note="insolvent"), 202)
    approval = asked["approval_id"]
    assert approval in [a["id"] for a in ok(desk("u_manager").get("/v1/approvals?awaiting=me&kind=write_off"))["items"]]
    refused(desk.approve_as(approval, "u_clerk"), 403, "FORBIDDEN")
    assert ok(desk.approve_as(approval, "u_manager", comment="seen the letter"))["step"] == 2
    assert desk.approve_as(approval, "u_manager").headers["Idempotent-Replayed"] == "true"
    assert ok(desk.approve_as(approval, "u_controller"))["status"] == "PENDING_APPROVAL"
    assert desk.balance(invoice) == ("OPEN", 1_200_000)
    desk("u_cfo")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: desk.approve_as(approval, "u_cfo"), range(4)))
    assert {d.status_code for d in done} == {200}
    assert {d.json()["status"] for d in done} == {"APPROVED"}
    posted = ok(desk("u_clerk").get(f"/v1/write-offs/{asked['id']}"))
    assert (posted["status"], desk.balance(invoice)) == ("POSTED", ("PAID", 0))
    assert len(desk.entries(asked["id"])) == 1
    refused(desk.approve_as(approval, "u_manager2"), 409, "CHANGE_CLOSED")
    evidence = ok(desk("u_auditor").get(f"/v1/approvals/{approval}/evidence"))
    assert [d["decided_by"] for d in evidence["approval"]["decisions"]] == ["u_manager", "u_controller", "u_cfo"]
    actions = [e["action"] for e in evidence["trail"]]
    assert actions[:5] == ["approval.submitted", *["approval.decided"] * 3, "approval.executed"]
    assert actions[5:] == ["approval.decide.refused"]
    assert [s["limit_minor"] for s in evidence["approval"]["authority"]["steps"]] == [50_000, 1_000_000, None]


def test_a_rejection_leaves_the_balance_and_a_return_is_submitted_again(desk: Ledger) -> None:
    invoice = desk.invoice(60_000)
    asked = ok(desk.write_off(invoice, amount=40_000), 202)
    url = f"/v1/approvals/{asked['approval_id']}"
    refused(desk.approve_as(asked["approval_id"], "u_manager", "return"), 422, "REASON_REQUIRED")
    given_back = ok(desk.approve_as(asked["approval_id"], "u_manager", "return", reason_code="NO_EVIDENCE"))
    assert (given_back["returned"], given_back["step"]) == (True, None)
    refused(desk("u_manager").post(f"{url}/resubmit"), 403, "FORBIDDEN")
    again = ok(desk("u_clerk").post(f"{url}/resubmit", json={"comment": "letter attached"}))
    assert (again["round"], again["step"], again["returned"]) == (2, 1, False)
    done = ok(desk.approve_as(asked["approval_id"], "u_manager", "reject", reason_code="STILL_COLLECTIBLE"))
    assert (done["status"], desk.balance(invoice)) == ("REJECTED", ("OPEN", 60_000))
    assert ok(desk("u_clerk").get(f"/v1/write-offs/{asked['id']}"))["status"] == "REJECTED"


def test_what_was_paid_meanwhile_is_not_written_off(desk: Ledger) -> None:
    invoice = desk.invoice(60_000)
    asked = ok(desk.write_off(invoice, amount=40_000), 202)
    body = {"customer_id": desk.payer, "external_id": new_id("ext"), "payment_date": TODAY, "amount_minor": 30_000,
            "currency_code": "USD"}  # fmt: skip
    payment = ok(desk("u_clerk").post("/v1/customer-payments", json=body), 201)["id"]
    ok(desk("u_clerk").post(
        f"/v1/customer-payments/{payment}/apply", json={"applications": [{"invoice_id": invoice, "applied_minor": 30_000}]}
    ))  # fmt: skip
    done = ok(desk.approve_as(asked["approval_id"], "u_manager"))
    assert (done["status"], done["failure"]["code"]) == ("FAILED", "APPLIED_EXCEEDS_BALANCE")
    assert (desk.balance(invoice), desk.entries(asked["id"])) == (("PARTIALLY_PAID", 30_000), [])
    assert ok(desk("u_clerk").get(f"/v1/write-offs/{asked['id']}"))["status"] == "FAILED"
    mine = ok(desk("u_clerk").get("/v1/exceptions", params={"status": "open"}))["items"]
    assert [e["reason_code"] for e in mine if e["subject_id"] == asked["approval_id"]] == ["APPLIED_EXCEEDS_BALANCE"]
    refused(desk("u_clerk").post(f"/v1/approvals/{asked['approval_id']}/resubmit"), 422, "APPLIED_EXCEEDS_BALANCE")
    assert ok(desk("u_clerk").post(f"/v1/approvals/{asked['approval_id']}/withdraw"))["status"] == "WITHDRAWN"
    mine = ok(desk("u_clerk").get("/v1/exceptions", params={"status": "open"}))["items"]
    assert asked["approval_id"] not in [e["subject_id"] for e in mine]


def test_it_is_refused_on_what_is_void_paid_or_less(desk: Ledger) -> None:
    invoice = desk.invoice(300)
    refused(desk.write_off(invoice, amount=301), 422, "APPLIED_EXCEEDS_BALANCE")
    refused(desk.write_off("invoice_01m81a5jhbecnawhmfhcd214ah"), 404, "INVOICE_NOT_FOUND")
    refused(desk.write_off(invoice, amount=0), 422, "VALIDATION_FAILED")
    ok(desk("u_clerk").post(f"/v1/invoices/{invoice}/void", json={"reason_code": "MISTAKE"}))
    refused(desk.write_off(invoice), 409, "INVOICE_VOID")
    paid = desk.invoice(300)
    ok(desk.write_off(paid), 201)
    refused(desk.write_off(paid, reason_code="AGAIN"), 409, "INVOICE_NOT_OPEN")
    refused(
        desk("u_clerk").post(f"/v1/invoices/{paid}/void", json={"reason_code": "X"}), 409, "INVOICE_HAS_APPLICATIONS"
    )
    refused(desk.write_off(desk.invoice(100), "u_cfo"), 403, "FORBIDDEN")
    waiting = desk.invoice(100_000)
    ok(desk.write_off(waiting, amount=80_000), 202)
    no = refused(desk.write_off(waiting, amount=30_000, key=new_id("key")), 422, "APPLIED_EXCEEDS_BALANCE")
    assert (no["balance_due_minor"], no["waiting_minor"]) == (100_000, 80_000)


def test_what_a_person_gives_away_in_parts_is_one_amount(desk: Ledger) -> None:
    invoice = desk.invoice(100_000)
    ok(desk.write_off(invoice, amount=400, key=new_id("key")), 201)
    ok(desk.write_off(invoice, amount=200, key=new_id("key")), 202)
    ok(desk.write_off(invoice, "u_manager", amount=200, key=new_id("key")), 201)


def test_twice_is_once_unless_a_key_says_otherwise(desk: Ledger) -> None:
    invoice = desk.invoice(1_000)
    key = new_id("key")
    first = desk.write_off(invoice, amount=100, key=key)
    assert desk.write_off(invoice, amount=100, key=key).json() == first.json()
    refused(desk.write_off(invoice, amount=101, key=key), 409, "IDEMPOTENCY_KEY_CONFLICT")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: desk.write_off(invoice, amount=150, reason_code="ROUNDING"), range(6)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    assert desk.balance(invoice) == ("PARTIALLY_PAID", 750)
    first, others = answers[0].json(), desk.write_off(invoice, "u_manager", amount=150, reason_code="ROUNDING")
    assert ok(others, 201)["id"] != first["id"], "what somebody else asks is another one"
    ok(desk("u_manager").post(f"/v1/write-offs/{others.json()['id']}/reverse", json={"reason_code": "WRONG"}))
    again = ok(desk.write_off(invoice, "u_manager", amount=150, reason_code="ROUNDING"), 201)
    assert again["id"] != others.json()["id"], "what was reversed is written off anew"
    assert desk.balance(invoice) == ("PARTIALLY_PAID", 600)


def test_of_many_at_once_no_more_is_written_off_than_is_open(desk: Ledger) -> None:
    invoice = desk.invoice(1_000)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: desk.write_off(invoice, "u_manager", amount=300, key=new_id("key")), range(8))
        )
    assert sorted(a.status_code for a in answers) == [201] * 3 + [422] * 5
    assert desk.balance(invoice) == ("PARTIALLY_PAID", 100)


def test_a_write_off_is_reversed_once_when_the_money_comes_after_all(desk: Ledger) -> None:
    invoice = desk.invoice(450)
    w = ok(desk.write_off(invoice), 201)["id"]
    url = f"/v1/write-offs/{w}/reverse"
    done = ok(desk("u_clerk").post(url, json={"reason_code": "PAID_AFTER_ALL"}))
    assert (done["status"], done["reversed_date"], desk.balance(invoice)) == ("REVERSED", TODAY, ("OPEN", 450))
    assert [lines(e) for e in desk.entries(w)] == [
        [("write_off", 450, 0), ("accounts_receivable", 0, 450)],
        [("write_off", 0, 450), ("accounts_receivable", 450, 0)],
    ]
    refused(desk("u_clerk").post(url, json={"reason_code": "AGAIN"}), 409, "WRITE_OFF_REVERSED")
    waiting = ok(desk.write_off(desk.invoice(90_000)), 202)["id"]
    refused(
        desk("u_clerk").post(f"/v1/write-offs/{waiting}/reverse", json={"reason_code": "X"}),
        409,
        "WRITE_OFF_NOT_POSTED",
    )
    ok(desk.write_off(invoice), 201)


def test_lists_filter_and_another_entity_sees_nothing(desk: Ledger) -> None:
    invoice = desk.invoice(200)
    w = ok(desk.write_off(invoice), 201)["id"]
    for query in ({"invoice_id": invoice}, {"invoice_id": invoice, "status": "posted"}):
        assert [x["id"] for x in ok(desk("u_clerk").get("/v1/write-offs", params=query))["items"]] == [w]
    assert w in [
        x["id"] for x in ok(desk("u_clerk").get("/v1/write-offs", params={"customer_id": desk.payer}))["items"]
    ]
    assert (
        ok(desk("u_clerk").get("/v1/write-offs", params={"invoice_id": invoice, "status": "REVERSED"}))["items"] == []
    )
    british = desk("u_clerk", "ar_clerk", entities=("le_uk",))
    refused(british.get(f"/v1/write-offs/{w}"), 403, "FORBIDDEN")
    assert ok(british.get("/v1/write-offs"))["items"] == []
    refused(british.post("/v1/write-offs", json={"invoice_id": desk.invoice(10), "reason_code": "X"}), 403, "FORBIDDEN")


def test_aging_and_reports_know_it(desk: Ledger) -> None:
    desk.payer = desk.customer()
    invoice = desk.invoice(700)
    before = ok(desk("u_clerk").get(f"/v1/customers/{desk.payer}/ar-aging"))["net_minor"]
    ok(desk.write_off(invoice, amount=300), 201)
    assert ok(desk("u_clerk").get(f"/v1/customers/{desk.payer}/ar-aging"))["net_minor"] == before - 300
    then = ok(desk("u_clerk").get(f"/v1/customers/{desk.payer}/ar-aging", params={"as_of": "2026-02-01"}))
    assert then["net_minor"] == 700, "it counts from its day"


def test_a_dry_run_answers_the_same_and_leaves_nothing(desk: Ledger) -> None:
    for total, status, said in ((300, 201, "POSTED"), (90_000, 202, "PENDING_APPROVAL")):
        invoice = desk.invoice(total)
        body = {"invoice_id": invoice, "reason_code": "SMALL_BALANCE"}
        done = ok(desk("u_clerk").post("/v1/write-offs?dry_run=true", json=body), status)
        assert (done["status"], desk.balance(invoice)) == (said, ("OPEN", total))
        assert ok(desk("u_clerk").get("/v1/write-offs", params={"invoice_id": invoice}))["items"] == []


def test_its_process_keeps_the_deadlines_though_nobody_has_decided(desk: Ledger) -> None:
    asked = ok(desk.write_off(desk.invoice(70_000)), 202)
    workflow = f"{asked['approval_id']}/ObtainApproval"
    deadline = time.monotonic() + 60
    while (found := desk("u_clerk").get(f"/v1/approvals/{asked['approval_id']}")).json()["workflow_id"] != workflow:
        assert time.monotonic() < deadline
    step = found.json()["steps"][0]
    assert (step["status"], bool(step["due_at"]), step["fallback"]) == ("PENDING", True, "controller")
