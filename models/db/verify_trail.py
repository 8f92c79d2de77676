"""The audit trail proved from the database alone: every chain recomputed here, and every record's chain there."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from itertools import chain, groupby

from models.audit.chain import (
    ERASED_ACTION,
    SEALED_ACTION,
    STAMPED_ACTION,
    AuditEvent,
    breaches,
    content_holds,
    link_holds,
)
from models.audit.stamps import StampingAuthorities
from models.db.streaming import Scratch, readable, stream
from models.db.tables.metadata import DOCUMENTS
from models.db.tx import Row, Tx
from models.db.verify_signatures import SealSignatures
from models.db.verify_stamps import SealStamps
from models.facts import Facts
from models.signing import PublicKeys
from models.verification import Finding

_CHAINS = f"""SELECT e.org_id, e.subject_id, e.seq, {readable("e.at")} AS at, e.actor, e.action, e.reason_code,
    e.request_id, e.workflow_id, e.payload, e.salt, e.digest, e.prev_hash, e.hash, h.seq AS head_seq, h.hash AS head_hash
  FROM audit_events e LEFT JOIN audit_heads h ON h.org_id = e.org_id AND h.subject_id = e.subject_id
  WHERE e.org_id = :org ORDER BY e.subject_id, e.seq"""
_FIELDS = [field.name for field in fields(AuditEvent)]
_HEADLESS = """SELECT h.subject_id, h.seq FROM audit_heads h WHERE h.org_id = :org AND NOT EXISTS
  (SELECT FROM audit_events e WHERE e.org_id = h.org_id AND e.subject_id = h.subject_id)"""
# The books outlive their customer: what these chains say is never erased.
_TAKEN_AWAY = """SELECT x.subject_id, x.seq FROM verify_erased x
  WHERE split_part(x.subject_id, '_', 1) = ANY(:books) OR NOT EXISTS
  (SELECT FROM verify_erasures t WHERE t.subject_id = x.subject_id AND t.seq >= x.seq) ORDER BY x.subject_id, x.seq"""
_FACTS = {action: kind.table for kind in DOCUMENTS.values() for action in kind.stated_by}
# A payment's customer may be assigned later; a deleted customer's invoices go on under a pseudonym.
_LATER = {"customer_id"}


class Trail:
    """What the trail says, kept in scratch tables for later checks: entries posted, facts of records, seals, erasures."""

    def __init__(self, tx: Tx, keys: PublicKeys | None = None, authorities: StampingAuthorities | None = None) -> None:
        self.signatures, self.stamps = SealSignatures(keys), SealStamps(authorities)
        self.marks = Scratch(tx, "verify_marks")
        self.facts = Scratch(tx, "verify_facts")
        self.erased = Scratch(tx, "verify_erased")
        self.erasures = Scratch(tx, "verify_erasures")
        self.seals = Scratch(tx, "verify_seals")

    def take(self, e: AuditEvent) -> None:
        """What one event, whose hashes hold, says of the ledger and of its record."""
        if e.payload is None:
            self.erased.add(subject_id=e.subject_id, seq=e.seq)
            return
        try:
            said = json.loads(e.payload)
            entries = said.get("entries") or [] if isinstance(said, dict) else []
            for mark in entries:
                told: Facts = {"entry_id": str(mark["id"]), "digest": str(mark["digest"]), "at": e.at}
                self.marks.add(**told, subject_id=e.subject_id, seq=e.seq)
            if e.action in _FACTS:
                facts = {k: v for k, v in said["after"].items() if k not in _LATER}
                self.facts.add(noun=_FACTS[e.action], id=e.subject_id, facts=facts)
            if e.action == SEALED_ACTION and e.subject_id == e.org_id:
                sealed_at = datetime.fromisoformat(said["sealed_at"])
                sealed: Facts = {"heads": int(said["heads"]), "root": str(said["root"]), "seq": e.seq}
                stored: Facts = {"stored": said.get("stored"), "stored_root": said.get("stored_root")}
                self.seals.add(sealed_at=sealed_at, **sealed, **stored)
                self.signatures.take(e.org_id, sealed_at, said)
                self.stamps.take_seal(e.org_id, said)
            if e.action == STAMPED_ACTION and e.subject_id == e.org_id:
                self.stamps.take_stamp(said)
            if e.action == ERASED_ACTION:
                for subject_id, seq in said["subjects"].items():
                    self.erasures.add(subject_id=subject_id, seq=int(seq))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return

    def done(self) -> None:
        """Everything is in."""
        for scratch in (self.marks, self.facts, self.erased, self.erasures, self.seals):
            scratch.flush()


def check_chains(tx: Tx, trail: Trail) -> Finding:
    """Every chain's digests and hashes, its order, and its head; fills `trail` on the way."""
    found, chains, events = Finding("audit chains"), 0, 0

    def links(said: Iterable[AuditEvent]) -> Iterator[AuditEvent]:
        nonlocal events
        for e in said:
            events += 1
            if content_holds(e) and link_holds(e):
                trail.take(e)
            yield e

    for _, rows in groupby(stream(tx, _CHAINS), key=lambda e: e["subject_id"]):
        first = next(rows)
        head = None if first["head_seq"] is None else (first["head_seq"], first["head_hash"])
        for text in breaches(links(map(_link, chain([first], rows))), head):
            found.breach(text)
        chains += 1
    found.breach_each(stream(tx, _HEADLESS), "{subject_id}: all {seq} events of the chain are missing")
    trail.done()
    taken = stream(tx, _TAKEN_AWAY, books=[kind.prefix for kind in DOCUMENTS.values()])
    found.breach_each(taken, "{subject_id}: the payload of event {seq} was taken away, and no erasure tells of it")
    found.what = f"{events} events in {chains} chains"
    return found


