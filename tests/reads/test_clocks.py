"""A clock that is off by an hour: this machine's beside a database's that is right, or the database's, put forward or back."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from prometheus_client import REGISTRY
from starlette.datastructures import Headers
from structlog.testing import capture_logs
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.failing import FailingSteps
from api import figures
from api.auth import Authenticator
from api.refresher import Key, PanelRefresher
from models.customer_360.panels import Freshness
from models.db import outbox, stuck
from models.messages.commands import CommandInput
from models.stuck import Patience
from operations.relay import RelayLine
from settings import Settings
from tests.books import SECRET, Books
from tests.cash_desk.desk import Desk, credit_line
from tests.reads.test_nothing_waits_unseen import LONG, later, on_the_desk, stood
from workflows import builds, reactions, watching
from workflows.waiting import left
from workflows.watching import clock_ahead

HOUR = timedelta(hours=1)
AHEAD, BEHIND = HOUR, -HOUR


@contextmanager
def off_by(span: timedelta) -> Iterator[None]:
    """This machine's clock; the monotonic one and the database's go on."""
    with time_machine.travel(datetime.now(UTC) + span, tick=True):
        yield


@pytest.fixture
def books(fresh_database_url: str) -> Iterator[Books]:
    made = Books(fresh_database_url)
    yield made
    made.close()


@pytest.mark.parametrize("span", [AHEAD, BEHIND])
def test_a_clock_that_is_off_is_said_by_how_much(books: Books, span: timedelta) -> None:
    assert clock_ahead(books.engine) == pytest.approx(0, abs=2)
    with off_by(span), capture_logs() as logs:
        assert clock_ahead(books.engine) == pytest.approx(span.total_seconds(), abs=5)
        watching._look(books.engine, "api", "here", None, Patience())
        (said,) = (t for t in figures.trouble(books.engine, ()) if t.what == "CLOCK_OFF")
    assert 3590 < said.number < 3610
    measured = REGISTRY.get_sample_value("arflow_clock_ahead_seconds")
    assert measured == pytest.approx(span.total_seconds(), abs=5)
    assert "this machine's clock is not the database's" in {entry["event"] for entry in logs}
    assert "CLOCK_OFF" not in {t.what for t in figures.trouble(books.engine, ())}


@pytest.mark.parametrize("span", [AHEAD, BEHIND])
async def test_a_machine_whose_clock_is_off_asks_sources_as_often_as_any(span: timedelta) -> None:
    asked: list[Key] = []

    class Counting(PanelRefresher):
        async def _run(self, key: Key, since: datetime) -> None:
            asked.append(key)

    refresher = Counting(link=None, engine=None)  # type: ignore[arg-type]  # neither is needed to count
    seen = datetime.now(UTC)
    with off_by(span):
        for _ in range(2):
            assert await refresher.refresh("org", "cust", ["cases"], seen, time.monotonic())
            await asyncio.sleep(0.01)
        early = time.monotonic() - 1
        assert await refresher.refresh("org", "cust", ["cases"], seen, early), "refreshed since"
    assert len(asked) == 2


def test_a_panel_of_a_time_to_come_is_stale_and_asked_for(books: Books) -> None:
    now = datetime.now(UTC)
    fresh = Freshness("crm", as_of=now - timedelta(minutes=4), attempted_at=now - timedelta(minutes=4))
    assert not fresh.stale(now)
    assert fresh.stale(now - HOUR), "the clock was put back"
    asked = replace(fresh, error_code="X", attempted_at=now, next_attempt_at=now + timedelta(minutes=4), as_of=None)
    assert not asked.worth_asking(now + timedelta(seconds=10))
    assert asked.worth_asking(now - HOUR)


@pytest.mark.parametrize("span", [AHEAD, BEHIND])
def test_a_step_has_failed_for_as_long_as_the_servers_clock_says(books: Books, span: timedelta) -> None:
    class Failing(ActivityInboundInterceptor):
        def __init__(self) -> None:
            pass

        async def execute_activity(self, input: ExecuteActivityInput) -> Any:
            raise ApplicationError("no", type="Broken")

    looking = FailingSteps(books.engine).intercept_activity(Failing())
    given = ExecuteActivityInput(fn=print, args=[CommandInput(books.org, "cmd")], executor=None, headers={})
    for minutes, codes in ((1, set()), (16, {"BROKEN"})):
        env, started = ActivityEnvironment(), datetime.now(UTC)
        env.info = replace(
            env.info, attempt=2, started_time=started, scheduled_time=started - timedelta(minutes=minutes),
            workflow_id="stmt_1/ImportStatement",
        )  # fmt: skip
        with off_by(span), pytest.raises(ApplicationError):
            asyncio.run(env.run(looking.execute_activity, given))
        assert set(on_the_desk(books)) == codes


async def test_a_worker_knows_which_builds_are_there_by_the_databases_clock(books: Books) -> None:
    beat = builds._Beat(books.engine, "1.0", "test")
    with off_by(AHEAD):
        await beat.give()
        assert beat.now is not None
    assert abs(beat.now - datetime.now(UTC)) < timedelta(seconds=5)
    stuck.say_there(books.engine, "test", "other", "2.0")
    beat._since = time.monotonic() - 60
    books.sql("UPDATE processes_seen SET seen_at = seen_at - interval '1 hour' WHERE kind = 'test'")
    assert await beat.give() == {"2.0"}, "it has fallen silent"
    assert beat._at is not None
    beat._at = beat._at[0] - HOUR, beat._at[1]
    assert await beat.give() == set(), "the database's clock was put forward: nobody can have spoken since"
    beat.close()


def test_who_was_seen_at_a_time_to_come_is_not_there_and_nothing_stood_until_then(books: Books) -> None:
    stuck.say_there(books.engine, "test", "one", "1.0")
    assert stuck.last_seen(books.engine, "test").number == 1
    books.sql("UPDATE processes_seen SET seen_at = seen_at + interval '1 hour' WHERE kind = 'test'")
    assert stuck.last_seen(books.engine, "test").number == 0
    assert stuck.silent_builds(books.engine, "test", 10) == {"1.0"}


def test_a_mark_of_a_time_to_come_is_begun_anew(books: Books) -> None:
    statement = Desk(books.engine, books.org).statement([credit_line(100, "x"), credit_line(200, "y")]).statement_id
    assert stood(books, LONG) == {}
    books.sql("UPDATE work_seen SET since = since + interval '1 hour', seen_at = seen_at + interval '1 hour'")
    assert stood(books, LONG) == {}, "the clock was put back"
    later(books, 6)
    assert stood(books, LONG) == {"STATEMENT_STANDS_STILL": statement}


async def test_the_relay_reacts_in_time_on_a_machine_that_is_behind(books: Books) -> None:
    books.pay(books.customer(), 5, "2026-01-02")
    books.sql("UPDATE outbox_events SET at = at - interval '20 seconds' WHERE org_id = :org")
    line = RelayLine()
    await line.open(books.engine)
    try:
        await line.do(outbox.publish)
        with off_by(BEHIND):
            _, reacted = await reactions._react(None, line, 0, reactions.PATIENCE)  # type: ignore[arg-type]  # starts nothing
    finally:
        await line.close()
    assert reacted > 0


async def test_a_token_is_not_remembered_longer_where_the_clock_is_put_back(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Authenticator, "REMEMBER_SECONDS", 0)
    with off_by(timedelta(seconds=-10)):
        sent = Headers({"Authorization": books.api().headers["Authorization"]})
    authenticator, verified = Authenticator(Settings(dev_token_secret=SECRET)), []
    inner = authenticator._verified

    async def counted(given: str) -> dict[str, Any]:
        verified.append(given)
        return await inner(given)

    monkeypatch.setattr(authenticator, "_verified", counted)
    await authenticator.principal(sent)
    with off_by(timedelta(seconds=-2)):
        await authenticator.principal(sent)
    assert len(verified) == 2


def test_a_process_waits_for_as_long_as_the_database_said() -> None:
    assert left(5.0, datetime.now(UTC) + HOUR) == timedelta(seconds=5.25)
    assert left(-5.0, datetime.now(UTC)) == timedelta(seconds=0.25)
