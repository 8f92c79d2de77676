"""The database proves it a second time: row-level security, indexes under it, erasure; and the daily watch of renewals."""

import asyncio
import os
from collections.abc import Iterator
from datetime import timedelta

import pytest

from models.db.customer_360 import view as customer_360
from models.db.engine import ask as ask_once
from models.db.engine import fetch_once, make_engine, make_reads, transaction
from models.db.streaming import driver_style
from operations.customer_360.renewals import watch_contracts
from operations.organisations import bootstrap_work
from tests.books import Books, today
from tests.stack_fixtures.shared import SharedServers
from tests.view360.test_view import full_customer, put, view

TABLES = ["opportunities", "quotes", "orders", "cases", "contracts", "nps_responses", "activities", "case_escalations",
          "source_connections", "panel_snapshots", "customer_360_views"]  # fmt: skip


def test_no_row_of_another_organisation_is_visible_or_writable(books: Books, database_url: str) -> None:
    c = full_customer(books)
    books.sql("INSERT INTO customer_360_views VALUES (:org, %(c)s, now())", c=c)
    other = Books(database_url)
    with transaction(other.engine, other.org) as tx:
        for table in TABLES:
            assert tx.scalar(f"SELECT count(*) FROM {table} WHERE org_id <> :org") == 0, table
        assert tx.run("UPDATE opportunities SET name = 'x'") == 0
        assert tx.run("DELETE FROM activities") == 0
    params = customer_360.parameters(other.org, c, None, invoices=True, payments=False) | {"org": books.org}
    assert fetch_once(other.engine, other.org, customer_360.VIEW, params) is None
    other.close()


def test_a_connection_keeps_no_organisation_after_a_view(books: Books) -> None:
    c = books.customer()
    one = make_engine(books.owner_url, pool_size=1)
    params = customer_360.parameters(books.org, c, None, invoices=True, payments=False)
    assert fetch_once(one, books.org, customer_360.VIEW, params) is not None
    (left,) = ask_once(
        one,
        "SELECT current_setting('arflow.org_id', true) AS org, current_setting('plan_cache_mode') AS plans, "
        "(SELECT count(*) FROM customers) AS seen",
    )
    assert left["org"] in (None, "")
    assert (left["plans"], left["seen"]) == ("auto", 0)
    one.dispose()


def test_a_lost_connection_is_replaced_and_the_view_answers(books: Books) -> None:
    c = books.customer()
    one = make_engine(books.owner_url, pool_size=1)
    params = customer_360.parameters(books.org, c, None, invoices=True, payments=False)
    pid = ask_once(one, "SELECT pg_backend_pid() AS pid")[0]["pid"]
    books.sql("SELECT pg_terminate_backend(%(p)s)", p=pid)
    assert fetch_once(one, books.org, customer_360.VIEW, params) is not None
    one.dispose()


async def test_reads_on_the_event_loop_hold_no_organisation_and_survive_the_loss_of_every_connection(
    books: Books,
) -> None:
    c = books.customer()
    reads = make_reads(books.owner_url, size=3)
    ask = (customer_360.VIEW, customer_360.parameters(books.org, c, None, invoices=True, payments=False))
    rows = await asyncio.gather(*(reads.fetch(books.org, *ask) for _ in range(12)))
    assert all(row is not None for row in rows)
    pid: tuple[str, dict[str, str]] = ("SELECT pg_backend_pid(), (SELECT count(*) FROM customers)", {})
    pids = {
        int(row[0] or 0) for row in await asyncio.gather(*(reads.fetch("org_nobody", *pid) for _ in range(9))) if row
    }
    assert len(pids) == 3
    assert await reads.fetch("org_nobody", "SELECT count(*) FROM customers", {}) == (b"0",)
    await asyncio.to_thread(
        books.sql, "SELECT pg_terminate_backend(p) FROM unnest(%(p)s::int[]) p", p=[int(p or 0) for p in pids]
    )
    assert await reads.fetch(books.org, *ask) is not None
    waiting = asyncio.create_task(reads.fetch(books.org, "SELECT pg_sleep(5)", {}))
    await asyncio.sleep(0.2)
    waiting.cancel()  # a caller who went away
    assert await reads.fetch(books.org, *ask) is not None
    await reads.close()


