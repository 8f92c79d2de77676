"""How a command becomes a fact: kept, executed once in one transaction, answered again as often as it is asked.

submit (operations/commands.py) keeps the request, the idempotency record, before any process starts
execute runs its operation in one transaction that also completes the command
A refusal rolls the transaction back, leaves its audit record in a second one, and is raised.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine

from models.access import Principal
from models.answers import read_row
from models.commands import Answered, CommandEnd, KeptRefusal
from models.db import commands
from models.db.attempts import attempts
from models.db.engine import transaction
from models.db.refused import CODE
from models.db.tx import Tx, to_json
from models.errors import Refusal
from models.facts import Facts
from models.ids import noting_ids
from models.values import Body
from operations import answers
from operations.commands import Submission, Submitted, as_command, command_of, submit
from operations.execution import Execution, InPlace
from operations.proposed import commit_proposal, name_the_proposal, open_proposal
from operations.work import Command, Outcome, Work

B = TypeVar("B", bound=Body)
A = TypeVar("A")
E = TypeVar("E", bound=CommandEnd)


@dataclass(frozen=True)
class Operation(Generic[B, A]):
    """What one command does, in one transaction: what it takes, what it answers, who does it, how it is carried out."""

    name: str
    takes: type[B]
    answers: type[A]
    do: Callable[[Work, B], Outcome[A]]
    execution: Execution

    def asked(self, cmd: Command) -> B:
        """The command's body as `do` takes it."""
        if isinstance(cmd.asked, self.takes):
            return cmd.asked
        return self.takes.model_validate(cmd.body)


OPERATIONS: dict[str, Operation[Any, Any]] = {}
NOT_AUDITED = {"IDEMPOTENCY_KEY_CONFLICT", "VALIDATION_FAILED"}
_MISSING = ("_NOT_FOUND", "ORG_CONTEXT_MISMATCH")


def operation(
    name: str, takes: type[B], answers: type[A], execution: Execution = InPlace()  # noqa: B008 - it is frozen
) -> Callable[[Callable[[Work, B], Outcome[A]]], Callable[[Work, B], Outcome[A]]]:  # fmt: skip
    """Registers a function as the operation of that name. The name is kept in `commands`: it is never changed."""

    def register(do: Callable[[Work, B], Outcome[A]]) -> Callable[[Work, B], Outcome[A]]:
        OPERATIONS[name] = Operation(name, takes, answers, do, execution)
        return do

    return register


class CommandLost(Exception):
    """The command is not in the database (lost with an unsynced second of it): the caller was never answered."""


class _Ended(Exception):
    """The command was carried out, or refused, before."""

    def __init__(self, end: CommandEnd) -> None:
        self.end = end

    def answered(self) -> Answered:
        """What it was answered. Raises its Refusal."""
        end = self.end
        if end.state == "refused":
            raise refusal_from(end.response or {})
        return Answered(to_json(end.response), end.http_status or 200, end.replayed)


def execute(engine: Engine, org_id: str, command_id: str) -> Answered:
    """Run a kept command's operation once, or answer what it answered, as a replay. Raises Refusal, CommandLost.

    Its caller, who may wait in this process, is told of an earlier try's answer as the first that it is."""
    try:
        try:
            for attempt in attempts(engine, org_id):
                with attempt as tx:
                    done = first = perform(Work(tx, pending(tx, command_id)), kept=True)
        except _Ended as ended:
            first = ended.answered()
            done = replace(first, replayed=True)
    except Refusal as refusal:
        _record_refusal(engine, org_id, command_id, refusal)
        answers.hand_over(command_id, refusal)
        raise
    answers.hand_over(command_id, first)
    return done


def execute_kept(engine: Engine, org_id: str, kept: Submitted) -> Answered:
    """`execute` here and now, with what this process knows of the command; what it answers its caller: to all who joined
    a command that somebody else had kept, a replay."""
    with answers.waiting_for(kept.command_id, kept.command) as answer:
        execute(engine, org_id, kept.command_id)
        done = answer.result()
    assert done is not None
    return replace(done, replayed=done.replayed or kept.in_progress)


