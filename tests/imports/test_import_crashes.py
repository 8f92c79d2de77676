"""Imports under SIGKILL, on a whole stack of their own: each row exactly once; and many rows: memory and history flat."""

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from temporalio.client import Client

from stack.runtime import RunningStack
from tests.imports.support import decide, mark, send, until
from tests.stack_fixtures.private import PrivateStack

MB = 1024 * 1024


def rows_of(word: str, n: int) -> bytes:
    """Mostly new customers; every 50th row is invalid, every 40th repeats the row before it."""

    def row(k: int) -> str:
        if k % 50 == 49:
            return f"{word} {k},nonsense,"
        email = f"{word}.{k - 1 if k % 40 == 39 else k}@example.com"
        return f"{word} Customer {k} Ltd,{email},T{word}{k}"

    return ("name,email,tax_id\n" + "\n".join(map(row, range(n))) + "\n").encode()


def expected(n: int) -> dict[str, int]:
    failed = sum(k % 50 == 49 for k in range(n))
    skipped = sum(k % 40 == 39 and k % 50 != 49 for k in range(n))
    return {"created": n - failed - skipped, "skipped": skipped, "failed": failed}


def agree(stack: PrivateStack, import_id: str, n: int) -> None:
    """The table of outcomes, the customers, the audit trail and the outbox tell the same story."""
    running = RunningStack.read(stack.home)
    assert running is not None
    with psycopg.connect(running.database_url) as database:

        def count(sql: str) -> int:
            row = database.execute(sql, {"id": import_id}).fetchone()
            assert row is not None
            return int(row[0])

        assert count("SELECT count(*) FROM import_outcomes WHERE import_id = %(id)s") == n
        assert count("SELECT count(DISTINCT row_no) FROM import_outcomes WHERE import_id = %(id)s") == n
        made = count("SELECT count(*) FROM customers WHERE import_id = %(id)s")
        assert made == expected(n)["created"]
        mine = "(SELECT record_id FROM import_outcomes WHERE import_id = %(id)s AND outcome = 'created')"
        assert count(f"SELECT count(*) FROM customers WHERE id IN {mine}") == made
        assert count(f"SELECT count(*) FROM audit_events WHERE seq = 1 AND subject_id IN {mine}") == made
        assert count(f"SELECT count(*) FROM audit_events WHERE subject_id IN {mine}") == made
        assert (
            count(f"SELECT count(*) FROM outbox_events WHERE type = 'customer.created' AND subject IN {mine}") == made
        )
        assert count("SELECT count(*) FROM outbox_events WHERE type = 'import.completed' AND subject = %(id)s") == 1


