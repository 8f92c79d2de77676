"""How long records are kept: every table says it, the database holds to it, and what is still to be done stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from models.db.engine import lent, transaction
from models.db.outbox import fan_out, move_cursor, publish
from models.db.tables.metadata import DOCUMENTS
from models.facts import Facts
from models.ids import new_id
from models.messages.retention import PruneInput
from models.retention import PERIODS, STAYS
from operations import retention
from operations.verify import verify
from tests.books import Books
from tests.session_lines.desk import person

AGED = {
    "commands": "created_at = created_at - $1, finished_at = finished_at - $1",
    "outbox_events": "at = at - $1",
    "webhook_deliveries": "created_at = created_at - $1",
}


@pytest.fixture
def alone(fresh_database_url: str) -> Iterator[Books]:
    """Where no relay but the test's own looks."""
    books = Books(fresh_database_url)
    yield books
    books.close()


def prune(books: Books, table: str, days: int | None = None) -> int:
    what = PruneInput(table, PERIODS[table] if days is None else days)
    return retention.prune(books.engine, books.org, what, datetime.now(UTC), lambda _: None)


def age(books: Books, table: str, days: int, where: str = "true") -> None:
    earlier = AGED[table].replace("$1", f"interval '{days} days'")
    with psycopg.connect(books.owner_url) as c:
        c.execute(f"UPDATE {table} SET {earlier} WHERE {where}")


def test_every_table_says_how_long_its_rows_are_kept(database_url: str) -> None:
    with psycopg.connect(database_url) as c:
        tables = {
            name for (name,) in c.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        }
    assert PERIODS.keys() | STAYS.keys() | DOCUMENTS.keys() == tables, (
        "a table is new, or gone: say so in models/retention.py"
    )
    assert len(PERIODS) + len(STAYS) + len(DOCUMENTS) == len(tables), "said twice"


def test_commands_go_after_their_time_and_those_that_wait_stay(alone: Books) -> None:
    alone.pay(alone.customer(), 1000, "2026-01-10")
    alone.invoice(alone.customer(), 1000, "2026-01-10")
    kept = "SELECT id FROM commands WHERE org_id = :org"
    first, second = (row["id"] for row in alone.sql(f"{kept} ORDER BY created_at"))
    with psycopg.connect(alone.owner_url) as c:
        c.execute("UPDATE commands SET state = 'pending', finished_at = NULL WHERE id = %s", (first,))
    age(alone, "commands", PERIODS["commands"] - 1)
    assert prune(alone, "commands") == 0
    age(alone, "commands", 2)
    assert prune(alone, "commands") == 1
    assert [row["id"] for row in alone.sql(kept)] == [first] != [second]
    said = alone.sql("SELECT payload FROM audit_events WHERE org_id = :org AND action = 'records.pruned'")
    assert ['"table":"commands"' in row["payload"] for row in said] == [True]
    assert prune(alone, "commands") == 0
    assert [b for f in verify(alone.engine, alone.org) for b in f.breaches] == []


def test_nothing_younger_than_a_month_goes_whatever_is_asked(alone: Books) -> None:
    for wrong in (PruneInput("commands", 29), PruneInput("payments", 400)):
        with pytest.raises(ValueError, match="not taken away"):
            retention.prune(alone.engine, alone.org, wrong, datetime.now(UTC), lambda _: None)
    for sql in (
        "SELECT prune_records('commands', now() - interval '29 days', 9)",
        "SELECT prune_records('audit_events', now() - interval '400 days', 9)",
    ):
        with pytest.raises(psycopg.errors.RaiseException), transaction(alone.engine, alone.org) as tx:
            tx.scalar(sql)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction(alone.engine, alone.org) as tx:
        tx.run("DELETE FROM outbox_events WHERE org_id = :org")


