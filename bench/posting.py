"""(b) The posting transaction against the same statements by bare psycopg; a 10,000-line statement against set-based SQL.

The floor of the first runs the very statements (tables, triggers, row-level security, role) that the product sent for
the same posting, recorded in a transaction that was rolled back. The floor of the second is bench/statement_floor.sql.
"""

import contextlib
import json
import statistics
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from sqlalchemy import Engine

from bench.report import Figure, percentile
from bench.stack import BenchStack
from models.access import Principal
from models.cash.statement_answers import StatementAnswer
from models.cash.statement_requests import as_received
from models.cash.statements import LineNumbering, Statement, StatementLine
from models.db.engine import driver_url, make_engine, transaction
from models.db.postgres.statements import Asked, Statements
from models.db.streaming import driver_style
from models.ids import new_id
from models.messages.statements import StatementInput
from models.values import Body
from operations import registry
from operations.cash import statement_chunks
from operations.commands import Submission, submit
from operations.runner import execute, pending, perform, run_now
from operations.work import Work

ORG = "org_bench_b"
PARTS = 5
"""In which the statement is worked off, each beside as many lines by the floor; the middle one counts."""
FLOOR = Path(__file__).parent / "statement_floor.sql"
WHO = Principal("u_clerk", ORG, frozenset({"ar_clerk"}), None)


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    assert registry
    customers = stack.organisation(ORG, 100)
    engine = make_engine(stack.database_url, pool_size=4)
    ours, bare = _postings(stack, engine, customers, 100 if quick else 400)
    n = 2_000 if quick else 10_000
    rates = _statement(stack, engine, customers, n)
    lines_rate, floor_rate = (statistics.median(pair[side] for pair in rates) for side in (0, 1))
    engine.dispose()
    ms = 1000
    return [
        Figure(
            "posting p50 over the same statements by bare psycopg",
            statistics.median(ours) / statistics.median(bare),
            "x",
            2.5,
        ),
        Figure("posting p50", statistics.median(ours) * ms, "ms"),
        Figure("posting p99", percentile(ours, 0.99) * ms, "ms"),
        Figure("same statements by bare psycopg p50", statistics.median(bare) * ms, "ms"),
        Figure(f"statement of {n:,} lines", lines_rate, "lines/s", 300, at_least=True),
        Figure("the same writes by set-based SQL", floor_rate, "lines/s"),
        Figure(
            "statement, share of set-based SQL", statistics.median(o / f for o, f in rates), "x", 0.38, at_least=True
        ),
    ]


def _submission(name: str, body: Body | dict[str, Any], record: str, customer: str | None) -> Submission:
    return Submission(name, f"/{record}", body, new_id("idem"), False, "req_bench", record, record, customer, "bench")


def _invoice(engine: Engine, customer: str, external_id: str) -> Any:
    body = {
        "customer_id": customer, "external_id": external_id, "issue_date": "2026-09-01", "due_date": "2026-10-01",
        "currency_code": "USD", "total_minor": 10_000,
    }  # fmt: skip
    return run_now(engine, WHO, _submission("create_invoice", body, new_id("invoice"), customer)).read(dict)


def _postings(stack: BenchStack, engine: Engine, customers: list[str], n: int) -> tuple[list[float], list[float]]:
    """Interleaved: one posting by the product, one by the recorded statements."""
    work = []
    for k in range(2 * n):
        customer = customers[k % len(customers)]
        invoice = _invoice(engine, customer, f"post-{k}")
        paid = {
            "customer_id": customer, "external_id": f"post-{k}", "payment_date": "2026-10-01", "currency_code": "USD",
            "amount_minor": 10_000,
        }  # fmt: skip
        payment = run_now(engine, WHO, _submission("record_payment", paid, new_id("pay"), customer)).read(dict)
        body = {
            "applications": [{"invoice_id": invoice["id"], "applied_minor": 10_000}], "overpayment": None,
            "posting_date": None, "external_id": None,
        }  # fmt: skip
        work.append(submit(engine, WHO, _submission("apply_payment", body, payment["id"], customer)).command_id)
    recorded = [_record(engine, c) for c in work[1::2]]
    ours, bare = [], []
    with psycopg.connect(driver_url(stack.database_url, for_sqlalchemy=False), autocommit=True) as conn:
        conn.execute("SET ROLE arflow_app")
        conn.prepare_threshold = 2
        for command_id, statements in zip(work[::2], recorded, strict=True):
            began = time.perf_counter()
            execute(engine, ORG, command_id)
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            with conn.transaction():
                for sql, parameters in statements:
                    cursor = conn.execute(sql, parameters)
                    if cursor.description:
                        cursor.fetchall()
            bare.append(time.perf_counter() - began)
    return ours, bare


