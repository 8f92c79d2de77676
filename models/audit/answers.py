"""The audit trail as the API shows it."""

import json
from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from models.answers import JsonObject, answer
from models.audit.chain import AuditEvent


@answer
class AuditEventAnswer:
    """Who, what (`before` and `after`), when and why, with the links of the chain as hex.

    `agent`: the assistant that acted beside the actor; `conversation`: through which client it came, by which proposal, and the
    hash of the effect that was shown. `id` is the event's own hash, shortened. `payload` is all that the event says; null once
    erased (hard delete): the chain still verifies by `digest`.
    """

    id: str
    subject_id: str
    seq: int
    at: datetime
    actor: str
    agent: str | None
    conversation: JsonValue
    action: str
    reason_code: str | None
    request_id: str | None
    workflow_id: str | None
    before: JsonValue
    after: JsonValue
    payload: JsonValue
    erased: bool
    digest: str
    prev_hash: str
    hash: str


def audit_event_answer(e: AuditEvent) -> AuditEventAnswer:
    payload: JsonValue = None if e.payload is None else json.loads(e.payload)
    said: JsonObject = payload if isinstance(payload, dict) else {}
    return AuditEventAnswer(
        id=f"aud_{e.hash.hex()[:32]}",
        subject_id=e.subject_id,
        seq=e.seq,
        at=e.at,
        actor=e.actor,
        agent=_agent(said),
        conversation=said.get("conversation"),
        action=e.action,
        reason_code=e.reason_code,
        request_id=e.request_id,
        workflow_id=e.workflow_id,
        before=_side(said, "before"),
        after=_side(said, "after"),
        payload=payload,
        erased=payload is None,
        digest=e.digest.hex(),
        prev_hash=e.prev_hash.hex(),
        hash=e.hash.hex(),
    )


def _agent(said: JsonObject) -> str | None:
    conversation = said.get("conversation")
    agent = conversation.get("agent") if isinstance(conversation, Mapping) else None
    return agent if isinstance(agent, str) else None


def _side(said: JsonObject, side: str) -> JsonValue:
    """One side of a change. Of one that the event has as a diff: path → value; null where there was nothing there."""
    if side in said:
        return said[side]
    diff = said.get("diff")
    paths = [d for d in diff if isinstance(d, Mapping)] if isinstance(diff, list) else []
    return {str(d["path"]): d[side] for d in paths if d.get(side) is not None} or None
