"""An import driven by the very operations that the activities call, without Temporal: for many small cases."""

import contextlib
import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Engine

from models.access import Principal
from models.commands import Answered
from models.db.engine import make_engine, transaction
from models.db.imports import files, imports
from models.db.imports import rows as import_rows
from models.db.postgres.statements import Asked, Statements
from models.ids import new_id
from models.imports.answers import ImportAnswer
from models.imports.records import Import, ImportFailure, ImportStatus
from models.imports.requests import ImportOptions, ReviewDecision, SubmitImport
from models.imports.summary import ImportChanges, ImportSummary
from models.values import Body, Empty
from operations import registry
from operations.commands import Submission, Submitted, submit
from operations.customers.bootstrap import bootstrap_customers
from operations.imports import execution as import_execution
from operations.imports import staging as import_staging
from operations.imports import validation as import_validation
from operations.imports.staging import Superseded
from operations.organisations import create_organisation
from operations.runner import execute

assert registry
CALM = 10**9
DEATHS = 0.04
"""How likely a worker dies at each statement, and after each commit."""


class Killed(BaseException):
    """A worker has died: nothing of its transaction stays."""


_mortal: dict[int, random.Random] = {}
"""By thread: those whose statements may be their last."""
_bound = Statements.bound


def _perhaps(statements: Statements, asked: Asked) -> Any:
    chance = _mortal.get(threading.get_ident())
    if chance is not None and chance.random() < DEATHS:
        raise Killed
    return _bound(statements, asked)


Statements.bound = _perhaps  # type: ignore[method-assign, assignment]  # for good: the threads that die come and go at the same time


@contextmanager
def killing(chance: random.Random) -> Iterator[None]:
    """Statements of this thread may be its last."""
    _mortal[threading.get_ident()] = chance
    try:
        yield
    finally:
        del _mortal[threading.get_ident()]


