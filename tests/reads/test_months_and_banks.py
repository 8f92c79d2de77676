"""Reconciliations, months and rates by the operations alone: what is posted first, what is refused, what the trail tells."""

import json
from dataclasses import replace
from typing import Any

import pytest

from models.ids import new_id
from tests.books import Books
from tests.rules.refusals import refused


def paid(books: Books, minor: int, on: str = "2026-01-10", **more: Any) -> str:
    return books.pay(books.customer(), minor, on, **more)


def drafted(books: Books, *payments: str, bank: str = "bank_us", **more: Any) -> dict[str, Any]:
    body = {"bank_account_id": bank, "through_date": "2026-01-31", "payment_ids": list(payments), **more}
    return books.do("draft_reconciliation", new_id("recon"), body)


def said(books: Books, subject: str) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    sql = "SELECT action, actor, reason_code, payload FROM audit_events WHERE org_id = :org AND subject_id = %(id)s ORDER BY seq"
    return [(*list(row.values())[:3], json.loads(row["payload"])) for row in books.sql(sql, id=subject)]


def entries(books: Books, payment: str) -> list[tuple[str, str]]:
    sql = "SELECT id, entry_date FROM journal_entries WHERE org_id = :org AND source_id = %(id)s"
    return [(row["id"], str(row["entry_date"])) for row in books.sql(sql, id=payment)]


def test_a_draft_names_its_payments_and_posts_nothing(books: Books) -> None:
    payments = [paid(books, 100), paid(books, 200, "2026-01-31")]
    made = drafted(books, *payments, statement_balance_minor=300)
    assert (made["status"], made["bank_account_id"], made["through_date"]) == ("DRAFT", "bank_us", "2026-01-31")
    assert (sorted(made["payment_ids"]), made["currency_code"], made["created_by"]) == (
        sorted(payments),
        "USD",
        "u_clerk",
    )
    assert (made["statement_balance_minor"], made["book_balance_minor"], made["difference_minor"]) == (300, 300, 0)
    assert [entries(books, p) for p in payments] == [[], []]
    ((action, actor, _, told),) = said(books, made["id"])
    assert (action, actor) == ("reconciliation.drafted", "u_clerk")
    assert told["after"] == {
        "bank_account_id": "bank_us", "through_date": "2026-01-31", "payment_ids": payments, "statement_balance_minor": 300,
    }  # fmt: skip
    (command,) = books.sql(
        "SELECT http_status FROM commands WHERE org_id = :org AND operation = 'draft_reconciliation'"
    )
    assert command["http_status"] == 201


def test_completing_posts_the_receipts_that_are_not_in_the_books(books: Books) -> None:
    payments = sorted([paid(books, 100), paid(books, 200)])
    made = drafted(books, *payments)
    done = books.do("complete_reconciliation", made["id"], {})
    assert (done["status"], done["completed_by"], done["book_balance_minor"]) == ("COMPLETED", "u_clerk", 300)
    assert done["completed_at"] is not None
    for payment in payments:
        ((entry, day),) = entries(books, payment)
        posted = [told for action, _, _, told in said(books, payment) if action == "payment.receipt_posted"]
        assert [(p["because"], [e["id"] for e in p["entries"]]) for p in posted] == [(made["id"], [entry])]
        assert day == "2026-01-10"
    action, _, _, told = said(books, made["id"])[-1]
    assert (action, sorted(told["payments"])) == ("reconciliation.completed", payments)
    assert (told["book_balance_minor"], told["statement_balance_minor"]) == (300, None)
    with refused("RECONCILIATION_COMPLETE"):
        books.do("complete_reconciliation", made["id"], {})
    with refused("RECONCILIATION_COMPLETE") as no:
        drafted(books, payments[0])
    assert made["id"] in no[0].detail
    again = books.do("complete_reconciliation", drafted(books, paid(books, 50))["id"], {})
    assert (again["book_balance_minor"], len(entries(books, payments[0]))) == (350, 1)


def test_a_statement_that_says_otherwise_is_not_completed(books: Books) -> None:
    made = drafted(books, paid(books, 100_00), statement_balance_minor=90_00)
    told: dict[str, Any] = {"statement_balance_minor": 90_00, "book_balance_minor": 100_00, "difference_minor": -10_00}
    with refused("RECONCILIATION_DIFFERENCE", **told) as no:
        books.do("complete_reconciliation", made["id"], {})
    assert no[0].detail == "The statement says 90.00 USD, the books say 100.00 USD: difference -10.00 USD."
    assert books.get(f"/v1/reconciliations/{made['id']}")["status"] == "DRAFT"
    right = drafted(books, *made["payment_ids"], statement_balance_minor=100_00)
    assert books.do("complete_reconciliation", right["id"], {})["status"] == "COMPLETED"


def test_what_the_bank_account_does_not_show_by_then_is_not_reconciled(books: Books) -> None:
    gone, late = paid(books, 100), paid(books, 100, "2026-02-01")
    british = paid(books, 100, currency="GBP", legal_entity_id="le_uk", bank_account_id="bank_uk")
    made = drafted(books, gone)
    books.reverse(gone)
    for payment, code in (
        (british, "BANK_ACCOUNT_MISMATCH"), (late, "PAYMENT_AFTER_THROUGH_DATE"), (new_id("pay"), "PAYMENT_NOT_FOUND"),
    ):  # fmt: skip
        with refused(code) as no:
            drafted(books, paid(books, 5), payment)
        assert payment in no[0].detail
    for asked in (lambda: drafted(books, gone), lambda: books.do("complete_reconciliation", made["id"], {})):
        with refused("PAYMENT_REVERSED", payment_id=gone):
            asked()


