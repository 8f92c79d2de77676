"""What stands still in one organisation, in SQL: how far each open record has come is noted, and compared the next time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from models.answers import read_row
from models.db.engine import ask
from models.db.tx import Tx
from models.stuck import NOT_MOVING, STEP_FAILING, Figure, Patience, Seen, Stuck, Trouble

_FORGOTTEN: Final = timedelta(minutes=3)
"""A mark that nobody has looked at for so long says nothing of what happened since: nobody looked, the database was restored, or
its clock was put forward. Nor does one of a time to come: the clock was put back."""
_MARKS: Final = """SELECT 'customer_changes' AS kind, id AS record_id, 'round ' || round AS mark FROM customer_changes
    WHERE org_id = :org AND status = 'PENDING_APPROVAL' AND awaiting_step IS NULL AND NOT returned
  UNION ALL SELECT 'approvals', id, 'round ' || round FROM approvals
    WHERE org_id = :org AND status = 'PENDING_APPROVAL' AND awaiting_step IS NULL AND NOT returned
  UNION ALL SELECT 'customer_imports', id, concat_ws(' ', status, staged_rows, validated_rows, executed_rows, pull ->> 'pulled')
    FROM customer_imports WHERE org_id = :org AND status IN ('STAGING', 'VALIDATING', 'EXECUTING')
      AND coalesce(pull ->> 'failing_since', '') = ''
  UNION ALL SELECT 'statements', id, concat_ws(' ', status, lines_done) FROM statements
    WHERE org_id = :org AND status = 'PROCESSING'"""
_NOTE: Final = f"""WITH open AS ({_MARKS}),
  gone AS (DELETE FROM work_seen w WHERE w.org_id = :org
    AND NOT EXISTS (SELECT 1 FROM open o WHERE o.kind = w.kind AND o.record_id = w.record_id))
  INSERT INTO work_seen AS w (org_id, kind, record_id, mark, since, seen_at)
    SELECT :org, kind, record_id, mark, :now, :now FROM open
  ON CONFLICT (org_id, kind, record_id) DO UPDATE SET mark = excluded.mark, seen_at = excluded.seen_at,
    since = CASE WHEN w.mark = excluded.mark AND w.seen_at BETWEEN :remembered AND :now THEN w.since ELSE excluded.since END"""
_STUCK: Final = """SELECT CASE kind WHEN 'customer_changes' THEN 'CHANGE_NOT_CARRIED_OUT'
      WHEN 'approvals' THEN 'APPROVAL_NOT_CARRIED_OUT'
      WHEN 'customer_imports' THEN 'IMPORT_STANDS_STILL' ELSE 'STATEMENT_STANDS_STILL' END AS reason_code,
    record_id AS subject_id, since, mark AS "where" FROM work_seen WHERE org_id = :org AND since < :still
  UNION ALL SELECT 'COMMAND_NOT_CARRIED_OUT', coalesce(min(subject_id), workflow_id), min(created_at), min(operation)
    FROM commands WHERE org_id = :org AND state = 'pending' AND workflow_id IS NOT NULL AND created_at < :still
    GROUP BY workflow_id
  UNION ALL SELECT 'DEADLINE_MISSED', c.id, c.due_at, 'step ' || c.awaiting_step FROM customer_changes c
    JOIN customer_change_steps s ON s.org_id = c.org_id AND s.change_id = c.id AND s.round = c.round AND s.step = c.awaiting_step
    WHERE c.org_id = :org AND c.status = 'PENDING_APPROVAL' AND c.due_at < :still AND s.escalated_at IS NULL
  UNION ALL SELECT 'DEADLINE_MISSED', case_id, due_at, 'escalation' FROM case_escalations
    WHERE org_id = :org AND status = 'OPEN' AND due_at < :still
  UNION ALL SELECT 'SOURCE_FAILING', id, CAST(pull ->> 'failing_since' AS timestamptz), pull ->> 'error' FROM customer_imports
    WHERE org_id = :org AND status = 'STAGING' AND CAST(pull ->> 'failing_since' AS timestamptz) < :failing
  UNION ALL SELECT 'WEBHOOK_FAILING', endpoint_id, min(created_at), max(coalesce(error_code, '')) FROM webhook_deliveries
    WHERE org_id = :org AND status = 'PENDING' AND attempts > 0 AND created_at < :failing GROUP BY endpoint_id
  UNION ALL SELECT 'WEBHOOK_NOT_SENT', d.endpoint_id, min(d.created_at), 'PENDING' FROM webhook_deliveries d
    WHERE d.org_id = :org AND d.status = 'PENDING' AND d.attempts = 0 AND d.created_at < :still
      AND NOT EXISTS (SELECT 1 FROM webhook_deliveries b WHERE b.org_id = d.org_id AND b.endpoint_id = d.endpoint_id
        AND b.subject = d.subject AND b.status = 'PENDING' AND b.position < d.position)
    GROUP BY d.endpoint_id"""


def note(tx: Tx) -> None:
    """Note how far each open record has come by now."""
    tx.run(_NOTE, now=tx.now, remembered=tx.now - _FORGOTTEN)


def find(tx: Tx, patience: Patience) -> Sequence[Stuck]:
    """What has not come farther for so long, or fails in the same way for so long."""
    return tx.records(Stuck, _STUCK, still=tx.now - patience.still, failing=tx.now - patience.failing)


def settle(tx: Tx, still: Sequence[Stuck], who: str) -> None:
    """What does not stand any more has moved on: its exceptions are resolved."""
    tx.later(
        """UPDATE exceptions e SET status = 'resolved', resolved_at = :now, resolved_by = :who, resolution_code = 'MOVED_ON'
           WHERE e.org_id = :org AND e.kind = :kind AND e.status = 'open' AND (e.reason_code, e.subject_id) NOT IN
             (SELECT unnest(CAST(:reasons AS text[])), unnest(CAST(:subjects AS text[])))""",
        now=tx.now,
        who=who,
        kind=NOT_MOVING,
        reasons=[s.reason_code for s in still],
        subjects=[s.subject_id for s in still],
    )


def trouble(engine: Engine) -> Sequence[Trouble]:
    """What is wrong in all organisations together."""
    return [read_row(Trouble, row) for row in ask(engine, "SELECT * FROM standing_work()")]


def figures(engine: Engine) -> Sequence[Figure]:
    """What is open in all organisations together."""
    return [read_row(Figure, row) for row in ask(engine, "SELECT * FROM operation_figures()")]


def say_there(engine: Engine, kind: str, name: str, build: str | None) -> datetime:
    """A process of this kind is there; those that have not been for a day are forgotten. The database's time is answered."""
    said = ask(
        engine,
        """WITH old AS (DELETE FROM processes_seen WHERE seen_at < now() - interval '1 day')
           INSERT INTO processes_seen (kind, name, build, seen_at) VALUES (:kind, :name, :build, now())
           ON CONFLICT (kind, name) DO UPDATE SET build = excluded.build, seen_at = excluded.seen_at
           RETURNING clock_timestamp() AS at""",
        kind=kind,
        name=name,
        build=build,
    )
    at: datetime = said[0]["at"]
    return at.astimezone(UTC)


