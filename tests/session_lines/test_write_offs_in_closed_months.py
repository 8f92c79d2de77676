"""Write-offs on their own where the month of the day is closed: dated in the next open one, in every report."""

from datetime import date

from models.ids import new_id
from tests.books import Books, today
from tests.session_lines.desk import balance, breaches, person


def first_of_the_next(month_of: date) -> date:
    return date(month_of.year + month_of.month // 12, month_of.month % 12 + 1, 1)


def written_off(books: Books, minor: int, by: str) -> tuple[str, dict[str, object]]:
    invoice = books.invoice(books.customer(), minor, "2026-01-05")
    body = {"invoice_id": invoice, "reason_code": "UNCOLLECTABLE"}
    return invoice, books.do("create_write_off", new_id("wo"), body, person(books, by))


def dated(books: Books, write_off: object) -> list[str]:
    return [e["entry_date"] for e in books.get("/v1/journal-entries", source_id=str(write_off))["items"]]


def unexplained(books: Books, day: date) -> int:
    control = books.get("/v1/reports/ar-aging", as_of=day)["control"]
    return sum(abs(c["difference_minor"]) for c in control)


def test_it_is_booked_in_the_next_open_month_and_counts_from_its_day(books: Books) -> None:
    books.close_period(f"{today():%Y-%m}")
    invoice, done = written_off(books, 400_00, "manager")
    booked = first_of_the_next(today())
    assert (done["status"], dated(books, done["id"])) == ("POSTED", [str(booked)])
    assert balance(books, invoice) == ("PAID", 0)
    assert [unexplained(books, day) for day in (today(), booked)] == [0, 0]
    assert breaches(books) == {}


def test_it_is_reversed_there_too(books: Books) -> None:
    invoice, done = written_off(books, 400_00, "manager")
    books.close_period(f"{today():%Y-%m}")
    undo = {"reason_code": "PAID_AFTER_ALL"}
    books.do("reverse_write_off", str(done["id"]), undo, person(books, "clerk"))
    assert dated(books, done["id"]) == [str(today()), str(first_of_the_next(today()))]
    assert balance(books, invoice) == ("OPEN", 400_00)
    assert unexplained(books, today()) == 0
    assert breaches(books) == {}


def test_one_that_is_approved_after_the_close_is_booked_after_it(books: Books) -> None:
    invoice, asked = written_off(books, 9_000_00, "manager")
    assert (asked["status"], dated(books, asked["id"])) == ("PENDING_APPROVAL", [])
    books.close_period(f"{today():%Y-%m}")
    decision = {"decision": "approve"}
    books.do("approval.decide", str(asked["approval_id"]), decision, person(books, "controller", "u_other"))
    assert dated(books, asked["id"]) == [str(first_of_the_next(today()))]
    assert balance(books, invoice) == ("PAID", 0)
    assert unexplained(books, today()) == 0
    assert breaches(books) == {}


def test_several_closed_months_in_a_row_are_stepped_over(books: Books) -> None:
    month = today()
    for _ in range(3):
        books.close_period(f"{month:%Y-%m}")
        month = first_of_the_next(month)
    _, done = written_off(books, 400_00, "manager")
    assert dated(books, done["id"]) == [str(month)]
    assert breaches(books) == {}