def survive(stack: PrivateStack, rows: int, batch_size: int, kills: list[str], seed: int) -> None:
    """Import while parts are killed at random moments of staging, validation and execution."""
    chance = random.Random(seed)
    org = stack.organisation()
    with ExitStack() as opened:
        clerk = opened.enter_context(stack.client(org, "u_clerk", "ar_clerk"))
        manager = opened.enter_context(stack.client(org, "u_manager", "ar_manager"))
        answer = send(clerk, rows_of(mark(), rows), batch_size=batch_size)
        assert answer.status_code == 202, answer.text
        import_id = answer.json()["id"]
        early = kills[: len(kills) // 3]
        for part in early:
            time.sleep(chance.uniform(0.1, 1.0))
            stack.wait_restarted(part, stack.kill(part))
        ready = patient(clerk, import_id, "AWAITING_REVIEW")
        assert ready["status"] == "AWAITING_REVIEW", ready
        assert decide(manager, import_id).status_code == 200
        seen: list[int] = []
        for part in kills[len(early) :]:
            time.sleep(chance.uniform(0.2, 1.5))
            stack.wait_restarted(part, stack.kill(part))
            seen.append(patient(clerk, import_id, "EXECUTING")["executed_rows"])
        done = patient(clerk, import_id)
        assert done["status"] == "COMPLETED_WITH_ERRORS"
        assert {c: done[c] for c in ("created", "skipped", "failed")} == expected(rows)
        assert seen == sorted(seen)
        agree(stack, import_id, rows)
    verified = stack.arflow("verify", check=False)
    assert verified.returncode == 0, verified.stdout


def patient(who: Any, import_id: str, *statuses: str) -> dict[str, Any]:
    """As `until`, while the database may be away."""
    deadline = time.monotonic() + 600
    while True:
        try:
            return until(who, import_id, *statuses, seconds=300)
        except (AssertionError, OSError, httpx2.HTTPError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


@pytest.mark.timeout(1800)
def test_each_row_is_executed_exactly_once_whenever_the_worker_is_killed(modules_stack: PrivateStack) -> None:
    survive(modules_stack, 4_000, 100, ["worker"] * 3, seed=1)


@pytest.mark.soak
def test_ten_kills_of_the_worker_and_one_of_each_server(private_stack: Callable[..., PrivateStack]) -> None:
    survive(
        private_stack().start(),
        20_000,
        100,
        ["worker"] * 5 + ["PostgreSQL"] + ["worker"] * 3 + ["Temporal"] + ["worker"] * 2,
        seed=2,
    )


class Watch(threading.Thread):
    """The resident memory of API and worker, sampled."""

    def __init__(self, stack: PrivateStack) -> None:
        super().__init__(daemon=True)
        self._stack, self._over = stack, threading.Event()
        self.idle = self._sizes()
        self.most = dict(self.idle)

    def _sizes(self) -> dict[str, int]:
        return {part: resident(pid) for part, pid in self._stack.pids().items() if part in ("API", "worker")}

    def run(self) -> None:
        while not self._over.wait(0.2):
            for part, size in self._sizes().items():
                self.most[part] = max(self.most[part], size)

    def grown(self) -> dict[str, float]:
        """Megabytes above idle."""
        self._over.set()
        self.join()
        return {part: (self.most[part] - self.idle[part]) / MB for part in self.idle}


def resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def many_rows(stack: PrivateStack, rows: int, batch_size: int) -> dict[str, Any]:
    """Import; memory stays flat, progress only grows, the history is short. The figures of it."""
    org = stack.organisation()
    watch = Watch(stack)
    watch.start()
    with ExitStack() as opened:
        clerk = opened.enter_context(stack.client(org, "u_clerk", "ar_clerk"))
        manager = opened.enter_context(stack.client(org, "u_manager", "ar_manager"))
        import_id = send(clerk, rows_of(mark(), rows), batch_size=batch_size).json()["id"]
        progress: list[tuple[int, int, int]] = []
        while (now := clerk.get(f"/v1/customer-imports/{import_id}").json())["status"] in ("STAGING", "VALIDATING"):
            progress.append((now["staged_rows"], now["validated_rows"], now["executed_rows"]))
            time.sleep(0.2)
        assert now["status"] == "AWAITING_REVIEW", now
        assert decide(manager, import_id).status_code == 200
        while (now := clerk.get(f"/v1/customer-imports/{import_id}").json())["status"] == "EXECUTING":
            progress.append((now["staged_rows"], now["validated_rows"], now["executed_rows"]))
            time.sleep(0.2)
        assert {c: now[c] for c in ("created", "skipped", "failed")} == expected(rows), now
        for column in zip(*progress, strict=True):
            assert list(column) == sorted(column)
        lines = 0
        with clerk.stream("GET", f"/v1/customer-imports/{import_id}/report.csv") as report:
            for piece in report.iter_lines():
                lines += bool(piece)
        assert lines == rows + 1
    grown = watch.grown()
    assert all(size < 300 for size in grown.values()), grown
    longest, events = asyncio.run(history_lengths(stack, now["workflow_id"]))
    assert longest < 2_000

    at = {
        c: datetime.fromisoformat(now[c]) for c in ("created_at", "staged_at", "validated_at", "started_at", "ended_at")
    }
    phases = (
        ("stage", "created_at", "staged_at"),
        ("validate", "staged_at", "validated_at"),
        ("execute", "started_at", "ended_at"),
    )
    rates = {name: rows / (at[to] - at[since]).total_seconds() for name, since, to in phases}
    figures = {"rows": rows, "batch_size": batch_size, "rows_per_second": rates, "memory_grown_mb": grown,
               "events": events, "events_of_the_longest_run": longest, "samples_of_progress": len(progress)}  # fmt: skip
    print(json.dumps(figures))  # noqa: T201 - make soak reports its figures
    return figures


async def history_lengths(stack: PrivateStack, workflow_id: str) -> tuple[int, int]:
    """Events of the longest run, and of all runs."""
    running = RunningStack.read(stack.home)
    assert running is not None
    client = await Client.connect(running.temporal_address)
    lengths = []
    async for run in client.list_workflows(f"WorkflowId = '{workflow_id}'"):
        described = await client.get_workflow_handle(workflow_id, run_id=run.run_id).describe()
        lengths.append(described.history_length)
    return max(lengths), sum(lengths)


@pytest.mark.timeout(1800)
def test_fifty_thousand_rows_leave_memory_flat_and_the_history_short(modules_stack: PrivateStack) -> None:
    many_rows(modules_stack, 50_000, 1_000)


@pytest.mark.soak
@pytest.mark.parametrize(("rows", "batch_size"), [(1_000_000, 1_000), (1_000_000, 100), (20_000, 1)])
def test_a_million_rows(private_stack: Callable[..., PrivateStack], rows: int, batch_size: int) -> None:
    figures = many_rows(private_stack().start(), rows, batch_size)
    figures["events_for_a_million_rows"] = figures["events"] * 1_000_000 // rows
    keep(figures)


def keep(figures: dict[str, Any]) -> None:
    """Beside the figures of the benches, under this size."""
    path = Path(__file__).parents[2] / "bench" / "results" / "imports_soak.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0]}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    said = {"command": "pytest -m soak tests/imports -k million", "at": at, "machine": machine}
    kept[f"{figures['rows']} rows, batches of {figures['batch_size']}"] = figures | said
    path.write_text(json.dumps(kept, indent=1) + "\n")


def test_a_decision_while_the_worker_hangs_is_carried_out_in_place(modules_stack: PrivateStack) -> None:
    stack = modules_stack
    org = stack.organisation()
    with stack.client(org, "u_clerk", "ar_clerk") as clerk, stack.client(org, "u_manager", "ar_manager") as manager:
        import_id = send(clerk, rows_of(mark(), 100)).json()["id"]
        assert patient(clerk, import_id, "AWAITING_REVIEW")["status"] == "AWAITING_REVIEW"
        worker = stack.pids()["worker"]
        os.kill(worker, signal.SIGSTOP)
        try:
            decided = decide(manager, import_id)
        finally:
            os.kill(worker, signal.SIGCONT)
        assert decided.status_code == 200, decided.text
        patient(clerk, import_id, "COMPLETED")
    agree(stack, import_id, 100)