def test_events_go_from_the_oldest_on_and_who_reads_from_before_is_told(alone: Books) -> None:
    customer = alone.customer()
    payments = [alone.pay(customer, 1000, "2026-01-10") for _ in range(4)]
    with lent(alone.engine) as conn:
        while publish(conn):
            pass
    feed = alone.get("/v1/events", limit="1")
    cursor = feed["next_cursor"]
    age(alone, "outbox_events", 401, f"subject <> '{payments[2]}'")
    assert prune(alone, "outbox_events") == 0, "our own reader has not seen them"
    newest = max(row["position"] for row in alone.sql("SELECT position FROM outbox_events WHERE org_id = :org"))
    with lent(alone.engine) as conn:
        move_cursor(conn, "test", newest)
    before = [e["subject"] for e in alone.get("/v1/events")["items"]].index(payments[2])
    assert prune(alone, "outbox_events") == before > 0, "no gap: what is behind a younger one stays"
    assert {e["subject"] for e in alone.get("/v1/events")["items"]} == set(payments[2:])
    refused = alone.api().get("/v1/events", params={"cursor": cursor})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "CURSOR_EXPIRED")
    assert [
        e["subject"] for e in alone.get("/v1/events", cursor=feed_cursor_after(alone, payments[2]))["items"]
    ] == payments[3:]
    assert [b for f in verify(alone.engine, alone.org) for b in f.breaches] == []


def feed_cursor_after(books: Books, subject: str) -> str:
    """From behind the event about this record."""
    return str(books.get("/v1/events", subject=subject)["resume_cursor"])


def test_a_delivery_that_waits_keeps_itself_and_its_event(alone: Books) -> None:
    ops = person(alone, "ops")
    endpoint = alone.do("webhook_endpoint.create", alone.org, {"url": "https://gone.example"}, ops)["id"]
    payment = alone.pay(alone.customer(), 1000, "2026-01-10")
    with lent(alone.engine) as conn:
        while publish(conn):
            pass
        fan_out(conn, 0, 2**62)
        move_cursor(conn, "test", 2**62)
    made = alone.sql("SELECT endpoint_id FROM webhook_deliveries WHERE org_id = :org")
    assert {row["endpoint_id"] for row in made} == {endpoint}
    alone.pay(alone.customer(), 1000, "2026-01-11")
    with lent(alone.engine) as conn:
        publish(conn)
    age(alone, "outbox_events", 401)
    age(alone, "webhook_deliveries", 401)
    assert (prune(alone, "webhook_deliveries"), prune(alone, "outbox_events")) == (0, 0)
    with psycopg.connect(alone.owner_url) as c:
        c.execute("UPDATE webhook_deliveries SET status = 'FAILED'")
    assert prune(alone, "webhook_deliveries") == len(made)
    assert prune(alone, "outbox_events") >= len(made)
    left = alone.sql("SELECT subject FROM outbox_events WHERE org_id = :org")
    assert payment not in {row["subject"] for row in left}


def test_tokens_and_proposals_go_when_they_are_long_over(alone: Books) -> None:
    old, young = (datetime.now(UTC) - timedelta(days=d) for d in (401, 1))
    with transaction(alone.engine, alone.org) as tx:
        for at in (old, young):
            token: Facts = {"id": f"tok_{at.date()}", "change_id": "chg_x", "round": 1, "step": 1, "user_id": "u", "roles": [],
                     "key": b"k", "expires_at": at}  # fmt: skip
            tx.insert("approval_tokens", [token])
            tx.insert("proposals", [{
                "id": new_id("prop"), "operation": "record_payment", "record_id": "pay_x", "body": {}, "effect": {},
                "effect_hash": "0" * 64, "warnings": [], "confirmation": "page", "actor": "u", "amount_minor": 0,
                "status": "OPEN",
                "made_at": at - timedelta(hours=1), "expires_at": at,
            }])  # fmt: skip
    assert (prune(alone, "approval_tokens"), prune(alone, "proposals")) == (1, 1)
    assert alone.sql("SELECT count(*) AS n FROM proposals WHERE org_id = :org") == [{"n": 1}]
