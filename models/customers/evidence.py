"""The evidence of a change: the change, and its audit chain (`models/approvals/evidence.py`)."""

import json
from collections.abc import Sequence
from typing import Final

from models.answers import JsonObject, answer, read_row
from models.approvals.chain import ChangeStatus
from models.approvals.evidence import (
    EvidenceEventAnswer,
    EvidenceHeadAnswer,
    chain_in,
    decided_otherwise,
    event_answer,
    head_answer,
)
from models.audit.chain import AuditEvent
from models.audit.seals import SealedTrailAnswer
from models.customers.change_answers import ChangeAnswer, change_answer
from models.customers.change_records import Change
from models.signing import SignatureAnswer

FORMAT: Final = "arflow.customer-change-evidence/1"


@answer
class EvidenceAnswer:
    """A change and its whole audit chain: a document that proves itself; signed where the server has a key. `sealed`: the daily
    seal that covers the chain, null until there is one."""

    format: str
    change: ChangeAnswer
    trail: Sequence[EvidenceEventAnswer]
    head: EvidenceHeadAnswer | None
    sealed: SealedTrailAnswer | None
    signature: SignatureAnswer | None


def evidence_answer(
    change: Change,
    trail: Sequence[AuditEvent],
    head: tuple[int, bytes] | None,
    sealed: SealedTrailAnswer | None = None,
) -> EvidenceAnswer:
    """The evidence of a change."""
    return EvidenceAnswer(
        format=FORMAT,
        change=change_answer(change),
        trail=[event_answer(e) for e in trail],
        head=head_answer(head),
        sealed=sealed,
        signature=None,
    )


def evidence_in(document: JsonObject) -> EvidenceAnswer:
    """The document as evidence. Raises ValueError where something of it is missing or is none."""
    return read_row(EvidenceAnswer, {"sealed": None, **document})  # an earlier build did not tell


def faults_of_change(document: JsonObject) -> list[str]:
    """What is wrong with the evidence; nothing, if the chain is whole and the change says what the chain says."""
    try:
        evidence = evidence_in(document)
        trail, found = chain_in(evidence.trail, evidence.head, evidence.sealed)
        return found + _contradictions(evidence.change, trail)
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
    found += decided_otherwise(change.decisions, [p for e, p in said if e.action == "customer.change.decided"])
    if (change.status is ChangeStatus.APPROVED) != any(e.action == "customer.change.executed" for e, _ in said):
        found.append("the status is not the trail's")
    return found
