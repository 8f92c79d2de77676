"""Refreshing a panel from its source: what is asked, what is kept of the answer or of the failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from models.customer_360.panels import MAX_AGE, retry_in
from models.customer_360.source_records import KINDS
from models.db.customer_360 import panels, source_records
from models.db.tx import Tx
from models.errors import FieldError, Refusal
from models.messages.customer_360 import PanelRefresh
from operations.customer_360.source_records import follow, write_records
from operations.organisations import bootstrap_work
from operations.runner import untyped_operation
from operations.work import Outcome, Work

SYSTEM: Final = "system"
HOT_FOR: Final = timedelta(minutes=30)
HOT_AGE: Final = MAX_AGE - timedelta(seconds=90)
"""Who was looked at within HOT_FOR has its external panels refreshed once they are older than HOT_AGE."""
PANEL_TABLES: Final = {k.panel: k for k in KINDS.values()}


@dataclass(frozen=True)
class Question:
    """What to ask: the connection's row, the customer's key there, and when the question was put (UTC)."""

    connection: Any
    source_customer_id: str
    currency_code: str
    asked_at: datetime


def begin_refresh(tx: Tx, start: PanelRefresh) -> Question | None:
    """None where there is nothing to ask: no source, no such customer, or a snapshot newer than what the caller saw."""
    connection = panels.connection_for(tx, start.panel)
    customer = connection and panels.customer_key(tx, start.customer_id, connection["kind"])
    if connection is None or customer is None:
        return None
    snapshot = panels.lock_snapshot(tx, start.customer_id, start.panel)
    same = snapshot is not None and snapshot["source"] == connection["name"]
    if snapshot and same and start.since and snapshot["as_of"] and snapshot["as_of"] > start.since:
        return None
    # Until the time-out nobody else waits for this question longer than for its first moments.
    patience = timedelta(milliseconds=connection["timeout_ms"]) + timedelta(seconds=1)
    fields: dict[str, Any] = {"attempted_at": tx.now, "next_attempt_at": tx.now + patience}
    if snapshot is not None and same:
        fields |= {k: snapshot[k] for k in ("source", "as_of", "failures", "error_code")}
    else:
        fields |= {"source": connection["name"], "as_of": None, "failures": 0, "error_code": None}
    panels.save_snapshot(tx, start.customer_id, start.panel, **fields)
    return Question(connection, customer["source_customer_id"], customer["currency_code"], tx.now)


def complete_refresh(tx: Tx, start: PanelRefresh, asked: Question, rows: Sequence[dict[str, Any]]) -> int:
    """Keep the answer: records written, those no longer open there closed, the snapshot as of when the question was put."""
    kind, source = PANEL_TABLES[start.panel], asked.connection["name"]
    unique = {r["external_id"]: r for r in rows}
    work = bootstrap_work(tx, f"source:{source}")
    write_records(work, kind, source, list(unique.values()))
    for record_id in (closed := source_records.close_absent(tx, kind, source, start.customer_id, list(unique))):
        work.audit(record_id, f"{kind.noun}.closed", {"customer_id": start.customer_id, "source": source})
    follow(work, kind, closed)
    panels.save_snapshot(
        tx, start.customer_id, start.panel, source=source, as_of=asked.asked_at, attempted_at=asked.asked_at,
        failures=0, error_code=None, next_attempt_at=None,
    )  # fmt: skip
    work.flush()
    return len(unique)


def fail_refresh(tx: Tx, start: PanelRefresh, asked: Question, code: str) -> None:
    """Keep the failure beside the old data, and leave the source alone for a while."""
    snapshot = panels.lock_snapshot(tx, start.customer_id, start.panel)
    failures = (snapshot["failures"] if snapshot else 0) + 1
    panels.save_snapshot(
        tx, start.customer_id, start.panel, source=asked.connection["name"], as_of=snapshot and snapshot["as_of"],
        attempted_at=asked.asked_at, failures=failures, error_code=code, next_attempt_at=tx.now + retry_in(failures - 1),
    )  # fmt: skip


def hot_set(tx: Tx, limit: int) -> list[PanelRefresh]:
    """The external panels of this organisation to refresh now."""
    panels.forget_views(tx, tx.now - timedelta(days=1))
    rows = panels.cooling(tx, tx.now - HOT_FOR, tx.now - HOT_AGE, limit)
    return [PanelRefresh(tx.org_id, r["customer_id"], r["panel"]) for r in rows]


@untyped_operation("put_source_connection")
def put_source_connection(work: Work) -> Outcome[Any]:
    """Say which external system serves which panels. One system per panel."""
    b = dict(work.cmd.body)
    for other in panels.connections(work.tx):
        taken = sorted(set(other["panels"]) & set(b["panels"]))
        if other["enabled"] and b["enabled"] and other["name"] != b["name"] and taken:
            wrong = FieldError("/panels", "PANEL_TAKEN", f"{other['name']} serves {', '.join(taken)}")
            raise Refusal("VALIDATION_FAILED", "One field is not valid: a panel has one source.", errors=[wrong])
    before = panels.connection(work.tx, b["name"])
    row = {**b, "updated_at": work.now, "updated_by": work.cmd.actor}
    panels.put_connection(work.tx, row)
    told = {"name": b["name"], "after": b, "before": before and {k: before[k] for k in b}}
    work.audit(work.tx.org_id, "source_connection.changed", told)
    return Outcome(panels.connection_body(row))
