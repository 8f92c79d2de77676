"""What is to be said in the trail: an entry as it is queued, before it is a link of its subject's chain."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to the subject. `payload` is the JSON text that the chain's digest is computed from."""

    subject_id: str
    actor: str
    action: str
    reason_code: str | None
    request_id: str | None
    workflow_id: str | None
    payload: str
