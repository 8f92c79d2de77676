"""Evidence as it leaves the house: signed, where the server has a key."""

import json
from dataclasses import replace
from typing import TypeVar

from fastapi import Request

from models.approvals.evidence import ApprovalEvidenceAnswer
from models.customers.evidence import EvidenceAnswer
from models.db.tx import to_json
from operations.signing import Signer

E = TypeVar("E", bound=EvidenceAnswer | ApprovalEvidenceAnswer)


def signed(request: Request, document: E) -> E:
    """The document with its signature; Refusal UNAVAILABLE where the key store does not answer."""
    signer: Signer | None = getattr(request.app.state, "signer", None)
    if signer is None:
        return document
    return replace(document, signature=signer.sign(json.loads(to_json(document))))
