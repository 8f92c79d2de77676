"""Published figures of Odoo and ERPNext: early-payment discounts with their tax, write-offs, exchange differences, to the cent.

Odoo 18, addons/account/tests: test_early_payment_discount.py (10 % within ten days of 2019-01-01) and
test_account_payment_register.py. ERPNext 14, accounts/doctype/payment_entry/test_payment_entry.py. Facts only: amounts, rates,
and what was posted. Where theirs are a supplier's bill, the same figures stand here for a customer's invoice.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from models.errors import Refusal
from tests.books import Books
from tests.session_lines.desk import apply, balance, beside, breaches, item, posted

ISSUED = "2026-01-01"
UK = {"currency": "GBP", "legal_entity_id": "le_uk"}


@dataclass(frozen=True)
class Discounted:
    """An invoice of `total` with `tax` in it, paid by `paid` and a discount of `discount`, `tax_back` of which is tax."""

    source: str
    total: int
    tax: int
    paid: int
    discount: int
    tax_back: int
    by: str = "clerk"


WITH_TAX = [
    Discounted("Odoo: single out invoice with tax", 1_725_00, 225_00, 1_552_50, 172_50, 22_50),
    Discounted("Odoo: fixed tax 1", 1_725_05, 225_05, 1_552_55, 172_50, 22_50),
    Discounted("Odoo: fixed tax 2", 57_55, 7_55, 51_80, 5_75, 75),
    Discounted("Odoo: a taxed and an untaxed line", 3_150_00, 150_00, 2_835_00, 315_00, 15_00),
    Discounted("ERPNext: payment terms with discount, loss on tax", 236_00, 36_00, 212_40, 23_60, 3_60),
    Discounted("ERPNext: discount of an amount, loss on tax", 236_00, 36_00, 186_00, 50_00, 7_63, "manager"),
]
WITHOUT_TAX = [
    Discounted("Odoo: single invoice", 1_000_00, 0, 900_00, 100_00, 0),
    Discounted("Odoo: mixed, tax on the reduced base", 1_135_00, 135_00, 1_035_00, 100_00, 0),
    Discounted("ERPNext: payment terms with discount, no loss on tax", 236_00, 36_00, 212_40, 23_60, 0),
    Discounted("ERPNext: discount of an amount", 236_00, 36_00, 186_00, 50_00, 0, "manager"),
]


def terms(books: Books) -> str:
    body = {"code": "10-10", "days": 30, "discount_percent": "10", "discount_days": 10}
    assert books.api("controller").post("/v1/payment-terms", body).status_code == 201
    return "10-10"


@pytest.mark.parametrize("row", WITH_TAX, ids=lambda r: r.source)
def test_a_discount_takes_its_tax_along(books: Books, row: Discounted) -> None:
    customer = books.customer(entity="le_uk")
    invoice = books.invoice(customer, row.total, ISSUED, tax_minor=row.tax, payment_terms=terms(books), **UK)
    payment = books.pay(customer, row.paid, "2026-01-02", "GBP", legal_entity_id="le_uk")
    done = apply(books, payment, item(invoice, row.paid, beside("discount", row.discount)), by=row.by)
    assert posted(books, done["journal_entry_id"]) == {
        "cash": row.paid, "sales_discounts": row.discount - row.tax_back, "tax_payable": row.tax_back,
        "accounts_receivable": -row.total,
    }  # fmt: skip
    assert balance(books, invoice) == ("PAID", 0)


@pytest.mark.parametrize("row", WITHOUT_TAX, ids=lambda r: r.source)
def test_a_discount_that_leaves_the_tax(books: Books, row: Discounted) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, row.total, ISSUED, tax_minor=row.tax, payment_terms=terms(books))
    done = apply(
        books, books.pay(customer, row.paid, "2026-01-02"), item(invoice, row.paid, beside("discount", row.discount)),
        by=row.by,
    )  # fmt: skip
    assert posted(books, done["journal_entry_id"]) == {
        "cash": row.paid, "sales_discounts": row.discount, "accounts_receivable": -row.total,
    }  # fmt: skip


def test_erpnext_past_the_date_the_whole_is_due(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 236_00, ISSUED, tax_minor=36_00, payment_terms=terms(books))
    late = books.pay(customer, 236_00, "2026-01-12")
    with pytest.raises(Refusal) as no:
        apply(books, late, item(invoice, 212_40, beside("discount", 23_60)), overpayment="unapplied")
    assert (no.value.code, no.value.extra["allowed_minor"]) == ("DISCOUNT_NOT_EARNED", 0)
    apply(books, late, item(invoice, 236_00))
    assert balance(books, invoice) == ("PAID", 0)


@pytest.mark.parametrize(("invoices", "discounts", "paid", "issued"), [
    ((1_000_00, 2_000_00), (100_00, 200_00), 2_700_00, (ISSUED, ISSUED)),  # batch, included
    ((1_150_00, 2_000_00), (100_00, 200_00), 2_850_00, (ISSUED, ISSUED)),  # batch, excluded
    ((1_135_00, 2_000_00), (100_00, 200_00), 2_835_00, (ISSUED, ISSUED)),  # batch, mixed
    ((1_135_00, 2_000_00), (0, 200_00), 2_935_00, ("2025-01-01", ISSUED)),  # batch, mixed, one too late
], ids=["included", "excluded", "mixed", "one too late"])  # fmt: skip
def test_odoo_one_payment_for_two(
    books: Books, invoices: tuple[int, ...], discounts: tuple[int, ...], paid: int, issued: tuple[str, ...]
) -> None:
    customer, code = books.customer(), terms(books)
    lines = []
    for total, discount, day in zip(invoices, discounts, issued, strict=True):
        invoice = books.invoice(customer, total, day, payment_terms=code)
        gone = [beside("discount", discount)] if discount else []
        lines.append(item(invoice, total - discount, *gone))
    done = apply(books, books.pay(customer, paid, "2026-01-01"), *lines)
    assert [i["status"] for i in done["invoices"]] == ["PAID", "PAID"]
    assert posted(books, done["journal_entry_id"]) == {
        "cash": paid, "sales_discounts": sum(discounts), "accounts_receivable": -sum(invoices),
    }  # fmt: skip


def abroad(books: Books, totals: tuple[int, ...], invoiced_at: str, paid_at: str) -> tuple[str, list[str]]:
    """A customer with invoices in EUR, at a rate of their own; the payment's day has another."""
    customer = books.customer()
    books.rate("EUR", "USD", ISSUED, invoiced_at)
    books.rate("EUR", "USD", "2026-01-05", paid_at)
    return customer, [books.invoice(customer, total, ISSUED, currency="EUR", payment_terms="T") for total in totals]


