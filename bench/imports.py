"""(c) An import of 100,000 rows against hand-written SQL: COPY, and COPY + INSERT … SELECT of the same rows.

Staging is held against COPY of the same staged rows, ready as text, into the same table. Validation and execution are
held against the least that could make the same customers: the typed rows by COPY into a temporary table, then
set-based INSERTs into the same tables (indexes, constraints and triggers as they are) with the same audit chains, hashes
and outbox events, in one transaction. The floor validates nothing, compares with nobody and cannot be interrupted.

A share is the middle one of those of all rounds, each of what ran one after the other: a machine that is slow for a while is
slow for both. The floor stays whole, and last: half of it twice is less work than all at once.
"""

import hashlib
import io
import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from sqlalchemy import Engine

from bench.report import Figure
from bench.stack import BenchStack
from models.access import Principal
from models.db.engine import driver_url, make_engine, transaction
from models.db.imports import files, imports
from models.ids import new_id
from models.imports.records import ImportStatus
from models.imports.requests import ImportOptions, SubmitImport
from operations import registry
from operations.commands import Submission, submit
from operations.imports import execution as import_execution
from operations.imports import staging as import_staging
from operations.imports import validation as import_validation
from operations.runner import execute

ORG = "org_bench_c"
FLOOR = Path(__file__).parent / "import_floor.sql"
HEADER = "name,email,external_id,tax_id,phone,customer_type,credit_limit,payment_terms,currency_code"
CALM = 10**9
"""Seconds that no slice lasts: the whole phase in one call."""


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    assert registry
    stack.organisation(ORG)
    engine = make_engine(stack.database_url, pool_size=4)
    rows, rounds = (20_000, 1) if quick else (100_000, 3)
    took = [_round(stack, engine, rows) for _ in range(rounds)]
    engine.dispose()
    middle = {key: statistics.median(t[key] for t in took) for key in took[0]}
    of_copy = statistics.median(t["copy"] / t["stage"] for t in took)
    of_sql = statistics.median(t["floor"] / t["both"] for t in took)
    whole = _over_http(stack, rows)
    return [
        Figure("staging, share of raw COPY", of_copy, "x", 0.5, at_least=True),
        Figure("validate + execute, share of hand-written SQL", of_sql, "x", 0.5, at_least=True),
        Figure("staging", rows / middle["stage"], "rows/s"),
        Figure("raw COPY of the same staged rows", rows / middle["copy"], "rows/s"),
        Figure("validation", rows / middle["validate"], "rows/s"),
        Figure("execution, batches of 1,000", rows / middle["execute"], "rows/s"),
        Figure("validation and execution", rows / middle["both"], "rows/s"),
        Figure("hand-written COPY + INSERT … SELECT", rows / middle["floor"], "rows/s"),
        Figure(f"{rows:,} rows over HTTP and Temporal, upload to end", rows / whole, "rows/s"),
    ]


def table(rows: int) -> bytes:
    """A file of new customers."""
    word = uuid.uuid4().hex[:6]
    lines = (
        f"{word} Customer {n} Ltd,{word}.c{n}@example.com,X{word}{n},US-{word}{n:09d},+1 555 123 4567,retail,5000.00,NET30,USD\n"
        for n in range(rows)
    )
    return (HEADER + "\n" + "".join(lines)).encode()


