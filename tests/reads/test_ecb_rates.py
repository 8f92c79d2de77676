"""A central bank's rates: fetched, kept once, serving where an organisation has none; and told where they are old."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import ValidationError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.rates import RateActivities
from models.cash.rate_files import RatesUnreadable
from models.db.cash import rates
from models.db.engine import transaction
from operations.cash.rate_watch import keep_rates, watch_rates
from settings import Settings
from tests.books import Books

TODAY = datetime.now(UTC).date()


def file(day: date, usd: str = "1.25", gbp: str = "0.80") -> bytes:
    return f"Date,USD,GBP,\n{day},{usd},{gbp},\n".encode()


@contextmanager
def served(content: bytes, status: int = 200) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/eurofxref.csv"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def alone(fresh_database_url: str) -> Iterator[Books]:
    books = Books(fresh_database_url)
    yield books
    books.close()


def rate(books: Books, on: date, base: str = "USD", quote: str = "GBP") -> Decimal | None:
    with transaction(books.engine, books.org) as tx:
        return rates.rate(tx, base, quote, on)


def watched(books: Books) -> bool:
    with transaction(books.engine, books.org) as tx:
        return watch_rates(tx)


def told(books: Books) -> list[dict[str, object]]:
    columns = "status, reason_code, owner_role, detail, resolution_code"
    return books.sql(f"SELECT {columns} FROM exceptions WHERE org_id = :org AND kind = 'exchange_rates'")


def test_rates_are_fetched_kept_once_and_serve_where_the_organisation_has_none(alone: Books) -> None:
    assert rate(alone, TODAY) is None
    with served(file(TODAY - timedelta(days=1))) as url:
        fetch = RateActivities(alone.engine, url).fetch_rates
        assert [ActivityEnvironment().run(fetch) for _ in range(2)] == [2, 0]
    assert rate(alone, TODAY) == Decimal("0.64")
    keep_rates(alone.engine, file(TODAY - timedelta(days=1), usd="9"))
    assert rate(alone, TODAY) == Decimal("0.64"), "what was published once stays"
    assert rate(alone, date(2026, 10, 30)) is not None, "the bundled ones serve their days as before"
    alone.rate("USD", "GBP", TODAY, "0.70")
    assert rate(alone, TODAY) == Decimal("0.70"), "the organisation's own come first"


def test_nothing_is_fetched_unless_the_operator_says_from_where(alone: Books) -> None:
    assert ActivityEnvironment().run(RateActivities(alone.engine).fetch_rates) == 0
    assert Settings().ecb_url is None
    with pytest.raises(ValidationError, match="https"):
        Settings(env="production", ecb_url="http://rates.example/x")


@pytest.mark.parametrize(
    ("content", "status", "kind"), [(b"<html/>", 200, "RATES_UNREADABLE"), (b"", 500, "RATES_NOT_FETCHED")]
)
def test_what_is_no_file_of_rates_changes_nothing(alone: Books, content: bytes, status: int, kind: str) -> None:
    with served(content, status) as url, pytest.raises(ApplicationError) as failed:
        ActivityEnvironment().run(RateActivities(alone.engine, url).fetch_rates)
    assert (failed.value.type, failed.value.non_retryable) == (kind, kind == "RATES_UNREADABLE")


@pytest.mark.parametrize(
    "content",
    [file(TODAY + timedelta(days=3)), b"base_currency,quote_currency,rate_date,rate\nUSD,GBP,2026-11-02,1\n"],
    ids=["tomorrow's", "of another base"],
)
def test_no_rate_of_the_future_or_of_somebody_else_is_kept(alone: Books, content: bytes) -> None:
    with pytest.raises(RatesUnreadable, match="is no reference rate of the European Central Bank"):
        keep_rates(alone.engine, content)


def test_a_pair_that_no_rate_serves_any_more_is_on_the_desk_too(alone: Books) -> None:
    alone.rate("XAF", "GBP", TODAY, "0.0013")
    customer = alone.customer(entity="le_uk")
    alone.invoice(customer, 1000, TODAY, legal_entity_id="le_uk", currency="XAF")
    assert not watched(alone)
    alone.sql("DELETE FROM fx_rates WHERE org_id = :org")
    assert watched(alone)
    assert [e["detail"] for e in told(alone)] == [{"newest": {"XAF/GBP": None}}]


def test_old_rates_that_are_in_use_are_on_the_controllers_desk_until_they_are_young(alone: Books) -> None:
    assert not watched(alone)
    customer = alone.customer(entity="le_uk")
    alone.invoice(customer, 1000, "2026-10-30", legal_entity_id="le_uk")
    assert [watched(alone), watched(alone)] == [True, True]
    (one,) = told(alone)
    assert (one["status"], one["reason_code"], one["owner_role"]) == ("open", "RATES_OLD", "controller")
    assert one["detail"] == {"newest": {"USD/GBP": "2026-10-30"}}
    keep_rates(alone.engine, file(TODAY - timedelta(days=2)))
    assert not watched(alone)
    assert [(e["status"], e["resolution_code"]) for e in told(alone)] == [("resolved", "RATES_CURRENT")]
    alone.rate("GBP", "USD", TODAY - timedelta(days=8), "1.3")
    assert watched(alone), "the organisation's own are old, and the bank's do not stand in for them"
