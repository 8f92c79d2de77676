"""An invoice's number that is written otherwise is proposed to a person, and never paid on this alone."""

import pytest

from models.cash.bank_texts import plain_texts
from models.cash.loose_references import loose_key, loose_keys
from models.db.tables.cash import LOOSE_KEY
from tests.books import Books
from tests.exceptions.uploads import csv, uploaded

SAID = {
    "an en dash": ("AB-155", "AB\u2013155"),
    "a non-breaking hyphen": ("AB-155", "AB\u2011155"),
    "a soft hyphen": ("AB-155", "AB-1\u00ad55"),
    "a zero-width blank": ("AB-155", "AB-1\u200b55"),
    "no dash": ("AB-155", "AB155"),
    "a blank": ("AB-155", "payment AB 155 thanks"),
    "zeros left out": ("AB-00155", "AB-155"),
    "zeros put in": ("AB-155", "AB-00155"),
    "inside a QRR": ("10432", "210000000003139471430104328"),
    "a prefix left out of an OGM": ("INV-93375", "+++000/0093/37524+++"),
}  # fmt: skip


@pytest.mark.parametrize(("number", "text"), SAID.values(), ids=SAID.keys())
def test_it_is_proposed_and_not_paid(books: Books, number: str, text: str):
    invoice = books.invoice(books.customer("Alpha AG"), 5000, "2026-01-01", external_id=number)
    (line,) = uploaded(books, csv(f"2026-02-02,20.00,USD,Somebody,,{text}"))["lines"]
    assert line["status"] == "UNMATCHED"
    assert [(s["external_id"], s["reason"]) for s in line["suggestions"]] == [(number, "SIMILAR_NUMBER")]
    assert books.get(f"/v1/invoices/{invoice}")["balance_due_minor"] == 5000


def test_what_is_paid_in_another_currency_or_not_alike_is_not_proposed(books: Books):
    customer = books.customer("Alpha AG")
    books.apply(
        books.pay(customer, 100, "2026-01-02"), (books.invoice(customer, 100, "2026-01-01", external_id="AB-155"), 100)
    )
    books.invoice(customer, 100, "2026-01-01", external_id="AB-1550")
    books.invoice(customer, 100, "2026-01-01", external_id="XAB-155")
    (line,) = uploaded(books, csv("2026-02-02,20.00,USD,Somebody,,AB155"))["lines"]
    assert line["suggestions"] == []


@pytest.mark.parametrize(
    "number", ["INV-001", "2024/0017", "R\u00c9-10", "A00B", "000", "0", "x-0-7", "INV 000.100", "\u00dc\u00df9"]
)
def test_the_database_reads_a_number_as_the_rule_does(books: Books, number: str):
    books.invoice(books.customer(), 100, "2026-01-01", external_id=number)
    sql = f"SELECT {LOOSE_KEY} AS k FROM invoices WHERE org_id = :org"
    assert books.sql(sql) == [{"k": loose_key(number)}]


def test_the_keys_of_a_long_text_are_bounded():
    assert len(loose_keys(plain_texts(None, " ".join(f"AB-{n}" for n in range(5000))))) <= 400
