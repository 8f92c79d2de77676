"""Sessions with adjustments: what the invoice, the ledger, the reports and the trail say; and that undoing gives all back."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from models.cash.requests import ApplySession
from models.errors import Refusal
from models.ids import new_id
from tests.books import Books
from tests.session_lines.desk import apply, balance, beside, breaches, item, person, posted

KINDS = {"write_off": "write_off", "bank_fee": "bank_fees", "tax_withheld": "tax_withheld"}


def refused(code: str, books: Books, payment: str, *items: dict, **fields: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        apply(books, payment, *items, **fields)
    assert refusal.value.code == code, refusal.value
    return refusal.value


@pytest.mark.parametrize(("kind", "account"), KINDS.items())
def test_an_adjustment_settles_what_the_money_leaves(books: Books, kind: str, account: str) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 100_000, "2026-01-05"), books.pay(customer, 99_500, "2026-01-20")
    done = apply(books, payment, item(invoice, 99_500, beside(kind, 500)))
    assert balance(books, invoice) == ("PAID", 0)
    assert (done["status"], done["unapplied_minor"]) == ("FULLY_APPLIED", 0)
    assert posted(books, done["journal_entry_id"]) == {"cash": 99_500, account: 500, "accounts_receivable": -100_000}
    (line,) = done["adjustments"]
    assert done["applications"][0]["adjustments"] == [line]
    assert (line["kind"], line["amount_minor"], line["currency_code"], line["status"]) == (kind, 500, "USD", "POSTED")
    assert books.get(f"/v1/customer-payments/{payment}")["applications"][0]["adjustments"] == [line]
    assert books.get(f"/v1/adjustments/{line['id']}") == line
    assert books.get("/v1/adjustments", invoice_id=invoice)["items"] == [line]
    assert books.get("/v1/adjustments", customer_id=customer, status="undone")["items"] == []
    assert breaches(books) == {}


def test_adjustments_are_no_part_of_what_is_applied(books: Books) -> None:
    """FULLY_APPLIED stays what it is: the payment's money, all of it."""
    customer = books.customer()
    invoice, payment = books.invoice(customer, 100_000, "2026-01-05"), books.pay(customer, 99_600, "2026-01-20")
    done = apply(books, payment, item(invoice, 99_500, beside("write_off", 400)))
    assert (done["status"], done["unapplied_minor"]) == ("PARTIALLY_APPLIED", 100)
    assert balance(books, invoice) == ("PARTIALLY_PAID", 100)


def test_overpayment_counts_as_open_what_adjustments_leave(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 100_000, "2026-01-05"), books.pay(customer, 99_600, "2026-01-20")
    no = refused("OVERPAYMENT_REQUIRES_CREDIT", books, payment, item(invoice, 99_500, beside("write_off", 500)))
    assert (no.extra["available_minor"], no.extra["open_balance_minor"]) == (99_600, 99_500)
    line = item(invoice, 99_500, beside("write_off", 500))
    done = apply(books, payment, line, overpayment="customer_credit")
    assert posted(books, done["journal_entry_id"]) == {
        "cash": 99_600, "write_off": 500, "customer_credits": -100, "accounts_receivable": -100_000,
    }  # fmt: skip
    assert breaches(books) == {}


def test_more_than_the_balance_together_is_refused(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 10_000, "2026-01-05"), books.pay(customer, 9_990, "2026-01-20")
    no = refused(
        "APPLIED_EXCEEDS_BALANCE", books, payment, item(invoice, 9_990, beside("bank_fee", 11)), overpayment="unapplied"
    )
    assert no.extra["balance_due_minor"] == 10_000
    no = refused(
        "APPLIED_EXCEEDS_BALANCE", books, payment, item(invoice, 1, beside("bank_fee", 10_001)), overpayment="unapplied"
    )
    assert balance(books, invoice) == ("OPEN", 10_000)


def test_the_same_again_on_what_is_paid_is_refused(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 10_000, "2026-01-05")
    apply(books, books.pay(customer, 9_900, "2026-01-20"), item(invoice, 9_900, beside("write_off", 100)))
    again = books.pay(customer, 9_900, "2026-01-20")
    refused("OVERPAYMENT_REQUIRES_CREDIT", books, again, item(invoice, 9_900, beside("write_off", 100)))
    refused(
        "APPLIED_EXCEEDS_BALANCE", books, again, item(invoice, 9_900, beside("write_off", 100)), overpayment="unapplied"
    )


