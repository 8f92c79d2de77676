"""What ends a deduction that nobody decides: the invoice is settled or void, or the session that stated it is undone."""

from collections.abc import Callable

import pytest

from models.ids import new_id
from tests.books import Books
from tests.cash_desk.desk import Desk, credit_line
from tests.credit_notes.desk import note, settle
from tests.deductions.desk import deduction, disputed, short, stated, status, waiting
from tests.session_lines.desk import apply as apply_items
from tests.session_lines.desk import balance, beside, breaches, item, person


def by_payment(books: Books, customer: str, invoice: str) -> None:
    books.apply(books.pay(customer, 100_00, "2026-02-01"), (invoice, 100_00))


def by_credit_note(books: Books, customer: str, invoice: str) -> None:
    settle(books, note(books, customer, 100_00), (invoice, 100_00))


def by_write_off(books: Books, customer: str, invoice: str) -> None:
    body = {"invoice_id": invoice, "reason_code": "TOO_SMALL"}
    books.do("create_write_off", new_id("wo"), body, person(books, "controller"))


def by_money_and_discount(books: Books, customer: str, invoice: str) -> None:
    payment = books.pay(customer, 99_00, "2026-02-01")
    apply_items(books, payment, item(invoice, 99_00, beside("write_off", 1_00)), by="manager")


def by_void(books: Books, customer: str, invoice: str) -> None:
    books.void(invoice)


@pytest.mark.parametrize("settles", [by_payment, by_credit_note, by_write_off, by_money_and_discount])
def test_whatever_settles_the_invoice_withdraws_its_deductions(
    books: Books, settles: Callable[[Books, str, str], None]
) -> None:
    customer = books.customer()
    invoice, other = (books.invoice(customer, 100_00, "2026-01-05") for _ in range(2))
    found = [stated(books, invoice, 20_00)["id"], stated(books, invoice, 5_00)["id"]]
    untouched = stated(books, other, 5_00)["id"]
    settles(books, customer, invoice)
    assert balance(books, invoice) == ("PAID", 0)
    assert disputed(books, invoice) == (0, 0)
    assert [status(books, d) for d in found] == [("WITHDRAWN", "INVOICE_PAID")] * 2
    assert status(books, untouched) == ("OPEN", None)
    assert waiting(books, "ar_manager") == [untouched]
    events = books.sql(
        "SELECT type FROM outbox_events WHERE org_id = :org AND subject = %(id)s ORDER BY id", id=found[0]
    )
    assert [e["type"] for e in events] == ["deduction.opened", "deduction.withdrawn"]
    assert breaches(books) == {}


def test_a_void_invoice_has_no_deductions(books: Books) -> None:
    invoice = books.invoice(books.customer(), 100_00, "2026-01-05")
    d = stated(books, invoice, 20_00)["id"]
    books.void(invoice)
    assert status(books, d) == ("WITHDRAWN", "INVOICE_VOIDED")
    assert disputed(books, invoice) == (0, 0)
    for subject, action in ((d, "deduction.withdrawn"), (invoice, "invoice.deduction_ended")):
        said = {e["action"]: e for e in books.get("/v1/audit-events", subject_id=subject)["items"]}
        assert said[action]["reason_code"] == "INVOICE_VOIDED"
        assert (said[action]["before"], said[action]["after"]) == ({"status": "OPEN"}, {"status": "WITHDRAWN"})
    (settled,) = books.get("/v1/exceptions", subject_id=d)["items"]
    assert (settled["status"], settled["resolved_by"], settled["resolution_code"]) == (
        "resolved", books.who.sub, "INVOICE_VOIDED",
    )  # fmt: skip
    assert breaches(books) == {}


def test_a_payment_of_a_part_takes_that_part_out_of_the_dispute(books: Books) -> None:
    customer = books.customer()
    invoice = books.invoice(customer, 100_00, "2026-01-05")
    d = stated(books, invoice, 80_00)["id"]
    session = books.apply(books.pay(customer, 60_00, "2026-02-01"), (invoice, 60_00))
    assert (status(books, d), disputed(books, invoice)) == (("OPEN", None), (40_00, 40_00))
    assert books.aging(customer)["disputed_minor"] == 40_00
    books.unapply(session["applications"][0]["id"])
    assert (status(books, d), disputed(books, invoice)) == (("OPEN", None), (100_00, 80_00))
    assert breaches(books) == {}


def test_an_undone_application_takes_its_sessions_deduction_along(books: Books) -> None:
    customer = books.customer()
    one, two = (books.invoice(customer, 100_00, "2026-01-05") for _ in range(2))
    before = stated(books, one, 1_00)["id"]
    session = short(books, books.pay(customer, 170_00, "2026-02-01"), [(one, 90_00), (two, 80_00)],
                    deduction(one, 9_00), deduction(two, 20_00))  # fmt: skip
    of_one, of_two = (d["id"] for d in session["deductions"])
    books.unapply(session["applications"][0]["id"])
    assert status(books, of_one) == ("WITHDRAWN", "SESSION_UNDONE")
    assert [status(books, d) for d in (before, of_two)] == [("OPEN", None)] * 2
    assert (disputed(books, one), disputed(books, two)) == ((100_00, 1_00), (20_00, 20_00))
    assert breaches(books) == {}


def test_a_reversed_payment_takes_all_of_its_deductions_along(books: Books) -> None:
    customer = books.customer()
    one, unpaid = (books.invoice(customer, 100_00, "2026-01-05") for _ in range(2))
    payment = books.pay(customer, 90_00, "2026-02-01")
    session = short(books, payment, [(one, 90_00)], deduction(one, 10_00), deduction(unpaid, 3_00))
    mine = stated(books, unpaid, 2_00)["id"]
    books.reverse(payment)
    assert [status(books, d["id"]) for d in session["deductions"]] == [("WITHDRAWN", "SESSION_UNDONE")] * 2
    assert status(books, mine) == ("OPEN", None)
    assert (disputed(books, one), disputed(books, unpaid)) == ((100_00, 0), (100_00, 2_00))
    assert breaches(books) == {}


def test_a_bank_line_that_pays_what_is_due_withdraws_it(books: Books) -> None:
    customer = books.customer("Acme Ltd")
    invoice = books.invoice(customer, 100_00, "2026-01-05", external_id="INV-4711")
    session = short(books, books.pay(customer, 90_00, "2026-02-01"), [(invoice, 90_00)], deduction(invoice, 10_00))
    desk = Desk(books.engine, books.org)
    desk.work_off(desk.statement([credit_line(10_00, "INV-4711", "2026-02-12")]))
    assert status(books, session["deductions"][0]["id"]) == ("WITHDRAWN", "INVOICE_PAID")
    assert breaches(books) == {}
