"""Two years that nobody here made: what the engine says of every month end is what follows from the file alone."""

import io
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta

import pytest

from demo.bank_statements import monthly_statements
from demo.dataset import aging_on, read_dataset
from models.answers import JsonObject
from models.cash.statement_requests import as_received
from models.db.cash.aging import aging_of
from models.db.engine import transaction
from models.ids import new_id
from models.messages.statements import StatementInput
from operations.cash.statement_chunks import next_chunk
from operations.commands import body_hash
from operations.customers.bootstrap import bootstrap_customers
from operations.runner import perform
from operations.verify import verify
from operations.work import Command, Work
from statement_readers import detect_and_read
from tests.books import Books
from tests.stack_fixtures.shared import SharedServers

MONTH_ENDS = [date(y + m // 12, m % 12 + 1, 1) - timedelta(1) for y in (2012, 2013) for m in range(1, 13)]
FIGURES = ("not_due_minor", "overdue_1_29_minor", "days_30_minor", "days_60_minor", "days_90plus_minor")


@pytest.fixture(scope="module")
def database(shared_servers: SharedServers) -> Iterator[str]:
    """One of its own: among the rows of other tests the reports of two years take a hundred times as long."""
    name = f"arflow_public_{os.urandom(6).hex()}"
    yield shared_servers.create_database(name)
    shared_servers.drop_database(name)


@pytest.fixture(scope="module")
def loaded(database: str) -> Iterator[tuple[Books, dict[str, str]]]:
    """The file through the operations: customers, invoices, and the bank's statement of each month, matched."""
    with closing(Books(database)) as books:
        rows = read_dataset()
        codes = sorted({r.customer for r in rows})
        with transaction(books.engine, books.org) as tx:
            made = bootstrap_customers(
                tx,
                [{"name": c, "email": f"{c}@example.com", "external_id": c, "legal_entity_id": "le_us"} for c in codes],
            )
            customers = dict(zip(codes, made, strict=True))
            for r in rows:
                invoice_id = new_id("invoice")
                body: JsonObject = {
                    "customer_id": customers[r.customer], "external_id": r.number, "issue_date": str(r.issued),
                    "due_date": str(r.due), "currency_code": "USD", "total_minor": r.total_minor,
                }  # fmt: skip
                cmd = Command(
                    new_id("cmd"), "create_invoice", "/load", body, body_hash(body), True, "u_clerk", ("ar_clerk",), None,
                    new_id("req"), None, invoice_id, invoice_id,
                )  # fmt: skip
                perform(Work(tx, cmd), kept=False)
        for month in monthly_statements(rows):
            received = as_received(
                "bank_us", month.content, month.filename, detect_and_read(io.BytesIO(month.content), month.filename)
            )
            statement = books.do("receive_statement", new_id("stmt"), received.model_dump(mode="json"))["id"]
            done, total = 0, 1
            while done < total:
                done, total = next_chunk(books.engine, StatementInput(books.org, statement))
        yield books, customers


def test_aging_of_every_customer_at_every_month_end(loaded: tuple[Books, dict[str, str]]) -> None:
    books, customers = loaded
    rows = read_dataset()
    checked = 0
    for n, day in enumerate(MONTH_ENDS):
        expected = {customers[c]: b for c, b in aging_on(rows, day).items()}
        report = books.get("/v1/reports/ar-aging", as_of=day)
        seen = {i["customer_id"]: tuple(i[f] for f in FIGURES) for i in report["items"] if i["total_minor"]}
        assert seen == expected, day
        (us,) = [c for c in report["control"] if c["legal_entity_id"] == "le_us"]
        assert us["ledger_minor"] == us["aging_minor"] == sum(map(sum, expected.values()))
        with transaction(books.engine, books.org, snapshot=True) as tx:
            for customer in list(customers.values())[n % 3 :: 3]:
                aging = aging_of(tx, customer, day)
                assert tuple(getattr(aging, f) for f in FIGURES) == expected.get(customer, (0, 0, 0, 0, 0)), (
                    day,
                    customer,
                )
                assert aging.net_minor == aging.total_minor
                checked += 1
        for customer in list(customers.values())[n::24]:
            answer = books.aging(customer, as_of=day)
            assert tuple(answer[f] for f in FIGURES) == expected.get(customer, (0, 0, 0, 0, 0))
    assert checked == 800


def test_receivables_roll_forward_from_month_to_month(loaded: tuple[Books, dict[str, str]]) -> None:
    books, _ = loaded
    rows = read_dataset()
    for day in MONTH_ENDS:
        first = day.replace(day=1)
        report = books.get("/v1/reports/ar-roll-forward", **{"from": first, "to": day})
        (us,) = [i for i in report["items"] if i["legal_entity_id"] == "le_us"]
        assert us["invoices_minor"] == sum(r.total_minor for r in rows if first <= r.issued <= day)
        assert us["applications_minor"] == sum(r.total_minor for r in rows if first <= r.settled <= day)
        assert us["closing_minor"] == sum(map(sum, aging_on(rows, day).values()))
        assert us["difference_minor"] == us["fx_minor"] == 0


def test_all_cash_is_in_and_the_books_verify(loaded: tuple[Books, dict[str, str]]) -> None:
    books, _ = loaded
    shown = {i["account"]: i["balance_minor"] for i in books.get("/v1/reports/trial-balance")["items"]}
    assert shown == {"cash": 14_770_318, "accounts_receivable": 0, "revenue": -14_770_318}
    assert [f.breaches for f in verify(books.engine, books.org) if not f.ok] == []
