"""A later file that says the same transaction in other words, or in more detail, is the same payment, and adds to it."""

import pytest

from tests.books import Books
from tests.exceptions.uploads import (
    broken,
    camt,
    csv,
    detail,
    entry,
    ofx,
    open_exceptions,
    payment,
    payments,
    shown,
    uploaded,
)

REPORT = "BkToCstmrAcctRpt/Rpt"


def mt940(ref: str, text: str, day: str = "260202", amount: str = "77,00") -> str:
    line = f":61:{day}C{amount}NTRFNONREF//{ref}\n:86:{text}\n"
    return f":20:R\n:25:1\n:28C:1\n:60F:C260201USD0,00\n{line}:62F:C{day}USD{amount}\n-\n"


def bai2(ref: str, text: str) -> str:
    return (
        "01,S,R,260202,0000,1,,,2/\n02,R,S,1,260202,0000,USD,2/\n03,1,USD,,,,/\n"
        f"16,165,7700,Z,{ref},,{text}\n49,7700,3/\n98,7700,1,5/\n99,7700,1,7/\n"
    )


SAME = {
    "ofx, a longer name": (ofx("F1", "INV-60", "ALPHA AG"), ofx("F1", "INV-60", "ALPHA AG FRANKFURT")),
    "ofx, a memo at last": (ofx("F1", "PENDING CREDIT", "ALPHA AG"), ofx("F1", "INV-60 ALPHA", "ALPHA AG")),
    "camt, another case": (
        camt(entry("77.00", detail("inv-60 thanks", payer="Alpha AG"))),
        camt(entry("77.00", detail("INV-60 THANKS", payer="ALPHA AG"))),
    ),
    "camt.052 today, camt.053 tomorrow": (
        camt(entry("77.00", more="<AddtlNtryInf>CREDIT TRANSFER</AddtlNtryInf>"), message=REPORT),
        camt(entry("77.00", detail("INV-60", payer="Alpha AG"))),
    ),
    "mt940, longer": (mt940("B-771", "ALPHA AG INV-60"), mt940("B-771", "ALPHA AG INV-60 JANUARY RENT")),
    "bai2, longer": (bai2("B-771", "INV-60"), bai2("B-771", "INV-60 ALPHA AG")),
}


@pytest.mark.parametrize("files", SAME.values(), ids=SAME.keys())
@pytest.mark.parametrize("turned", [False, True], ids=["", "the other way round"])
def test_the_same_transaction_in_other_words_is_the_same_payment(books: Books, files: tuple[str, str], turned: bool):
    first, second = files[::-1] if turned else files
    (before,) = uploaded(books, first)["lines"]
    (after,) = uploaded(books, second)["lines"]
    assert (after["status"], after["payment_id"]) == ("DUPLICATE", before["payment_id"])
    assert len(payments(books)) == 1


def test_what_was_missing_is_added_to_the_line_and_the_payment_and_finds_the_invoice(books: Books):
    customer = books.customer("Alpha AG")
    invoice = books.invoice(customer, 7700, "2026-01-01", external_id="INV-60")
    first = uploaded(books, SAME["camt.052 today, camt.053 tomorrow"][0])["id"]
    assert shown(books, first)["lines"][0]["status"] == "UNMATCHED"
    uploaded(books, SAME["camt.052 today, camt.053 tomorrow"][1])
    (line,) = shown(books, first)["lines"]
    assert (line["status"], line["matched_later"], line["payer"]) == ("APPLIED", True, "Alpha AG")
    assert {t["text"] for t in line["bank_texts"]} >= {"CREDIT TRANSFER", "INV-60", "Alpha AG"}
    assert payment(books, line["payment_id"]).items() >= {"payer": "Alpha AG", "status": "FULLY_APPLIED"}.items()
    assert books.get(f"/v1/invoices/{invoice}")["status"] == "PAID"
    assert [e for e in open_exceptions(books) if e["kind"] == "unmatched_payment"] == []
    assert broken(books) == []


def test_more_words_apply_nothing_that_the_rules_would_not(books: Books):
    books.invoice(books.customer("Beta Ltd"), 9900, "2026-01-01", external_id="INV-60")
    books.customer("Alpha AG")
    first = uploaded(books, camt(entry("77.00", detail(payer="Alpha AG"))))["id"]
    uploaded(books, camt(entry("77.00", detail("INV-60", payer="Alpha AG"))))
    (line,) = shown(books, first)["lines"]
    assert (line["status"], line["reason_code"]) == ("UNMATCHED", "PAYER_DIFFERS")


