"""What becomes of the rest of a payment: a credit, or left on it; a word given later."""

import pytest

from tests.api.office import Office, code, ok


def test_the_rest_as_a_customer_credit(office: Office, customer: str):
    i, p = office.invoice(customer, 6000), office.payment(customer, 10000)
    s = ok(office.apply(p, [(i, 6000)], overpayment="customer_credit"))
    assert (s["status"], s["unapplied_minor"], s["available_minor"]) == ("PARTIALLY_APPLIED", 4000, 0)
    assert office.booked(p["id"]) == {"cash": 10000, "accounts_receivable": -6000, "customer_credits": -4000}
    (credit,) = ok(office.clerk.get("/v1/customer-credits", params={"customer_id": customer}))["items"]
    assert credit["id"] == s["credit_id"]
    assert credit["id"].startswith("cred_")
    assert (credit["kind"], credit["amount_minor"], credit["remaining_minor"]) == ("customer_credit", 4000, 4000)
    # from now on it is spent through the credit only
    later = office.invoice(customer, 5000)
    assert code(office.apply(p, [(later, 1)])) == (422, "APPLIED_EXCEEDS_PAYMENT")
    used = office.apply(credit["id"], [(later, 1500)])
    u = ok(used)
    assert used.headers["X-Workflow-Id"]
    assert (u["applied_count"], u["status"], u["unapplied_minor"], u["available_minor"]) == (
        1,
        "PARTIALLY_APPLIED",
        2500,
        0,
    )
    assert u["invoices"] == [{"id": later["id"], "status": "PARTIALLY_PAID", "balance_due_minor": 3500}]
    assert u["journal_entry_id"] in [e["id"] for e in office.entries(p["id"])]
    assert office.booked(p["id"]) == {"cash": 10000, "accounts_receivable": -7500, "customer_credits": -2500}
    assert code(office.apply(credit["id"], [(later, 2501)])) == (422, "APPLIED_EXCEEDS_PAYMENT")
    end = ok(office.apply(credit["id"], [(later, 2500)]))
    assert (end["status"], end["unapplied_minor"]) == ("FULLY_APPLIED", 0)
    assert office.get(credit["id"])["remaining_minor"] == 0
    assert office.booked(p["id"]) == {"cash": 10000, "accounts_receivable": -10000}
    assert [len(office.get(p["id"])["applications"]), office.get(p["id"])["status"]] == [3, "FULLY_APPLIED"]


def test_a_credit_skips_the_overpayment_rule_and_keeps_the_others(office: Office, customer: str):
    p = office.payment(customer, 1000)
    credit = ok(office.apply(p, [], overpayment="customer_credit"))["credit_id"]
    small, stranger = office.invoice(customer, 10), office.invoice(office.customer(), 10)
    assert code(office.apply(credit, [(stranger, 1)])) == (422, "INVOICE_CUSTOMER_MISMATCH")
    assert code(office.apply(credit, [(small, 11)])) == (422, "APPLIED_EXCEEDS_BALANCE")
    assert code(office.apply(credit, [])) == (422, "VALIDATION_FAILED")
    assert code(office.apply("cred_none", [(small, 1)])) == (404, "CREDIT_NOT_FOUND")
    ok(office.apply(credit, [(small, 10)]))
    ok(office.reverse(p))
    assert code(office.apply(credit, [(small, 1)])) == (409, "PAYMENT_REVERSED")


def test_the_rest_left_on_the_payment(office: Office, customer: str):
    i, p = office.invoice(customer, 6000), office.payment(customer, 10000)
    s = ok(office.apply(p, [(i, 6000)], overpayment="unapplied"))
    assert (s["unapplied_minor"], s["available_minor"], s["status"]) == (4000, 4000, "PARTIALLY_APPLIED")
    credit = office.get(s["credit_id"])
    assert (credit["kind"], credit["remaining_minor"]) == ("unapplied_cash", 4000)
    assert office.booked(p["id"]) == {"cash": 10000, "accounts_receivable": -6000, "unapplied_cash": -4000}
    # the word was given: a smaller invoice needs no second one
    small = office.invoice(customer, 100)
    after = ok(office.apply(p, [(small, 100)]))
    assert after["available_minor"] == 3900
    assert office.get(credit["id"])["remaining_minor"] == 3900
    # and the record itself may be named as the source
    more = office.invoice(customer, 5000)
    through = ok(office.apply(credit["id"], [(more, 900)]))
    assert (through["available_minor"], office.get(credit["id"])["remaining_minor"]) == (3000, 3000)
    assert code(office.apply(credit["id"], [(more, 3001)])) == (422, "APPLIED_EXCEEDS_PAYMENT")
    assert office.booked(p["id"]) == {"cash": 10000, "accounts_receivable": -7000, "unapplied_cash": -3000}


def test_a_second_word_moves_what_was_left(office: Office, customer: str):
    i, p = office.invoice(customer, 100), office.payment(customer, 1000)
    first = ok(office.apply(p, [(i, 100)], overpayment="unapplied"))
    again = ok(office.apply(p, [(office.invoice(customer, 100), 100)], overpayment="unapplied"))
    held = ok(office.clerk.get("/v1/customer-credits", params={"customer_id": customer}))["items"]
    assert sum(c["remaining_minor"] for c in held) == 800
    moved = ok(office.apply(p, [(office.invoice(customer, 100), 100)], overpayment="customer_credit"))
    assert (moved["available_minor"], moved["unapplied_minor"]) == (0, 700)
    held = ok(office.clerk.get("/v1/customer-credits", params={"customer_id": customer}))["items"]
    assert {(c["kind"], c["remaining_minor"]) for c in held} == {("unapplied_cash", 0), ("customer_credit", 700)}
    assert office.get(moved["credit_id"])["remaining_minor"] == 700
    assert {first["credit_id"], again["credit_id"]} <= {c["id"] for c in held}
    assert office.booked(p["id"]) == {"cash": 1000, "accounts_receivable": -300, "customer_credits": -700}


@pytest.mark.parametrize(
    ("word", "account"), [("customer_credit", "customer_credits"), ("unapplied", "unapplied_cash")]
)
def test_a_prepayment(office: Office, customer: str, word: str, account: str):
    p = office.payment(customer, 700)
    s = ok(office.apply(p, [], overpayment=word))
    assert (s["applied_count"], s["unapplied_minor"], s["status"], s["applications"]) == (0, 700, "UNAPPLIED", [])
    assert s["available_minor"] == (0 if word == "customer_credit" else 700)
    assert office.booked(p["id"]) == {"cash": 700, account: -700}
    assert office.get(s["credit_id"])["remaining_minor"] == 700


def test_without_a_remainder_the_word_is_ignored(office: Office, customer: str):
    i, p = office.invoice(customer, 100), office.payment(customer, 100)
    s = ok(office.apply(p, [(i, 100)], overpayment="customer_credit"))
    assert s.get("credit_id") is None
    assert ok(office.clerk.get("/v1/customer-credits", params={"customer_id": customer}))["items"] == []
    assert office.booked(p["id"]) == {"cash": 100, "accounts_receivable": -100}


def test_the_remainder_is_measured_against_what_was_applied(office: Office, customer: str):
    i, p = office.invoice(customer, 1000), office.payment(customer, 800)
    s = ok(office.apply(p, [(i, 300)], overpayment="customer_credit"))
    assert (office.get(s["credit_id"])["amount_minor"], s["available_minor"], s["unapplied_minor"]) == (500, 0, 500)