def test_a_completed_one_is_taken_up_again_with_its_reason(books: Books) -> None:
    made = drafted(books, paid(books, 100))
    with refused("RECONCILIATION_NOT_COMPLETE") as no:
        books.do("reopen_reconciliation", made["id"], {"reason_code": "BANK_ERROR"})
    assert no[0].detail == f"Reconciliation {made['id']} is DRAFT."
    books.do("complete_reconciliation", made["id"], {})
    asked = {"reason_code": "BANK_ERROR", "note": "wrong file"}
    again = books.do("reopen_reconciliation", made["id"], asked)
    assert (again["status"], again["reopened_by"], again["reopen_reason"]) == ("REOPENED", "u_clerk", "BANK_ERROR")
    action, _, reason, told = said(books, made["id"])[-1]
    assert (action, reason) == ("reconciliation.reopened", "BANK_ERROR")
    assert told == {"before": "COMPLETED", "after": "REOPENED", "note": "wrong file"}
    books.reverse(made["payment_ids"][0])


def test_a_bank_account_is_its_entitys(books: Books) -> None:
    made = drafted(books, paid(books, 100))
    narrow = replace(books.who, entities=frozenset({"le_uk"}))
    body = {"bank_account_id": "bank_us", "through_date": "2026-01-31", "payment_ids": []}
    for operation, record, asked in (
        ("draft_reconciliation", new_id("recon"), body), ("complete_reconciliation", made["id"], {}),
        ("reopen_reconciliation", made["id"], {"reason_code": "BANK_ERROR"}),
    ):  # fmt: skip
        with refused("FORBIDDEN") as no:
            books.do(operation, record, asked, narrow)
        assert "le_us" in no[0].detail
    for who in (replace(narrow, entities=frozenset({"le_us"})), books.who):
        assert books.do("draft_reconciliation", new_id("recon"), body, who)["status"] == "DRAFT"


def test_a_month_that_closes_posts_what_came_in_it_first(books: Books) -> None:
    inside = sorted(paid(books, 100, day) for day in ("2026-01-01", "2026-01-31"))
    outside = [paid(books, 100, day) for day in ("2025-12-31", "2026-02-01")]
    asked = {"reason_code": "MONTH_END"}
    assert books.do("close_period", "2026-01", asked) == {
        "period": "2026-01", "status": "closed", "receipts_posted": 2,
    }  # fmt: skip
    assert [len(entries(books, p)) for p in (*inside, *outside)] == [1, 1, 0, 0]
    ((action, actor, reason, told),) = said(books, "period_2026-01")
    assert (action, actor, reason) == ("period.closed", "u_clerk", "MONTH_END")
    posted = [entries(books, p)[0][0] for p in inside]
    assert sorted(e["id"] for e in told.pop("entries")) == sorted(posted)
    assert told == {"period": "2026-01", "before": "open", "after": "closed", "receipts_posted": 2}
    why = [t for a, _, _, t in said(books, inside[0]) if a == "payment.receipt_posted"]
    assert [w["because"] for w in why] == ["period 2026-01 closes"]
    (kept,) = books.sql("SELECT period, status, changed_by FROM periods WHERE org_id = :org")
    assert kept == {"period": "2026-01", "status": "closed", "changed_by": "u_clerk"}


@pytest.mark.parametrize(("operation", "status"), [("close_period", "closed"), ("reopen_period", "open")])
def test_a_month_that_is_so_already_is_told_so_again(books: Books, operation: str, status: str) -> None:
    if status == "closed":
        books.do("close_period", "2026-01", {})
    before = said(books, "period_2026-01")
    told = {"period": "2026-01", "status": status, "receipts_posted": 0}
    assert books.do(operation, "2026-01", {}) == told
    (again,) = books.sql("SELECT replayed FROM commands WHERE org_id = :org ORDER BY created_at DESC LIMIT 1")
    assert (again["replayed"], said(books, "period_2026-01")) == (True, before)


def test_a_month_is_opened_again_without_anything_posted(books: Books) -> None:
    books.do("close_period", "2026-01", {})
    late = paid(books, 100)
    assert books.do("reopen_period", "2026-01", {}) == {"period": "2026-01", "status": "open", "receipts_posted": 0}
    action, _, _, told = said(books, "period_2026-01")[-1]
    assert (action, told["before"], told["after"], told["entries"]) == ("period.open", "closed", "open", [])
    assert entries(books, late) == []


def test_a_rate_of_the_same_day_takes_the_others_place_and_the_trail_has_both(books: Books) -> None:
    rate = {
        "base_currency": "GBP",
        "quote_currency": "USD",
        "rate_date": "2026-01-05",
        "rate": "1.25",
        "source": "bank",
    }
    made = books.do("store_rate", books.org, rate)
    assert {name: made[name] for name in rate} == rate
    assert made["recorded_by"] == "u_clerk"
    more = [rate | {"rate": "1.3"}, rate | {"quote_currency": "EUR"}]
    assert books.do("store_rates", books.org, {"rates": more}) == {"stored": 2}
    first, second = (told for action, _, _, told in said(books, books.org) if action == "rates.stored")
    one = {"base": "GBP", "quote": "USD", "rate_date": "2026-01-05", "rate": "1.25", "source": "bank"}
    assert first == {"before": [], "after": [one]}
    assert second["before"] == [one]
    assert second["after"] == [one | {"rate": "1.3"}, one | {"quote": "EUR"}]
    kept = books.sql("SELECT quote, rate, recorded_by FROM fx_rates WHERE org_id = :org ORDER BY quote")
    assert [(row["quote"], str(row["rate"]).rstrip("0"), row["recorded_by"]) for row in kept] == [
        ("EUR", "1.25", "u_clerk"),
        ("USD", "1.3", "u_clerk"),
    ]
