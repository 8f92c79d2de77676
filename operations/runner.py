"""How a command becomes a fact: kept, executed once in one transaction, answered again as often as it is asked.

submit   keeps the request (the idempotency record) before any process starts
execute  runs its operation in one transaction that also completes the command
A refusal rolls the transaction back, leaves its audit record in a second one, and is raised.
"""

from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import Engine

from models.access import Principal
from models.db.engine import transaction
from models.db.refused import CODE, RACES, final_refusal
from models.db.tx import Row, Tx, to_json
from models.errors import FieldError, Refusal
from models.ids import new_id
from operations import answers
from operations.commands import Submission, Submitted, as_command, body_hash, submit
from operations.work import Command, Outcome, Work

Operation = Callable[[Work], Outcome]
OPERATIONS: dict[str, Operation] = {}
NOT_AUDITED = {"IDEMPOTENCY_KEY_CONFLICT", "VALIDATION_FAILED"}
_MISSING = ("_NOT_FOUND", "ORG_CONTEXT_MISMATCH")


def operation(name: str) -> Callable[[Operation], Operation]:
    """Registers a function as the operation of that name. The name is kept in `commands`: it is never changed."""

    def register(f: Operation) -> Operation:
        OPERATIONS[name] = f
        return f

    return register


class CommandLost(Exception):
    """The command is not in the database (lost with an unsynced second of it): the caller was never answered."""


def execute(engine: Engine, org_id: str, command_id: str) -> Outcome:
    """Run the command's operation once, or answer what it answered. Raises Refusal, CommandLost."""
    for attempt in range(4):
        try:
            with transaction(engine, org_id) as tx:
                done, told = _execute(tx, command_id)
            answers.tell(command_id, told)
            return done
        except Refusal as refusal:
            raise _refused(engine, org_id, command_id, refusal) from None
        except psycopg.Error as e:
            if attempt < 3 and isinstance(e, RACES):
                continue
            if refused := final_refusal(e):
                raise _refused(engine, org_id, command_id, refused) from None
            raise
    raise AssertionError("unreachable")


def _refused(engine: Engine, org_id: str, command_id: str, refusal: Refusal) -> Refusal:
    _record_refusal(engine, org_id, command_id, refusal)
    answers.tell(command_id, refusal)
    return refusal


def run_now(engine: Engine, who: Principal, s: Submission) -> Outcome:
    """Submit and execute in this process: for writes that need no process of their own."""
    kept = submit(engine, who, s)
    return kept.answer or execute_kept(engine, who.org_id, kept)


def execute_kept(engine: Engine, org_id: str, kept: Submitted) -> Outcome:
    """`execute`, with what this process still knows of the command; what it answers its caller: to all who joined a
    command that somebody else had kept, a replay."""
    with answers.awaited(kept.command_id, kept.command) as told:
        execute(engine, org_id, kept.command_id)
        done = told.result()
    return Outcome(done.body, done.status, done.replayed or kept.in_progress)


def rehearse(engine: Engine, who: Principal, s: Submission) -> Outcome:
    """The real path, rolled back: what would be answered. Leaves nothing, not even a refusal's audit."""
    cmd = Command(
        "cmd_dry_run", s.operation, s.path, s.body, body_hash(s.body), True, who.sub, tuple(who.roles), who.entities,
        s.request_id, None, s.resource_id, s.subject_id,
    )  # fmt: skip
    try:
        with transaction(engine, who.org_id, rehearsal=True) as tx:
            work = Work(tx, cmd, dry_run=True)
            outcome = OPERATIONS[s.operation](work)
            work.flush()
            return outcome
    except psycopg.Error as e:
        if refused := final_refusal(e):
            raise refused from None
        raise


class _Ended(Exception):
    """The command was carried out, or refused, before."""

    def __init__(self, row: Row) -> None:
        self.row = row


def _execute(tx: Tx, command_id: str) -> tuple[Outcome, Outcome]:
    """What came of it, for whoever carries it out and for its caller: what an earlier try did is a replay to the one,
    and may be the first answer to the other."""
    try:
        done = _carry_out(tx, command_id)
        return done, done
    except _Ended as ended:
        if ended.row["state"] == "refused":
            raise refusal_from(ended.row["response"]) from None
        answered = ended.row["response"], ended.row["http_status"]
        return Outcome(*answered, True), Outcome(*answered, ended.row["replayed"])


# The shared lock keeps a period from closing under a posting; closing takes it exclusively.
_LOCK = """SELECT {columns}, CASE WHEN operation IN ('close_period', 'reopen_period')
     THEN pg_advisory_xact_lock(hashtextextended('periods:' || :org, 0))
     ELSE pg_advisory_xact_lock_shared(hashtextextended('periods:' || :org, 0)) END
   FROM commands WHERE org_id = :org AND id = :id FOR UPDATE"""


def _carry_out(tx: Tx, command_id: str) -> Outcome:
    def must_be_pending(row: Row | None) -> None:
        if row is None:
            raise CommandLost(command_id)
        if row["state"] != "pending":
            raise _Ended(row)

    cmd = answers.kept_here(command_id)
    if cmd is None:
        row = tx.one(_LOCK.format(columns="*"), id=command_id)
        must_be_pending(row)
        cmd = as_command(row)
    else:  # its lock travels with the operation's own first statement
        tx.check_first(must_be_pending, _LOCK.format(columns="state, http_status, response, replayed"), id=command_id)
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
        work = Work(tx, as_command(row))
        missing = r.code.endswith(_MISSING)
        subject = org_id if missing or row["subject_id"] is None else row["subject_id"]
        said = {"operation": row["operation"], "path": row["path"], "code": r.code, "detail": r.detail, **r.extra}
        work.audit(subject, f"{row['operation']}.refused", said, reason_code=r.code)
        if r.code == CODE:  # no rule of ours foresaw it: somebody should look
            about = {"operation": row["operation"], "command_id": command_id}
            work.open_exception("write_refused", r.code, subject, owner_role="ops", detail=about)
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
                tx.later("SELECT pg_advisory_xact_lock_shared(hashtextextended('periods:' || :org, 0))")
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
        except psycopg.Error as e:
            if attempt < 3 and isinstance(e, RACES):
                continue
            if refused := final_refusal(e):
                raise refused from None
            raise
    raise AssertionError("unreachable")


def finish_batch(engine: Engine, org_id: str, command_id: str, outcome: Outcome) -> Outcome:
    """Keep the batch's answer for whoever asks again with the same key. Where several processes carried it out, the first
    answer is everybody's."""
    with transaction(engine, org_id) as tx:
        mine = tx.run(
            "UPDATE commands SET state = 'done', http_status = :status, response = CAST(:response AS json), "
            "finished_at = :at WHERE org_id = :org AND id = :id AND state = 'pending'",
            id=command_id,
            status=outcome.status,
            response=to_json(outcome.body),
            at=tx.now,
        )
        if not mine:
            first = tx.one("SELECT response, http_status FROM commands WHERE org_id = :org AND id = :id", id=command_id)
            return outcome if first is None else Outcome(first["response"], first["http_status"], True)
    return outcome
