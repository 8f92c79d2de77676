"""Microsoft Business Central: payment tolerance and payment discount tolerance, the two tables of its documentation.

Source: learn.microsoft.com/dynamics365/business-central/finance-payment-tolerance-and-payment-discount-tolerance, example 1 (one
document, 15 scenarios) and example 2 (two documents, 30 scenarios). Facts: amounts, dates, and what closes.

How its words are ours: a discount in time is earned; one within the grace period is earned where the organisation grants the
grace days and the clerk takes it ("A": accept the late discount), else nothing is taken ("B"); a short payment within tolerance
is a write-off in the session. Where it posts an overpayment as a negative tolerance (a gain), we keep the money as the customer's
credit: it is his until he gives it up. Where it leaves a rest on the payment or the invoice, so do we. It grants the whole
discount to a payment that is short by the tolerance too; with us a payment earns what it pays for (975.00 earn 19.90 of 20.00),
and the rest is within a manager's authority: those rows are a manager's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.books import Books
from tests.session_lines.desk import apply, balance, beside, breaches, item

ISSUED = "2003-01-01"
IN_TIME, GRACE, LATE = "2003-01-15", "2003-01-20", "2003-01-21"


@dataclass(frozen=True)
class Case:
    """A published row: in units. `takes`: the discount the clerk accepts, per document."""

    row: str
    paid: int
    on: str
    takes: tuple[int, ...]
    tolerated: tuple[int, ...]
    left_on_invoices: int = 0
    left_on_payment: int = 0


ONE = [
    Case("1", 985, IN_TIME, (20,), (0,), left_on_payment=5),
    Case("2", 980, IN_TIME, (20,), (0,)),
    Case("3", 975, IN_TIME, (20,), (5,)),
    Case("4A", 1005, GRACE, (20,), (0,), left_on_payment=25),
    Case("5A", 1000, GRACE, (20,), (0,), left_on_payment=20),
    Case("6A", 995, GRACE, (20,), (0,), left_on_payment=15),
    Case("4B", 1005, GRACE, (0,), (0,), left_on_payment=5),
    Case("5B", 1000, GRACE, (0,), (0,)),
    Case("6B", 995, GRACE, (0,), (5,)),
    Case("7", 985, GRACE, (20,), (0,), left_on_payment=5),
    Case("8", 980, GRACE, (20,), (0,)),
    Case("9", 975, GRACE, (20,), (5,)),
    Case("10", 1005, LATE, (0,), (0,), left_on_payment=5),
    Case("11", 1000, LATE, (0,), (0,)),
    Case("12", 995, LATE, (0,), (5,)),
    Case("13", 985, LATE, (0,), (0,), left_on_invoices=15),
    Case("14", 980, LATE, (0,), (0,), left_on_invoices=20),
    Case("15", 975, LATE, (0,), (0,), left_on_invoices=25),
]

# Two invoices of 1,000: 6 % until the 15th, 3 % until the 17th; five days of grace.
FIRST, BOTH_GRACE, SECOND_GRACE, OVER = "2003-01-15", "2003-01-17", "2003-01-20", "2003-01-23"
TWO = [
    Case("1", 1920, FIRST, (60, 30), (0, 0), left_on_payment=10),
    Case("2", 1910, FIRST, (60, 30), (0, 0)),
    Case("3", 1900, FIRST, (60, 30), (5, 5)),
    Case("4B", 1980, BOTH_GRACE, (0, 30), (0, 0), left_on_payment=10),
    Case("5B", 1970, BOTH_GRACE, (0, 30), (0, 0)),
    Case("6B", 1960, BOTH_GRACE, (0, 30), (5, 5)),
    Case("7A", 1920, BOTH_GRACE, (60, 30), (0, 0), left_on_payment=10),
    Case("8A", 1910, BOTH_GRACE, (60, 30), (0, 0)),
    Case("9A", 1900, BOTH_GRACE, (60, 30), (5, 5)),
    Case("10B", 2010, SECOND_GRACE, (0, 0), (0, 0), left_on_payment=10),
    Case("11B", 2000, SECOND_GRACE, (0, 0), (0, 0)),
    Case("12B", 1990, SECOND_GRACE, (0, 0), (5, 5)),
    Case("13D", 1980, SECOND_GRACE, (0, 30), (0, 0), left_on_payment=10),
    Case("14D", 1970, SECOND_GRACE, (0, 30), (0, 0)),
    Case("15D", 1960, SECOND_GRACE, (0, 30), (5, 5)),
    Case("16D", 1950, SECOND_GRACE, (60, 0), (0, 0), left_on_payment=10),
    Case("17D", 1940, SECOND_GRACE, (60, 0), (0, 0)),
    Case("18D", 1930, SECOND_GRACE, (60, 0), (5, 5)),
    Case("19A", 1920, SECOND_GRACE, (60, 30), (0, 0), left_on_payment=10),
    Case("20A", 1910, SECOND_GRACE, (60, 30), (0, 0)),
    Case("21A", 1900, SECOND_GRACE, (60, 30), (5, 5)),
    Case("22B", 2010, "2003-01-22", (0, 0), (0, 0), left_on_payment=10),
    Case("23B", 2000, "2003-01-22", (0, 0), (0, 0)),
    Case("24B", 1990, "2003-01-22", (0, 0), (5, 5)),
    Case("25A", 1980, "2003-01-22", (0, 30), (0, 0), left_on_payment=10),
    Case("26A", 1970, "2003-01-22", (0, 30), (0, 0)),
    Case("27A", 1960, "2003-01-22", (0, 30), (5, 5)),
    Case("28", 2010, OVER, (0, 0), (0, 0), left_on_payment=10),
    Case("29", 2000, OVER, (0, 0), (0, 0)),
    Case("30", 1990, OVER, (0, 0), (5, 5)),
]


def setting_up(books: Books, discounts: Sequence[tuple[str, int]]) -> tuple[str, list[str]]:
    """A customer with an invoice of 1,000.00 per discount, and five days of grace."""
    controller = books.api("controller")
    assert controller.request("PATCH", "/v1/settings", json={"discount_grace_days": 5}).status_code == 200
    customer, invoices = books.customer(), []
    for percent, days in discounts:
        body = {"code": f"T{percent}", "days": 30, "discount_percent": percent, "discount_days": days}
        assert controller.post("/v1/payment-terms", body).status_code == 201
        invoices.append(books.invoice(customer, 1000_00, ISSUED, payment_terms=f"T{percent}"))
    return customer, invoices


def settle(books: Books, customer: str, invoices: list[str], case: Case) -> None:
    """The session that the row describes, and that it leaves what the row says."""
    payment = books.pay(customer, case.paid * 100, case.on)
    left, lines = case.paid * 100, []
    for invoice, takes, tolerated in zip(invoices, case.takes, case.tolerated, strict=True):
        gone = [beside("discount", takes * 100)] * bool(takes) + [beside("write_off", tolerated * 100)] * bool(
            tolerated
        )
        money = min(left, 1000_00 - (takes + tolerated) * 100)
        left -= money
        lines.append(item(invoice, money, *gone))
    by = "manager" if any(case.takes) and any(case.tolerated) else "clerk"
    done = apply(books, payment, *lines, by=by, overpayment="customer_credit")
    assert (done["status"], left) == ("PARTIALLY_APPLIED" if left else "FULLY_APPLIED", case.left_on_payment * 100)
    assert sum(balance(books, i)[1] for i in invoices) == case.left_on_invoices * 100
    assert sum(a["amount_minor"] for a in done["adjustments"]) == (sum(case.takes) + sum(case.tolerated)) * 100
    aging = books.aging(customer, as_of="2003-01-31")
    assert (aging["credits_minor"], aging["current_minor"]) == (case.left_on_payment * 100, case.left_on_invoices * 100)


@pytest.mark.parametrize("case", ONE, ids=lambda c: c.row)
def test_one_document(books: Books, case: Case) -> None:
    customer, invoices = setting_up(books, [("2", 14)])
    settle(books, customer, invoices, case)


@pytest.mark.parametrize("case", TWO, ids=lambda c: c.row)
def test_two_documents(books: Books, case: Case) -> None:
    customer, invoices = setting_up(books, [("6", 14), ("3", 16)])
    settle(books, customer, invoices, case)


def test_the_books_of_such_a_customer_hold(books: Books) -> None:
    for case in (ONE[2], ONE[8], ONE[15], ONE[3]):
        settle(books, *setting_up(books, [("2", 14)]), case)
    settle(books, *setting_up(books, [("6", 14), ("3", 16)]), TWO[2])
    assert breaches(books) == {}