@pytest.mark.parametrize("change", [
    {"kind": "gift"}, {"amount_minor": 0}, {"amount_minor": -1}, {"amount_minor": 1.5}, {"reason_code": None},
    {"reason_code": "small"}, {"kind": "tax_withheld", "note": " "}, {"surprise": 1},
])  # fmt: skip
def test_a_bad_adjustment_is_refused_by_its_shape(books: Books, change: dict) -> None:
    body = {"applications": [item("invoice_x", 1, beside("write_off", 1) | change)]}
    r = books.api("ar_clerk").post("/v1/customer-payments/pay_x/apply?dry_run=true", body)
    assert (r.status_code, r.json()["code"]) == (422, "VALIDATION_FAILED")
    assert r.json()["errors"][0]["loc"].startswith("/applications/0/adjustments/0")


def test_an_item_needs_money(books: Books) -> None:
    """A balance given up without any money is a write-off of its own, with authority of its own."""
    body = {"applications": [item("invoice_x", 0, beside("write_off", 1))]}
    r = books.api("ar_clerk").post("/v1/customer-payments/pay_x/apply?dry_run=true", body)
    assert (r.status_code, r.json()["errors"][0]["loc"]) == (422, "/applications/0/applied_minor")


def test_unapplying_takes_the_adjustments_with_it(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 100_000, "2026-01-05"), books.pay(customer, 98_000, "2026-01-20")
    done = apply(books, payment, item(invoice, 98_000, beside("write_off", 500), beside("bank_fee", 1_500)))
    undone = books.unapply(done["applications"][0]["id"], "2026-01-25")
    assert posted(books, undone["journal_entry_id"]) == {
        "accounts_receivable": 100_000, "unapplied_cash": -98_000, "write_off": -500, "bank_fees": -1_500,
    }  # fmt: skip
    assert balance(books, invoice) == ("OPEN", 100_000)
    assert [a["kind"] for a in undone["adjustments"]] == ["write_off", "bank_fee"]
    assert {a["status"] for a in books.get("/v1/adjustments", invoice_id=invoice)["items"]} == {"UNDONE"}
    assert books.aging(customer, as_of="2026-01-24")["current_minor"] == 0
    assert books.aging(customer, as_of="2026-01-25")["current_minor"] == 100_000
    assert breaches(books) == {}


def test_reversing_undoes_the_whole_session(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 100_000, "2026-01-05"), books.pay(customer, 98_500, "2026-01-20")
    apply(books, payment, item(invoice, 98_500, beside("bank_fee", 1_500)))
    reversed_ = books.reverse(payment, "2026-01-25")
    assert posted(books, reversed_["journal_entry_id"]) == {
        "cash": -98_500, "bank_fees": -1_500, "accounts_receivable": 100_000,
    }  # fmt: skip
    assert balance(books, invoice) == ("OPEN", 100_000)
    assert reversed_["applications"][0]["adjustments"][0]["status"] == "UNDONE"
    assert breaches(books) == {}


def test_one_adjustment_can_be_undone_alone(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 100_000, "2026-01-05"), books.pay(customer, 98_000, "2026-01-20")
    done = apply(books, payment, item(invoice, 98_000, beside("write_off", 500), beside("bank_fee", 1_500)))
    fee = done["adjustments"][1]["id"]
    undone = books.do("undo_adjustment", fee, {"reason_code": "FEE_REFUNDED", "effective_date": "2026-02-03"})
    assert posted(books, undone["journal_entry_id"]) == {"accounts_receivable": 1_500, "bank_fees": -1_500}
    assert (undone["status"], undone["undo_reason"]) == ("UNDONE", "FEE_REFUNDED")
    assert [(i["status"], i["balance_due_minor"]) for i in undone["invoices"]] == [("PARTIALLY_PAID", 1_500)]
    assert undone["outstanding_balances"] == [{"currency_code": "USD", "minor": 1_500}]
    with pytest.raises(Refusal) as again:
        books.do("undo_adjustment", fee, {"reason_code": "FEE_REFUNDED"})
    assert again.value.code == "ADJUSTMENT_UNDONE"
    rest = books.unapply(done["applications"][0]["id"], "2026-02-04")
    assert [a["kind"] for a in rest["adjustments"]] == ["write_off"]
    assert posted(books, rest["journal_entry_id"]) == {
        "accounts_receivable": 98_500, "unapplied_cash": -98_000, "write_off": -500,
    }  # fmt: skip
    assert breaches(books) == {}
    books.reverse(payment, "2026-02-05")
    with pytest.raises(Refusal) as after:
        books.do("undo_adjustment", fee, {"reason_code": "FEE_REFUNDED"})
    assert after.value.code == "PAYMENT_REVERSED"
    assert breaches(books) == {}


