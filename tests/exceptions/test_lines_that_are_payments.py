"""A bank line that looks like a payment recorded by hand waits for a person, who links the two or says that they are two."""

from typing import Any

import pytest

from models.errors import Refusal
from tests.books import Books
from tests.exceptions.uploads import broken, csv, open_exceptions, payment, payments, shown, uploaded

ROW = "2026-02-10,77.00,USD,Alpha AG,,INV-60"


def by_hand(books: Books, on: str = "2026-02-10", amount: int = 7700, **fields: Any) -> tuple[str, str]:
    """Customer and payment."""
    customer = books.customer("Alpha AG")
    return customer, books.pay(customer, amount, on, bank_account_id="bank_us", **fields)


def linked(books: Books, statement: str, line: int, to: str) -> dict[str, Any]:
    made = books.do("link_statement_line", statement, {"line": line, "payment_id": to})
    (shown_line,) = made["lines"]
    return dict(shown_line)


def code(books: Books, statement: str, line: int, to: str) -> str:
    with pytest.raises(Refusal) as refusal:
        linked(books, statement, line, to)
    return refusal.value.code


@pytest.mark.parametrize("on", ["2026-02-05", "2026-02-10", "2026-02-15"])
def test_a_line_that_looks_like_a_payment_recorded_by_hand_waits(books: Books, on: str):
    customer, hand = by_hand(books, on)
    invoice = books.invoice(customer, 7700, "2026-01-01", external_id="INV-60")
    made = uploaded(books, csv(ROW))
    (line,) = made["lines"]
    assert (line["status"], line["reason_code"], line["payment_id"]) == (
        "POSSIBLE_DUPLICATE", "POSSIBLE_DUPLICATE", None,
    )  # fmt: skip
    assert (line["possible_payments"], made["possible_duplicates"], made["recorded"]) == ([hand], 1, 0)
    assert [(e["reason_code"], e["detail"]["payments"]) for e in open_exceptions(books)] == [
        ("POSSIBLE_DUPLICATE", [hand])
    ]
    assert books.get(f"/v1/invoices/{invoice}")["status"] == "OPEN"
    assert [p["id"] for p in payments(books)] == [hand]


@pytest.mark.parametrize(
    ("on", "amount", "bank", "currency"),
    [("2026-02-04", 7700, "bank_us", "USD"), ("2026-02-16", 7700, "bank_us", "USD"), ("2026-02-10", 7701, "bank_us", "USD"),
     ("2026-02-10", 7700, "bank_2", "USD"), ("2026-02-10", 7700, "bank_us", "EUR")],
    ids=["six days before", "six days after", "another amount", "another account", "another currency"],
)  # fmt: skip
def test_other_payments_do_not_hold_a_line_up(books: Books, on: str, amount: int, bank: str, currency: str):
    books.do(
        "create_bank_account",
        books.org,
        {"id": "bank_2", "legal_entity_id": "le_us", "currency_code": "USD", "name": "2"},
    )
    books.rate("EUR", "USD", on, "1.1")
    books.pay(books.customer(), amount, on, currency, bank_account_id=bank)
    assert uploaded(books, csv(ROW))["lines"][0]["status"] == "UNMATCHED"


def test_a_reversed_payment_holds_no_line_up(books: Books):
    _, hand = by_hand(books)
    books.reverse(hand)
    assert uploaded(books, csv(ROW))["recorded"] == 1


def test_linked_the_line_is_the_payment_and_shows_what_the_bank_said(books: Books):
    _, hand = by_hand(books)
    made = uploaded(books, csv(ROW))["id"]
    line = linked(books, made, 1, hand)
    assert (line["status"], line["payment_id"], line["possible_payments"]) == ("LINKED", hand, [])
    one = payment(books, hand)
    assert (one["statement_id"], one["statement_line"], one["payer"], one["status"]) == (
        made,
        1,
        "Alpha AG",
        "UNAPPLIED",
    )
    assert {t["text"] for t in one["bank_texts"]} >= {"INV-60"}
    assert [p["id"] for p in payments(books)] == [hand]
    assert open_exceptions(books) == []
    assert shown(books, made).items() >= {"linked": 1, "recorded": 0, "possible_duplicates": 0}.items()
    assert linked(books, made, 1, hand) == line  # again is the same