@dataclass
class Desk:
    """One organisation's imports."""

    engine: Engine
    org: str
    owner: Engine
    made: list[str] = field(default_factory=list)
    entities: frozenset[str] | None = None
    """The legal entities of the people's tokens; None: all."""

    def customers(self, *rows: dict[str, Any]) -> list[str]:
        """Master records that are there before."""
        with transaction(self.engine, self.org) as tx:
            return bootstrap_customers(tx, [{"legal_entity_id": "le_us", **r} for r in rows])

    def sql(self, statement: str, **params: Any) -> list[dict[str, Any]]:
        with transaction(self.engine, self.org) as tx:
            return [dict(r) for r in tx.all(statement, **params)]

    def run_sql(self, statement: str, **params: Any) -> None:
        with transaction(self.engine, self.org) as tx:
            tx.run(statement, **params)

    def upload(self, content: bytes, pieces: int = files.PIECE, **options: Any) -> str:
        parts = [content[i : i + pieces] for i in range(0, len(content), pieces)]
        return self.submit(options, hashlib.sha256(content).hexdigest(), len(content), parts)

    def submit(self, options: dict[str, Any], file_hash: str, size: int, parts: Sequence[bytes] = ()) -> str:
        import_id = new_id("imp")
        given = ImportOptions.model_validate({"source": "csv", "legal_entity_id": "le_us", **options})
        body = SubmitImport(options=given, file_name="f", file_hash=file_hash, file_bytes=size)
        kept = self._kept("import.submit", import_id, body, "ar_clerk")
        files.keep_file(self.engine, self.org, import_id, parts)
        execute(self.engine, self.org, kept.command_id)
        return import_id

    def decide(self, import_id: str, decision: ReviewDecision, user: str) -> Answered:
        """The review's decision; the answer."""
        kept = self._kept("import.decide", import_id, decision, "ar_manager", user)
        return execute(self.engine, self.org, kept.command_id)

    def act(self, operation: str, import_id: str) -> ImportAnswer:
        """What the clerk does to an import; the answer."""
        kept = self._kept(operation, import_id, Empty(), "ar_clerk")
        return execute(self.engine, self.org, kept.command_id).read(ImportAnswer)

    def _kept(self, operation: str, import_id: str, body: Body, role: str, user: str = "u_clerk") -> Submitted:
        who = Principal(user, self.org, frozenset({role}), self.entities)
        said = Submission(operation, "/i", body, new_id("req"), True, "req", import_id, import_id)
        return submit(self.engine, who, said)

    def row(self, import_id: str) -> Import:
        with transaction(self.engine, self.org) as tx:
            return imports.get(tx, import_id)

    def approve(self, import_id: str) -> None:
        """Execution may begin, without anybody's decision; nothing where it does not wait for one."""
        with transaction(self.engine, self.org) as tx:
            one = imports.get(tx, import_id, lock=True)
            if one.status is ImportStatus.AWAITING_REVIEW:
                imports.save(tx, one, replace(one, status=ImportStatus.EXECUTING, started_at=tx.now))

    def validated(self, content: bytes, **options: Any) -> str:
        import_id = self.upload(content, **options)
        import_staging.stage(self.engine, self.org, import_id, lambda _: None)
        import_validation.validate(self.engine, self.org, import_id, lambda _: None, CALM)
        return import_id

    def run(self, content: bytes, *, slices: float = CALM, **options: Any) -> Import:
        """To the end; `slices` seconds per call of the execution (0: one batch a call)."""
        return self.finish(self.validated(content, **options), slices)

    def finish(self, import_id: str, slices: float = CALM) -> Import:
        """From the review to the end."""
        self.approve(import_id)
        while self.row(import_id).status is ImportStatus.EXECUTING:
            import_execution.execute(self.engine, self.org, import_id, lambda _: None, slices)
        return self.row(import_id)

    def interrupted(self, content: bytes, seed: int, workers: int = 1, **options: Any) -> Import:
        """To the end, by workers that die at any statement and after any commit, and take over from each other."""
        import_id = self.upload(content, **options)
        crew = [threading.Thread(target=self._work, args=(import_id, random.Random(seed + n))) for n in range(workers)]
        for one in crew:
            one.start()
        for one in crew:
            one.join()
        return self.row(import_id)

    def _work(self, import_id: str, chance: random.Random) -> None:
        phases: dict[str, Callable[..., None]] = {
            "STAGING": import_staging.stage,
            "VALIDATING": import_validation.validate,
            "EXECUTING": import_execution.execute,
        }

        def beat(_: int) -> None:
            if chance.random() < DEATHS:
                raise Killed

        while (one := self.row(import_id)).is_open:
            status = one.status
            if status is ImportStatus.AWAITING_REVIEW:
                self.approve(import_id)
                continue
            time.sleep(chance.uniform(0, 0.03))  # who takes over at every moment lets nobody get anywhere
            seconds = () if status == "STAGING" else (chance.choice((0.0, CALM)),)
            with contextlib.suppress(Killed, Superseded), killing(chance):
                phases[status](self.engine, self.org, import_id, beat, *seconds)

    def outcomes(self, import_id: str) -> list[tuple[int, str, tuple[str, ...]]]:
        with transaction(self.engine, self.org) as tx:
            rows = import_rows.page(tx, self.row(import_id), 0, 100_000, None)
        return [(r.row_no, r.outcome, tuple(r.codes or ())) for r in rows]


def failure(one: Import) -> ImportFailure:
    """Why it failed, of an import that did."""
    assert one.failure is not None, one
    return one.failure


def summary(one: Import) -> ImportSummary:
    """What its reviewers saw."""
    assert one.summary is not None, one
    return one.summary


def changes(one: Import) -> ImportChanges:
    """What its reviewers saw of what it would change."""
    found = summary(one).changes
    assert found is not None, one
    return found


@contextmanager
def desk(database_url: str) -> Iterator[Desk]:
    owner, engine = make_engine(database_url, role=None, pool_size=1), make_engine(database_url, pool_size=3)
    try:
        yield another(Desk(engine, "", owner))
    finally:
        engine.dispose()
        owner.dispose()


def another(of: Desk) -> Desk:
    """The desk of a new organisation in the same database."""
    org = f"org_{os.urandom(6).hex()}"
    with transaction(of.owner, org) as tx:
        create_organisation(tx, "Test")
    return Desk(of.engine, org, of.owner)
