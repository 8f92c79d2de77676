"""The audit trail proved from the database alone: every chain recomputed here, every seal's root, every record's chain."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, groupby
from typing import Any

from models.audit import SEALED_ACTION, AuditEvent, breaches, merkle_root, seal_leaf
from models.db.streaming import Scratch, stream
from models.db.tx import Row, Tx
from models.verification import Finding

ROOTS = 31
"""How many seals, the newest, have their root recomputed; what every seal says of each chain is always checked."""

_CHAINS = """SELECT e.*, h.seq AS head_seq, h.hash AS head_hash FROM audit_events e
  LEFT JOIN audit_heads h ON h.org_id = e.org_id AND h.subject_id = e.subject_id
  WHERE e.org_id = :org ORDER BY e.subject_id, e.seq"""
_HEADLESS = """SELECT h.subject_id, h.seq FROM audit_heads h WHERE h.org_id = :org AND NOT EXISTS
  (SELECT FROM audit_events e WHERE e.org_id = h.org_id AND e.subject_id = h.subject_id)"""
_FACTS = {"payment.received": "payments", "invoice.issued": "invoices"}
# A payment's customer may be assigned later; a deleted customer's invoices go on under a pseudonym.
_LATER = {"customer_id"}


class Trail:
    """What the trail says, kept in scratch tables for later checks: entries posted, facts of records, seals."""

    def __init__(self, tx: Tx) -> None:
        self.marks = Scratch(
            tx, "verify_marks", "entry_id text, digest text, subject_id text, seq bigint, at timestamptz"
        )
        self.facts = Scratch(tx, "verify_facts", "noun text, id text, facts jsonb")
        self.erased = Scratch(tx, "verify_erased", "subject_id text")
        self.seals = Scratch(tx, "verify_seals", "sealed_at timestamptz, heads bigint, root text, seq bigint")

    def take(self, e: Row) -> None:
        """What one event says of the ledger and of its record. A payload that cannot be read was altered: see chains."""
        if e["payload"] is None:
            self.erased.add(subject_id=e["subject_id"])
            return
        try:
            said = json.loads(e["payload"])
            entries = said.get("entries") or [] if isinstance(said, dict) else []
            for mark in entries:
                told = {"entry_id": str(mark["id"]), "digest": str(mark["digest"]), "at": e["at"]}
                self.marks.add(**told, subject_id=e["subject_id"], seq=e["seq"])
            if e["action"] in _FACTS:
                facts = {k: v for k, v in said["after"].items() if k not in _LATER}
                self.facts.add(noun=_FACTS[e["action"]], id=e["subject_id"], facts=facts)
            if e["action"] == SEALED_ACTION and e["subject_id"] == e["org_id"]:
                sealed_at = datetime.fromisoformat(said["sealed_at"])
                self.seals.add(sealed_at=sealed_at, heads=int(said["heads"]), root=str(said["root"]), seq=e["seq"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return

    def done(self) -> None:
        self.marks.done("entry_id")
        self.facts.done("id")
        self.erased.done("subject_id")
        self.seals.done("sealed_at")


def check_chains(tx: Tx, trail: Trail) -> Finding:
    """Every chain's digests and hashes, its order, and its head; fills `trail` on the way."""
    found, chains, events = Finding("audit chains"), 0, 0

    def links(rows: Iterable[Row]) -> Iterator[AuditEvent]:
        nonlocal events
        for e in rows:
            events += 1
            trail.take(e)
            yield _link(e)

    for _, rows in groupby(stream(tx, _CHAINS), key=lambda e: e["subject_id"]):
        first = next(rows)
        head = None if first["head_seq"] is None else (first["head_seq"], bytes(first["head_hash"]))
        for text in breaches(links(chain([first], rows)), head):
            found.breach(text)
        chains += 1
    for h in stream(tx, _HEADLESS):
        found.breach(f"{h['subject_id']}: all {h['seq']} events of the chain are missing")
    trail.done()
    found.what = f"{events} events in {chains} chains"
    return found


def _link(e: Row) -> AuditEvent:
    return AuditEvent(
        e["org_id"], e["subject_id"], e["seq"], e["at"], e["actor"], e["action"], e["reason_code"], e["request_id"],
        e["workflow_id"], e["payload"], None if e["salt"] is None else bytes(e["salt"]), bytes(e["digest"]),
        bytes(e["prev_hash"]), bytes(e["hash"]),
    )  # fmt: skip


_SEALED_AGAINST_CHAINS = """SELECT s.subject_id, s.seq, s.sealed_at, e.hash IS NULL AS gone
  FROM audit_seal_heads s LEFT JOIN audit_events e ON e.org_id = s.org_id AND e.subject_id = s.subject_id AND e.seq = s.seq
  WHERE s.org_id = :org AND e.hash IS DISTINCT FROM s.hash ORDER BY s.sealed_at, s.subject_id"""
