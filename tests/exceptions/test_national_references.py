"""A payment reference of a national scheme pays the invoice that bears it; a wrong check digit pays nothing."""

import pytest

from tests.books import Books
from tests.exceptions.uploads import broken, csv, uploaded

QRR, OGM, KID = "210000000003139471430009017", "090933755493", "2345676"


@pytest.mark.parametrize(
    ("number", "right", "wrong"),
    [
        (QRR, "21 00000 00003 13947 14300 09017", "21 00000 00003 13947 14300 09018"),
        (OGM, "+++090/9337/55493+++", "+++090/9337/55494+++"),
        (KID, "KID 2345676", "KID 2345679"),
    ],
)
def test_right_check_digits_pay_and_wrong_ones_are_a_persons(books: Books, number: str, right: str, wrong: str):
    customer = books.customer("Alpha AG")
    invoice = books.invoice(customer, 5000, "2026-01-01", external_id=number)
    for stranger in ("13947", "9337", "55494", "09018"):
        books.invoice(books.customer(f"Zeta {stranger}"), 5000, "2026-01-01", external_id=stranger)
    (left,) = uploaded(books, csv(f"2026-02-02,50.00,USD,Alpha AG,,{wrong}"))["lines"]
    assert (left["status"], left["reason_code"]) == ("UNMATCHED", "CHECK_DIGITS_WRONG")
    assert left["suggestions"][0]["external_id"] == number
    (paid,) = uploaded(books, csv(f"2026-02-03,50.00,USD,Alpha AG,,{right}"))["lines"]
    assert paid["status"] == "APPLIED"
    assert books.get(f"/v1/invoices/{invoice}")["balance_due_minor"] == 0
    assert broken(books) == []