def _round(stack: BenchStack, engine: Engine, rows: int) -> dict[str, float]:
    """Seconds of each phase, of ours and of the floor, in one round."""
    import_id = _kept(engine, table(rows))

    def calm(_: int) -> None: ...

    took = {"stage": _seconds(lambda: import_staging.stage(engine, ORG, import_id, calm))}
    with psycopg.connect(driver_url(stack.database_url, for_sqlalchemy=False)) as bare:
        took["copy"] = _raw_copy(bare, import_id)
        took["validate"] = _seconds(lambda: import_validation.validate(engine, ORG, import_id, calm, CALM))
        with transaction(engine, ORG) as tx:
            one = imports.get(tx, import_id, lock=True)
            assert one.status is ImportStatus.AWAITING_REVIEW, one
            imports.save(tx, one, replace(one, status=ImportStatus.EXECUTING, started_at=tx.now))
        took["execute"] = _seconds(lambda: import_execution.execute(engine, ORG, import_id, calm, CALM))
        with transaction(engine, ORG) as tx:
            assert imports.get(tx, import_id).created == rows
        took["both"] = took["validate"] + took["execute"]
        took["floor"] = _floor(bare, rows)
    return took


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _kept(engine: Engine, content: bytes) -> str:
    """The upload as the API keeps it."""
    import_id = new_id("imp")
    body = SubmitImport(
        options=ImportOptions(source="csv", legal_entity_id="le_us", batch_size=1000),
        file_hash=hashlib.sha256(content).hexdigest(),
        file_bytes=len(content),
    )
    who = Principal("u_clerk", ORG, frozenset({"ar_clerk"}))
    kept = submit(
        engine,
        who,
        Submission("import.submit", "/v1/customer-imports", body, import_id, True, "req_bench", import_id, import_id),
    )
    pieces = (content[at : at + files.PIECE] for at in range(0, len(content), files.PIECE))
    files.keep_file(engine, ORG, import_id, pieces)
    execute(engine, ORG, kept.command_id)
    return import_id


def _raw_copy(bare: psycopg.Connection, import_id: str) -> float:
    """COPY of the very rows that were staged, under another import's id, from text that lies ready."""
    out = io.BytesIO()
    same = f"SELECT import_id || 'x', row_no, line, org_id, raw FROM import_line_data WHERE import_id = '{import_id}'"
    source = f"COPY ({same} ORDER BY row_no) TO STDOUT"
    with bare.cursor().copy(source) as rows:
        for piece in rows:
            out.write(piece)
    ready = out.getvalue()
    began = time.perf_counter()
    with bare.cursor().copy("COPY import_line_data (import_id, row_no, line, org_id, raw) FROM STDIN") as copy:
        for at in range(0, len(ready), 1 << 20):
            copy.write(ready[at : at + (1 << 20)])
    bare.commit()
    return time.perf_counter() - began


def _floor(bare: psycopg.Connection, rows: int) -> float:
    """Hand-written SQL for as many new customers."""
    lines = [line.split(",") for line in table(rows).decode().splitlines()[1:]]
    ready = "".join("\t".join((new_id("cust"), *cells)) + "\n" for cells in lines).encode()
    create, insert = FLOOR.read_text().split("-- COPY here\n")
    began = time.perf_counter()
    bare.execute(create)
    with bare.cursor().copy("COPY new_rows FROM STDIN") as copy:
        for at in range(0, len(ready), 1 << 20):
            copy.write(ready[at : at + (1 << 20)])
    bare.execute(insert.replace(":org", f"'{ORG}'"))
    bare.commit()
    return time.perf_counter() - began


def _over_http(stack: BenchStack, rows: int) -> float:
    """The whole way of one file: seconds from the upload to the end, without the manager's own time."""
    content = table(rows)

    def person(user: str, role: str) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {stack.token(ORG, user, role)}"}
        return httpx2.Client(base_url=stack.base_url, headers=headers, timeout=120, trust_env=False)

    with person("u_clerk", "ar_clerk") as clerk, person("u_manager", "ar_manager") as manager:
        began = datetime.now(UTC)
        options = '{"source": "csv", "legal_entity_id": "le_us", "batch_size": 1000}'
        sent = clerk.post("/v1/customer-imports", files={"file": ("c.csv", content)}, data={"options": options}).json()
        path = f"/v1/customer-imports/{sent['id']}"
        ready = _until(clerk, path, "AWAITING_REVIEW")
        manager.post(f"{path}/decisions", json={"decision": "approve"}).raise_for_status()
        done = _until(clerk, path, "COMPLETED")
    before = datetime.fromisoformat(ready["validated_at"]) - began
    after = datetime.fromisoformat(done["ended_at"]) - datetime.fromisoformat(done["started_at"])
    return (before + after).total_seconds()


def _until(who: httpx2.Client, path: str, status: str) -> dict[str, Any]:
    while True:
        now: dict[str, Any] = who.get(path).json()
        if now["status"] == status:
            return now
        assert now["status"] in ("STAGING", "VALIDATING", "EXECUTING"), now
        time.sleep(0.1)
