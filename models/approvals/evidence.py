"""The evidence of an approval as a document that proves itself: what was decided, and its audit chain with salts and hashes.

Pure: `faults_of_approval` needs nothing but the document, so it can be asked years later, without the database. What it shows
is that the chain is whole and that the approval says what the chain says. That the chain is the organisation's own shows by
its head's hash, which the database (and each daily seal) holds too.
"""

import json
import re
import zlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from models.answers import JsonObject, answer, read_row
from models.approvals.answers import ApprovalAnswer, ChangeDecisionAnswer
from models.audit.chain import AuditEvent, breaches
from models.audit.seals import SealedTrailAnswer, faults_of_sealing
from models.signing import SignatureAnswer

APPROVAL_FORMAT: Final = "arflow.approval-evidence/1"
ATTACHMENT: Final = "evidence.json"
DECIDED: Final = (
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
"""What the trail says of a decision, by the names that the approval says it with."""
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
class ApprovalEvidenceAnswer:
    """An approval and its whole audit chain: a document that proves itself; signed where the server has a key. `sealed`: the
    daily seal that covers the chain, null until there is one."""

    format: str
    approval: ApprovalAnswer
    trail: Sequence[EvidenceEventAnswer]
    head: EvidenceHeadAnswer | None
    sealed: SealedTrailAnswer | None
    signature: SignatureAnswer | None


def approval_evidence(
    approval: ApprovalAnswer,
    trail: Sequence[AuditEvent],
    head: tuple[int, bytes] | None,
    sealed: SealedTrailAnswer | None = None,
) -> ApprovalEvidenceAnswer:
    """The evidence of an approval."""
    return ApprovalEvidenceAnswer(
        format=APPROVAL_FORMAT,
        approval=approval,
        trail=[event_answer(e) for e in trail],
        head=head_answer(head),
        sealed=sealed,
        signature=None,
    )


def head_answer(head: tuple[int, bytes] | None) -> EvidenceHeadAnswer | None:
    """The chain's end, as it is shown."""
    return None if head is None else EvidenceHeadAnswer(seq=head[0], hash=head[1].hex())


def event_answer(e: AuditEvent) -> EvidenceEventAnswer:
    """A link of the chain, as it is shown."""
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


def event_of(e: EvidenceEventAnswer) -> AuditEvent:
    """A link of the chain, as it was hashed."""
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


def document_in(raw: bytes, formats: Collection[str]) -> JsonObject:
    """The evidence in a packet (PDF, by its attachment) or in its JSON. Raises EvidenceUnreadable."""
    if raw.startswith(b"%PDF"):
        raw = _attached(raw, formats)
    try:
        document = json.loads(raw)
    except ValueError:
        raise EvidenceUnreadable("the file holds no evidence") from None
    if not isinstance(document, dict) or document.get("format") not in formats:
        raise EvidenceUnreadable(f"the file is not {' or '.join(sorted(formats))}")
    return {"signature": None, **document}  # an earlier build signed nothing


def _attached(pdf: bytes, formats: Collection[str]) -> bytes:
    for stream in _EMBEDDED.findall(pdf):
        try:
            content = zlib.decompressobj().decompress(stream)
        except zlib.error:
            content = stream
        if any(known.encode() in content for known in formats):
            return bytes(content)
    raise EvidenceUnreadable("the PDF has no evidence attached")


def approval_evidence_in(document: JsonObject) -> ApprovalEvidenceAnswer:
    """The document as evidence. Raises ValueError where something of it is missing or is none."""
    return read_row(ApprovalEvidenceAnswer, {"sealed": None, **document})  # an earlier build did not tell


def faults_of_approval(document: JsonObject) -> list[str]:
    """What is wrong with the evidence; nothing, if the chain is whole and the approval says what the chain says."""
    try:
        evidence = approval_evidence_in(document)
        trail, found = chain_in(evidence.trail, evidence.head, evidence.sealed)
        return found + _contradictions(evidence.approval, trail)
    except (KeyError, TypeError, ValueError) as error:
        return [f"the evidence is incomplete: {type(error).__name__} {error}"]


def chain_in(
    trail: Sequence[EvidenceEventAnswer], head: EvidenceHeadAnswer | None, sealed: SealedTrailAnswer | None
) -> tuple[list[AuditEvent], list[str]]:
    """The links as they were hashed, and what is wrong with their chain, or with the seal over it."""
    events = [event_of(e) for e in trail]
    found = breaches(events, None if head is None else (head.seq, bytes.fromhex(head.hash)))
    if sealed is not None and events:
        found += faults_of_sealing(sealed, events[0].org_id, events[0].subject_id, [e.hash for e in events])
    return events, found


def _contradictions(a: ApprovalAnswer, trail: Sequence[AuditEvent]) -> list[str]:
    found = [f"event {e.seq} is another subject's" for e in trail if e.subject_id != a.id]
    if any(e.payload is None for e in trail):
        return found  # erased: nothing is left to compare
    said = [(e, json.loads(e.payload or "null")) for e in trail]
    submitted = [e for e, _ in said if e.action in {"approval.submitted", "import.submitted"}]
    if len(submitted) != 1 or submitted[0].actor != a.submitted_by:
        found.append("the submitter is not the trail's")
    found += decided_otherwise(a.decisions, [p for e, p in said if e.action in {"approval.decided", "import.decided"}])
    executed = any(e.action == "approval.executed" for e, _ in said)
    if a.kind != "import" and (a.status == "APPROVED") != executed:
        found.append("the status is not the trail's")
    return found


def decided_otherwise(decisions: Sequence[ChangeDecisionAnswer], told: Sequence[JsonObject]) -> list[str]:
    """Whether the trail tells other decisions than the record."""
    same = [{k: p[k] for k in DECIDED} for p in told] == [{k: getattr(d, k) for k in DECIDED} for d in decisions]
    return [] if same else ["the decisions are not the trail's"]