_TOLD_OTHERWISE = """SELECT t.sealed_at, t.seq, s.root IS NULL AS gone FROM verify_seals t
  LEFT JOIN audit_seals s ON s.org_id = :org AND s.sealed_at = t.sealed_at
  WHERE s.root IS NULL OR s.heads <> t.heads OR encode(s.root, 'hex') <> t.root ORDER BY t.seq"""
_UNSEALED = """SELECT DISTINCT h.sealed_at FROM audit_seal_heads h WHERE h.org_id = :org AND NOT EXISTS
  (SELECT FROM audit_seals s WHERE s.org_id = h.org_id AND s.sealed_at = h.sealed_at) ORDER BY h.sealed_at"""
# A seal stores the heads that moved since the one before; together with the earlier ones it covers them all.
SEALED = """SELECT DISTINCT ON (subject_id COLLATE "C") subject_id, seq, hash FROM audit_seal_heads
  WHERE org_id = :org AND sealed_at <= :at ORDER BY subject_id COLLATE "C", sealed_at DESC"""


def check_seals(tx: Tx) -> Finding:
    """What was sealed is still there, the seals are those that the trail names, and the newest ones' roots are those of
    the heads they sealed. Needs the scratch table that `Trail` filled."""
    found = Finding("audit seals")
    for t in stream(tx, _TOLD_OTHERWISE):
        said = "is gone" if t["gone"] else "was altered"
        found.breach(f"seal of {t['sealed_at'].isoformat()}: it {said}, event {t['seq']} of {tx.org_id} names it")
    for t in stream(tx, _UNSEALED):
        found.breach(f"seal of {t['sealed_at'].isoformat()}: it is gone, but the heads that it sealed are there")
    for s in stream(tx, _SEALED_AGAINST_CHAINS):
        said = "is gone" if s["gone"] else "was altered"
        found.breach(f"{s['subject_id']}: event {s['seq']}, sealed {s['sealed_at']:%Y-%m-%d}, {said}")
    seals = tx.all("SELECT * FROM audit_seals WHERE org_id = :org ORDER BY sealed_at DESC LIMIT :n", n=ROOTS)
    for seal in seals:
        heads = 0

        def leaves(at: Any = seal["sealed_at"]) -> Iterator[bytes]:
            nonlocal heads
            for h in stream(tx, SEALED, at=at):
                heads += 1
                yield seal_leaf(h["subject_id"], h["seq"], bytes(h["hash"]))

        root = merkle_root(leaves())
        if root != bytes(seal["root"]) or heads != seal["heads"]:
            found.breach(f"seal of {seal['sealed_at'].isoformat()}: its root is not that of the heads it sealed")
    newest = f", newest {seals[0]['sealed_at'].isoformat()} root {bytes(seals[0]['root']).hex()}" if seals else ""
    found.what = f"{tx.scalar('SELECT count(*) FROM audit_seals WHERE org_id = :org')} seals{newest}"
    return found


_ALTERED = """SELECT f.noun, f.id, r.id IS NULL AS gone FROM verify_facts f
  LEFT JOIN {table} r ON r.org_id = :org AND r.id = f.id
  WHERE f.noun = '{table}' AND (r.id IS NULL OR NOT to_jsonb(r) @> f.facts) ORDER BY f.id"""


def check_records(tx: Tx) -> Finding:
    """Payments and invoices still say what their first audit event said: amounts, currency, dates, entity."""
    found = Finding("records as audited", f"{tx.scalar('SELECT count(*) FROM verify_facts')} records")
    for table in ("payments", "invoices"):
        for r in stream(tx, _ALTERED.format(table=table)):
            found.breach(
                f"{r['id']} {'is gone' if r['gone'] else 'was altered: it differs from its first audit event'}"
            )
    return found


_WITHOUT_CHAIN = " UNION ALL ".join(
    f"SELECT r.id AS id, 'row of {table}' AS what FROM {table} r WHERE r.org_id = :org AND NOT EXISTS "
    "(SELECT FROM audit_heads h WHERE h.org_id = r.org_id AND h.subject_id = r.id)"
    for table in ("customers", "invoices", "payments")
)
_UNTOLD_EVENTS = """SELECT o.id, o.type, o.subject FROM outbox_events o WHERE o.org_id = :org AND NOT EXISTS
  (SELECT FROM audit_heads h WHERE h.org_id = o.org_id AND h.subject_id = o.subject)"""


def check_coverage(tx: Tx) -> Iterator[Finding]:
    """No payment, invoice or customer without a chain; no event about a subject without one."""
    rows = Finding("rows in the trail")
    for r in stream(tx, _WITHOUT_CHAIN):
        rows.breach(f"{r['id']}: a {r['what']} without an audit chain")
    yield rows
    events = Finding("events in the trail")
    for e in stream(tx, _UNTOLD_EVENTS):
        events.breach(f"{e['id']}: {e['type']} about {e['subject']}, which has no audit chain")
    yield events
