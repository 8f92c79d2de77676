"""Gathering the evidence of approvals of every kind."""

from models.access import Principal
from models.approvals.evidence import ApprovalEvidenceAnswer, approval_evidence
from models.customers.change_records import Change
from models.customers.evidence import EvidenceAnswer, evidence_answer
from models.db import audit
from models.db.approvals import trails
from models.db.customers import changes
from models.db.tx import Tx
from operations.customers.visibility import require_change
from operations.inbox import waiting


def evidence_of_change(tx: Tx, change: Change) -> EvidenceAnswer:
    """The change and its whole audit chain."""
    trail, head = trails.trail(tx, change.id), trails.head(tx, change.id)
    return evidence_answer(change, trail, head, audit.sealed(tx, change.id))


def evidence_of(tx: Tx, who: Principal, approval_id: str) -> EvidenceAnswer | ApprovalEvidenceAnswer:
    """What was decided and its whole audit chain, whatever its kind."""
    if approval_id.startswith("chg_"):
        change = changes.get(tx, approval_id)
        require_change(change, who.entities)
        return evidence_of_change(tx, change)
    approval = waiting.approval(tx, who, approval_id)
    trail, head = trails.trail(tx, approval_id), trails.head(tx, approval_id)
    return approval_evidence(approval, trail, head, audit.sealed(tx, approval_id))