def _link(e: Row) -> AuditEvent:
    """The event as it stands; what was made NULL is None, whatever the type says, and does not hold."""
    return AuditEvent(**{name: e[name] for name in _FIELDS})


_ALTERED = """SELECT f.noun, f.id, CASE WHEN r.id IS NULL THEN 'is gone'
    ELSE 'was altered: it differs from its first audit event' END AS became FROM verify_facts f
  LEFT JOIN {table} r ON r.org_id = :org AND r.id = f.id
  WHERE f.noun = '{table}' AND (r.id IS NULL OR NOT to_jsonb(r) @> f.facts) ORDER BY f.id"""


def check_records(tx: Tx) -> Finding:
    """Records of the books still say what their first audit event said: amounts, currency, dates, entity."""
    found = Finding("records as audited", f"{tx.scalar('SELECT count(*) FROM verify_facts')} records")
    for table in DOCUMENTS:
        found.breach_each(stream(tx, _ALTERED.format(table=table)), "{id} {became}")
    return found


_WITHOUT_CHAIN = " UNION ALL ".join(
    f"SELECT r.id AS id, 'row of {table}' AS what FROM {table} r WHERE r.org_id = :org AND NOT EXISTS "
    "(SELECT FROM audit_heads h WHERE h.org_id = r.org_id AND h.subject_id = r.id)"
    for table in ("customers", "approvals", *DOCUMENTS)
)
_UNTOLD_EVENTS = """SELECT o.id, o.type, o.subject FROM outbox_events o WHERE o.org_id = :org AND NOT EXISTS
  (SELECT FROM audit_heads h WHERE h.org_id = o.org_id AND h.subject_id = o.subject)"""


def check_coverage(tx: Tx) -> Iterator[Finding]:
    """No record of the books and no customer without a chain; no event about a subject without one."""
    rows = Finding("rows in the trail")
    rows.breach_each(stream(tx, _WITHOUT_CHAIN), "{id}: a {what} without an audit chain")
    yield rows
    events = Finding("events in the trail")
    events.breach_each(stream(tx, _UNTOLD_EVENTS), "{id}: {type} about {subject}, which has no audit chain")
    yield events
