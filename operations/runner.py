"""How a command becomes a fact: kept, executed once in one transaction, answered again as often as it is asked.

submit   keeps the request (the idempotency record) before any process starts
execute  runs its operation in one transaction that also completes the command
A refusal rolls the transaction back, leaves its audit record in a second one, and is raised.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import errors as pg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from models.access import Principal
from models.db.commands import keep
from models.db.engine import Tx, to_json, transaction
from models.errors import FieldError, Refusal
from models.ids import new_id
from operations import answers
from operations.work import Command, Outcome, Work

Operation = Callable[[Work], Outcome]
OPERATIONS: dict[str, Operation] = {}
NOT_AUDITED = {"IDEMPOTENCY_KEY_CONFLICT", "VALIDATION_FAILED"}
_MISSING = ("_NOT_FOUND", "ORG_CONTEXT_MISMATCH")
RACES = (pg.UniqueViolation, pg.SerializationFailure, pg.DeadlockDetected)


def operation(name: str) -> Callable[[Operation], Operation]:
    """Registers a function as the operation of that name. The name is kept in `commands`: it is never changed."""

    def register(f: Operation) -> Operation:
        OPERATIONS[name] = f
        return f

    return register


def too_large(error: DBAPIError) -> Refusal | None:
    """The refusal of amounts that the books cannot hold, where the database said so (22003)."""
    if not isinstance(error.orig, pg.NumericValueOutOfRange):
        return None
    wrong = "An amount, or what it comes to in the functional currency or in sum, exceeds int64 minor units."
    return Refusal("VALIDATION_FAILED", wrong, errors=[FieldError("", "FIELD_RANGE", wrong)])


class CommandLost(Exception):
    """The command is not in the database (lost with an unsynced second of it): the caller was never answered."""


@dataclass(frozen=True)
class Submission:
    """A request about to be kept. `body` is the validated JSON; amounts as integers, dates as ISO strings."""

    operation: str
    path: str
    body: dict[str, Any]
    idempotency_key: str
    key_given: bool
    request_id: str
    resource_id: str | None = None
    subject_id: str | None = None
    customer_id: str | None = None
    workflow_id: str | None = None
    command_id: str | None = None


@dataclass(frozen=True)
class Submitted:
    """`answer` is set when the same key and body were answered before."""

    command_id: str
    workflow_id: str | None
    resource_id: str | None
    answer: Outcome | None = None
    in_progress: bool = False


def body_hash(body: dict[str, Any]) -> str:
    """sha256 of the body in canonical JSON; two bodies that mean the same have the same hash."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def submit(engine: Engine, who: Principal, s: Submission) -> Submitted:
    """Keep the command; with a key seen before, answer what it was answered, or 409 IDEMPOTENCY_KEY_CONFLICT."""
    digest = body_hash(s.body)
    command_id = s.command_id or new_id("cmd")
    row = {
        "id": command_id,
        "operation": s.operation,
        "path": s.path,
        "idem_key": s.idempotency_key,
        "key_given": s.key_given,
        "body_hash": digest,
        "body": s.body,
        "resource_id": s.resource_id,
        "customer_id": s.customer_id,
        "actor": who.sub,
        "roles": sorted(who.roles),
        "entities": None if who.entities is None else sorted(who.entities),
        "request_id": s.request_id,
        "workflow_id": s.workflow_id,
        "state": "pending",
        "replayed": False,
        "subject_id": s.subject_id,
    }
    first = keep(engine, who.org_id, row)
    if first is not None and first["made"]:
        return Submitted(command_id, s.workflow_id, s.resource_id)
    if first is None:  # refused between the two statements: the key is free again
        return submit(engine, who, s)
    if first["body_hash"] != digest:
        raise Refusal("IDEMPOTENCY_KEY_CONFLICT", "This Idempotency-Key was used with another body on this path.")
    answer = Outcome(first["response"], first["http_status"], True) if first["state"] == "done" else None
    return Submitted(first["id"], first["workflow_id"], first["resource_id"], answer, True)


def execute(engine: Engine, org_id: str, command_id: str) -> Outcome:
    """Run the command's operation once, or answer what it answered. Raises Refusal, CommandLost."""
    for attempt in range(4):
        try:
            with transaction(engine, org_id) as tx:
                done = _execute(tx, command_id)
            answers.tell(command_id, done)
            return done
        except Refusal as refusal:
            raise _refused(engine, org_id, command_id, refusal) from None
        except DBAPIError as e:
            if refused := too_large(e):
                raise _refused(engine, org_id, command_id, refused) from None
            if attempt == 3 or not isinstance(e.orig, RACES):
                raise
    raise AssertionError("unreachable")


def _refused(engine: Engine, org_id: str, command_id: str, refusal: Refusal) -> Refusal:
    _record_refusal(engine, org_id, command_id, refusal)
    answers.tell(command_id, refusal)
    return refusal


def run_now(engine: Engine, who: Principal, s: Submission) -> Outcome:
    """Submit and execute in this process: for writes that need no process of their own."""
    submitted = submit(engine, who, s)
    return submitted.answer or execute(engine, who.org_id, submitted.command_id)


