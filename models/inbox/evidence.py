"""Evidence of approvals of every kind, in a file: read, and looked through."""

from typing import Final

from models.answers import JsonObject
from models.approvals.evidence import (
    APPROVAL_FORMAT,
    ApprovalEvidenceAnswer,
    approval_evidence_in,
    document_in,
    faults_of_approval,
)
from models.customers.evidence import FORMAT, EvidenceAnswer, evidence_in, faults_of_change

FORMATS: Final = frozenset({FORMAT, APPROVAL_FORMAT})


def read(raw: bytes) -> JsonObject:
    """The evidence in a packet (PDF, by its attachment) or in its JSON. Raises EvidenceUnreadable."""
    return document_in(raw, FORMATS)


def faults(document: JsonObject) -> list[str]:
    """What is wrong with the evidence; nothing, if the chain is whole and the record says what the chain says."""
    return faults_of_approval(document) if document.get("format") == APPROVAL_FORMAT else faults_of_change(document)


def whole(document: JsonObject) -> "EvidenceAnswer | ApprovalEvidenceAnswer":
    """The document as evidence. Raises ValueError where something of it is missing or is none."""
    if document.get("format") == APPROVAL_FORMAT:
        return approval_evidence_in(document)
    return evidence_in(document)


def what(evidence: "EvidenceAnswer | ApprovalEvidenceAnswer") -> str:
    """What it is the evidence of, and how that ended."""
    if isinstance(evidence, EvidenceAnswer):
        return f"{evidence.change.id}: {evidence.change.operation} {evidence.change.status}"
    return f"{evidence.approval.id}: {evidence.approval.kind} {evidence.approval.status}"