def last_seen(engine: Engine, kind: str) -> Seen:
    """How many processes of this kind have been there within two minutes, and when the last of all was. Not those of a time to
    come: the clock was put back, and who is there has said so since."""
    sql = """SELECT count(*) FILTER (WHERE seen_at > now() - interval '2 minutes') AS number, max(seen_at) AS at
             FROM processes_seen WHERE kind = :kind AND seen_at <= now()"""
    return read_row(Seen, ask(engine, sql, kind=kind)[0])


def silent_builds(engine: Engine, kind: str, seconds: float) -> frozenset[str]:
    """The builds of which processes of this kind have been there today, and none within so many seconds."""
    sql = """SELECT build FROM processes_seen WHERE kind = :kind AND build IS NOT NULL
             GROUP BY build HAVING coalesce(max(seen_at) FILTER (WHERE seen_at <= now()), '-infinity')
               < now() - make_interval(secs => :seconds)"""
    return frozenset(str(row["build"]) for row in ask(engine, sql, kind=kind, seconds=seconds))


def reported(tx: Tx) -> Sequence[Stuck]:
    """What is on a desk because it stands still or fails."""
    return tx.records(
        Stuck,
        """SELECT reason_code, subject_id, created_at AS since, coalesce(detail ->> 'where', detail ->> 'step', '') AS "where"
           FROM exceptions WHERE org_id = :org AND status = 'open' AND kind = ANY(:kinds) ORDER BY created_at, subject_id""",
        kinds=[NOT_MOVING, STEP_FAILING],
    )
