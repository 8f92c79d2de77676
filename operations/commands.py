"""A request becomes a command: kept once per Idempotency-Key, before anything is started.

The kept command is the idempotency record: the same key and body are told what happened the first time.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine

from models.access import Principal
from models.answers import JsonObject
from models.commands import Answered, CommandRow, FirstCommand
from models.db.commands import KEEP, covers, first_of
from models.db.engine import fetch_once, transaction
from models.db.tx import to_json
from models.errors import Refusal
from models.facts import Facts
from models.ids import new_id
from models.values import Body
from operations.work import Command

SYSTEM: Final = "arflow"


@dataclass(frozen=True)
class Submission:
    """A request about to be kept. `body` as its door validated it."""

    operation: str
    path: str
    body: Body | JsonObject
    idempotency_key: str
    key_given: bool
    request_id: str
    resource_id: str | None = None
    subject_id: str | None = None
    customer_id: str | None = None
    workflow_id: str | None = None
    command_id: str | None = None

    @property
    def json(self) -> JsonObject:
        """The body as it is kept: amounts as integers, dates and decimals as strings."""
        return self.body.model_dump(mode="json") if isinstance(self.body, Body) else json.loads(to_json(self.body))

    @property
    def asked(self) -> Body | None:
        """The body as the operation takes it."""
        return self.body if isinstance(self.body, Body) else None


@dataclass(frozen=True)
class Submitted:
    """`answer` is set when the same key and body were answered before, `command` when it was kept by this request."""

    command_id: str
    workflow_id: str | None
    resource_id: str | None
    answer: Answered | None = None
    in_progress: bool = False
    command: Command | None = None


def body_hash(body: Facts) -> str:
    """sha256 of the body in canonical JSON; two bodies that mean the same have the same hash."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def submit(engine: Engine, who: Principal, s: Submission) -> Submitted:
    """Keep the command; with a key seen before, answer what it was answered, or 409 IDEMPOTENCY_KEY_CONFLICT;
    403 where the token does not cover what was answered."""
    command = command_of(who, s)
    sent = to_keep(who, command, s)
    while (first := first_of(fetch_once(engine, who.org_id, KEEP, sent))) is None:
        pass  # the first one was refused between the function's two statements: the key is free again
    return submitted(engine, who, command, first)


def command_of(who: Principal, s: Submission) -> Command:
    """The command that a request is."""
    body = s.json
    return Command(
        id=s.command_id or new_id("cmd"),
        operation=s.operation,
        path=s.path,
        body=body,
        body_hash=body_hash(body),
        key_given=s.key_given,
        actor=who.sub,
        roles=tuple(sorted(who.roles)),
        entities=who.entities,
        request_id=s.request_id,
        workflow_id=s.workflow_id,
        resource_id=s.resource_id,
        subject_id=s.subject_id,
        asked=s.asked,
    )


def own_command(
    operation: str, *, actor: str = SYSTEM, request_id: str | None = None, workflow_id: str | None = None,
    resource_id: str | None = None,
) -> Command:  # fmt: skip
    """What a process, a schedule or the command line does in its own name; it is kept nowhere."""
    return Command(
        new_id("cmd"),
        operation,
        "",
        {},
        "",
        True,
        actor,
        (),
        None,
        request_id or new_id("req"),
        workflow_id,
        resource_id,
    )


def to_keep(who: Principal, c: Command, s: Submission) -> Mapping[str, str]:
    """What `KEEP` takes: the command as its row."""
    row = {
        "id": c.id,
        "operation": c.operation,
        "path": c.path,
        "idem_key": s.idempotency_key,
        "key_given": c.key_given,
        "body_hash": c.body_hash,
        "body": c.body,
        "resource_id": c.resource_id,
        "customer_id": s.customer_id,
        "actor": c.actor,
        "roles": c.roles,
        "entities": None if c.entities is None else sorted(c.entities),
        "request_id": c.request_id,
        "workflow_id": c.workflow_id,
        "subject_id": c.subject_id,
    }
    return {"org": who.org_id, "row": to_json(row)}


def submitted(engine: Engine, who: Principal, command: Command, first: FirstCommand) -> Submitted:
    """What the first command with the key says to this one, which may be itself. Raises IDEMPOTENCY_KEY_CONFLICT, and 403
    where this person's token does not cover another's command, which the database is asked for."""
    if is_another_persons(who, first):
        _require_cover(engine, who, first)
    if first.id == command.id:
        return Submitted(command.id, command.workflow_id, command.resource_id, command=command)
    if first.body_hash != command.body_hash:
        raise Refusal("IDEMPOTENCY_KEY_CONFLICT", "This Idempotency-Key was used with another body on this path.")
    answer = Answered(to_json(first.response), first.http_status or 200, True) if first.state == "done" else None
    return Submitted(first.id, first.workflow_id, first.resource_id, answer, True)


def is_another_persons(who: Principal, first: FirstCommand) -> bool:
    """Whether the first command with a key may be of legal entities that this person's token does not cover."""
    return who.entities is not None and first.actor != who.sub


def _require_cover(engine: Engine, who: Principal, first: FirstCommand) -> None:
    with transaction(engine, who.org_id, durable=False) as tx:
        if not covers(tx, who, first):
            raise Refusal("FORBIDDEN", "Your token does not cover what was asked with this Idempotency-Key.")


def as_command(row: CommandRow) -> Command:
    """The command that was kept as this row."""
    return Command(
        id=row.id,
        operation=row.operation,
        path=row.path,
        body=row.body,
        body_hash=row.body_hash,
        key_given=row.key_given,
        actor=row.actor,
        roles=tuple(row.roles),
        entities=None if row.entities is None else frozenset(row.entities),
        request_id=row.request_id,
        workflow_id=row.workflow_id,
        resource_id=row.resource_id,
        subject_id=row.subject_id,
    )