async def test_who_asks_the_same_while_all_are_busy_shares_a_read_that_begins_afterwards(books: Books) -> None:
    reads = make_reads(books.owner_url, size=1)
    ask = ("SELECT clock_timestamp(), pg_sleep(0.7), :a::text, :b::text[]", {"a": "x", "b": ["y", 'z"\\']})
    running = asyncio.create_task(reads.fetch(books.org, *ask))
    await asyncio.sleep(0.1)
    gone, *many = (asyncio.create_task(reads.fetch(books.org, *ask)) for _ in range(50))
    other = asyncio.create_task(reads.fetch("org_nobody", *ask))
    gone.cancel()  # a caller who went away takes nothing from the others
    first = await running
    await asyncio.sleep(0.1)
    late = asyncio.create_task(reads.fetch(books.org, *ask))  # while the shared one is under way
    rows, elsewhere, afterwards = await asyncio.gather(*many), await other, await late
    assert first is not None
    assert elsewhere is not None
    assert first[2:] == (b"x", b'{y,"z\\"\\\\"}')
    assert len({row[0] for row in rows if row}) == 1
    assert afterwards is not None
    assert len({first[0], rows[0] and rows[0][0], elsewhere[0], afterwards[0]}) == 4, (
        "a read under way, or another's, is not shared"
    )
    assert first[0] < (rows[0] or first)[0]  # type: ignore[operator]
    await reads.close()


HOT = {
    "invoices": "invoices_open",
    "activities": "activities_timeline",
    "orders": "orders_recent",
    "payment_applications": "payment_applications_",
}


@pytest.fixture(scope="module")
def plan_of_the_view(shared_servers: SharedServers) -> Iterator[str]:
    """The plan in a database of its own: what other tests leave behind, and its statistics, would change the choice."""
    name = f"arflow_fresh_{os.urandom(6).hex()}"
    books = Books(shared_servers.create_database(name))
    params = customer_360.parameters(books.org, "cus_1", None, invoices=True, payments=False)
    with transaction(books.engine, books.org) as tx:
        raw = tx.connection()
        # The tables are empty: without this the planner would rightly read them whole.
        raw.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(r[0] for r in raw.execute("EXPLAIN " + driver_style(customer_360.VIEW), params))
    yield plan
    books.close()
    shared_servers.drop_database(name)


@pytest.mark.parametrize(("table", "index"), HOT.items())
def test_the_view_reaches_its_rows_by_index_under_row_level_security(
    plan_of_the_view: str, table: str, index: str
) -> None:
    plan = plan_of_the_view
    assert f"Seq Scan on {table}" not in plan
    assert index in plan
    by_index = plan.split(index, 1)[1]
    assert "customer_id = 'cus_1'" in by_index[: by_index.index("->") if "->" in by_index else None]


def test_an_erased_customer_takes_its_records_along(books: Books) -> None:
    c = full_customer(books)
    books.sql("DELETE FROM invoices WHERE customer_id = %(c)s", c=c)
    books.sql("DELETE FROM customers WHERE id = %(c)s", c=c)
    for table in TABLES[:7]:
        assert books.sql(f"SELECT 1 FROM {table} WHERE customer_id = %(c)s", c=c) == []


def test_the_daily_watch_finds_who_has_entered_the_notice_window_since(books: Books) -> None:
    c, day = books.customer(), today()
    contract = {"external_id": "k", "customer_id": c, "arr_minor": 1, "currency_code": "USD", "notice_days": 30}
    put(books, "contracts", {**contract, "renewal_date": str(day + timedelta(days=31))})
    state = "SELECT reason_code, status, resolution_code FROM exceptions WHERE org_id = :org ORDER BY created_at"
    assert books.sql(state) == []

    def pass_days(days: int) -> None:
        books.sql(f"UPDATE contracts SET renewal_date = renewal_date - {days} WHERE org_id = :org")
        with transaction(books.engine, books.org) as tx:
            work = bootstrap_work(tx, "system")
            watch_contracts(work)
            watch_contracts(work)  # a second look changes nothing
            work.flush()

    pass_days(1)
    assert [tuple(r.values()) for r in books.sql(state)] == [("RENEWAL_IN_NOTICE_WINDOW", "open", None)]
    pass_days(31)
    assert [tuple(r.values()) for r in books.sql(state)] == [
        ("RENEWAL_IN_NOTICE_WINDOW", "resolved", "RENEWAL_MISSED"),
        ("RENEWAL_MISSED", "open", None),
    ]
    assert view(books, c)["attention"][0]["code"] == "RENEWAL_MISSED"
    put(books, "contracts", {**contract, "status": "renewed", "renewal_date": str(day)})
    assert [r["status"] for r in books.sql(state)] == ["resolved", "resolved"]
    assert view(books, c)["attention"] == []
