"""What an import leaves behind, and for how long."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, ScheduleOverlapPolicy

from api.import_report import report
from models.db.engine import transaction
from models.db.imports import files
from models.ids import new_id
from models.imports.requests import ReviewDecision
from models.imports.retention import ABANDONED, WITH_EFFECT, WITHOUT_EFFECT, rows_kept_until
from operations.imports import retention
from tests.imports.in_process import Desk, another, desk
from tests.imports.support import table

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ROWS = [
    ("Known", "known@x.com"),
    ("Secretperson", "secret@x.com"),
    ("Secretperson", "nonsense"),
    ("Secretperson Ltd", "other@x.com"),
]


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


def prune(clerk: Desk, after: timedelta) -> int:
    return retention.prune(clerk.engine, clerk.org, NOW + after, lambda _: None)


def texts(clerk: Desk, import_id: str) -> str:
    """All that the staging tables still say of an import."""
    raws = clerk.sql("SELECT string_agg(raw, ' ') AS t FROM import_lines WHERE import_id = :id", id=import_id)
    rows = clerk.sql(
        "SELECT string_agg(to_jsonb(r)::text, ' ') AS t FROM import_rows r WHERE import_id = :id", id=import_id
    )
    return f"{raws[0]['t']} {rows[0]['t']}"


def reported(clerk: Desk, import_id: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(report(clerk.engine, clerk.org, import_id)), newline="")))


def test_rows_of_an_import_that_made_customers_stay_through_the_audit_of_their_year(clerk: Desk) -> None:
    clerk.customers({"name": "Known", "email": "known@x.com"})
    done = clerk.run(table(ROWS))
    before, outcomes = reported(clerk, done.id), clerk.outcomes(done.id)
    assert [o for _, o, _ in outcomes] == ["skipped", "created", "failed", "created"]
    assert prune(clerk, WITH_EFFECT - DAY) == 0
    assert reported(clerk, done.id) == before
    assert prune(clerk, WITH_EFFECT + DAY) == 1
    assert "secret" not in texts(clerk, done.id).lower()
    assert clerk.outcomes(done.id) == outcomes, "what became of each row stays"
    assert [r[:5] for r in reported(clerk, done.id)] == [r[:5] for r in before]
    row = clerk.row(done.id)
    assert row.pruned_at is not None
    assert row.summary == done.summary
    actions = clerk.sql(
        "SELECT action FROM audit_events WHERE org_id = :org AND subject_id = :id ORDER BY seq DESC LIMIT 1",
        id=done.id,
    )
    assert actions == [{"action": "import.pruned"}]
    assert prune(clerk, WITH_EFFECT + DAY) == 0
    made = clerk.sql("SELECT name FROM customers WHERE org_id = :org AND import_id = :id ORDER BY name", id=done.id)
    assert [m["name"] for m in made] == ["Secretperson", "Secretperson Ltd"]


def test_rows_of_an_import_without_effect_go_after_a_month_and_an_open_review_keeps_its_own(clerk: Desk) -> None:
    rejected, open_review = clerk.validated(table(ROWS)), clerk.validated(table(ROWS))
    clerk.decide(rejected, ReviewDecision(decision="reject", reason_code="WRONG_FILE"), "u_manager")
    assert prune(clerk, WITHOUT_EFFECT - DAY) == 0
    assert prune(clerk, WITHOUT_EFFECT + DAY) == 1
    assert "secret" not in texts(clerk, rejected).lower()
    assert [o for _, o, _ in clerk.outcomes(rejected)] == ["not_attempted", "not_attempted", "failed", "not_attempted"]
    assert "secret" in texts(clerk, open_review).lower()
    with pytest.raises(Exception, match="has not ended"), transaction(clerk.engine, clerk.org) as tx:
        tx.scalar("SELECT import_prune(:id, 0, 9)", id=open_review)


def test_many_rows_lose_their_texts_slice_by_slice(clerk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", 2)
    done, beats = clerk.run(table(ROWS)), list[int]()
    assert done.ended_at is not None
    over = rows_kept_until(done.ended_at, changed=done.created)
    assert retention.prune(clerk.engine, clerk.org, over - timedelta(microseconds=1), beats.append) == 0
    assert retention.prune(clerk.engine, clerk.org, over, beats.append) == 1
    assert beats == [0, 2]
    assert "secret" not in texts(clerk, done.id).lower()
    (said,) = clerk.sql(
        "SELECT actor, workflow_id, payload FROM audit_events WHERE org_id = :org AND action = 'import.pruned'"
    )
    assert (said["actor"], json.loads(said["payload"])) == ("arflow", {"rows": 4})


def test_one_organisations_clean_up_leaves_the_others_alone(clerk: Desk) -> None:
    other = another(clerk)
    theirs = other.run(table(ROWS), validate_only=True).id
    with pytest.raises(Exception, match="has not ended"), transaction(clerk.engine, clerk.org) as tx:
        tx.scalar("SELECT import_prune(:id, 0, 9)", id=theirs)
    assert prune(clerk, WITHOUT_EFFECT + DAY) == 0
    assert "secret" in texts(other, theirs).lower()


def test_a_file_that_never_became_an_import_goes_after_a_day_and_one_under_way_stays(clerk: Desk) -> None:
    abandoned, waiting = new_id("imp"), clerk.upload(table(ROWS))
    files.keep_file(clerk.engine, clerk.org, abandoned, [b"name,email\n", b"A,a@x.com\n"])
    kept = "SELECT DISTINCT import_id FROM import_files WHERE org_id = :org ORDER BY 1"
    prune(clerk, ABANDONED - DAY / 2)
    assert {r["import_id"] for r in clerk.sql(kept)} == {abandoned, waiting}
    prune(clerk, ABANDONED + DAY)
    assert {r["import_id"] for r in clerk.sql(kept)} == {waiting}
    files.keep_file(clerk.engine, clerk.org, abandoned, [b"name,email\n", b"A,a@x.com\n"])
    assert len(clerk.sql("SELECT 1 FROM import_files WHERE org_id = :org AND import_id = :id", id=abandoned)) == 2, (
        "sent again"
    )


async def test_the_schedule_cleans_up(app_stack: object, temporal_client: Client, clerk: Desk) -> None:
    old, recent = (clerk.run(table(ROWS), validate_only=True).id for _ in range(2))
    ended = "UPDATE customer_imports SET ended_at = ended_at - CAST(:ago AS interval) WHERE org_id = :org AND id = :id"
    with transaction(clerk.owner, clerk.org) as tx:
        assert tx.run(ended, id=old, ago=str(WITHOUT_EFFECT + DAY)) == 1
    await temporal_client.get_schedule_handle("prune-imports").trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)
    for _ in range(1200):
        description = await temporal_client.get_schedule_handle("prune-imports").describe()
        if description.info.recent_actions:
            break
        await asyncio.sleep(0.1)
    started = description.info.recent_actions[-1].action
    assert isinstance(started, ScheduleActionExecutionStartWorkflow)
    handle = temporal_client.get_workflow_handle(
        started.workflow_id, run_id=started.first_execution_run_id, result_type=int
    )
    assert await handle.result() >= 1
    assert "secret" not in texts(clerk, old).lower()
    assert "secret" in texts(clerk, recent).lower()
