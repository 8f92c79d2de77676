"""What sessions of several invoices, and across currencies, leave behind: worth to the last unit, a trail per invoice."""

from collections.abc import Iterator
from typing import Any

import pytest

from operations.verify import verify
from tests.books import Books
from tests.cash_desk.books import wrong


@pytest.fixture
def euros(books: Books) -> Iterator[Books]:
    """Books of a dollar entity with euros that are worth more when they are paid than when they are invoiced."""
    books.rate("EUR", "USD", "2026-01-05", "1.1111")
    books.rate("EUR", "USD", "2026-01-15", "1.2345")
    yield books
    assert wrong(books.owner_url, books.org) == []
    assert [f.breaches for f in verify(books.engine, books.org) if not f.ok] == []


def worth_left(books: Books, payment: str) -> int:
    """What the payment's unapplied money is worth in the books."""
    (row,) = books.sql(
        "SELECT functional_available_minor AS worth FROM payments WHERE org_id = :org AND id = %(p)s", p=payment
    )
    return int(row["worth"])


def posted(books: Books, payment: str) -> dict[str, int]:
    """What each account got from the payment, in dollars."""
    rows = books.sql(
        "SELECT l.account, sum(l.functional_debit_minor - l.functional_credit_minor)::bigint AS minor FROM journal_lines l "
        "JOIN journal_entries e ON e.org_id = l.org_id AND e.id = l.entry_id WHERE l.org_id = :org AND e.source_id = %(p)s "
        "GROUP BY 1",
        p=payment,
    )
    return {r["account"]: r["minor"] for r in rows if r["minor"]}


@pytest.mark.parametrize("sessions", [1, 3])
def test_a_foreign_payment_over_several_invoices_is_used_up_to_the_last_unit(euros: Books, sessions: int) -> None:
    customer = euros.customer()
    invoices = [euros.invoice(customer, 31, "2026-01-05", currency="EUR") for _ in range(3)]
    payment = euros.pay(customer, 93, "2026-01-15", "EUR")  # 1.15 dollars: three rounded thirds are a cent less
    lines = [(i, 31) for i in invoices]
    if sessions == 1:
        euros.apply(payment, *lines)
    else:
        for line in lines:
            euros.apply(payment, line, overpayment="unapplied")
    assert worth_left(euros, payment) == 0
    assert posted(euros, payment) == {"cash": 115, "accounts_receivable": -102, "fx_gain_loss": -13}


def test_what_is_unapplied_is_worth_what_it_was_received_at(euros: Books) -> None:
    customer = euros.customer()
    invoice = euros.invoice(customer, 1000, "2026-01-05", currency="EUR")  # 11.11 dollars
    payment = euros.pay(customer, 1000, "2026-01-15", "EUR")  # 12.34 dollars (half-even)
    applied = euros.apply(payment, (invoice, 600), overpayment="unapplied")
    before = worth_left(euros, payment)
    euros.unapply(applied["applications"][0]["id"])
    assert worth_left(euros, payment) == 1234 == before + 740
    assert posted(euros, payment) == {"cash": 1234, "unapplied_cash": -1234}
    euros.apply(payment, (invoice, 1000), external_id="again")
    assert worth_left(euros, payment) == 0
    assert posted(euros, payment) == {"cash": 1234, "accounts_receivable": -1111, "fx_gain_loss": -123}


def test_each_invoice_of_a_session_has_its_own_event(books: Books) -> None:
    customer = books.customer()
    invoices = [books.invoice(customer, total, "2026-01-05") for total in (300, 200, 500)]
    payment = books.pay(customer, 900, "2026-01-15")
    done = books.apply(payment, *zip(invoices, (300, 200, 400), strict=True))
    ids = {a["invoice_id"]: a["id"] for a in done["applications"]}
    for invoice, before, after in zip(invoices, (300, 200, 500), (0, 0, 100), strict=True):
        (said,) = trail(books, invoice, "invoice.payment_applied")
        assert said == {
            "payment_id": payment, "application_id": ids[invoice],
            "before": {"balance_due_minor": before}, "after": {"balance_due_minor": after},
        }  # fmt: skip
    books.reverse(payment)
    for invoice, before, after in zip(invoices, (0, 0, 100), (300, 200, 500), strict=True):
        (said,) = trail(books, invoice, "invoice.payment_reversed")
        assert (said["application_id"], said["before"], said["after"]) == (
            ids[invoice], {"balance_due_minor": before}, {"balance_due_minor": after},
        )  # fmt: skip


def trail(books: Books, subject: str, action: str) -> list[dict[str, Any]]:
    sql = (
        "SELECT payload::jsonb AS payload FROM audit_events WHERE org_id = :org AND subject_id = %(s)s AND action = %(a)s "
        "ORDER BY seq"
    )
    return [r["payload"] for r in books.sql(sql, s=subject, a=action)]


def test_what_is_undone_before_it_counted_never_counts(books: Books) -> None:
    """Paid before it was issued, undone for a day between the two: an application counts from the issue date, and is
    undone no earlier than that."""
    customer = books.customer()
    invoice = books.invoice(customer, 100, "2026-02-10")
    payment = books.pay(customer, 100, "2026-02-01")
    applied = books.apply(payment, (invoice, 100))
    books.unapply(applied["applications"][0]["id"], "2026-02-05")
    (row,) = books.sql("SELECT effective_date, undone_date FROM payment_applications WHERE org_id = :org")
    assert (str(row["effective_date"]), str(row["undone_date"])) == ("2026-02-10", "2026-02-10")
    for day, open_minor, unapplied in (("2026-02-04", 0, 100), ("2026-02-07", 0, 100), ("2026-02-10", 100, 100)):
        found = books.aging(customer, as_of=day)
        assert (found["current_minor"], found["unapplied_minor"]) == (open_minor, unapplied), day
    assert wrong(books.owner_url, books.org) == []
    assert [f.breaches for f in verify(books.engine, books.org) if not f.ok] == []