def any_terms(books: Books) -> None:
    body = {"code": "T", "days": 30, "discount_percent": "10", "discount_days": 10}
    assert books.api("controller").post("/v1/payment-terms", body).status_code == 201


@dataclass(frozen=True)
class Exchanged:
    """An invoice of 100.00 at a rate of 50, of which `applied` with `beside` is paid at `rate`: what is posted, what is left."""

    source: str
    rate: str
    applied: int
    beside: tuple[dict[str, Any], ...]
    entry: dict[str, int]
    left: int


EXCHANGED = [
    Exchanged("ERPNext: USD to USD", "50", 100_00, (), {"cash": 5_000_00, "accounts_receivable": -5_000_00}, 0),
    Exchanged("ERPNext: USD to INR, 900 for 20", "45", 20_00, (),
              {"cash": 900_00, "fx_gain_loss": 100_00, "accounts_receivable": -1_000_00}, 80_00),
    Exchanged("ERPNext: exchange gain", "55", 100_00, (),
              {"cash": 5_500_00, "fx_gain_loss": -500_00, "accounts_receivable": -5_000_00}, 0),
    Exchanged("ERPNext: early payment discount, base currency", "50", 90_00, (beside("discount", 10_00),),
              {"cash": 4_500_00, "sales_discounts": 500_00, "accounts_receivable": -5_000_00}, 0),
    Exchanged("ERPNext: early payment discount and exchange loss", "46.6666666667", 90_00, (beside("discount", 10_00),),
              {"cash": 4_200_00, "sales_discounts": 500_00, "fx_gain_loss": 300_00, "accounts_receivable": -5_000_00}, 0),
]  # fmt: skip