def _record(engine: Engine, command_id: str) -> list[tuple[str, Any]]:
    """The statements of a posting, from a run that is rolled back."""
    sent: list[tuple[str, Any]] = []
    bound = Statements.bound

    def keep(statements: Statements, asked: Asked) -> Any:
        if asked[0] != "BEGIN":
            sent.append((driver_style(asked[0]), asked[1]))
        return bound(statements, asked)

    with patch.object(Statements, "bound", keep), contextlib.suppress(_Enough), transaction(engine, ORG) as tx:
        perform(Work(tx, pending(tx, command_id)), kept=True)
        tx.connection()  # sends what waits for the commit
        raise _Enough
    return sent


class _Enough(Exception):
    """The recording is complete; nothing is to be committed."""


def _statement(stack: BenchStack, engine: Engine, customers: list[str], n: int) -> list[tuple[float, float]]:
    """Lines per second of the product and of the floor, for each part of a statement of n lines: exact matches, all of them.

    The product works the statement off part by part, the floor as many lines of a statement of its own before or after each. So
    both meet the same machine, and the relay at work on what either has emitted.
    """
    part = n // PARTS
    whole, *parts = [
        _receive(engine, customers, n, "s"),
        *(_receive(engine, customers, part, f"f{k}") for k in range(PARTS)),
    ]
    with psycopg.connect(driver_url(stack.database_url, for_sqlalchemy=False), autocommit=True) as owner:
        owner.execute("ANALYZE")  # as autovacuum would have, for both
        # The floor needs it, the product may not.
        owner.execute(f"GRANT TEMPORARY ON DATABASE {owner.info.dbname} TO arflow_app")
    start = StatementInput(ORG, whole, "u_clerk", "req_bench")
    rates = []
    with psycopg.connect(driver_url(stack.database_url, for_sqlalchemy=False)) as conn:
        conn.execute("SET ROLE arflow_app")
        conn.commit()
        for k, statement in enumerate(parts):
            floor = _floor(conn, statement) if k % 2 else 0.0
            ours = _worked_off(engine, start, (k + 1) * part)
            floor = floor or _floor(conn, statement)
            rates.append((part / ours, part / floor))
        conn.execute("SELECT set_config('arflow.org_id', %s, true)", (ORG,))
        counts = conn.execute("SELECT statement_id, count(*) FROM statement_lines WHERE status = 'APPLIED' GROUP BY 1")
        applied = dict(counts.fetchall())
    if applied != {whole: n, **dict.fromkeys(parts, part)}:
        raise RuntimeError(f"the two did not do the same: {applied}")
    return rates


def _worked_off(engine: Engine, start: StatementInput, until: int) -> float:
    """Seconds until so many of the lines are done."""
    began = time.perf_counter()
    while statement_chunks.next_chunk(engine, start)[0] < until:
        pass
    return time.perf_counter() - began


def _floor(conn: "psycopg.Connection[Any]", statement_id: str) -> float:
    """Seconds of the same writes by set-based SQL, for a whole statement."""
    began = time.perf_counter()
    conn.execute("SELECT set_config('arflow.org_id', %s, true)", (ORG,))
    conn.execute(FLOOR.read_text().replace("{statement}", statement_id).replace("{org}", ORG))
    conn.commit()
    return time.perf_counter() - began


def _receive(engine: Engine, customers: list[str], n: int, stamp: str) -> str:
    """A statement whose lines each pay one invoice exactly, kept but not worked off."""
    from datetime import date

    with transaction(engine, ORG) as tx:
        rows = [
            {
                "id": new_id("invoice"), "customer_id": customers[k % len(customers)], "legal_entity_id": "le_us",
                "external_id": f"inv{stamp}{k:07d}", "reference_key": f"inv{stamp}{k:07d}", "issue_date": "2026-09-01",
                "due_date": "2026-10-01", "currency_code": "USD", "total_minor": 5_000, "tax_minor": 0,
                "balance_due_minor": 5_000, "fx_rate": 1, "functional_currency": "USD", "functional_total_minor": 5_000,
                "functional_balance_minor": 5_000, "lines": [], "version": 1, "created_at": tx.now,
            }
            for k in range(n)
        ]  # fmt: skip
        tx.insert("invoices", rows)
        heads = [{"subject_id": r["id"], "seq": 1, "hash": b"\x00" * 32} for r in rows]
        tx.insert("audit_heads", heads)
    numbering = LineNumbering()
    lines = tuple(
        numbering.number(
            StatementLine(
                0,
                date(2026, 10, 5),
                date(2026, 10, 5),
                5_000,
                "USD",
                f"Customer {k}",
                f"r{k}",
                f"Invoice inv{stamp}{k:07d}",
            )
        )
        for k in range(n)
    )
    statement = Statement(None, None, "USD", None, None, None, None, lines)
    received = as_received("bank_us", json.dumps([stamp, n]).encode(), "bench", [statement])
    done = run_now(engine, WHO, _submission("receive_statement", received, new_id("stmt"), None))
    return str(done.read(StatementAnswer).id)
