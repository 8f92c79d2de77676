"""A bank statement's process: chunk by chunk, and on from where it was when something fails in between."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import OperationalError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import activities.statements
from activities.statements import StatementActivities
from models.messages.statements import StatementResult, statement_workflow_id
from operations.cash import statement_chunks
from tests.cash_desk.books import opened, wrong
from tests.cash_desk.desk import Desk, credit_line
from workflows.statements import ImportStatement


@pytest.mark.parametrize("failing", [False, True], ids=["undisturbed", "every second chunk fails at first"])
async def test_every_line_is_recorded_once_however_often_a_chunk_fails(
    time_skipping: WorkflowEnvironment, worker_of: Callable[..., Worker], desk: Desk, database_url: str,
    monkeypatch: pytest.MonkeyPatch, failing: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(statement_chunks, "CHUNK", 10)
    monkeypatch.setattr(activities.statements, "SLICE_SECONDS", 0.0)  # an activity per chunk
    real, calls = statement_chunks.next_chunk, list[object]()

    def next_chunk(*args: Any) -> tuple[int, int]:
        calls.append(args)
        if failing and len(calls) % 3 == 1:
            raise OperationalError("gone")
        done = real(*args)
        if failing and len(calls) % 3 == 2:
            raise OperationalError("gone after the commit")
        return done

    monkeypatch.setattr(statement_chunks, "next_chunk", next_chunk)
    customer = desk.customer()
    issued = [desk.run(desk.invoice(customer, 400)).body["external_id"] for _ in range(12)]
    lines = [credit_line(400, f"invoice {x}") for x in issued] + [credit_line(n, "?", nth=n) for n in range(1, 24)]
    start = desk.statement(lines)
    async with worker_of([ImportStatement], [StatementActivities(desk.engine).record_and_apply]) as worker:
        result = await time_skipping.client.execute_workflow(
            ImportStatement.run, start, id=statement_workflow_id(start.statement_id), task_queue=worker.task_queue
        )
    assert result == StatementResult(35)
    with opened(database_url) as c:
        sql = "SELECT status, count(*) AS n FROM payments WHERE org_id = %s GROUP BY 1"
        assert {r["status"]: r["n"] for r in c.execute(sql, (desk.org,))} == {"FULLY_APPLIED": 12, "UNAPPLIED": 23}
    assert wrong(database_url, desk.org) == []
    assert len(calls) >= (6 if failing else 4)


@pytest.mark.parametrize("lines", [0, 9, 10, 11, 20])
def test_a_statement_is_complete_whatever_number_of_chunks_it_fills(
    desk: Desk, database_url: str, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    monkeypatch.setattr(statement_chunks, "CHUNK", 10)
    desk.work_off(desk.statement([credit_line(n, "?", nth=n) for n in range(1, lines + 1)]))
    with opened(database_url) as c:
        sql = "SELECT status, lines_done, lines_total, completed_at IS NOT NULL AS ended FROM statements WHERE org_id = %s"
        told = c.execute(sql, (desk.org,)).fetchall()
    assert [tuple(r.values()) for r in told] == [("COMPLETED", lines, lines, True)]


@pytest.mark.parametrize("chunk", [3, 200])
async def test_a_line_that_the_database_refuses_is_left_to_a_person_and_the_others_are_recorded(
    desk: Desk, database_url: str, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(statement_chunks, "CHUNK", chunk)
    lines = [credit_line(n, "unforeseen" if n == 5 else "?", nth=n) for n in range(1, 9)]
    statement = desk.statement(lines)
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(
            "ALTER TABLE payments ADD CONSTRAINT unforeseen CHECK (remittance_text <> 'unforeseen') NOT VALID"
        )
        try:
            desk.work_off(statement)
        finally:
            owner.execute("ALTER TABLE payments DROP CONSTRAINT unforeseen")
    with opened(database_url) as c:
        (found,) = c.execute(
            "SELECT status, lines_done FROM statements WHERE id = %s", (statement.statement_id,)
        ).fetchall()
        of = "SELECT status, reason_code FROM statement_lines WHERE statement_id = %s ORDER BY line"
        said = [(r["status"], r["reason_code"]) for r in c.execute(of, (statement.statement_id,))]
        left = "SELECT subject_id FROM exceptions WHERE org_id = %s AND reason_code = 'WRITE_REFUSED'"
        told = c.execute(left, (desk.org,)).fetchall()
    assert (found["status"], found["lines_done"]) == ("COMPLETED", 8)
    assert said[4] == ("FAILED", "WRITE_REFUSED")
    assert {status for status, _ in said[:4] + said[5:]} == {"UNMATCHED"}
    assert len(told) == 1
    assert wrong(database_url, desk.org) == []