def test_a_credit_takes_adjustments_too(books: Books) -> None:
    customer = books.customer()
    payment = books.pay(customer, 50_000, "2026-01-20")
    credit = books.apply(payment, overpayment="customer_credit")["credit_id"]
    invoice = books.invoice(customer, 40_000, "2026-01-21")
    done = apply(books, credit, item(invoice, 39_700, beside("bank_fee", 300)))
    assert posted(books, done["journal_entry_id"]) == {
        "customer_credits": 39_700, "bank_fees": 300, "accounts_receivable": -40_000,
    }  # fmt: skip
    assert balance(books, invoice) == ("PAID", 0)
    assert breaches(books) == {}


def test_a_dry_run_shows_the_entry_and_changes_nothing(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 10_000, "2026-01-05"), books.pay(customer, 9_950, "2026-01-20")
    body = {"applications": [item(invoice, 9_950, beside("write_off", 50))]}
    r = books.api("ar_clerk").post(f"/v1/customer-payments/{payment}/apply?dry_run=true", body)
    assert r.status_code == 200, r.text
    shown = {line["account"]: line["debit_minor"] - line["credit_minor"] for line in r.json()["journal_entry"]["lines"]}
    assert shown == {"cash": 9_950, "write_off": 50, "accounts_receivable": -10_000}
    assert [a["amount_minor"] for a in r.json()["adjustments"]] == [50]
    assert balance(books, invoice) == ("OPEN", 10_000)
    assert books.get("/v1/adjustments", invoice_id=invoice)["items"] == []


def test_exchange_wins_or_loses_on_the_money_alone(books: Books) -> None:
    """What is given without money is given at what the receivable is carried at; the last cent goes with it."""
    customer = books.customer()
    books.rate("EUR", "USD", "2026-01-05", "1.2062")
    books.rate("EUR", "USD", "2026-02-05", "1.2277")
    invoice = books.invoice(customer, 60_000, "2026-01-05", currency="EUR")
    payment = books.pay(customer, 59_900, "2026-02-05", "EUR")
    done = apply(books, payment, item(invoice, 59_900, beside("bank_fee", 100)))
    assert posted(books, done["journal_entry_id"]) == {
        "cash": 73_539, "bank_fees": 121, "accounts_receivable": -72_372, "fx_gain_loss": -1_288,
    }  # fmt: skip
    assert balance(books, invoice) == ("PAID", 0)
    report = books.get("/v1/reports/ar-roll-forward", **{"from": "2026-02-01", "to": "2026-02-28"})
    (us,) = [i for i in report["items"] if i["legal_entity_id"] == "le_us"]
    assert (us["applications_minor"], us["adjustments_minor"], us["fx_minor"]) == (73_539, 121, 1_288)
    assert (us["closing_minor"], us["difference_minor"]) == (0, 0)
    assert breaches(books) == {}


def test_across_currencies_the_money_pays_what_adjustments_leave(books: Books) -> None:
    customer = books.customer()
    books.rate("EUR", "USD", "2026-01-05", "1.20")
    books.rate("EUR", "USD", "2026-01-20", "1.25")
    invoice = books.invoice(customer, 10_000, "2026-01-05", currency="EUR")
    payment = books.pay(customer, 12_375, "2026-01-20")
    done = apply(books, payment, item(invoice, 12_375, beside("bank_fee", 100)))
    assert balance(books, invoice) == ("PAID", 0)
    assert done["applications"][0]["invoice_applied_minor"] == 9_900
    assert posted(books, done["journal_entry_id"]) == {
        "cash": 12_375, "bank_fees": 120, "accounts_receivable": -12_000, "fx_gain_loss": -495,
    }  # fmt: skip
    assert breaches(books) == {}


def test_a_repeated_request_answers_the_session_with_its_adjustments(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 10_000, "2026-01-05"), books.pay(customer, 9_950, "2026-01-20")
    line = item(invoice, 9_950, beside("write_off", 50))
    first = apply(books, payment, line, external_id="s-1")
    again = apply(books, payment, line, external_id="s-1")
    assert again["adjustments"] == first["adjustments"]
    no = refused(
        "EXTERNAL_ID_CONFLICT", books, payment, item(invoice, 9_950, beside("write_off", 49)), external_id="s-1"
    )
    assert no.extra["fields"] == ["applications"]


