"""The daily seals proved: those that the trail names are there, and what they sealed stands in the trail."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from models.audit.chain import merkle_root, seal_leaf
from models.db.audit import Head
from models.db.streaming import readable, stream
from models.db.tx import Tx
from models.verification import Finding

ROOTS = 31
"""How many seals, the newest, have the root over all that they cover recomputed; what each stored itself always is."""

_SEALS = f"""SELECT {readable("s.sealed_at")} AS sealed_at, s.heads, encode(s.root, 'hex') AS root
  FROM audit_seals s WHERE s.org_id = :org"""
_TOLD_OTHERWISE = f"""SELECT t.sealed_at, t.seq, s.sealed_at IS NULL AS gone FROM verify_seals t
  LEFT JOIN ({_SEALS}) s ON s.sealed_at = t.sealed_at
  WHERE s.sealed_at IS NULL OR s.heads IS DISTINCT FROM t.heads OR s.root IS DISTINCT FROM t.root ORDER BY t.seq"""
_STORED = f"""SELECT {readable("h.sealed_at")} AS sealed_at, h.subject_id, h.seq, h.hash FROM audit_seal_heads h
  WHERE h.org_id = :org ORDER BY h.sealed_at, h.subject_id COLLATE "C" """
_AGAINST_CHAINS = f"""SELECT s.subject_id, s.seq, {readable("s.sealed_at")} AS sealed_at, e.hash IS NULL AS gone
  FROM audit_seal_heads s LEFT JOIN audit_events e ON e.org_id = s.org_id AND e.subject_id = s.subject_id AND e.seq = s.seq
  WHERE s.org_id = :org AND (e.hash IS NULL OR e.hash IS DISTINCT FROM s.hash) ORDER BY s.sealed_at, s.subject_id"""
# A seal stores the heads that moved since the one before; together with the earlier ones it covers them all.
_COVERED = """SELECT DISTINCT ON (subject_id COLLATE "C") subject_id, seq, coalesce(hash, '') AS hash FROM audit_seal_heads
  WHERE org_id = :org AND sealed_at <= :at ORDER BY subject_id COLLATE "C", sealed_at DESC"""


@dataclass(frozen=True, slots=True)
class _SealInTrail:
    """What the trail says of one seal: over how many heads, under which root; and what of them it stored itself."""

    sealed_at: datetime | None
    heads: int
    root: str
    stored: int | None
    stored_root: str | None


def check_seals(tx: Tx) -> Finding:
    """What was sealed is still there, the seals are those that the trail names, and their roots are those of the heads
    they sealed. Needs the scratch tables that `verify_trail.Trail` filled."""
    found = Finding("audit seals")
    for t in stream(tx, _TOLD_OTHERWISE):
        said = "is gone" if t["gone"] else "was altered"
        found.breach(f"{_seal(t['sealed_at'])}: it {said}, event {t['seq']} of {tx.org_id} names it")
    for s in stream(tx, _AGAINST_CHAINS):
        said = "is gone" if s["gone"] else "was altered"
        found.breach(f"{s['subject_id']}: event {s['seq']}, in the {_seal(s['sealed_at'])}, {said}")
    seals = tx.all(f"{_SEALS} ORDER BY s.sealed_at DESC")
    told = {t.sealed_at: t for t in tx.records(_SealInTrail, "SELECT * FROM verify_seals")}
    _check_stored(tx, found, {s["sealed_at"] for s in seals}, told)
    for n, seal in enumerate(seals):
        at = seal["sealed_at"]
        stored_told = at in told and told[at].stored_root is not None
        covered = (Head(**h) for h in stream(tx, _COVERED, at=at))
        if (n < ROOTS or not stored_told) and _rooted(covered) != (seal["heads"], seal["root"]):
            found.breach(f"{_seal(at)}: its root is not that of the heads it sealed")
    newest = f", newest {_moment(seals[0]['sealed_at'])} root {seals[0]['root']}" if seals else ""
    found.what = f"{len(seals)} seals{newest}"
    return found


def _check_stored(
    tx: Tx, found: Finding, seals: set[datetime | None], told: Mapping[datetime | None, _SealInTrail]
) -> None:
    """The rows that each seal stored, the superseded ones too, against what the trail says of them."""
    seen: set[datetime | None] = set()
    for at, rows in groupby(stream(tx, _STORED), key=lambda h: h["sealed_at"]):
        seen.add(at)
        stored = _rooted(Head(h["subject_id"], h["seq"], bytes(h["hash"] or b"")) for h in rows)
        if at not in seals:
            found.breach(f"{_seal(at)}: it is gone, but the heads that it sealed are there")
        elif at in told and told[at].stored_root is not None and stored != (told[at].stored, told[at].stored_root):
            found.breach(f"{_seal(at)}: the heads that it stored are not those that the trail names")
    for at, t in told.items():
        if at not in seen and t.stored:
            found.breach(f"{_seal(at)}: the heads that it stored are gone")


def _rooted(heads: Iterable[Head]) -> tuple[int, str]:
    """How many heads, and their root."""
    count = 0

    def leaves() -> Iterator[bytes]:
        nonlocal count
        for h in heads:
            count += 1
            yield seal_leaf(h.subject_id, h.seq, h.hash)

    root = merkle_root(leaves()).hex()
    return count, root


def _seal(at: datetime | None) -> str:
    return f"seal of {_moment(at)}"


def _moment(at: datetime | None) -> str:
    return "no time at all" if at is None else at.isoformat()
