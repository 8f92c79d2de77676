"""What stands still is an exception with owner, reason and due time, is named by verify, and degrades readiness."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from cli import processes
from models.db import outbox, stuck
from models.db.engine import own_connection, transaction
from models.facts import Fact, Facts
from models.ids import new_id
from models.stuck import Patience
from operations.stuck import report_done, report_failing, watch, watch_one
from operations.verify import verify
from settings import Settings
from tests.books import Books
from tests.cash_desk.desk import Desk, credit_line

NONE = Patience(still=timedelta(0), failing=timedelta(0))
LONG = Patience(still=timedelta(minutes=5), failing=timedelta(minutes=15))


@pytest.fixture
def books(fresh_database_url: str) -> Iterator[Books]:
    made = Books(fresh_database_url)
    yield made
    made.close()


def on_the_desk(books: Books) -> dict[str, dict[str, Any]]:
    found = books.api("ops", user="u_ops").get("/v1/exceptions", params={"status": "open"})
    assert found.status_code == 200, found.text
    return {e["reason_code"]: e for e in found.json()["items"]}


def stood(books: Books, patience: Patience = NONE) -> dict[str, str]:
    """What the second of two looks says: the first only notes where everything is."""
    watch_one(books.engine, books.org, patience)
    return {s.reason_code: s.subject_id for s in watch_one(books.engine, books.org, patience)}


def later(books: Books, minutes: int) -> None:
    """As if the looks of before had been so long ago, and one a moment ago."""
    books.sql(f"UPDATE work_seen SET since = since - interval '{minutes} minutes' WHERE org_id = :org")


def test_a_statement_that_nobody_works_off_is_on_the_desk_of_ops_and_off_it_when_it_moves_on(books: Books) -> None:
    desk = Desk(books.engine, books.org)
    statement = desk.statement([credit_line(100, "x"), credit_line(200, "y")])
    assert stood(books, LONG) == {}
    later(books, 6)
    assert stood(books, LONG) == {"STATEMENT_STANDS_STILL": statement.statement_id}
    said = on_the_desk(books)["STATEMENT_STANDS_STILL"]
    assert (said["owner_role"], said["subject_id"], said["kind"]) == ("ops", statement.statement_id, "not_moving")
    assert set(said["detail"]) == {"since", "where"}
    assert watch(books.engine, LONG) == 1, "in all organisations"
    assert datetime.now(UTC) < datetime.fromisoformat(said["due_at"]) < datetime.now(UTC) + timedelta(hours=2)
    (named,) = [f for f in verify(books.engine, books.org) if f.check == "open work"]
    assert named.ok
    assert statement.statement_id in named.waiting[0]
    assert [t.what for t in stuck.trouble(books.engine)] == ["STATEMENT_STANDS_STILL"]
    desk.work_off(statement)
    assert stood(books, LONG) == {}
    assert "STATEMENT_STANDS_STILL" not in on_the_desk(books)
    assert stuck.trouble(books.engine) == []


def test_what_moves_between_two_looks_does_not_stand(books: Books) -> None:
    desk = Desk(books.engine, books.org)
    statement = desk.statement([credit_line(100, "x"), credit_line(200, "y")])
    stood(books, LONG)
    later(books, 6)
    books.sql("UPDATE statements SET lines_done = 1 WHERE org_id = :org AND id = %(id)s", id=statement.statement_id)
    assert stood(books, LONG) == {}


def test_nobody_stands_still_because_nobody_looked(books: Books) -> None:
    """After a restore, or with all processes away: what was noted long ago says nothing."""
    Desk(books.engine, books.org).statement([credit_line(100, "x")])
    stood(books, LONG)
    books.sql("UPDATE work_seen SET since = since - interval '1 hour', seen_at = seen_at - interval '1 hour'")
    assert stood(books, LONG) == {}


def test_an_import_and_a_change_that_everybody_approved_are_seen_too(books: Books) -> None:
    customer = books.customer()
    about = {"org_id": books.org, "lane": "yellow", "workflow_id": "w", "submitted_by": "u", "command_id": "cmd_1"}
    with transaction(books.engine, books.org) as tx:
        change: dict[str, Fact] = {
            "id": new_id("chg"), "operation": "update", "customer_id": customer, "legal_entity_id": "le_us",
            "entities": ["le_us"], "status": "PENDING_APPROVAL", "submitted_at": tx.now,
            **{k: v for k, v in about.items() if k != "org_id"},
        }  # fmt: skip
        tx.insert("customer_changes", [change])
        one: dict[str, Fact] = {
            "id": new_id("imp"), "status": "EXECUTING", "source": "csv", "options": {}, "options_hash": "x",
            "file_hash": "x", "file_bytes": 1, "legal_entity_id": "le_us", "request_id": "r", "batch_size": 100,
            "created_at": tx.now,
            **{k: v for k, v in about.items() if k != "org_id"},
        }  # fmt: skip
        tx.insert("customer_imports", [one])
    assert stood(books) == {"CHANGE_NOT_CARRIED_OUT": change["id"], "IMPORT_STANDS_STILL": one["id"]}


def test_a_request_that_was_kept_and_not_carried_out_is_seen(books: Books) -> None:
    with transaction(books.engine, books.org) as tx:
        row: Facts = {
            "id": new_id("cmd"), "operation": "apply_payment", "path": "/p", "idem_key": "k", "key_given": True,
            "body_hash": "x", "body": {}, "resource_id": "pay_1", "subject_id": "pay_1", "actor": "u", "roles": [],
            "request_id": "r", "workflow_id": "pay_1/ApplyPayment/1", "created_at": tx.now - timedelta(minutes=6),
            "state": "pending", "replayed": False,
        }  # fmt: skip
        tx.insert("commands", [row])
    assert stood(books, LONG) == {"COMMAND_NOT_CARRIED_OUT": "pay_1"}


def test_a_step_that_fails_again_and_again_is_said_once_and_no_more_when_it_goes_through(books: Books) -> None:
    for _ in range(3):
        report_failing(books.engine, books.org, "imp_1", "import_stage", "InsufficientPrivilege")
    said = on_the_desk(books)
    assert set(said) == {"INSUFFICIENT_PRIVILEGE"}
    assert said["INSUFFICIENT_PRIVILEGE"]["owner_role"] == "ops"
    assert stood(books) == {}
    assert set(on_the_desk(books)) == {"INSUFFICIENT_PRIVILEGE"}, "the watch leaves it"
    report_done(books.engine, books.org, "imp_1")
    assert on_the_desk(books) == {}


def test_positions_go_on_from_the_clock_so_that_a_restored_database_hands_none_out_again(books: Books) -> None:
    customer = books.customer()
    before = datetime.now(UTC).timestamp() * 1e6
    conn = own_connection(books.engine)
    try:
        books.pay(customer, 5, "2026-01-02")
        outbox.publish(conn)
        with transaction(books.engine, books.org) as tx:
            first = outbox.newest_position(tx)
        assert before <= first < 2**53
        books.sql("UPDATE outbox_events SET position = NULL WHERE position = (SELECT max(position) FROM outbox_events)")
        outbox.publish(conn)
        with transaction(books.engine, books.org) as tx:
            assert outbox.newest_position(tx) > first, "as after a restore: the same event, a position nobody has read"
    finally:
        conn.close()


def test_positions_rise_also_where_the_clock_falls_back(books: Books) -> None:
    customer = books.customer()
    books.pay(customer, 5, "2026-01-02")
    conn = own_connection(books.engine)
    try:
        outbox.publish(conn)
        ahead = int((datetime.now(UTC).timestamp() + 3600) * 1e6)
        with psycopg.connect(books.owner_url) as c:
            c.execute("UPDATE outbox_events SET position = %s WHERE position = (SELECT max(position) FROM outbox_events)",
                      (ahead,))  # fmt: skip
        books.pay(customer, 6, "2026-01-02")
        outbox.publish(conn)
        with transaction(books.engine, books.org) as tx:
            assert outbox.newest_position(tx) == ahead + 1
    finally:
        conn.close()


def test_readiness_says_so_to_whoever_asks_with_verbose(books: Books) -> None:
    answer = books.api().get("/readyz?verbose")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], [t["what"] for t in answer.json()["trouble"]]) == ("degraded", ["NO_WORKER"])
    assert books.api().get("/readyz").json()["status"] == "ready"


def test_production_that_signs_nothing_is_told_at_its_start_and_in_readiness(
    books: Books, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unsigned = Settings(env="production", database_url=books.owner_url, temporal_address="t:7233")
    signed = unsigned.model_copy(update={"signing_key_file": tmp_path / "key.pem"})
    monkeypatch.setattr(processes, "configure_logs", lambda _settings: None)
    asked = books.api()
    for settings, said in (
        (unsigned, ["EVIDENCE_NOT_SIGNED"]),
        (signed, []),
        (unsigned.model_copy(update={"env": "dev"}), []),
    ):
        with capture_logs() as logs:
            processes._begin("api", settings)
        assert ["evidence and seals are not signed" in e["event"] for e in logs] == [False] + [True] * len(said)
        asked.app.state.settings = settings
        found = asked.get("/readyz?verbose").json()
        assert (found["warnings"], "EVIDENCE_NOT_SIGNED" in str(found["trouble"])) == (said, False)