def rehearse(engine: Engine, who: Principal, s: Submission) -> Outcome:
    """The real path, rolled back: what would be answered. Leaves nothing, not even a refusal's audit."""
    cmd = Command(
        "cmd_dry_run", s.operation, s.path, s.body, body_hash(s.body), True, who.sub, tuple(who.roles), who.entities,
        s.request_id, None, s.resource_id, s.subject_id,
    )  # fmt: skip
    with engine.connect() as conn:
        outer = conn.begin()
        try:
            at = conn.exec_driver_sql(
                "SELECT set_config('arflow.org_id', %s, true), clock_timestamp()", (who.org_id,)
            ).one()[1]
            work = Work(Tx(conn, who.org_id, at), cmd, dry_run=True)
            outcome = OPERATIONS[s.operation](work)
            work.flush()
            conn.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
            return outcome
        except DBAPIError as e:
            if refused := too_large(e):
                raise refused from None
            raise
        finally:
            outer.rollback()


def _execute(tx: Tx, command_id: str) -> Outcome:
    # The shared lock keeps a period from closing under a posting; closing takes it exclusively.
    row = tx.one(
        """SELECT *, CASE WHEN operation IN ('close_period', 'reopen_period')
             THEN pg_advisory_xact_lock(hashtextextended('periods:' || :org, 0))
             ELSE pg_advisory_xact_lock_shared(hashtextextended('periods:' || :org, 0)) END
           FROM commands WHERE org_id = :org AND id = :id FOR UPDATE""",
        id=command_id,
    )
    if row is None:
        raise CommandLost(command_id)
    if row["state"] == "done":
        return Outcome(row["response"], row["http_status"], True)
    if row["state"] == "refused":
        raise refusal_from(row["response"])
    cmd = _command(row)
    work = Work(tx, cmd)
    outcome = OPERATIONS[cmd.operation](work)
    finish = {
        "done_id": cmd.id,
        "done_status": outcome.status,
        "done_response": to_json(outcome.body),
        "done_replayed": outcome.replayed,
        "done_at": tx.now,
    }
    work.flush(finish=finish)
    return outcome


def _command(row: Any) -> Command:
    return Command(
        id=row["id"],
        operation=row["operation"],
        path=row["path"],
        body=row["body"],
        body_hash=row["body_hash"],
        key_given=row["key_given"],
        actor=row["actor"],
        roles=tuple(row["roles"]),
        entities=None if row["entities"] is None else frozenset(row["entities"]),
        request_id=row["request_id"],
        workflow_id=row["workflow_id"],
        resource_id=row["resource_id"],
        subject_id=row["subject_id"],
    )


def _record_refusal(engine: Engine, org_id: str, command_id: str, r: Refusal) -> None:
    """The refusal's audit event and the end of the command, in a transaction of their own; the key is free again."""
    problem = {"code": r.code, "detail": r.detail, "errors": [e.as_dict() for e in r.errors], "extra": r.extra}
    with transaction(engine, org_id) as tx:
        row = tx.one(
            "UPDATE commands SET state = 'refused', body = '{}', body_hash = '', response = CAST(:problem AS json), "
            "finished_at = :at "
            "WHERE org_id = :org AND id = :id AND state = 'pending' RETURNING *",
            id=command_id,
            problem=to_json(problem),
            at=tx.now,
        )
        if row is None or r.code in NOT_AUDITED:
            return
        work = Work(tx, _command(row))
        missing = r.code.endswith(_MISSING)
        subject = org_id if missing or row["subject_id"] is None else row["subject_id"]
        said = {"operation": row["operation"], "path": row["path"], "code": r.code, "detail": r.detail, **r.extra}
        work.audit(subject, f"{row['operation']}.refused", said, reason_code=r.code)
        work.flush()


def refusal_from(problem: dict[str, Any]) -> Refusal:
    """The refusal that `problem` recorded."""
    errors = [FieldError(e["loc"], e["code"], e["detail"]) for e in problem.get("errors", [])]
    return Refusal(problem["code"], problem["detail"], errors=errors, **problem.get("extra", {}))


def execute_item(
    engine: Engine,
    who: Principal,
    whole: Submission,
    name: str,
    body: dict[str, Any],
    record_id: str,
    subject_id: str | None,
) -> Outcome:
    """One item of a batch in a transaction of its own; idempotent by its own external_id, so it keeps no command."""
    cmd = Command(
        new_id("cmd"), name, whole.path, body, body_hash(body), whole.key_given, who.sub, tuple(sorted(who.roles)),
        who.entities, whole.request_id, None, record_id, subject_id,
    )  # fmt: skip
    for attempt in range(4):
        try:
            with transaction(engine, who.org_id) as tx:
                tx.run("SELECT pg_advisory_xact_lock_shared(hashtextextended('periods:' || :org, 0))")
                work = Work(tx, cmd)
                outcome = OPERATIONS[name](work)
                work.flush()
                return outcome
        except Refusal as r:
            with transaction(engine, who.org_id) as tx:
                work = Work(tx, cmd)
                subject = who.org_id if r.code.endswith(_MISSING) or subject_id is None else subject_id
                said = {"operation": name, "path": whole.path, "code": r.code, "detail": r.detail, **r.extra}
                work.audit(subject, f"{name}.refused", said, reason_code=r.code)
                work.flush()
            raise
        except DBAPIError as e:
            if refused := too_large(e):
                raise refused from None
            if attempt == 3 or not isinstance(e.orig, RACES):
                raise
    raise AssertionError("unreachable")


def finish_batch(engine: Engine, org_id: str, command_id: str, outcome: Outcome) -> Outcome:
    """Keep the batch's answer for whoever asks again with the same key."""
    with transaction(engine, org_id) as tx:
        tx.run(
            "UPDATE commands SET state = 'done', http_status = :status, response = CAST(:response AS json), "
            "finished_at = :at WHERE org_id = :org AND id = :id",
            id=command_id,
            status=outcome.status,
            response=to_json(outcome.body),
            at=tx.now,
        )
    return outcome
