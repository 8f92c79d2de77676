"""One operation's transaction at work: the command it serves, what it has to say to the audit trail and the world."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from models.answers import JsonObject
from models.audit.entries import AuditEntry
from models.cash.ledger import JournalEntry
from models.commands import Answered
from models.db.tx import Tx, as_columns, to_json
from models.errors import Refusal
from models.exceptions.records import NewException
from models.facts import Facts, Record
from models.ids import new_id
from models.messages.changes import ChangeState
from models.outbox import NewEvent
from models.values import Body

A = TypeVar("A")


@dataclass(frozen=True)
class Command:
    """A request as it was sent. `entities` None: no restriction. `key_given`: the caller chose the Idempotency-Key.
    `asked`: the body as its door validated it, where the request is carried out in the process that took it."""

    id: str
    operation: str
    path: str
    body: JsonObject
    body_hash: str
    key_given: bool
    actor: str
    roles: tuple[str, ...]
    entities: frozenset[str] | None
    request_id: str
    workflow_id: str | None = None
    resource_id: str | None = None
    subject_id: str | None = None
    asked: Body | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Outcome(Generic[A]):
    """What an operation answers, the HTTP status of it, and whether it is an earlier answer.

    `aside` is for the process that had it done, as it stood in the transaction; neither kept nor answered. `kept`: what is
    kept of the answer, where that is less than all of it: a secret is told once, and kept where it is used.
    """

    answer: A
    status: int = 200
    replayed: bool = False
    aside: ChangeState | None = None
    kept: A | None = None

    def written(self) -> Answered:
        """As it is kept and sent."""
        kept = None if self.kept is None else to_json(self.kept)
        return Answered(to_json(self.answer), self.status, self.replayed, self.aside, kept)


@dataclass
class Work:
    """The open transaction, the command, and buffers written in few statements by `flush`."""

    tx: Tx
    cmd: Command
    dry_run: bool = False
    conversation: Facts | None = None
    """Through whom it came, where an assistant proposed it: said with everything that it does."""
    _audits: list[AuditEntry] = field(default_factory=list)
    _events: list[NewEvent] = field(default_factory=list)
    _exceptions: list[NewException] = field(default_factory=list)
    _entries: list[JournalEntry] = field(default_factory=list)
    _rows: dict[str, list[Record | Facts]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.tx.now

    def require_entity(self, legal_entity_id: str) -> None:
        """403 for a record outside the entities of the caller's token."""
        if self.cmd.entities is not None and legal_entity_id not in self.cmd.entities:
            raise Refusal("FORBIDDEN", f"Your token does not cover legal entity {legal_entity_id}.")

    def audit(self, subject_id: str, action: str, payload: Facts, *, reason_code: str | None = None) -> None:
        """Append to the subject's chain. `payload` says what changed (before, after); amounts in minor units."""
        if self.conversation is not None:
            payload = {**payload, "conversation": self.conversation}
        self._audits.append(
            AuditEntry(
                subject_id=subject_id,
                actor=self.cmd.actor,
                action=action,
                reason_code=reason_code or None,
                request_id=self.cmd.request_id or None,
                workflow_id=self.cmd.workflow_id or None,
                payload=to_json(payload),
            )
        )

    def refused(self, subject_id: str, operation: str, refusal: Refusal) -> None:
        """The trail of a refusal, at the record that was asked about."""
        code, detail = refusal.code, refusal.detail
        said = {"operation": operation, "path": self.cmd.path, "code": code, "detail": detail, **refusal.extra}
        self.audit(subject_id, f"{operation}.refused", said, reason_code=code)

    def emit(self, event_type: str, subject: str, data: Facts) -> None:
        """Queue an event for the world outside; published after commit, at least once."""
        self._events.append(NewEvent(id=new_id("evt"), type=event_type, subject=subject, data=data, at=self.now))

    def open_exception(
        self,
        kind: str,
        reason_code: str,
        subject_id: str,
        *,
        owner_role: str | None = None,
        owner_user: str | None = None,
        due_in: timedelta = timedelta(days=1),
        legal_entity_id: str | None = None,
        detail: Facts | None = None,
    ) -> None:
        """Put something on a person's desk: at most one open per kind, reason and subject."""
        self._exceptions.append(
            NewException(
                id=new_id("exc"),
                kind=kind,
                reason_code=reason_code,
                subject_id=subject_id,
                owner_role=owner_role,
                owner_user=owner_user,
                legal_entity_id=legal_entity_id,
                detail=detail or {},
                created_at=self.now,
                due_at=self.now + due_in,
            )
        )

    def post(self, entry: JournalEntry) -> None:
        """Queue a journal entry. Who posts also names it (id and digest) in an audit event: see `entry_mark`."""
        if not entry.balanced:
            raise AssertionError(f"entry {entry.id} does not balance")
        self._entries.append(entry)

    @property
    def entries(self) -> Sequence[JournalEntry]:
        """The journal entries that are queued."""
        return self._entries

    @property
    def said(self) -> Sequence[AuditEntry]:
        """What is queued for the trail."""
        return self._audits

    def add(self, table: str, rows: Sequence[Record | Facts]) -> None:
        """Queue rows of one table, written by `flush` in one statement with everything else: records, whose fields are
        columns, or mappings with the same keys in every row."""
        self._rows.setdefault(table, []).extend(rows)

    def take(self, other: "Work") -> None:
        """Queue what the other has to say and to write, in its own name, after what is queued here."""
        self._audits += other._audits
        self._events += other._events
        self._exceptions += other._exceptions
        self._entries += other._entries
        for table, rows in other._rows.items():
            self.add(table, rows)

    def flush(self, *, finish: Facts | None = None) -> None:
        """Write what was queued, and complete the command with `finish`, in one statement and one round trip."""
        self.add("journal_entries", [_entry_row(e, self.now) for e in self._entries])
        self.add("journal_lines", [row for e in self._entries for row in _line_rows(e)])
        self.add("outbox_events", self._events)
        self.add("exceptions", self._exceptions)
        self.tx.write({t: r for t, r in self._rows.items() if r}, self._audits, finish)
        self._rows, self._entries, self._events, self._exceptions, self._audits = {}, [], [], [], []


def entry_mark(*entries: JournalEntry) -> list[dict[str, str]]:
    """What an audit payload says of the entries posted with it; `arflow verify` recomputes the digests."""
    return [{"id": e.id, "digest": e.digest()} for e in entries]


def _entry_row(e: JournalEntry, now: datetime) -> Facts:
    return {
        "id": e.id,
        "entry_date": e.entry_date,
        "kind": e.kind,
        "source_id": e.source_id,
        "legal_entity_id": e.legal_entity_id,
        "functional_currency": e.functional_currency,
        "digest": e.digest(),
        "created_at": now,
    }


def _line_rows(e: JournalEntry) -> list[Facts]:
    """The lines, numbered from 1."""
    return [{"entry_id": e.id, "line_no": n, **as_columns(line)} for n, line in enumerate(e.lines, 1)]
