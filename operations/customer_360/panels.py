"""Refreshing a panel from its source: what is asked, what is kept of the answer or of the failure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from models.customer_360.answers import SourceConnectionAnswer, source_connection_answer
from models.customer_360.kinds import OF_PANEL
from models.customer_360.panels import MAX_AGE, retry_in
from models.customer_360.records import HeardActivity, PanelSnapshot, SourceConnection, SourceCustomer, SourceFacts
from models.customer_360.requests import PutSourceConnection
from models.db.customer_360 import panels, source_records
from models.db.tx import Tx
from models.errors import FieldError, Refusal
from models.messages.customer_360 import PanelRefresh
from operations.customer_360.source_records import follow, write_records
from operations.customer_360.timeline import write_heard
from operations.organisations import bootstrap_work
from operations.runner import operation
from operations.work import Outcome, Work

SYSTEM: Final = "system"
HOT_FOR: Final = timedelta(minutes=30)
HOT_AGE: Final = MAX_AGE - timedelta(seconds=90)
"""Who was looked at within HOT_FOR has its external panels refreshed once they are older than HOT_AGE."""


@dataclass(frozen=True)
class Question:
    """What to ask: the connection, the customer there, and when the question was put (UTC)."""

    connection: SourceConnection
    customer: SourceCustomer
    asked_at: datetime


def begin_refresh(tx: Tx, start: PanelRefresh) -> Question | None:
    """None where there is nothing to ask: no source, no such customer, or a snapshot newer than what the caller saw."""
    connection = panels.connection_for(tx, start.panel)
    if connection is None:
        return None
    customer = panels.customer_key(tx, start.customer_id, connection.kind)
    if customer is None:
        return None
    kept = panels.lock_snapshot(tx, start.customer_id, start.panel)
    if kept is not None and kept.source != connection.name:
        kept = None
    if kept is not None and start.since and kept.as_of and start.since < kept.as_of <= tx.now:
        return None
    # Until the time-out nobody else waits for this question longer than for its first moments.
    patience = timedelta(milliseconds=connection.timeout_ms) + timedelta(seconds=1)
    asking = kept or PanelSnapshot(
        source=connection.name, as_of=None, attempted_at=tx.now, failures=0, error_code=None, next_attempt_at=None
    )
    asking = replace(asking, attempted_at=tx.now, next_attempt_at=tx.now + patience)
    panels.save_snapshot(tx, start.customer_id, start.panel, asking)
    return Question(connection, customer, tx.now)


def complete_refresh(tx: Tx, start: PanelRefresh, asked: Question, said: Sequence[SourceFacts]) -> int:
    """Keep the answer: records written, those no longer open there closed, the snapshot as of when the question was put."""
    source = asked.connection.name
    unique = {r.external_id: r for r in said}
    work = bootstrap_work(tx, f"source:{source}")
    if start.panel in OF_PANEL:
        _write(work, start, source, unique)
    else:
        heard = [one for one in unique.values() if isinstance(one, HeardActivity)]
        write_heard(work, source, start.customer_id, heard)
    fresh = PanelSnapshot(
        source=source, as_of=asked.asked_at, attempted_at=asked.asked_at, failures=0, error_code=None, next_attempt_at=None
    )  # fmt: skip
    panels.save_snapshot(tx, start.customer_id, start.panel, fresh)
    work.flush()
    return len(unique)


def _write(work: Work, start: PanelRefresh, source: str, said: Mapping[str, SourceFacts]) -> None:
    kind = OF_PANEL[start.panel]
    write_records(work, kind, source, list(said.values()))
    for record_id in (closed := source_records.close_absent(work.tx, kind, source, start.customer_id, list(said))):
        work.audit(record_id, f"{kind.noun}.closed", {"customer_id": start.customer_id, "source": source})
    follow(work, kind, closed)


def fail_refresh(tx: Tx, start: PanelRefresh, asked: Question, code: str) -> None:
    """Keep the failure beside the old data, and leave the source alone for a while."""
    kept = panels.lock_snapshot(tx, start.customer_id, start.panel)
    before, as_of = (0, None) if kept is None else (kept.failures, kept.as_of)
    failed = PanelSnapshot(
        source=asked.connection.name, as_of=as_of, attempted_at=asked.asked_at, failures=before + 1, error_code=code,
        next_attempt_at=tx.now + retry_in(before),
    )  # fmt: skip
    panels.save_snapshot(tx, start.customer_id, start.panel, failed)


def hot_set(tx: Tx, limit: int) -> list[PanelRefresh]:
    """The external panels of this organisation to refresh now."""
    panels.forget_views(tx, tx.now - timedelta(days=1))
    cooling = panels.cooling(tx, tx.now - HOT_FOR, tx.now - HOT_AGE, limit)
    return [PanelRefresh(tx.org_id, customer_id, panel) for customer_id, panel in cooling]


@operation("put_source_connection", PutSourceConnection, SourceConnectionAnswer)
def put_source_connection(work: Work, asked: PutSourceConnection) -> Outcome[SourceConnectionAnswer]:
    """Say which external system serves which panels. One system per panel."""
    name, given = str(work.cmd.resource_id), asked.model_dump()
    for other in panels.connections(work.tx):
        taken = sorted(set(other.panels) & set(asked.panels))
        if other.enabled and asked.enabled and other.name != name and taken:
            wrong = FieldError("/panels", "PANEL_TAKEN", f"{other.name} serves {', '.join(taken)}")
            raise Refusal("VALIDATION_FAILED", "One field is not valid: a panel has one source.", errors=[wrong])
    before = panels.connection(work.tx, name)
    connection = SourceConnection(name=name, **given, updated_at=work.now, updated_by=work.cmd.actor)
    panels.put_connection(work.tx, connection)
    former = None if before is None else {f: getattr(before, f) for f in given}
    work.audit(work.tx.org_id, "source_connection.changed", {"name": name, "before": former, "after": given})
    return Outcome(source_connection_answer(connection))