def run_now(engine: Engine, who: Principal, s: Submission) -> Answered:
    """Keep the request and execute it, in this process."""
    kept = submit(engine, who, s)
    return kept.answer or execute_kept(engine, who.org_id, kept)


def rehearse(engine: Engine, who: Principal, s: Submission) -> Answered:
    """The real path, rolled back: what would be answered. Leaves nothing, not even a refusal's audit."""
    cmd = replace(command_of(who, s), key_given=True)
    for attempt in attempts(engine, who.org_id, rehearsal=True):
        with attempt as tx:
            done = perform(Work(tx, cmd, dry_run=True), kept=False)
    return done


def execute_item(engine: Engine, who: Principal, s: Submission) -> Answered:
    """One item of a batch in a transaction of its own; idempotent by its own external_id, so it keeps no command."""
    cmd = command_of(who, s)
    try:
        for attempt in attempts(engine, who.org_id):
            with attempt as tx:
                commands.share_periods(tx)
                done = perform(Work(tx, cmd), kept=False)
    except Refusal as refusal:
        with transaction(engine, who.org_id) as tx:
            _say_refused(Work(tx, cmd), refusal)
        raise
    return done


def finish_batch(engine: Engine, org_id: str, command_id: str, outcome: Answered) -> Answered:
    """Keep the batch's answer for whoever asks again with the same key. Where several processes did it, the first
    answer is everybody's."""
    with transaction(engine, org_id) as tx:
        return commands.finish(tx, command_id, outcome)


def pending(tx: Tx, command_id: str) -> Command:
    """The command, locked, to be carried out in this transaction. Raises where it is lost or has ended, at the latest with
    the transaction's next statement."""

    def must_be_pending(end: E | None) -> E:
        if end is None:
            raise CommandLost(command_id)
        if end.state != "pending":
            raise _Ended(end)
        return end

    kept = answers.command_kept_here(command_id)
    if kept is None:
        return as_command(must_be_pending(commands.lock(tx, command_id)))
    commands.lock_first(tx, command_id, must_be_pending)  # travels with the operation's own first statement
    return kept


def perform(work: Work, *, kept: bool) -> Answered:
    """Do what the command asks for, and write it; with it, where the command is kept, that it is done."""
    cmd = work.cmd
    operation = OPERATIONS[cmd.operation]
    proposed = open_proposal(work) if kept else None
    with noting_ids() as made:
        outcome = operation.do(work, operation.asked(cmd)).written()
    if proposed is not None:
        commit_proposal(work, proposed, outcome, made)
    finish: Facts = {
        "done_id": cmd.id,
        "done_status": outcome.status,
        "done_response": outcome.to_keep,
        "done_replayed": outcome.replayed,
        "done_at": work.now,
    }
    work.flush(finish=finish if kept else None)
    return outcome


def _record_refusal(engine: Engine, org_id: str, command_id: str, r: Refusal) -> None:
    with transaction(engine, org_id) as tx:
        row = commands.refuse(tx, command_id, KeptRefusal.of(r))
        if row is not None:
            _say_refused(Work(tx, as_command(row)), r)


def _say_refused(work: Work, r: Refusal) -> None:
    """The trail of a refusal, at the record that was asked about; what no rule foresaw also on the desk of `ops`."""
    cmd = work.cmd
    if r.code in NOT_AUDITED:
        return
    name_the_proposal(work)
    missing = r.code.endswith(_MISSING)
    subject = work.tx.org_id if missing or cmd.subject_id is None else cmd.subject_id
    work.refused(subject, cmd.operation, r)
    if r.code == CODE:
        about = {"operation": cmd.operation, "command_id": cmd.id}
        work.open_exception("write_refused", r.code, subject, owner_role="ops", detail=about)
    work.flush()


def refusal_from(problem: Facts) -> Refusal:
    """The refusal that was kept as `problem`."""
    return read_row(KeptRefusal, problem).refusal()
