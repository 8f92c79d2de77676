"""Deductions stated with a payment or without one: what is kept, shown, refused; whose desk they lie on."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.books import Books
from tests.credit_notes.test_notes import refused
from tests.deductions.desk import deduction, disputed, short, shown, stated, status, waiting
from tests.session_lines.desk import balance, breaches, person, posted


def test_a_short_payment_says_why_and_the_rest_stays_due_and_disputed(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 1_000_00, "2026-01-05")
    payment = books.pay(customer, 880_00, "2026-02-01")
    said = deduction(invoice, 120_00, customer_reason="one pallet arrived wet", note="photos asked for")
    session = short(books, payment, [(invoice, 880_00)], said)
    (d,) = session["deductions"]
    assert d["id"].startswith("ded_")
    assert d.items() >= {
        "status": "OPEN", "invoice_id": invoice, "customer_id": customer, "legal_entity_id": "le_us",
        "payment_id": payment, "session_id": session["session_id"], "amount_minor": 120_00, "currency_code": "USD",
        "reason_code": "DAMAGED_GOODS", "customer_reason": "one pallet arrived wet", "note": "photos asked for",
        "owner_role": "ar_manager", "owner_user": None, "created_by": "u_clerk", "credit_note_id": None,
        "awaits_approval": False, "ended_at": None,
    }.items()  # fmt: skip
    assert shown(books, d["id"]) == d
    assert balance(books, invoice) == ("PARTIALLY_PAID", 120_00)
    assert disputed(books, invoice) == (120_00, 120_00)
    # Nothing is given up: the entry is that of the money alone.
    assert posted(books, session["journal_entry_id"]) == {"cash": 880_00, "accounts_receivable": -880_00}
    assert session["status"] == "FULLY_APPLIED"
    assert waiting(books, "ar_manager") == [d["id"]]
    assert breaches(books) == {}


def test_it_is_due_to_be_decided_and_told_of_once(books: Books) -> None:
    invoice = books.invoice(books.customer(), 500_00, "2026-01-05")
    d = stated(books, invoice, 40_00)
    opened, due = (datetime.fromisoformat(d[f]) for f in ("created_at", "due_at"))
    assert due - opened == timedelta(days=5)
    events = books.sql("SELECT type, data FROM outbox_events WHERE org_id = :org AND subject = %(id)s", id=d["id"])
    assert [e["type"] for e in events] == ["deduction.opened"]
    assert events[0]["data"].keys() == {
        "deduction_id", "invoice_id", "customer_id", "legal_entity_id", "amount_minor", "currency_code", "reason_code",
        "owner_role", "owner_user", "due_at",
    }  # fmt: skip
    trail = [e["action"] for e in books.get("/v1/audit-events", subject_id=d["id"])["items"]]
    assert trail == ["deduction.opened"]


def test_several_of_one_invoice_and_of_invoices_that_are_not_paid_at_all(books: Books) -> None:
    customer = books.customer()
    one, other = (books.invoice(customer, total, "2026-01-05") for total in (100_00, 50_00))
    payment = books.pay(customer, 80_00, "2026-02-01")
    said = [deduction(one, 15_00), deduction(one, 5_00, "PRICE"), deduction(other, 7_00, "FREIGHT")]
    session = short(books, payment, [(one, 80_00)], *said)
    assert [(d["reason_code"], d["owner_role"]) for d in session["deductions"]] == [
        ("DAMAGED_GOODS", "ar_manager"), ("PRICE", "ar_manager"), ("FREIGHT", "ar_clerk"),
    ]  # fmt: skip
    assert disputed(books, one) == (20_00, 20_00)
    assert disputed(books, other) == (50_00, 7_00)
    assert breaches(books) == {}


@pytest.mark.parametrize("code", [None, "left"])
def test_no_more_is_deducted_than_stays_due_and_is_not_disputed_yet(books: Books, code: str | None) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    stated(books, invoice, 30_00)
    payment = books.pay(customer, 50_00, "2026-02-01")
    if code is None:
        r = refused("APPLIED_EXCEEDS_BALANCE", stated, books, invoice, 70_01)
        assert r.extra.items() >= {"balance_due_minor": 100_00, "disputed_minor": 30_00}.items()
        assert stated(books, invoice, 70_00)["status"] == "OPEN"
    else:
        r = refused("APPLIED_EXCEEDS_BALANCE", short, books, payment, [(invoice, 50_00)], deduction(invoice, 20_01))
        assert r.extra.items() >= {"balance_due_minor": 50_00, "disputed_minor": 30_00}.items()
        assert books.get(f"/v1/customer-payments/{payment}")["status"] == "UNAPPLIED"
        short(books, payment, [(invoice, 50_00)], deduction(invoice, 20_00))
        assert disputed(books, invoice) == (50_00, 50_00)
    assert breaches(books) == {}


def test_what_is_void_paid_or_disputed_as_a_whole_has_no_deductions(books: Books) -> None:
    customer = books.customer()
    void, paid, contested = (books.invoice(customer, 10_00, "2026-01-05") for _ in range(3))
    books.void(void)
    books.apply(books.pay(customer, 10_00, "2026-02-01"), (paid, 10_00))
    books.do("dispute_invoice", contested, {"reason_code": "QUALITY"})
    assert disputed(books, contested) == (10_00, 10_00)
    for invoice, code in ((void, "INVOICE_VOID"), (paid, "INVOICE_NOT_OPEN"), (contested, "INVOICE_DISPUTED")):
        refused(code, stated, books, invoice, 1_00)
        refused(
            code,
            short,
            books,
            books.pay(customer, 5_00, "2026-02-01"),
            [],
            deduction(invoice, 1_00),
            overpayment="unapplied",
        )
    assert books.get("/v1/deductions")["items"] == []


def test_only_what_the_payer_may_pay_is_deducted_with_his_payment(books: Books) -> None:
    customer, other = books.customer(), books.customer()
    own = books.invoice(customer, 100_00, "2026-01-05")
    books.rate("GBP", "USD", "2026-01-05", "1.25")
    theirs = books.invoice(other, 100_00, "2026-01-05")
    abroad = books.invoice(customer, 100_00, "2026-01-05", legal_entity_id="le_uk", currency="GBP")
    pounds = books.invoice(customer, 100_00, "2026-01-05", currency="GBP")
    payment = books.pay(customer, 90_00, "2026-02-01")
    for invoice, code in (
        (theirs, "INVOICE_CUSTOMER_MISMATCH"), (abroad, "LEGAL_ENTITY_MISMATCH"), (pounds, "MIXED_INVOICE_CURRENCIES"),
        ("invoice_01m81a5jhbecnawhmfhcd214ah", "INVOICE_NOT_FOUND"),
    ):  # fmt: skip
        refused(code, short, books, payment, [(own, 90_00)], deduction(invoice, 1_00))
    assert disputed(books, own) == (100_00, 0)


@pytest.mark.parametrize(
    "wrong",
    [{"amount_minor": 0}, {"amount_minor": -1}, {"amount_minor": 1.5}, {"reason_code": "damaged"}, {"reason_code": None},
     {"colour": "red"}],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_at_the_door(books: Books, wrong: dict[str, Any]) -> None:
    invoice = books.invoice(books.customer(), 100_00, "2026-01-05")
    r = books.api("ar_clerk").post("/v1/deductions", deduction(invoice, 5_00) | wrong)
    assert (r.status_code, r.json()["code"]) == (422, "VALIDATION_FAILED"), r.text


def test_the_same_again_is_the_same_and_a_key_says_it_is_another(books: Books) -> None:
    invoice = books.invoice(books.customer(), 100_00, "2026-01-05")
    clerk, body = books.api("ar_clerk", user="u_clerk"), deduction(invoice, 5_00)
    first = clerk.post("/v1/deductions", body)
    again = clerk.post("/v1/deductions", body)
    assert (first.status_code, again.status_code, again.headers.get("Idempotent-Replayed")) == (201, 201, "true")
    assert again.json() == first.json()
    with_key = [clerk.post("/v1/deductions", body, headers={"Idempotency-Key": "k-2"}) for _ in range(2)]
    assert [r.status_code for r in with_key] == [201, 201]
    assert with_key[0].json()["id"] == with_key[1].json()["id"] != first.json()["id"]
    assert disputed(books, invoice) == (100_00, 10_00)


def test_a_session_sent_again_is_answered_with_its_deductions(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    payment = books.pay(customer, 95_00, "2026-02-01")
    body = {"applications": [{"invoice_id": invoice, "applied_minor": 95_00}], "deductions": [deduction(invoice, 5_00)]}
    first = books.do("apply_payment", payment, body | {"external_id": "S-1"})
    again = books.do("apply_payment", payment, body | {"external_id": "S-1"})
    assert again["deductions"] == first["deductions"]
    other = body | {"external_id": "S-1", "deductions": [deduction(invoice, 4_00)]}
    r = refused("EXTERNAL_ID_CONFLICT", books.do, "apply_payment", payment, other)
    assert r.extra["fields"] == ["deductions"]
    assert len(books.get("/v1/deductions")["items"]) == 1


def test_recorded_applied_and_short_in_one_call(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    body = {
        "customer_id": customer, "external_id": "P-1", "payment_date": "2026-02-01", "amount_minor": 95_00,
        "currency_code": "USD",
        "apply": {"applications": [{"invoice_id": invoice, "applied_minor": 95_00}],
                  "deductions": [deduction(invoice, 5_00)]},
    }  # fmt: skip
    made = books.do("record_payment", "pay_01m81a5jhbecnawhmfhcd214ah", body)
    assert [d["amount_minor"] for d in made["session"]["deductions"]] == [5_00]
    assert made["session"]["deductions"][0]["payment_id"] == made["id"]
    refusing = body | {"external_id": "P-2", "amount_minor": 1_00, "on_refusal": "record"}
    refusing["apply"] = {
        "applications": [{"invoice_id": invoice, "applied_minor": 1_00}],
        "deductions": [deduction(invoice, 50_00)],
    }
    kept = books.do("record_payment", "pay_01m81a5jhbecnawhmfhcd214ak", refusing)
    assert (kept["session"], kept["refusal"]["code"], kept["status"]) == (None, "APPLIED_EXCEEDS_BALANCE", "UNAPPLIED")
    assert len(books.get("/v1/deductions")["items"]) == 1
    assert breaches(books) == {}


def test_a_batch_of_payments_takes_them_each_in_a_transaction_of_its_own(books: Books) -> None:
    customer = books.customer()
    good, bad = (books.invoice(customer, 100_00, "2026-01-05") for _ in range(2))

    def paid(invoice: str, minor: int) -> dict[str, Any]:
        session = {"applications": [{"invoice_id": invoice, "applied_minor": 95_00}],
                   "deductions": [deduction(invoice, minor)]}  # fmt: skip
        return {"customer_id": customer, "external_id": f"B-{invoice}", "payment_date": "2026-02-01",
                "amount_minor": 95_00, "currency_code": "USD", "apply": session}  # fmt: skip

    sent = {"payments": [paid(good, 5_00), paid(bad, 5_01)]}
    first, second = books.api("ar_clerk", user="u_clerk").post("/v1/customer-payments:batch", sent).json()["items"]
    assert [d["amount_minor"] for d in first["payment"]["session"]["deductions"]] == [5_00]
    assert (second["status"], second["error"]["code"]) == ("failed", "APPLIED_EXCEEDS_BALANCE")
    assert (disputed(books, good), disputed(books, bad)) == ((5_00, 5_00), (100_00, 0))
    assert breaches(books) == {}


def test_a_payer_deducts_from_the_invoice_of_whom_it_pays_for(books: Books) -> None:
    parent, child = books.customer(), books.customer()
    invoice = books.invoice(child, 100_00, "2026-01-05")
    books.sql(
        "INSERT INTO customer_pays_for (org_id, id, customer_id, paid_customer_id) VALUES (:org, %(id)s, %(parent)s, %(child)s)",
        id="payr_1", parent=parent, child=child,
    )  # fmt: skip
    session = short(books, books.pay(parent, 90_00, "2026-02-01"), [(invoice, 90_00)], deduction(invoice, 10_00))
    (d,) = session["deductions"]
    assert d["customer_id"] == child, "it is the owner's receivable that is disputed"
    assert books.aging(child)["disputed_minor"] == 10_00
    assert books.aging(parent)["disputed_minor"] == 0
    assert breaches(books) == {}


def test_a_credit_is_spent_short_too(books: Books) -> None:
    customer = books.customer()
    first, second = (books.invoice(customer, 100_00, "2026-01-05") for _ in range(2))
    credit = books.apply(books.pay(customer, 160_00, "2026-02-01"), (first, 100_00), overpayment="customer_credit")[
        "credit_id"
    ]
    session = short(books, credit, [(second, 60_00)], deduction(second, 40_00))
    assert [d["status"] for d in session["deductions"]] == ["OPEN"]
    assert disputed(books, second) == (40_00, 40_00)
    assert breaches(books) == {}


def test_a_dry_run_shows_them_and_changes_nothing(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    payment = books.pay(customer, 95_00, "2026-02-01")
    clerk = books.api("ar_clerk", user="u_clerk")
    body = {"applications": [{"invoice_id": invoice, "applied_minor": 95_00}], "deductions": [deduction(invoice, 5_00)]}
    dry = clerk.post(f"/v1/customer-payments/{payment}/apply?dry_run=true", body)
    assert (dry.status_code, [d["amount_minor"] for d in dry.json()["deductions"]]) == (200, [5_00])
    alone = clerk.post("/v1/deductions?dry_run=true", deduction(invoice, 5_00))
    assert (alone.status_code, alone.json()["status"]) == (201, "OPEN")
    assert books.get("/v1/deductions")["items"] == []
    assert disputed(books, invoice) == (100_00, 0)


def test_lists_by_status_owner_customer_and_invoice(books: Books) -> None:
    one, other = books.customer(), books.customer()
    a, b = books.invoice(one, 100_00, "2026-01-05"), books.invoice(other, 100_00, "2026-01-05")
    damaged, freight, tax = (
        stated(books, a, 1_00),
        stated(books, a, 2_00, reason="FREIGHT"),
        stated(books, b, 3_00, reason="TAX"),
    )
    books.apply(books.pay(other, 100_00, "2026-02-01"), (b, 100_00))

    def ids(*roles: str, **query: str) -> list[str]:
        return [d["id"] for d in books.get("/v1/deductions", *roles, **query)["items"]]

    assert ids() == [tax["id"], freight["id"], damaged["id"]]
    assert ids(status="open") == [freight["id"], damaged["id"]]
    assert ids(status="WITHDRAWN") == [tax["id"]]
    assert ids(owner="ar_clerk") == [freight["id"]]
    assert ids("ar_manager", owner="me") == [damaged["id"]]
    assert ids("ar_clerk", owner="me") == [freight["id"]]
    assert ids(customer_id=other) == [tax["id"]]
    assert ids(invoice_id=a) == [freight["id"], damaged["id"]]
    page = books.get("/v1/deductions", limit=2)
    assert [d["id"] for d in page["items"]] == [tax["id"], freight["id"]]
    assert [d["id"] for d in books.get("/v1/deductions", limit=2, cursor=page["next_cursor"])["items"]] == [
        damaged["id"]
    ]
    assert books.api().get("/v1/deductions?status=LOST").status_code == 422


def test_the_organisation_says_who_owns_which_reason_and_how_long_he_has(books: Books) -> None:
    controller = books.api("controller")
    changed = controller.request(
        "PATCH", "/v1/settings",
        json={"deduction_owners": {"DAMAGED_GOODS": "ar_clerk", "*": "controller"}, "deduction_sla_seconds": 60},
    )  # fmt: skip
    assert (changed.status_code, changed.json()["deduction_sla_seconds"]) == (200, 60)
    invoice = books.invoice(books.customer(), 100_00, "2026-01-05")
    owners = {r: stated(books, invoice, 1_00, reason=r)["owner_role"] for r in ("DAMAGED_GOODS", "FREIGHT", "WEATHER")}
    assert owners == {"DAMAGED_GOODS": "ar_clerk", "FREIGHT": "ar_clerk", "WEATHER": "controller"}
    for wrong in ({"DAMAGED_GOODS": "auditor"}, {"damaged": "ar_clerk"}):
        assert controller.request("PATCH", "/v1/settings", json={"deduction_owners": wrong}).status_code == 422


def test_its_exception_goes_with_it(books: Books) -> None:
    d = stated(books, books.invoice(books.customer(), 100_00, "2026-01-05"), 9_00)
    (e,) = books.get("/v1/exceptions", status="open", subject_id=d["id"])["items"]
    assert (e["kind"], e["reason_code"], e["due_at"]) == ("deduction", "DAMAGED_GOODS", d["due_at"])
    controller = person(books, "controller")
    books.do("assign_exception", e["id"], {"owner_user": "u_dora"}, controller)
    assert (shown(books, d["id"])["owner_role"], shown(books, d["id"])["owner_user"]) == (None, "u_dora")
    assert [x["id"] for x in books.api("ar_clerk", user="u_dora").get("/v1/deductions?owner=me").json()["items"]] == [
        d["id"]
    ]
    r = refused("DEDUCTION_UNDECIDED", books.do, "resolve_exception", e["id"], {"reason_code": "DONE"}, controller)
    assert r.extra["deduction_id"] == d["id"]
    assert status(books, d["id"]) == ("OPEN", None)


def test_who_may_not_apply_payments_states_none_and_other_entities_are_not_seen(books: Books) -> None:
    invoice = books.invoice(books.customer(), 100_00, "2026-01-05")
    for role in ("auditor", "cfo", "account_manager", "ops"):
        assert books.api(role).post("/v1/deductions", deduction(invoice, 1_00)).status_code == 403, role
    d = stated(books, invoice, 9_00)
    uk = books.api("ar_manager", entities=("le_uk",))
    assert uk.get(f"/v1/deductions/{d['id']}").status_code == 403
    assert uk.get("/v1/deductions").json()["items"] == []
    assert uk.post("/v1/deductions", deduction(invoice, 1_00)).json()["code"] == "FORBIDDEN"
    assert books.api("auditor").get(f"/v1/deductions/{d['id']}").status_code == 200
    assert books.api("account_manager").get(f"/v1/deductions/{d['id']}").status_code == 403
    missing = books.api().get("/v1/deductions/ded_01m81a5jhbecnawhmfhcd214ah")
    assert (missing.status_code, missing.json()["code"]) == (404, "DEDUCTION_NOT_FOUND")
