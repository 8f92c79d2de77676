"""Published events, read by position."""

from collections.abc import Collection, Sequence
from typing import Any

from models.db.subjects import subject_filter
from models.db.tx import Row, Tx


def list_events(
    tx: Tx, entities: Collection[str] | None, event_type: str | None, subject: str | None, after: int, limit: int
) -> Sequence[Row]:
    """Events after a position, in the order of publication."""
    where, params = subject_filter(entities, "o.subject")
    for name, value in (("type", event_type), ("subject", subject)):
        if value is not None:
            where += f" AND o.{name} = :{name}"
            params[name] = value
    return tx.all(
        f"SELECT o.* FROM outbox_events o WHERE o.org_id = :org AND o.position > :after{where} ORDER BY o.position LIMIT :n",
        **params, after=after, n=limit,
    )  # fmt: skip


def newest_unpublished(tx: Tx, upto: int | None = None) -> int | None:
    """The last committed event that the relay has not published yet, of those up to `upto`; None where there is none."""
    limit, params = ("", {}) if upto is None else (" AND seq <= :upto", {"upto": upto})
    found = tx.scalar(f"SELECT max(seq) FROM outbox_events WHERE org_id = :org AND position IS NULL{limit}", **params)
    return None if found is None else int(found)


def cloud_event(e: Any) -> dict[str, Any]:
    """An event as CloudEvents 1.0 writes it (JSON format). `arflowposition` rises in the order of publication."""
    return {
        "specversion": "1.0",
        "id": e["id"],
        "source": f"/organisations/{e['org_id']}",
        "type": e["type"],
        "subject": e["subject"],
        "time": e["at"].isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": e["data"],
        "arflowposition": e["position"],
    }
