"""The audit trail, read."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from models.db.subjects import subject_filter
from models.db.tx import Row, Tx


def list_audit_events(
    tx: Tx, entities: Collection[str] | None, *, subject_id: str | None, actor: str | None, since: datetime | None,
    until: datetime | None, after: tuple[Any, ...] | None, limit: int,
) -> Sequence[Row]:  # fmt: skip
    """One subject's chain in its own order, else everything by time.

    `after`: (seq,) for a subject, else (at, subject_id, seq).
    """
    where, params = subject_filter(entities, "e.subject_id")
    given: dict[str, tuple[Any, str]] = {
        "subject": (subject_id, "e.subject_id = :subject"),
        "actor": (actor, "e.actor = :actor"),
        "since": (since, "e.at >= :since"),
        "until": (until, "e.at <= :until"),
    }
    for name, (value, condition) in given.items():
        if value is not None:
            where += f" AND {condition}"
            params[name] = value
    place = ("seq",) if subject_id is not None else ("at", "subject_id", "seq")
    order = ", ".join(f"e.{part}" for part in place)
    if after is not None:
        where += f" AND ({order}) > ({', '.join(f':after_{part}' for part in place)})"
        params |= {f"after_{part}": value for part, value in zip(place, after, strict=True)}
    return tx.all(
        f"SELECT e.* FROM audit_events e WHERE e.org_id = :org{where} ORDER BY {order} LIMIT :n", **params, n=limit
    )


def audit_event_body(e: Any) -> dict[str, Any]:
    """Who, what (before and after), when and why, with the links of the chain as hex.

    `id` is the event's own hash, shortened. `payload` is null once erased (hard delete); the chain still verifies by
    `digest`.
    """
    payload = None if e["payload"] is None else json.loads(e["payload"])
    said = payload if isinstance(payload, dict) else {}
    return {
        "id": f"aud_{bytes(e['hash']).hex()[:32]}",
        "subject_id": e["subject_id"],
        "seq": e["seq"],
        "at": e["at"].isoformat(),
        "actor": e["actor"],
        "action": e["action"],
        "reason_code": e["reason_code"],
        "request_id": e["request_id"],
        "workflow_id": e["workflow_id"],
        "before": said.get("before", _side(said, "before")),
        "after": said.get("after", _side(said, "after")),
        "payload": payload,
        "erased": payload is None,
        "digest": bytes(e["digest"]).hex(),
        "prev_hash": bytes(e["prev_hash"]).hex(),
        "hash": bytes(e["hash"]).hex(),
    }


def _side(said: dict[str, Any], side: str) -> dict[str, Any] | None:
    """One side of a change that is told as a diff: path → value; null where there was nothing on that side."""
    values = {d["path"]: d.get(side) for d in said.get("diff") or () if d.get(side) is not None}
    return values or None
