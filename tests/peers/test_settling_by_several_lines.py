"""Published figures of other products for invoices that are settled by money and by something beside it, to the cent.

Each row says where it was published. Facts only: amounts, dates, and what was left.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from models.errors import Refusal
from tests.books import Books
from tests.session_lines.desk import apply, balance, beside, item, posted

D365 = "learn.microsoft.com/dynamics365/finance/accounts-receivable"


@dataclass(frozen=True)
class Row:
    """An invoice of `total` with `percent` for `days`; of a payment `after` days, `applied` with `beside` leaves `left`."""

    source: str
    total: int
    percent: str
    days: int
    after: int
    applied: int
    beside: tuple[tuple[str, int], ...]
    left: int
    by: str = "manager"


TOLERANCE = "Business Central, tests of payment application and tolerance"
DISCOUNT = "Business Central, tests of payment discounts"
ROWS = [
    Row(f"{TOLERANCE}: 5 % accepted", 100_00, "1", 1, 30, 95_00, (("write_off", 5_00),), 0),
    Row(f"{TOLERANCE}: declined", 100_00, "1", 1, 30, 95_00, (), 5_00),
    Row(f"{DISCOUNT}: discounted, on time", 100_00, "2", 10, 10, 98_00, (("discount", 2_00),), 0, "clerk"),
    Row(f"{DISCOUNT}: full, on time", 100_00, "2", 10, 10, 100_00, (), 0, "clerk"),
    Row(f"{DISCOUNT}: discounted, a day late", 100_00, "2", 10, 11, 98_00, (), 2_00, "clerk"),
    Row(f"{DISCOUNT}: full, a day late", 100_00, "2", 10, 11, 100_00, (), 0, "clerk"),
    Row(f"{D365}: a partial amount takes its part", 100_00, "2", 14, 7, 49_00, (("discount", 1_00),), 50_00, "clerk"),
    Row(f"{D365}: 0.10 short is within limits", 1_000_00, "1", 1, 30, 999_90, (("write_off", 10),), 0, "clerk"),
    Row(f"{D365}/settle-partial-customer-payment-before-discount-or-final-payment-after: first", 1_000_00, "1", 14, 7,
        297_00, (("discount", 3_00),), 700_00, "clerk"),
    Row(f"{D365}/settle-partial-customer-payment-multiple-discount-periods: 2 % until June 30", 1_000_00, "2", 5, 5, 980_00,
        (("discount", 20_00),), 0, "clerk"),
    Row(f"{D365}/settle-partial-customer-payment-multiple-discount-periods: 1 % until July 9", 1_000_00, "1", 14, 14, 990_00,
        (("discount", 10_00),), 0, "clerk"),
    Row(f"{D365}/settle-partial-customer-payment-multiple-discount-periods: nothing after", 1_000_00, "1", 14, 15, 1_000_00,
        (), 0, "clerk"),
    Row("odoo.com/documentation, cash discounts: 2 % within seven days", 100_00, "2", 7, 7, 98_00, (("discount", 2_00),), 0,
        "clerk"),
    Row("odoo.com/documentation, cash discounts: after that the full 100", 100_00, "2", 7, 8, 100_00, (), 0, "clerk"),
]  # fmt: skip


def invoiced(books: Books, total: int, percent: str, days: int, **fields: Any) -> tuple[str, str]:
    """A customer and an invoice of 2026-01-01 on these terms."""
    body = {"code": "T", "days": 30, "discount_percent": percent, "discount_days": days}
    assert books.api("controller").post("/v1/payment-terms", body).status_code == 201
    customer = books.customer()
    return customer, books.invoice(customer, total, "2026-01-01", payment_terms="T", **fields)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.source)
def test_one_invoice(books: Books, row: Row) -> None:
    customer, invoice = invoiced(books, row.total, row.percent, row.days)
    payment = books.pay(customer, row.applied, f"2026-01-{1 + row.after:02}")
    adjustments = [beside(kind, minor) for kind, minor in row.beside]
    done = apply(books, payment, item(invoice, row.applied, *adjustments), by=row.by)
    assert balance(books, invoice) == ("PAID" if row.left == 0 else "PARTIALLY_PAID", row.left)
    assert done["status"] == "FULLY_APPLIED"


@pytest.mark.parametrize(("total", "percent", "paid", "more"), [
    (100_00, "2", 49_00, 1_01), (100_00, "2", 98_00, 2_01), (1_000_00, "1", 297_00, 3_01), (105_00, "10", 94_50, 10_51),
])  # fmt: skip
def test_a_cent_beyond_the_published_discount_is_not_earned(
    books: Books, total: int, percent: str, paid: int, more: int
) -> None:
    customer, invoice = invoiced(books, total, percent, 14)
    payment = books.pay(customer, paid, "2026-01-05")
    with pytest.raises(Refusal) as no:
        apply(books, payment, item(invoice, paid, beside("discount", more)), overpayment="unapplied")
    assert no.value.code in ("DISCOUNT_NOT_EARNED", "APPLIED_EXCEEDS_BALANCE")


def test_after_the_date_the_rest_takes_none(books: Books) -> None:
    """settle-partial-customer-payment-before-discount-or-final-payment-after: 297.00 took 3.00, the last 700.00 are full."""
    customer, invoice = invoiced(books, 1_000_00, "1", 14)
    apply(books, books.pay(customer, 297_00, "2026-01-08"), item(invoice, 297_00, beside("discount", 3_00)))
    late = books.pay(customer, 700_00, "2026-01-17")
    with pytest.raises(Refusal) as no:
        apply(books, late, item(invoice, 693_00, beside("discount", 7_00)), overpayment="unapplied")
    assert (no.value.code, no.value.extra["allowed_minor"]) == ("DISCOUNT_NOT_EARNED", 0)
    apply(books, late, item(invoice, 700_00))
    assert balance(books, invoice) == ("PAID", 0)


@pytest.mark.parametrize(("applied", "discount", "word", "credit"), [
    (94_50, 10_50, "unapplied", 50),  # first scenario: the rest stays on the payment
    (94_50, 10_50, "customer_credit", 50),  # second: it is put aside
    (95_00, 10_00, None, 0),  # third: the discount is reduced by it
])  # fmt: skip
def test_an_overpayment_with_a_discount(
    books: Books, applied: int, discount: int, word: str | None, credit: int
) -> None:
    """Dynamics 365, cash discount handling for overpayments: 105.00 less 10.50, paid 95.00. Its third scenario posts 10.50
    where its text says 10.00; the text is what adds up."""
    customer, invoice = invoiced(books, 105_00, "10", 14)
    payment = books.pay(customer, 95_00, "2026-01-05")
    line = item(invoice, applied, beside("discount", discount))
    if word:
        with pytest.raises(Refusal) as no:
            apply(books, payment, line)
        assert (no.value.code, no.value.extra["open_balance_minor"]) == ("OVERPAYMENT_REQUIRES_CREDIT", 94_50)
    done = apply(books, payment, line, overpayment=word)
    assert balance(books, invoice) == ("PAID", 0)
    assert done["unapplied_minor"] == credit


@pytest.mark.parametrize(("on", "discounts", "paid"), [
    ("2026-06-29", (0, 10_00, 20_00), 2_970_00),
    ("2026-07-05", (0, 10_00, 10_00), 2_980_00),
])  # fmt: skip
def test_one_payment_for_several_invoices_with_their_own_terms(
    books: Books, on: str, discounts: tuple[int, ...], paid: int
) -> None:
    """customer-payment-settle-multiple-invoices-multiple-discount-periods: three of 1,000.00; of the first the discount is
    over, the second gives 1 %, the third 2 % for five days and 1 % for fourteen (here: two terms, by when it is paid)."""
    customer = books.customer()
    third = ("2", 5) if on == "2026-06-29" else ("1", 14)
    lines = []
    for n, (issued, (percent, days)) in enumerate(
        [("2026-05-15", ("1", 14)), ("2026-06-25", ("1", 14)), ("2026-06-25", third)]
    ):
        body = {"code": f"T{n}", "days": 30, "discount_percent": percent, "discount_days": days}
        assert books.api("controller").post("/v1/payment-terms", body).status_code == 201
        invoice = books.invoice(customer, 1_000_00, issued, payment_terms=f"T{n}")
        gone = [beside("discount", discounts[n])] if discounts[n] else []
        lines.append(item(invoice, 1_000_00 - discounts[n], *gone))
    done = apply(books, books.pay(customer, paid, on), *lines)
    assert [i["status"] for i in done["invoices"]] == ["PAID"] * 3
    assert done["status"] == "FULLY_APPLIED"


def test_realised_exchange_on_a_settled_invoice(books: Books) -> None:
    """Dynamics 365, centralized payments: EUR 600.00 invoiced at 1.2062, paid at 1.2277: a gain of 12.90 USD."""
    customer = books.customer()
    books.rate("EUR", "USD", "2026-06-01", "1.2062")
    books.rate("EUR", "USD", "2026-07-01", "1.2277")
    invoice = books.invoice(customer, 600_00, "2026-06-01", currency="EUR")
    done = books.apply(books.pay(customer, 600_00, "2026-07-01", "EUR"), (invoice, 600_00))
    assert posted(books, done["journal_entry_id"])["fx_gain_loss"] == -12_90