@pytest.mark.parametrize(
    "other",
    [ofx("F1", "INV-60", "ALPHA AG", amount="78.00"), ofx("F1", "INV-60", "ALPHA AG", day="20260211"),
     ofx("F2", "INV-60", "ALPHA AG", more="")],
    ids=["another amount", "another day", "another reference"],
)  # fmt: skip
def test_a_reference_of_another_day_or_amount_is_another_payment(books: Books, other: str):
    uploaded(books, ofx("F1", "INV-60", "ALPHA AG"))
    assert uploaded(books, other)["recorded"] == 1
    assert len(payments(books)) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [(ofx("1", "INV-60", "ALPHA AG"), ofx("1", "INV-61", "ALPHA AG")),
     (ofx("1", "RENT", "ALPHA AG"), ofx("1", "RENT", "BETA LTD")),
     (mt940("BATCH", "INV-60"), mt940("BATCH", "INV-77"))],
    ids=["two invoices", "two payers", "mt940"],
)  # fmt: skip
def test_a_bare_reference_that_may_name_two_transactions_is_a_persons_question(books: Books, first: str, second: str):
    """Some banks count from 1 in each file: neither is lost, and neither recorded twice."""
    (before,) = uploaded(books, first)["lines"]
    made = uploaded(books, second)
    (line,) = made["lines"]
    assert (line["status"], line["possible_payments"]) == ("POSSIBLE_DUPLICATE", [before["payment_id"]])
    assert len(payments(books)) == 1
    assert "POSSIBLE_DUPLICATE" in [e["reason_code"] for e in open_exceptions(books)]
    books.do("retry_statement_line", made["id"], {"line": 1, "another_payment": True})
    assert len(payments(books)) == 2


@pytest.mark.parametrize("ref", ["", "0", "000", "NONREF", "NOTPROVIDED"])
def test_what_is_no_reference_names_no_transaction(books: Books, ref: str):
    uploaded(books, camt(entry("77.00", detail("one", payer="Alpha AG"), ref=ref)))
    assert uploaded(books, camt(entry("77.00", detail("two", payer="Alpha AG"), ref=ref)))["recorded"] == 1


def test_two_equal_lines_of_one_file_stay_two_payments_in_whatever_words_they_come_again(books: Books):
    twins = [entry("77.00", detail(text, payer="Alpha AG"), ref="R1") for text in ("rent", "rent")]
    again = [entry("77.00", detail(text, payer="Alpha AG"), ref="R1") for text in ("RENT MARCH", "rent", "rent")]
    assert uploaded(books, camt(*twins))["recorded"] == 2
    made = uploaded(books, camt(*again))
    assert [x["status"] for x in made["lines"]] == ["UNMATCHED", "DUPLICATE", "DUPLICATE"]
    assert len({x["payment_id"] for x in made["lines"]}) == 3
    assert len(payments(books)) == 3


def test_overlapping_files_in_any_order_record_each_transaction_once(books: Books):
    one, two, three = (entry(f"{n}.00", detail(f"INV-{n}", payer="Alpha"), ref=f"R{n}") for n in (1, 2, 3))
    reworded = entry("2.00", detail("INV-2 thank you", payer="Alpha Inc"), ref="R2")
    assert [uploaded(books, camt(*f))["recorded"] for f in ((one, two), (reworded, three), (one, two, three))] == [
        2,
        1,
        0,
    ]
    assert len(payments(books)) == 3


PARTS = [
    detail("INV-1", amount="15.00", payer="Alpha", ref="P1"),
    detail("INV-2", amount="10.00", payer="Beta", ref="P2"),
]


def test_a_sum_that_comes_again_with_its_parts_is_the_same_payment_and_tells_them(books: Books):
    (lump,) = uploaded(books, camt(entry("25.00", ref="R9"), message=REPORT))["lines"]
    made = uploaded(books, camt(entry("25.00", *PARTS, ref="R9")))
    assert [(x["status"], x["reason_code"], x["payment_id"]) for x in made["lines"]] == [
        ("DUPLICATE", "LINE_RECORDED_AS_SUM", lump["payment_id"])
    ] * 2
    said = {t["text"] for t in payment(books, lump["payment_id"])["bank_texts"]}
    assert said >= {"INV-1", "INV-2", "Alpha", "Beta"}
    assert [p["amount_minor"] for p in payments(books)] == [2500]


def test_parts_that_come_again_as_a_sum_are_the_same_payments(books: Books):
    parts = uploaded(books, camt(entry("25.00", *PARTS, ref="R9")))["lines"]
    (lump,) = uploaded(books, camt(entry("25.00", ref="R9")))["lines"]
    assert (lump["status"], lump["reason_code"], lump["payment_id"]) == ("DUPLICATE", "LINE_RECORDED_IN_PARTS", None)
    assert {p["id"] for p in payments(books)} == {x["payment_id"] for x in parts}


def test_a_sum_of_another_batch_is_another_payment(books: Books):
    uploaded(books, camt(entry("25.00", *PARTS, ref="R9")))
    assert uploaded(books, camt(entry("25.00", ref="R10"), entry("26.00", ref="R9")))["recorded"] == 2


def test_a_line_without_a_reference_is_known_by_its_words(books: Books):
    row = "2026-02-10,77.00,USD,Alpha AG,,INV-60"
    assert uploaded(books, csv(row))["recorded"] == 1
    assert uploaded(books, csv(row, row))["recorded"] == 1
    assert uploaded(books, csv(f"{row} x"))["recorded"] == 1