def test_known_at_counts_what_was_known(books: Books) -> None:
    customer = books.customer()
    invoice, payment = (
        books.invoice(customer, 10_000, "2026-01-05", "2026-01-10"),
        books.pay(customer, 9_000, "2026-01-20"),
    )
    before = books.moment()
    done = apply(books, payment, item(invoice, 9_000, beside("bank_fee", 1_000)))
    applied = books.moment()
    books.do("undo_adjustment", done["adjustments"][0]["id"], {"reason_code": "WRONG", "effective_date": "2026-01-20"})
    asked = {"as_of": "2026-01-31"}
    assert books.aging(customer, **asked, known_at=before.isoformat())["current_minor"] == 10_000
    assert books.aging(customer, **asked, known_at=applied.isoformat())["current_minor"] == 0
    assert books.aging(customer, **asked)["current_minor"] == 1_000
    assert books.aging(customer, **asked, known_at=books.moment().isoformat())["current_minor"] == 1_000


def test_a_closed_month_shifts_the_entry_and_the_report_names_it(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 10_000, "2026-01-05"), books.pay(customer, 9_000, "2026-01-20")
    books.close_period("2026-01")
    done = apply(books, payment, item(invoice, 9_000, beside("bank_fee", 1_000)))
    control = books.get("/v1/reports/ar-aging", as_of="2026-01-31")["control"]
    (us,) = [c for c in control if c["legal_entity_id"] == "le_us"]
    assert {(t["kind"], t["minor"]) for t in us["timing_differences"]} >= {
        ("application", 9_000),
        ("adjustment", 1_000),
    }
    assert us["difference_minor"] == 0
    refused("PERIOD_CLOSED", books, books.pay(customer, 1, "2026-01-20"), item(invoice, 1), posting_date="2026-01-31",
            overpayment="unapplied")  # fmt: skip
    assert done["adjustments"][0]["effective_date"] == "2026-01-20"
    assert breaches(books) == {}


def test_the_trail_and_the_event_name_each_adjustment(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 10_000, "2026-01-05"), books.pay(customer, 9_950, "2026-01-20")
    done = apply(books, payment, item(invoice, 9_950, beside("write_off", 50, note="agreed by phone")))
    adjustment = done["adjustments"][0]["id"]
    events = books.get("/v1/audit-events", "auditor", subject_id=adjustment)["items"]
    assert [(e["action"], e["reason_code"], e["payload"]["after"]["amount_minor"]) for e in events] == [
        ("adjustment.posted", "SMALL_DIFFERENCE", 50)
    ]
    events = [e for of in (payment, invoice) for e in books.get("/v1/audit-events", "auditor", subject_id=of)["items"]]
    said = {e["action"]: e["payload"] for e in events}
    assert said["payment.applied"]["applications"][0]["adjustments"] == [adjustment]
    assert said["invoice.payment_applied"]["adjustments"] == [adjustment]
    (event,) = books.sql("SELECT data FROM outbox_events WHERE org_id = :org AND type = 'ar.payment.applied'")
    assert event["data"]["applications"][0]["adjustments"][0]["id"] == adjustment


def test_a_void_invoice_takes_none_and_an_adjusted_one_is_not_voided(books: Books) -> None:
    customer = books.customer()
    void, payment = books.invoice(customer, 10_000, "2026-01-05"), books.pay(customer, 9_950, "2026-01-20")
    books.void(void)
    refused("INVOICE_VOID", books, payment, item(void, 9_950, beside("write_off", 50)))
    invoice = books.invoice(customer, 10_000, "2026-01-05")
    apply(books, payment, item(invoice, 9_950, beside("write_off", 50)))
    with pytest.raises(Refusal) as no:
        books.void(invoice)
    assert no.value.code == "INVOICE_HAS_APPLICATIONS"


def test_without_adjustments_the_request_is_kept_as_before(books: Books) -> None:
    """Who repeats a request across an upgrade is answered, not told that it is another one."""
    customer = books.customer()
    invoice = books.invoice(customer, 10_000, "2026-01-05")
    body = ApplySession.model_validate({"applications": [{"invoice_id": invoice, "applied_minor": 100}]})
    assert set(body.model_dump(mode="json")["applications"][0]) == {
        "invoice_id", "applied_minor", "fx_rate", "invoice_applied_minor",
    }  # fmt: skip


def test_the_database_refuses_an_undone_application_with_a_standing_adjustment(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 10_000, "2026-01-05"), books.pay(customer, 9_950, "2026-01-20")
    done = apply(books, payment, item(invoice, 9_950, beside("write_off", 50)))
    with pytest.raises(Exception, match="an adjustment of it is not"):
        books.sql(
            "UPDATE payment_applications SET unapplied_at = now(), undone_date = now() WHERE id = %(id)s",
            id=done["applications"][0]["id"],
        )