@pytest.mark.parametrize("row", EXCHANGED, ids=lambda r: r.source)
def test_an_invoice_abroad(books: Books, row: Exchanged) -> None:
    any_terms(books)
    customer, [invoice] = abroad(books, (100_00,), "50", row.rate)
    payment = books.pay(customer, row.applied, "2026-01-05", "EUR")
    done = apply(books, payment, item(invoice, row.applied, *row.beside))
    assert posted(books, done["journal_entry_id"]) == row.entry
    assert balance(books, invoice) == ("PARTIALLY_PAID" if row.left else "PAID", row.left)


def test_erpnext_a_cancelled_payment_opens_the_invoice_again(books: Books) -> None:
    """payment against sales invoice to check status: Paid with 0, then Unpaid with 100."""
    any_terms(books)
    customer, [invoice] = abroad(books, (100_00,), "50", "50")
    payment = books.pay(customer, 100_00, "2026-01-05", "EUR")
    apply(books, payment, item(invoice, 100_00))
    assert balance(books, invoice) == ("PAID", 0)
    books.reverse(payment, "2026-01-06")
    assert balance(books, invoice) == ("OPEN", 100_00)
    assert breaches(books) == {}


def test_erpnext_ten_too_much_stay_unallocated_and_five_too_little_are_written_off(books: Books) -> None:
    customer = books.customer()
    first, second = (books.invoice(customer, 100_00, ISSUED) for _ in range(2))
    done = apply(books, books.pay(customer, 110_00, "2026-01-05"), item(first, 100_00), overpayment="unapplied")
    assert done["unapplied_minor"] == 10_00
    done = apply(
        books, books.pay(customer, 95_00, "2026-01-05"), item(second, 95_00, beside("write_off", 5_00)), by="manager"
    )
    assert posted(books, done["journal_entry_id"]) == {
        "cash": 95_00, "write_off": 5_00, "accounts_receivable": -100_00,
    }  # fmt: skip


@pytest.mark.parametrize(("paid", "lines", "entry", "unapplied"), [
    (800_00, ((800_00, 0), (0, 0)), {"cash": 400_00, "accounts_receivable": -400_00}, 0),  # kept open
    (3_100_00, ((1_000_00, 0), (2_000_00, 0)),
     {"cash": 1_550_00, "accounts_receivable": -1_500_00, "unapplied_cash": -50_00}, 100_00),  # kept open, more than due
    (800_00, ((400_00, 600_00), (400_00, 1_600_00)),
     {"cash": 400_00, "write_off": 1_100_00, "accounts_receivable": -1_500_00}, 0),  # the rest is written off
], ids=["kept open", "more than is due", "written off"])  # fmt: skip
def test_odoo_a_payment_of_two_invoices_at_half_the_rate(
    books: Books, paid: int, lines: tuple[tuple[int, int], ...], entry: dict[str, int], unapplied: int
) -> None:
    any_terms(books)
    customer, invoices = abroad(books, (1_000_00, 2_000_00), "0.5", "0.5")
    items = [
        item(invoice, applied, *([beside("write_off", rest)] if rest else []))
        for invoice, (applied, rest) in zip(invoices, lines, strict=True)
        if applied
    ]
    word = "unapplied" if unapplied else None
    done = apply(books, books.pay(customer, paid, "2026-01-05", "EUR"), *items, by="controller", overpayment=word)
    assert posted(books, done["journal_entry_id"]) == entry
    assert done["unapplied_minor"] == unapplied
