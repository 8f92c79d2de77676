"""What the chains cost a piece, held against what they cost when somebody last looked.

A failure says what was counted. Less is noted here in the commit that achieved it; more has its reason in that commit.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

import pytest

from models.answers import JsonObject
from models.cash.statement_requests import as_received
from models.cash.statements import LineNumbering, Statement, StatementLine
from models.db.engine import transaction
from models.facts import Fact
from models.ids import new_id
from models.messages.statements import StatementInput
from operations.cash.statement_chunks import next_chunk
from operations.commands import Submission, submit
from operations.imports import execution, staging, validation
from operations.runner import execute, run_now
from tests.books import Books
from tests.costs.counting import Cost, Counter
from tests.imports.in_process import CALM, Desk

LINES: Final = 500
ROWS: Final = 1_000
APPLIED: Final = Cost(calls=1_296, round_trips=3, statements=10, rows=13, entries=27, functions=3)
LINE_OF_A_STATEMENT: Final = Cost(
    calls=1_131, round_trips=0.088, statements=0.148, rows=16.02, entries=44.02, functions=1.012
)
STAGED: Final = Cost(calls=3.73, round_trips=0.014, statements=0.027, rows=1.005, entries=1.003, functions=0.001)
IMPORTED: Final = Cost(calls=147, round_trips=0.088, statements=0.149, rows=6.021, entries=17.01, functions=0.012)
VIEWED: Final = Cost(calls=2_934, round_trips=1, statements=2, rows=0, entries=0, functions=0)
"""The client's calls are among a view's."""


@pytest.fixture
def books(fresh_database_url: str) -> Iterator[Books]:
    """Books in a database that only this test uses."""
    made = Books(fresh_database_url)
    yield made
    made.close()


@pytest.fixture
def counter(books: Books) -> Counter:
    return Counter(books.owner_url)


def test_applying_a_payment_to_an_invoice(books: Books, counter: Counter) -> None:
    customer = books.customer()
    kept = []
    for _ in range(60):
        invoice, payment = books.invoice(customer, 1_000, "2026-01-05"), books.pay(customer, 1_000, "2026-01-20")
        body: JsonObject = {"applications": [{"invoice_id": invoice, "applied_minor": 1_000}], "overpayment": None}
        said = Submission("apply_payment", "/a", body, new_id("cmd"), True, new_id("req"), payment, payment)
        kept.append(submit(books.engine, books.who, said).command_id)

    def work() -> None:
        for command in kept[10:]:
            execute(books.engine, books.org, command)

    for command in kept[:10]:  # what is read once is read
        execute(books.engine, books.org, command)
    assert counter.cost(work, 50, books).apart(APPLIED) == ""


def test_a_line_of_a_statement_that_pays_an_invoice(books: Books, counter: Counter) -> None:
    first, second = received(books, 20), received(books, LINES)
    worked_off(books, first)
    assert counter.cost(lambda: worked_off(books, second), LINES, books).apart(LINE_OF_A_STATEMENT) == ""


def test_a_row_of_an_import(books: Books, counter: Counter) -> None:
    desk = Desk(books.engine, books.org, books.owner)
    desk.run(table(20))
    import_id = desk.upload(table(ROWS))

    def stage() -> None:
        staging.stage(books.engine, books.org, import_id, lambda _: None)

    def import_them() -> None:
        validation.validate(books.engine, books.org, import_id, lambda _: None, CALM)
        desk.approve(import_id)
        execution.execute(books.engine, books.org, import_id, lambda _: None, CALM)

    assert counter.cost(stage, ROWS, books).apart(STAGED) == ""
    assert counter.cost(import_them, ROWS, books).apart(IMPORTED) == ""
    assert desk.row(import_id).created == ROWS


def test_a_view(books: Books, counter: Counter) -> None:
    customers = [books.customer(f"C {n}") for n in range(22)]
    for one in customers:
        books.invoice(one, 1_000, "2026-01-05")
    api = books.api("account_executive")

    def work() -> None:
        for one in customers[2:]:
            assert api.get(f"/v1/customers/{one}/360").status_code == 200

    api.get(f"/v1/customers/{customers[0]}/360")
    assert counter.cost(work, 20, books).apart(VIEWED) == ""


def received(books: Books, n: int) -> StatementInput:
    """A statement of lines that each pay an invoice of their own by its number."""
    stamp = new_id("x")[-8:]
    customers = [books.customer(f"{stamp} {k}") for k in range(5)]
    with transaction(books.engine, books.org) as tx:
        invoices: list[dict[str, Fact]] = [
            {
                "id": new_id("invoice"), "customer_id": customers[k % 5], "legal_entity_id": "le_us",
                "external_id": f"inv{stamp}{k:07d}", "reference_key": f"inv{stamp}{k:07d}", "issue_date": "2026-09-01",
                "due_date": "2026-10-01", "currency_code": "USD", "total_minor": 5_000, "tax_minor": 0,
                "balance_due_minor": 5_000, "fx_rate": 1, "functional_currency": "USD", "functional_total_minor": 5_000,
                "functional_balance_minor": 5_000, "lines": [], "version": 1, "created_at": tx.now,
            }
            for k in range(n)
        ]  # fmt: skip
        tx.insert("invoices", invoices)
        tx.insert("audit_heads", [{"subject_id": r["id"], "seq": 1, "hash": b"\x00" * 32} for r in invoices])
    day, number = date(2026, 10, 5), LineNumbering().number
    lines = tuple(
        number(StatementLine(0, day, day, 5_000, "USD", f"Payer {k}", f"r{k}", f"Invoice inv{stamp}{k:07d}"))
        for k in range(n)
    )
    statement = Statement(None, None, "USD", None, None, None, None, lines)
    body = as_received("bank_us", stamp.encode(), "bench", [statement])
    said = Submission("receive_statement", "/s", body, new_id("cmd"), True, new_id("req"), new_id("stmt"), None)
    return StatementInput(books.org, str(run_now(books.engine, books.who, said).read(dict)["id"]))


def worked_off(books: Books, start: StatementInput) -> None:
    done, total = 0, 1
    while done < total:
        done, total = next_chunk(books.engine, start)


def table(rows: int) -> bytes:
    """A file of new customers."""
    word = new_id("x")[-6:]
    head = "name,email,external_id,tax_id,phone,customer_type,credit_limit,payment_terms,currency_code\n"
    lines = (
        f"{word} Customer {n} Ltd,{word}.c{n}@example.com,X{word}{n},US-{word}{n:09d},+1 555 123 4567,retail,5000.00,NET30,USD\n"
        for n in range(rows)
    )
    return (head + "".join(lines)).encode()