def test_the_same_line_in_a_later_file_is_the_linked_payment(books: Books):
    _, hand = by_hand(books)
    linked(books, uploaded(books, csv(ROW))["id"], 1, hand)
    again = uploaded(books, csv(ROW, "2026-02-11,5.00,USD,Beta,,x"))["lines"]
    assert [(x["status"], x["payment_id"] == hand) for x in again] == [("DUPLICATE", True), ("UNMATCHED", False)]


def test_a_line_that_waits_is_asked_about_once_however_often_it_comes(books: Books):
    _, hand = by_hand(books)
    first = uploaded(books, csv(ROW))["id"]
    (second,) = uploaded(books, csv(ROW) + "\n")["lines"]
    assert (second["status"], second["payment_id"], len(open_exceptions(books))) == ("DUPLICATE", None, 1)
    linked(books, first, 1, hand)
    later = books.sql("SELECT payment_id FROM statement_lines WHERE org_id = :org AND status = 'DUPLICATE'")
    assert later == [{"payment_id": hand}]


def test_another_payment_is_recorded_when_a_person_says_so_and_not_before(books: Books):
    customer, hand = by_hand(books)
    invoice = books.invoice(customer, 7700, "2026-01-01", external_id="INV-60")
    made = uploaded(books, csv(ROW))["id"]
    books.do("retry_statement_line", made, {"line": 1})
    assert shown(books, made)["lines"][0]["status"] == "POSSIBLE_DUPLICATE"
    assert len(open_exceptions(books)) == 1
    (line,) = books.do("retry_statement_line", made, {"line": 1, "another_payment": True})["lines"]
    assert line["status"] == "APPLIED"
    assert {p["id"] for p in payments(books)} == {hand, line["payment_id"]}
    assert (books.get(f"/v1/invoices/{invoice}")["status"], open_exceptions(books)) == ("PAID", [])


def test_two_lines_of_one_payment_both_wait_and_the_other_is_recorded_when_one_is_linked(books: Books):
    _, hand = by_hand(books)
    made = uploaded(books, csv(ROW, "2026-02-11,77.00,USD,Beta,,other"))["id"]
    assert shown(books, made)["possible_duplicates"] == 2
    linked(books, made, 1, hand)
    now = shown(books, made)["lines"]
    assert [x["status"] for x in now] == ["LINKED", "UNMATCHED"]
    assert now[1]["payment_id"] != hand
    assert [e["reason_code"] for e in open_exceptions(books)] == ["NO_REFERENCE"]


def test_a_payment_recorded_by_hand_after_its_line_is_asked_about_and_linked_in_its_place(books: Books):
    customer = books.customer("Alpha AG")
    invoice = books.invoice(customer, 7700, "2026-01-01", external_id="INV-60")
    made = uploaded(books, csv(ROW))["id"]
    own = shown(books, made)["lines"][0]["payment_id"]
    hand = books.pay(customer, 7700, "2026-02-12", bank_account_id="bank_us")
    (asked,) = open_exceptions(books, kind="possible_duplicate")
    assert (asked["subject_id"], asked["owner_role"]) == (hand, "ar_clerk")
    assert asked["detail"] == {"lines": [{"statement_id": made, "line": 1, "payment_id": own}]}
    line = linked(books, made, 1, hand)
    assert (line["status"], line["payment_id"]) == ("LINKED", hand)
    withdrawn = payment(books, own)
    assert (withdrawn["status"], withdrawn["reversal_reason"], withdrawn["reversal_date"]) == (
        "REVERSED", "LINKED_TO_PAYMENT", "2026-02-10",
    )  # fmt: skip
    assert books.get(f"/v1/invoices/{invoice}")["status"] == "OPEN"
    assert open_exceptions(books) == []
    entries = books.get("/v1/journal-entries", source_id=own)["items"]
    cash = sum(x["debit_minor"] - x["credit_minor"] for e in entries for x in e["lines"] if x["account"] == "cash")
    assert cash == 0


@pytest.mark.parametrize("amount", [7699, 100])
def test_a_payment_by_hand_that_is_no_lines_is_not_asked_about(books: Books, amount: int):
    uploaded(books, csv(ROW))
    books.pay(books.customer(), amount, "2026-02-10", bank_account_id="bank_us")
    books.pay(books.customer(), 7700, "2026-03-10", bank_account_id="bank_us")
    assert open_exceptions(books, kind="possible_duplicate") == []


