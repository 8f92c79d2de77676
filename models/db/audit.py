"""The audit trail, read; and sealed."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import literal_column

from models.answers import JsonObject, read_row
from models.audit.chain import SEALED_ACTION, STAMPED_ACTION, AuditEvent, merkle_path, seal_leaf
from models.audit.entries import AuditEntry
from models.audit.seals import SealedTrailAnswer, SealStepAnswer, StampAnswer, StampedSealAnswer, seal_answer
from models.db.listing import Listing, param
from models.db.streaming import stream
from models.db.subjects import covered
from models.db.tables.shared import audit_events
from models.db.tx import Tx, to_json
from models.facts import Fact, Facts

OF_SUBJECT: Final = ("seq",)
OF_ALL: Final = ("at", "subject_id", "seq")
"""What a list is ordered by: one subject's chain, or all of them by time."""
_E: Final = audit_events.c
_LISTS: Final = {
    order: Listing(
        audit_events,
        key=[_E[part] for part in order],
        within=literal_column(covered("audit_events.subject_id")),
        equal=(_E.subject_id, _E.actor),
        filters={"since": _E.at >= param("since"), "until": _E.at <= param("until")},
    )
    for order in (OF_SUBJECT, OF_ALL)
}

_HEADS: Final = """SELECT subject_id, seq, hash FROM audit_heads WHERE org_id = :org ORDER BY subject_id COLLATE "C" """
_STORED: Final = """SELECT subject_id, seq, hash FROM audit_seal_heads WHERE org_id = :org AND sealed_at = :at
  ORDER BY subject_id COLLATE "C" """


def list_audit_events(
    tx: Tx, entities: Collection[str] | None, *, subject_id: str | None, actor: str | None, since: datetime | None,
    until: datetime | None, after: Sequence[Fact] | None, limit: int,
) -> Sequence[AuditEvent]:  # fmt: skip
    """One subject's chain in its own order, else everything by time. `after`: the values of `OF_SUBJECT`, or of `OF_ALL`."""
    chain = _LISTS[OF_ALL if subject_id is None else OF_SUBJECT]
    rows = chain.page(tx, entities, after, limit, subject_id=subject_id, actor=actor, since=since, until=until)
    return [read_row(AuditEvent, row) for row in rows]


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of one chain."""

    subject_id: str
    seq: int
    hash: bytes


def hold_own_chain(tx: Tx) -> None:
    """Keep the organisation's own chain as it is until this transaction has ended. What would be said there waits."""
    tx.run("SELECT FROM audit_heads WHERE org_id = :org AND subject_id = :org FOR NO KEY UPDATE")


def heads(tx: Tx) -> Iterator[Head]:
    """Of every chain, in the order in which they are sealed."""
    return (Head(**h) for h in stream(tx, _HEADS))


def stored_heads(tx: Tx, sealed_at: datetime) -> Iterator[Head]:
    """Those that a seal stored, in the same order."""
    return (Head(**h) for h in stream(tx, _STORED, at=sealed_at))


def count_heads(tx: Tx) -> int:
    """How many chains there are."""
    return int(tx.scalar("SELECT count(*) FROM audit_heads WHERE org_id = :org"))


def add_seal(tx: Tx, root: bytes, heads: int) -> int:
    """A seal of now over all heads. Stores those that moved since they were last sealed; how many these were."""
    tx.later(
        "INSERT INTO audit_seals (org_id, sealed_at, heads, root) VALUES (:org, :at, :heads, :root)",
        at=tx.now,
        heads=heads,
        root=root,
    )
    return tx.run(
        """INSERT INTO audit_seal_heads (org_id, sealed_at, subject_id, seq, hash)
           SELECT :org, :at, n.subject_id, n.seq, n.hash FROM audit_heads n WHERE n.org_id = :org AND NOT EXISTS (
             SELECT FROM audit_seal_heads s WHERE s.org_id = :org AND s.subject_id = n.subject_id AND s.seq = n.seq)""",
        at=tx.now,
    )


def is_snapshot(tx: Tx) -> bool:
    """Whether the transaction sees one state of the database, whatever is committed meanwhile."""
    return bool(tx.scalar("SHOW transaction_isolation") == "repeatable read")


def append(tx: Tx, subject_id: str, actor: str, action: str, payload: Facts) -> None:
    """Say it in the subject's chain, in the name of a process and outside any command."""
    said = AuditEntry(
        subject_id=subject_id, actor=actor, action=action, reason_code=None, request_id=None, workflow_id=None,
        payload=to_json(payload),
    )  # fmt: skip
    tx.write({}, [said], None)


def newest(tx: Tx, subject_id: str, action: str) -> JsonObject | None:
    """What the latest such event of a subject's chain said; None where there is none."""
    sql = """SELECT payload FROM audit_events WHERE org_id = :org AND subject_id = :subject AND action = :action
             ORDER BY seq DESC LIMIT 1"""
    said = tx.scalar(sql, subject=subject_id, action=action)
    if said is None:
        return None
    found: JsonObject = json.loads(said)
    return found


_OF_SEALS: Final = """SELECT action, payload FROM audit_events WHERE org_id = :org AND subject_id = :org
  AND action = ANY(:actions) AND at >= :since ORDER BY seq"""


def seals(tx: Tx, since: datetime) -> Sequence[StampedSealAnswer]:
    """The organisation's seals since then, in their order, as its own chain names them, each with its stamp."""
    said = [(row["action"], json.loads(row["payload"]))
            for row in tx.all(_OF_SEALS, actions=[SEALED_ACTION, STAMPED_ACTION], since=since)]  # fmt: skip
    stamps = {_sealed_at(p): read_row(StampAnswer, p) for action, p in said if action == STAMPED_ACTION}
    named = (seal_answer(tx.org_id, p, stamps.get(_sealed_at(p))) for action, p in said if action == SEALED_ACTION)
    return [seal for seal in named if seal is not None]


@dataclass(frozen=True, slots=True)
class _Sealed:
    """The newest head of a chain that a seal stored."""

    sealed_at: datetime
    seq: int
    hash: bytes


def sealed(tx: Tx, subject_id: str) -> SealedTrailAnswer | None:
    """The newest seal that stored the subject's chain, and how its root covers it; None where none has, or none that says
    what it stored."""
    stored = tx.record(
        _Sealed,
        """SELECT sealed_at, seq, hash FROM audit_seal_heads WHERE org_id = :org AND subject_id = :subject
           ORDER BY seq DESC LIMIT 1""",
        subject=subject_id,
    )
    if stored is None:
        return None
    seal = next((s for s in seals(tx, stored.sealed_at) if s.sealed_at == stored.sealed_at), None)
    leaves = (seal_leaf(h.subject_id, h.seq, h.hash) for h in stored_heads(tx, stored.sealed_at))
    path = merkle_path(leaves, seal_leaf(subject_id, stored.seq, stored.hash))
    if seal is None or path is None:
        return None
    steps = [SealStepAnswer(side=side, hash=node.hex()) for side, node in path]
    return SealedTrailAnswer(seal=seal, seq=stored.seq, path=steps)


def _sealed_at(said: JsonObject) -> datetime:
    return datetime.fromisoformat(str(said["sealed_at"]))
