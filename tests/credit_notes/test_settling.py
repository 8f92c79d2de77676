"""Credit notes settling invoices: alone and in a payment's session, what they refuse, and that undoing gives all back."""

from typing import Any

import pytest

from models.errors import Refusal
from tests.books import Books, today
from tests.credit_notes.desk import control, left, netted, note, noted, settle, unsettle, void
from tests.session_lines.desk import apply, balance, beside, breaches, item, posted


def refused(code: str, do: Any, *given: Any, **fields: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        do(*given, **fields)
    assert refusal.value.code == code, refusal.value
    return refusal.value


def audit(books: Books, subject: str) -> list[str]:
    return [e["action"] for e in books.get("/v1/audit-events", subject_id=subject)["items"]]


# alone


def test_settling_moves_nothing_between_accounts(books: Books) -> None:
    customer = books.customer()
    a, b = books.invoice(customer, 100_00, "2026-01-05"), books.invoice(customer, 50_00, "2026-01-20")
    n = note(books, customer, 120_00)
    before = books.get("/v1/journal-entries")["items"]
    done = settle(books, n, (a, 100_00), (b, 20_00))
    assert done.items() >= {
        "credit_note_id": n, "applied_count": 2, "balance_minor": 0, "status": "APPLIED", "journal_entry_id": None,
        "invoices": [{"id": a, "status": "PAID", "balance_due_minor": 0},
                     {"id": b, "status": "PARTIALLY_PAID", "balance_due_minor": 30_00}],
        "outstanding_balances": [{"currency_code": "USD", "minor": 30_00}],
    }.items()  # fmt: skip
    first, second = done["applications"]
    assert first.items() >= {"status": "POSTED", "invoice_id": a, "applied_minor": 100_00, "payment_id": None}.items()
    assert (first["effective_date"], second["effective_date"]) == ("2026-01-10", "2026-01-20")
    assert books.get("/v1/journal-entries")["items"] == before
    assert [x["id"] for x in books.get(f"/v1/credit-notes/{n}")["applications"]] == [first["id"], second["id"]]
    assert "credit_note.applied" in audit(books, n)
    assert "invoice.credit_note_applied" in audit(books, a)
    assert refused("INVOICE_HAS_APPLICATIONS", books.void, a)
    assert breaches(books) == {}


def test_what_is_refused_in_its_order(books: Books) -> None:
    customer = books.customer()
    books.rate("EUR", "USD", "2026-01-05", "1.10")
    mine, other = books.invoice(customer, 100_00, "2026-01-05"), books.invoice(customer, 100_00, "2026-01-05")
    gone, euro = books.invoice(customer, 5, "2026-01-05"), books.invoice(customer, 5, "2026-01-05", currency="EUR")
    books.void(gone)
    stranger = books.invoice(books.customer(), 5, "2026-01-05")
    books.rate("GBP", "USD", "2026-01-05", "1.25")
    british = books.invoice(customer, 5, "2026-01-05", legal_entity_id="le_uk", currency="GBP")
    n = note(books, customer, 60_00)
    refused("CREDIT_NOTE_NOT_FOUND", settle, books, "cn_none", (mine, 1))
    refused("INVOICE_NOT_FOUND", settle, books, n, (gone, 1), ("invoice_none", 1))
    refused("INVOICE_VOID", settle, books, n, (stranger, 1), (british, 1), (euro, 1), (gone, 1))
    refused("INVOICE_CUSTOMER_MISMATCH", settle, books, n, (euro, 1), (british, 1), (stranger, 1))
    refused("LEGAL_ENTITY_MISMATCH", settle, books, n, (euro, 1), (british, 1))
    refused("CREDIT_NOTE_CURRENCY_MISMATCH", settle, books, n, (euro, 1), (mine, 999_00))
    no = refused("APPLIED_EXCEEDS_CREDIT", settle, books, n, (mine, 30_00), (other, 30_01))
    assert no.extra["balance_minor"] == 30_00
    small = books.invoice(customer, 10_00, "2026-01-05")
    assert refused("APPLIED_EXCEEDS_BALANCE", settle, books, n, (small, 10_01)).extra["balance_due_minor"] == 10_00
    assert (left(books, n), balance(books, mine)) == (("OPEN", 60_00), ("OPEN", 100_00))
    assert audit(books, n).count("apply_credit_note.refused") == 6  # a missing record is the organisation's
    assert breaches(books) == {}


def test_the_same_request_settles_once(books: Books) -> None:
    customer = books.customer()
    a, n = books.invoice(customer, 100_00, "2026-01-05"), note(books, customer, 60_00)
    first = settle(books, n, (a, 20_00), external_id="S-1")
    again = settle(books, n, (a, 20_00), external_id="S-1")
    assert [x["id"] for x in again["applications"]] == [x["id"] for x in first["applications"]]
    assert left(books, n) == ("PARTIALLY_APPLIED", 40_00)
    refused("EXTERNAL_ID_CONFLICT", settle, books, n, (a, 21_00), external_id="S-1")
    other = note(books, customer, 5_00)
    assert settle(books, other, (a, 5_00), external_id="S-1")["applied_count"] == 1  # unique per note
    unsettle(books, first["applications"][0]["id"])
    assert settle(books, n, (a, 20_00), external_id="S-1")["applications"][0]["status"] == "UNDONE"
    assert left(books, n) == ("OPEN", 60_00)


def test_undoing_opens_both_again(books: Books) -> None:
    customer = books.customer()
    a, n = books.invoice(customer, 100_00, "2026-01-05"), note(books, customer, 60_00)
    line = settle(books, n, (a, 60_00))["applications"][0]["id"]
    refused("DATE_BEFORE_CREDIT_NOTE", unsettle, books, line, "2026-01-09")
    undone = unsettle(books, line, "2026-02-01")
    assert undone.items() >= {
        "status": "OPEN", "balance_minor": 60_00, "journal_entry_id": None, "effective_date": "2026-02-01",
        "invoices": [{"id": a, "status": "OPEN", "balance_due_minor": 100_00}],
    }.items()  # fmt: skip
    refused("APPLICATION_UNAPPLIED", unsettle, books, line)
    refused("CREDIT_NOTE_APPLICATION_NOT_FOUND", unsettle, books, "cnapp_none")
    for day, due, open_ in (("2026-01-09", 100_00, 0), ("2026-01-31", 40_00, 0), ("2026-02-01", 100_00, 60_00)):
        aging = books.aging(customer, as_of=day)
        assert (aging["total_minor"], aging["credit_notes_minor"]) == (due, open_), day
    assert settle(books, n, (a, 60_00))["status"] == "APPLIED"
    assert breaches(books) == {}


def test_in_a_foreign_currency_exchange_wins_or_loses_what_lies_between(books: Books) -> None:
    """1,000.00 EUR invoiced at 1.20, credited at 1.30 in two parts: 100.00 USD less lost than if it had been paid."""
    for day, rate in (("2026-01-05", "1.20"), ("2026-01-10", "1.30")):
        books.rate("EUR", "USD", day, rate)
    customer = books.customer()
    a, n = (
        books.invoice(customer, 1_000_00, "2026-01-05", currency="EUR"),
        note(books, customer, 1_000_00, currency_code="EUR"),
    )
    first = settle(books, n, (a, 333_33))
    assert posted(books, first["journal_entry_id"]) == {"accounts_receivable": 33_33, "fx_gain_loss": -33_33}
    second = settle(books, n, (a, 666_67))
    assert posted(books, second["journal_entry_id"]) == {"accounts_receivable": 66_67, "fx_gain_loss": -66_67}
    assert control(books, "2026-01-31") == (0, 0)
    undone = unsettle(books, second["applications"][0]["id"])
    assert posted(books, undone["journal_entry_id"]) == {"accounts_receivable": -66_67, "fx_gain_loss": 66_67}
    assert breaches(books) == {}


def test_in_a_closed_month_whatever_settles_or_undoes_is_booked_in_the_next_open_one(books: Books) -> None:
    for day, rate in (("2026-01-05", "1.20"), ("2026-01-10", "1.30")):
        books.rate("EUR", "USD", day, rate)
    customer = books.customer()
    a, b = (books.invoice(customer, 100_00, "2026-01-05", currency=c) for c in ("EUR", "USD"))
    n = note(books, customer, 100_00, currency_code="EUR")
    used, gone = settle(books, n, (a, 50_00)), note(books, customer, 7_00)
    paid = apply(books, books.pay(customer, 98_00, "2026-01-20"), item(b, 98_00, beside("bank_fee", 2_00)))
    books.close_period(f"{today():%Y-%m}")
    made = [
        unsettle(books, used["applications"][0]["id"]),
        books.do("undo_adjustment", paid["adjustments"][0]["id"], {"reason_code": "WRONG"}),
    ]
    void(books, gone)
    ((_, reversed_on),) = [tuple(e["entry_date"] for e in books.get("/v1/journal-entries", source_id=gone)["items"])]
    booked = {
        entry["entry_date"] for m in made for entry in [books.get(f"/v1/journal-entries/{m['journal_entry_id']}")]
    }
    assert {d[-2:] for d in booked | {reversed_on}} == {"01"}
    assert min(booked | {reversed_on}) > str(today())
    assert control(books, str(today()))[1] == 0
    assert breaches(books) == {}


# in a payment's session


def test_a_note_is_netted_in_a_payment(books: Books) -> None:
    """75.00 of cash and a note of 25.00 close an invoice of 100.00, with one entry and one event."""
    customer = books.customer()
    a, n, payment = (
        books.invoice(customer, 100_00, "2026-01-05"),
        note(books, customer, 25_00),
        books.pay(customer, 75_00, "2026-01-20"),
    )
    done = apply(books, payment, item(a, 75_00), credit_notes=[netted(n, a, 25_00)])
    assert (done["status"], done["applied_count"], done["unapplied_minor"]) == ("FULLY_APPLIED", 1, 0)
    assert done["invoices"] == [{"id": a, "status": "PAID", "balance_due_minor": 0}]
    (line,) = done["credit_notes"]
    assert line.items() >= {"credit_note_id": n, "payment_id": payment, "session_id": done["session_id"]}.items()
    assert posted(books, done["journal_entry_id"]) == {"cash": 75_00, "accounts_receivable": -75_00}
    assert left(books, n) == ("APPLIED", 0)
    (event,) = books.sql("SELECT data FROM outbox_events WHERE org_id = :org AND type = 'ar.payment.applied'")
    assert [x["id"] for x in event["data"]["credit_notes"]] == [line["id"]]
    assert breaches(books) == {}


def test_overpayment_counts_as_open_what_notes_leave(books: Books) -> None:
    customer = books.customer()
    a, n, payment = (
        books.invoice(customer, 100_00, "2026-01-05"),
        note(books, customer, 25_00),
        books.pay(customer, 80_00, "2026-01-20"),
    )
    lines: dict[str, Any] = {"credit_notes": [netted(n, a, 25_00)]}
    no = refused("OVERPAYMENT_REQUIRES_CREDIT", apply, books, payment, item(a, 75_00), **lines)
    assert (no.extra["available_minor"], no.extra["open_balance_minor"]) == (80_00, 75_00)
    assert (left(books, n), balance(books, a)) == (("OPEN", 25_00), ("OPEN", 100_00))
    done = apply(books, payment, item(a, 75_00), overpayment="customer_credit", **lines)
    assert posted(books, done["journal_entry_id"]) == {
        "cash": 80_00,
        "accounts_receivable": -75_00,
        "customer_credits": -5_00,
    }
    assert breaches(books) == {}


def test_notes_adjustments_and_money_together(books: Books) -> None:
    customer = books.customer()
    a, b = books.invoice(customer, 100_00, "2026-01-05"), books.invoice(customer, 30_00, "2026-01-05")
    first, second, payment = (
        note(books, customer, 20_00),
        note(books, customer, 40_00),
        books.pay(customer, 49_50, "2026-01-20"),
    )
    done = apply(
        books, payment, item(a, 49_50, beside("write_off", 50)),
        credit_notes=[netted(first, a, 20_00), netted(second, a, 30_00), netted(second, b, 10_00)],
    )  # fmt: skip
    assert done["invoices"] == [
        {"id": a, "status": "PAID", "balance_due_minor": 0}, {"id": b, "status": "PARTIALLY_PAID", "balance_due_minor": 20_00},
    ]  # fmt: skip
    assert posted(books, done["journal_entry_id"]) == {"cash": 49_50, "write_off": 50, "accounts_receivable": -50_00}
    assert (left(books, first), left(books, second)) == (("APPLIED", 0), ("APPLIED", 0))
    assert breaches(books) == {}


def test_what_a_session_with_notes_refuses(books: Books) -> None:
    customer = books.customer()
    a, n, payment = (
        books.invoice(customer, 100_00, "2026-01-05"),
        note(books, customer, 60_00),
        books.pay(customer, 50_00, "2026-01-20"),
    )
    stranger = note(books, books.customer(), 60_00)
    refused("CREDIT_NOTE_NOT_FOUND", apply, books, payment, item(a, 1), credit_notes=[netted("cn_none", a, 1)])
    refused("INVOICE_CUSTOMER_MISMATCH", apply, books, payment, item(a, 1), credit_notes=[netted(stranger, a, 1)])
    refused(
        "APPLIED_EXCEEDS_PAYMENT",
        apply,
        books,
        payment,
        item(a, 50_01),
        credit_notes=[netted(n, a, 60_01)],
        overpayment="unapplied",
    )
    refused(
        "APPLIED_EXCEEDS_CREDIT",
        apply,
        books,
        payment,
        item(a, 1),
        credit_notes=[netted(n, a, 60_01)],
        overpayment="unapplied",
    )
    refused(
        "APPLIED_EXCEEDS_BALANCE",
        apply,
        books,
        payment,
        item(a, 50_00),
        credit_notes=[netted(n, a, 60_00)],
        overpayment="unapplied",
    )
    books.do("void_credit_note", n, {"reason_code": "X"})
    refused("CREDIT_NOTE_NOT_OPEN", apply, books, payment, item(a, 1), credit_notes=[netted(n, a, 1)])
    r = books.api("ar_clerk").post(
        f"/v1/customer-payments/{payment}/apply?dry_run=true",
        {"applications": [item(a, 1)], "credit_notes": [netted(n, a, 1), netted(n, a, 2)]},
    )
    assert (r.status_code, r.json()["code"]) == (422, "VALIDATION_FAILED")
    assert breaches(books) == {}


def test_a_dry_run_changes_nothing(books: Books) -> None:
    customer = books.customer()
    a, n, payment = (
        books.invoice(customer, 100_00, "2026-01-05"),
        note(books, customer, 25_00),
        books.pay(customer, 75_00, "2026-01-20"),
    )
    body = {"applications": [item(a, 75_00)], "credit_notes": [netted(n, a, 25_00)]}
    tried = books.api("ar_clerk").post(f"/v1/customer-payments/{payment}/apply?dry_run=true", body).json()
    assert (tried["status"], tried["invoices"][0]["status"]) == ("FULLY_APPLIED", "PAID")
    alone = {"applications": [{"invoice_id": a, "applied_minor": 25_00}]}
    tried = books.api("ar_clerk").post(f"/v1/credit-notes/{n}/apply?dry_run=true", alone).json()
    assert (tried["status"], tried["balance_minor"], tried["journal_entry"]) == ("APPLIED", 0, None)
    assert (left(books, n), balance(books, a)) == (("OPEN", 25_00), ("OPEN", 100_00))


def test_reversing_the_payment_takes_its_notes_along_and_unapplying_leaves_them(books: Books) -> None:
    customer = books.customer()
    a, b = books.invoice(customer, 100_00, "2026-01-05"), books.invoice(customer, 10_00, "2026-01-05")
    n, payment = note(books, customer, 35_00), books.pay(customer, 75_00, "2026-01-20")
    done = apply(books, payment, item(a, 75_00), credit_notes=[netted(n, a, 25_00), netted(n, b, 10_00)])
    books.unapply(done["applications"][0]["id"])
    assert (balance(books, a), left(books, n)) == (("PARTIALLY_PAID", 75_00), ("APPLIED", 0))
    alone = unsettle(books, done["credit_notes"][1]["id"])
    assert (alone["status"], balance(books, b)) == ("PARTIALLY_APPLIED", ("OPEN", 10_00))
    reversed_ = books.reverse(payment)
    assert (balance(books, a), left(books, n)) == (("OPEN", 100_00), ("OPEN", 35_00))
    assert reversed_["invoices"] == [{"id": a, "status": "OPEN", "balance_due_minor": 100_00}]
    assert {x["status"] for x in books.get(f"/v1/credit-notes/{n}")["applications"]} == {"UNDONE"}
    void(books, n)
    assert breaches(books) == {}


def test_a_session_across_currencies_with_exchange_and_its_undoing_ties_out(books: Books) -> None:
    for day, rate in (("2026-01-05", "1.2062"), ("2026-01-10", "1.25"), ("2026-01-20", "1.2277")):
        books.rate("EUR", "USD", day, rate)
    customer = books.customer()
    a = books.invoice(customer, 600_00, "2026-01-05", currency="EUR")
    n = note(books, customer, 100_00, currency_code="EUR")
    payment = books.pay(customer, 500_00, "2026-01-20", currency="EUR")
    done = apply(books, payment, item(a, 500_00), credit_notes=[netted(n, a, 100_00)])
    entry = posted(books, done["journal_entry_id"])
    # 723.72 of receivables: 120.62 by the note, which carries 125.00; 603.10 by 613.85 of cash
    assert entry == {"cash": 613_85, "accounts_receivable": -598_72, "fx_gain_loss": -15_13}
    assert control(books, "2026-01-31") == (0, 0)
    assert breaches(books) == {}
    unsettle(books, done["credit_notes"][0]["id"])
    assert breaches(books) == {}
    books.reverse(payment)
    assert (balance(books, a), left(books, n)) == (("OPEN", 600_00), ("OPEN", 100_00))
    assert control(books, "2099-01-01") == (723_72 - 125_00, 0)
    assert breaches(books) == {}


def test_a_credit_of_the_customers_may_be_spent_with_a_note(books: Books) -> None:
    customer = books.customer()
    payment = books.pay(customer, 75_00, "2026-01-20")
    credit = books.apply(payment, overpayment="customer_credit")["credit_id"]
    a, n = books.invoice(customer, 100_00, "2026-01-05"), note(books, customer, 25_00)
    done = apply(books, credit, item(a, 75_00), credit_notes=[netted(n, a, 25_00)])
    assert done["invoices"] == [{"id": a, "status": "PAID", "balance_due_minor": 0}]
    books.reverse(payment)
    assert (balance(books, a), left(books, n)) == (("OPEN", 100_00), ("OPEN", 25_00))
    assert breaches(books) == {}


def test_recorded_and_netted_in_one_call(books: Books) -> None:
    from models.ids import new_id

    customer = books.customer()
    a, n = books.invoice(customer, 100_00, "2026-01-05"), note(books, customer, 25_00)
    body = {
        "customer_id": customer, "external_id": "P-1", "payment_date": "2026-01-20", "amount_minor": 75_00,
        "currency_code": "USD", "apply": {"applications": [item(a, 75_00)], "credit_notes": [netted(n, a, 25_00)]},
    }  # fmt: skip
    done = books.do("record_payment", new_id("pay"), body)
    assert (done["status"], done["session"]["credit_notes"][0]["credit_note_id"]) == ("FULLY_APPLIED", n)
    again = books.do("record_payment", new_id("pay"), body)
    assert again["session"]["session_id"] == done["session"]["session_id"]
    assert [x["id"] for x in again["session"]["credit_notes"]] == [x["id"] for x in done["session"]["credit_notes"]]
    assert breaches(books) == {}


# what reports say


def test_the_control_account_is_invoices_less_open_notes_on_any_day_and_as_known_then(books: Books) -> None:
    customer, other = books.customer(), books.customer()
    moments = [books.moment()]
    a, b = books.invoice(customer, 100_00, "2026-01-05"), books.invoice(other, 40_00, "2026-02-05")
    n = note(books, customer, 60_00, "2026-01-15", tax_minor=10_00)
    moments.append(books.moment())
    line = settle(books, n, (a, 45_00))["applications"][0]["id"]
    loose = note(books, other, 10_00, "2026-02-10")
    moments.append(books.moment())
    unsettle(books, line, "2026-03-01")
    void(books, loose)
    expected = {
        "2026-01-04": (0, 0), "2026-01-10": (100_00, 0), "2026-01-20": (55_00, 15_00), "2026-02-20": (95_00, 25_00),
        "2026-03-02": (140_00, 70_00),
    }  # fmt: skip
    for day, (due, open_) in expected.items():
        report = books.get("/v1/reports/ar-aging", as_of=day)
        (total,) = [t for t in report["totals"] if t["legal_entity_id"] == "le_us"]
        assert (total["total_minor"], total["credit_notes_minor"], total["net_minor"]) == (due, open_, due - open_), day
        assert control(books, day)[1] == 0, day
        each = [books.aging(c, as_of=day) for c in (customer, other)]
        assert sum(x["net_minor"] for x in each) == due - open_
    known = [
        [books.aging(c, as_of="2026-02-20", known_at=at.isoformat())["net_minor"] for c in (customer, other)]
        for at in moments
    ]
    assert known == [[0, 0], [40_00, 40_00], [40_00, 30_00]]
    moved = books.get("/v1/reports/ar-roll-forward", **{"from": "2026-01-01", "to": "2026-02-28"})["items"]
    (mine,) = [m for m in moved if m["legal_entity_id"] == "le_us"]
    assert mine.items() >= {
        "invoices_minor": 140_00, "credit_notes_minor": 70_00, "applications_minor": 0, "closing_minor": 70_00,
        "difference_minor": 0, "fx_minor": 0,
    }.items()  # fmt: skip
    assert (other and b) is not None
    assert breaches(books) == {}


def test_the_view_of_a_customer_knows_its_notes(books: Books) -> None:
    customer = books.customer()
    books.invoice(customer, 100_00, "2026-01-05")
    n = noted(books, customer, 30_00)
    panel = books.get(f"/v1/customers/{customer}/360/panels/ar_aging")["data"]
    assert (panel["credit_notes_minor"], panel["net_minor"]) == (30_00, 70_00)
    full = set(panel["invoices"][0])
    void(books, n["id"])
    panel = books.get(f"/v1/customers/{customer}/360/panels/ar_aging")["data"]
    assert (panel["credit_notes_minor"], panel["net_minor"]) == (0, 100_00)
    assert set(panel["invoices"][0]) == full  # computed in the view's statement, and in full while a note is open
