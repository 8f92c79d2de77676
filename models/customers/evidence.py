"""The evidence of a change as a document that proves itself: the change, and its audit chain with salts and hashes.

Pure: `faults` needs nothing but the document, so it can be asked years later, without the database. What it shows is that
the chain is whole and that the change says what the chain says. That the chain is the organisation's own shows by its
head's hash, which the database (and each daily seal) holds too.
"""

import json
import re
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from models.answers import JsonObject, answer, read_row
from models.approvals.chain import ChangeStatus
from models.audit.chain import AuditEvent, breaches
from models.customers.change_answers import ChangeAnswer, change_answer
from models.customers.change_records import Change

FORMAT: Final = "arflow.customer-change-evidence/1"
ATTACHMENT: Final = "evidence.json"
_DECIDED: Final = (
    "round",
    "step",
    "role",
    "decision",
    "decided_by",
    "on_behalf_of",
    "reason_code",
    "comment",
    "channel",
)
_EMBEDDED: Final = re.compile(
    rb"<<(?:(?!endobj|stream).)*?/EmbeddedFile\b(?:(?!endobj).)*?stream\r?\n(.*?)endstream", re.S
)


class EvidenceUnreadable(Exception):
    """The file is neither an evidence packet nor its JSON."""


@answer
class EvidenceEventAnswer:
    """One link of the audit chain with everything that its hash covers, bytes as hex. `payload` is the JSON that was
    hashed, as text; it and its `salt` are null once erased."""

    org_id: str
    subject_id: str
    seq: int
    at: datetime
    actor: str
    action: str
    reason_code: str | None
    request_id: str | None
    workflow_id: str | None
    payload: str | None
    salt: str | None
    digest: str
    prev_hash: str
    hash: str


@answer
class EvidenceHeadAnswer:
    """Number and hash (hex) of the chain's latest event, as the database has them."""

    seq: int
    hash: str


@answer
class EvidenceAnswer:
    """A change and its whole audit chain: a document that proves itself."""

    format: str
    change: ChangeAnswer
    trail: Sequence[EvidenceEventAnswer]
    head: EvidenceHeadAnswer | None


def evidence_answer(change: Change, trail: Sequence[AuditEvent], head: tuple[int, bytes] | None) -> EvidenceAnswer:
    """The evidence of a change."""
    return EvidenceAnswer(
        format=FORMAT,
        change=change_answer(change),
        trail=[_event_answer(e) for e in trail],
        head=None if head is None else EvidenceHeadAnswer(seq=head[0], hash=head[1].hex()),
    )


def _event_answer(e: AuditEvent) -> EvidenceEventAnswer:
    return EvidenceEventAnswer(
        org_id=e.org_id,
        subject_id=e.subject_id,
        seq=e.seq,
        at=e.at.astimezone(UTC),
        actor=e.actor,
        action=e.action,
        reason_code=e.reason_code,
        request_id=e.request_id,
        workflow_id=e.workflow_id,
        payload=e.payload,
        salt=None if e.salt is None else e.salt.hex(),
        digest=e.digest.hex(),
        prev_hash=e.prev_hash.hex(),
        hash=e.hash.hex(),
    )


def _event(e: EvidenceEventAnswer) -> AuditEvent:
    return AuditEvent(
        org_id=e.org_id,
        subject_id=e.subject_id,
        seq=e.seq,
        at=e.at,
        actor=e.actor,
        action=e.action,
        reason_code=e.reason_code,
        request_id=e.request_id,
        workflow_id=e.workflow_id,
        payload=e.payload,
        salt=None if e.salt is None else bytes.fromhex(e.salt),
        digest=bytes.fromhex(e.digest),
        prev_hash=bytes.fromhex(e.prev_hash),
        hash=bytes.fromhex(e.hash),
    )


def read(raw: bytes) -> JsonObject:
    """The evidence in a packet (PDF, by its attachment) or in its JSON. Raises EvidenceUnreadable."""
    if raw.startswith(b"%PDF"):
        raw = _attached(raw)
    try:
        document = json.loads(raw)
    except ValueError:
        raise EvidenceUnreadable("the file holds no evidence") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise EvidenceUnreadable(f"the file is not {FORMAT}")
    return document


def _attached(pdf: bytes) -> bytes:
    for stream in _EMBEDDED.findall(pdf):
        try:
            content = zlib.decompressobj().decompress(stream)
        except zlib.error:
            content = stream
        if FORMAT.encode() in content:
            return bytes(content)
    raise EvidenceUnreadable("the PDF has no evidence attached")


def evidence_in(document: JsonObject) -> EvidenceAnswer:
    """The document as evidence. Raises ValueError where something of it is missing or is none."""
    return read_row(EvidenceAnswer, document)


def faults(document: JsonObject) -> list[str]:
    """What is wrong with the evidence; nothing, if the chain is whole and the change says what the chain says."""
    try:
        evidence = evidence_in(document)
        trail = [_event(e) for e in evidence.trail]
        head = None if evidence.head is None else (evidence.head.seq, bytes.fromhex(evidence.head.hash))
        return breaches(trail, head) + _contradictions(evidence.change, trail)
    except (KeyError, TypeError, ValueError) as error:
        return [f"the evidence is incomplete: {type(error).__name__} {error}"]


def _contradictions(change: ChangeAnswer, trail: Sequence[AuditEvent]) -> list[str]:
    found = [f"event {e.seq} is another subject's" for e in trail if e.subject_id != change.id]
    if any(e.payload is None for e in trail):
        return found  # erased: nothing is left to compare
    said = [(e, json.loads(e.payload or "null")) for e in trail]
    submitted = [e for e, _ in said if e.action == "customer.change.submitted"]
    if len(submitted) != 1 or submitted[0].actor != change.submitted_by:
        found.append("the submitter is not the trail's")
    diffs = [p["diff"] for e, p in said if e.action in {"customer.change.submitted", "customer.change.resubmitted"}]
    if not diffs or diffs[-1] != [{"path": d.path, "before": d.before, "after": d.after} for d in change.diff]:
        found.append("the diff is not the trail's")
    decided = [{k: p[k] for k in _DECIDED} for e, p in said if e.action == "customer.change.decided"]
    if decided != [{k: getattr(d, k) for k in _DECIDED} for d in change.decisions]:
        found.append("the decisions are not the trail's")
    if (change.status is ChangeStatus.APPROVED) != any(e.action == "customer.change.executed" for e, _ in said):
        found.append("the status is not the trail's")
    return found
