"""A payer who says what is paid of each document is believed where the sums are the credit and nothing speaks against it."""

from typing import Any

import pytest

from tests.books import Books
from tests.exceptions.uploads import camt, detail, entry, open_exceptions, uploaded


def document(number: str, amount: str, currency: str = "USD") -> str:
    return (
        f"<Strd><RfrdDocInf><Nb>{number}</Nb></RfrdDocInf><RfrdDocAmt>"
        f'<RmtdAmt Ccy="{currency}">{amount}</RmtdAmt></RfrdDocAmt></Strd>'
    )


def paid(books: Books, amount: str, *documents: str, payer: str = "") -> dict[str, Any]:
    made = uploaded(books, camt(entry(amount, detail(payer=payer, more=f"<RmtInf>{''.join(documents)}</RmtInf>"))))
    return dict(made["lines"][0])


def balances(books: Books, *invoices: str) -> list[int]:
    return [books.get(f"/v1/invoices/{i}")["balance_due_minor"] for i in invoices]


def two(books: Books) -> tuple[str, str]:
    customer = books.customer("Alpha AG")
    one = books.invoice(customer, 10000, "2026-01-01", external_id="INV-1")
    return one, books.invoice(customer, 8000, "2026-01-01", external_id="INV-2")


def test_each_invoice_is_paid_what_the_payer_says(books: Books):
    invoices = two(books)
    line = paid(books, "150.00", document("INV-1", "100.00"), document("INV-2", "50.00"))
    assert (line["status"], balances(books, *invoices), open_exceptions(books)) == ("APPLIED", [0, 3000], [])


@pytest.mark.parametrize(
    ("amount", "documents", "payer"),
    [("150.00", [document("INV-1", "100.00"), document("INV-2", "40.00")], ""),
     ("190.00", [document("INV-1", "100.00"), document("INV-2", "90.00")], ""),
     ("150.00", [document("INV-1", "100.00"), document("INV-9", "50.00")], ""),
     ("150.00", [document("INV-1", "100.00"), document("INV-2", "50.00", "EUR")], ""),
     ("150.00", [document("INV-1", "75.00"), document("INV-1", "75.00")], ""),
     ("150.00", [document("INV-1", "100.00"), document("INV-2", "50.00")], "Beta Ltd"),
     ("150.00", [document("INV-1", "100.00"), document("INV-2", "50.00"), "<Ustrd>and INV-77</Ustrd>"], "")],
    ids=["other sums", "more than is due", "one unknown", "another currency", "twice the same", "a stranger pays",
         "one more named"],
)  # fmt: skip
def test_where_anything_speaks_against_it_a_person_decides(books: Books, amount: str, documents: list[str], payer: str):
    invoices = two(books)
    books.customer("Beta Ltd")
    assert paid(books, amount, *documents, payer=payer)["status"] == "UNMATCHED"
    assert balances(books, *invoices) == [10000, 8000]