def test_a_token_of_another_entity_sees_none_of_them(books: Books) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 10_000, "2026-01-05"), books.pay(customer, 9_950, "2026-01-20")
    adjustment = apply(books, payment, item(invoice, 9_950, beside("write_off", 50)))["adjustments"][0]["id"]
    british = books.api("ar_clerk", entities=("le_uk",))
    assert british.get("/v1/adjustments").json()["items"] == []
    assert british.get(f"/v1/adjustments/{adjustment}").status_code == 403
    who = replace(person(books, "clerk"), entities=frozenset({"le_uk"}))
    with pytest.raises(Refusal) as no:
        books.do("undo_adjustment", adjustment, {"reason_code": "X"}, who)
    assert no.value.code == "FORBIDDEN"


def test_a_payment_recorded_with_its_session_takes_adjustments(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 10_000, "2026-01-05")
    session = {"applications": [item(invoice, 9_950, beside("write_off", 50))]}
    body = {"customer_id": customer, "external_id": "P-1", "payment_date": "2026-01-20", "amount_minor": 9_950,
            "currency_code": "USD", "apply": session}  # fmt: skip
    first = books.do("record_payment", new_id("pay"), body)
    assert first["session"]["adjustments"] == first["applications"][0]["adjustments"]
    assert balance(books, invoice) == ("PAID", 0)
    again = books.do("record_payment", new_id("pay"), body)
    assert (again["id"], again["session"]["adjustments"]) == (first["id"], first["session"]["adjustments"])
    other = {"applications": [item(invoice, 9_950, beside("write_off", 49))]}
    with pytest.raises(Refusal) as no:
        books.do("record_payment", new_id("pay"), body | {"apply": other})
    assert no.value.code == "EXTERNAL_ID_CONFLICT"
    assert breaches(books) == {}


def test_beyond_authority_the_payment_is_kept_where_that_was_said(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 10_000, "2026-01-05")
    session = {"applications": [item(invoice, 9_000, beside("write_off", 1_000))]}
    body = {"customer_id": customer, "external_id": "P-1", "payment_date": "2026-01-20", "amount_minor": 9_000,
            "currency_code": "USD", "apply": session, "on_refusal": "record"}  # fmt: skip
    kept = books.do("record_payment", new_id("pay"), body)
    assert (kept["status"], kept["session"], kept["refusal"]["code"]) == ("UNAPPLIED", None, "APPROVAL_REQUIRED")
    assert (kept["refusal"]["limit_minor"], kept["refusal"]["role"]) == (100, "ar_manager")
    assert balance(books, invoice) == ("OPEN", 10_000)


def test_a_parents_payment_settles_its_childs_invoice_with_a_fee(books: Books) -> None:
    """The adjustment is the invoice's customer's, as the receivable is."""
    parent, child = books.customer(), books.customer()
    books.sql(
        """INSERT INTO customer_pays_for (org_id, id, customer_id, paid_customer_id) VALUES (:org, 'pf_1', %(p)s, %(c)s)""",
        p=parent, c=child,
    )  # fmt: skip
    invoice, payment = books.invoice(child, 10_000, "2026-01-05"), books.pay(parent, 9_000, "2026-01-20")
    done = apply(books, payment, item(invoice, 9_000, beside("bank_fee", 1_000)))
    assert done["adjustments"][0]["customer_id"] == child
    assert books.aging(child, as_of="2026-01-31")["current_minor"] == 0
    assert books.get("/v1/adjustments", customer_id=child)["items"][0]["invoice_id"] == invoice
    assert breaches(books) == {}


@pytest.mark.parametrize("column", ["session_id", "payment_id", "invoice_id", "customer_id"])
def test_the_database_refuses_an_adjustment_that_is_not_its_applications(books: Books, column: str) -> None:
    customer = books.customer()
    invoice, payment = books.invoice(customer, 100_000, "2026-01-05"), books.pay(customer, 99_500, "2026-01-20")
    (line,) = apply(books, payment, item(invoice, 99_500, beside("write_off", 500)))["adjustments"]
    columns = """org_id, id, application_id, session_id, payment_id, invoice_id, customer_id, legal_entity_id, kind,
      amount_minor, tax_minor, currency_code, functional_minor, functional_tax_minor, functional_currency, authorised_minor,
      reason_code, effective_date, entry_date, created_by"""
    values = columns.replace(" id,", " 'adj_other',").replace(column, "'other'")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="than its application"):
        books.sql(
            f"INSERT INTO adjustments ({columns}) SELECT {values} FROM adjustments WHERE id = %(id)s", id=line["id"]
        )