def test_the_question_ends_with_the_payments_reversal(books: Books):
    uploaded(books, csv(ROW))
    hand = books.pay(books.customer(), 7700, "2026-02-10", bank_account_id="bank_us")
    assert len(open_exceptions(books, kind="possible_duplicate")) == 1
    books.reverse(hand)
    assert open_exceptions(books, kind="possible_duplicate") == []


def test_what_cannot_be_linked_is_refused_and_nothing_moves(books: Books):
    customer, hand = by_hand(books)
    made = uploaded(books, csv(ROW, "2026-02-10,-5.00,USD,Bank,,fee", "2026-02-11,9.00,USD,Beta,,INV-9"))["id"]
    books.do(
        "create_bank_account",
        books.org,
        {"id": "bank_2", "legal_entity_id": "le_us", "currency_code": "USD", "name": "2"},
    )
    elsewhere = books.pay(customer, 7700, "2026-02-10", bank_account_id="bank_2")
    gone = books.pay(customer, 7700, "2026-05-10", bank_account_id="bank_us")
    books.reverse(gone)
    assert code(books, made, 1, "pay_none") == "PAYMENT_NOT_FOUND"
    assert code(books, made, 9, hand) == "STATEMENT_LINE_NOT_FOUND"
    assert code(books, made, 2, hand) == "LINE_NOT_A_RECEIPT"
    assert code(books, made, 3, hand) == "LINE_AMOUNT_DIFFERS"
    assert code(books, made, 1, elsewhere) == "BANK_ACCOUNT_MISMATCH"
    assert code(books, made, 1, gone) == "PAYMENT_REVERSED"
    linked(books, made, 1, hand)
    other = uploaded(books, csv("2026-03-20,77.00,USD,Gamma,,y"))["id"]
    assert code(books, other, 1, hand) == "PAYMENT_LINKED"


def test_a_lines_own_payment_that_is_reconciled_is_not_withdrawn(books: Books):
    made = uploaded(books, csv(ROW))["id"]
    own = shown(books, made)["lines"][0]["payment_id"]
    hand = books.pay(books.customer(), 7700, "2026-02-12", bank_account_id="bank_us")
    books.sql(
        "INSERT INTO reconciliations (org_id, id, bank_account_id, through_date, status, created_by) "
        "VALUES (:org, 'recon_x', 'bank_us', '2026-02-28', 'COMPLETED', 'u_x')"
    )
    put = "INSERT INTO reconciliation_payments (org_id, reconciliation_id, payment_id) VALUES (:org, 'recon_x', %(id)s)"
    books.sql(put, id=own)
    assert code(books, made, 1, hand) == "RECONCILIATION_COMPLETE"
    assert payment(books, own)["status"] == "UNAPPLIED"


def test_linked_to_another_payment_the_first_is_itself_again(books: Books):
    customer, wrong = by_hand(books)
    right = books.pay(customer, 7700, "2026-02-11", bank_account_id="bank_us")
    made = uploaded(books, csv(ROW))["id"]
    linked(books, made, 1, wrong)
    assert linked(books, made, 1, right)["payment_id"] == right
    assert (payment(books, wrong)["statement_id"], payment(books, wrong)["status"]) == (None, "UNAPPLIED")


def test_a_line_that_only_repeats_another_is_linked_as_the_first(books: Books):
    first = uploaded(books, csv(ROW))["id"]
    second = uploaded(books, csv(ROW) + "\n")["id"]
    hand = books.pay(books.customer(), 7700, "2026-02-12", bank_account_id="bank_us")
    linked(books, second, 1, hand)
    assert [shown(books, s)["lines"][0]["payment_id"] for s in (first, second)] == [hand, hand]
    assert [p["id"] for p in payments(books)] == [hand]


def test_the_books_verify_after_all_of_it(books: Books):
    customer, hand = by_hand(books)
    books.do("change_settings", books.org, {"receipt_posting": "at_receipt"})
    made = uploaded(books, csv(ROW, "2026-02-11,9.00,USD,Beta,,INV-9"))["id"]
    linked(books, made, 1, hand)
    late = books.pay(customer, 900, "2026-02-12", bank_account_id="bank_us")
    linked(books, made, 2, late)
    assert open_exceptions(books) == []
    assert broken(books) == []
