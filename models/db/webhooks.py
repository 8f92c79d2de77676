"""Webhook endpoints and deliveries in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.db.lookups import find
from models.db.tx import Row, Tx

_DELIVERY = """SELECT d.*, e.url FROM webhook_deliveries d
  JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id WHERE d.org_id = :org"""


def endpoint(tx: Tx, endpoint_id: str, *, lock: bool = False) -> Row:
    sql = "SELECT * FROM webhook_endpoints WHERE org_id = :org AND id = :id AND status <> 'deleted'"
    return find(tx, "webhook_endpoint", sql + (" FOR UPDATE" if lock else ""), endpoint_id)


def endpoints(tx: Tx, after: str | None, limit: int) -> Sequence[Row]:
    """The newest first."""
    where = " AND id < :after" if after else ""
    sql = (
        f"SELECT * FROM webhook_endpoints WHERE org_id = :org AND status <> 'deleted'{where} ORDER BY id DESC LIMIT :n"
    )
    return tx.all(sql, n=limit, **({"after": after} if after else {}))


def newest_position(tx: Tx) -> int:
    return int(tx.scalar("SELECT coalesce(max(position), 0) FROM outbox_events WHERE org_id = :org"))


def change_endpoint(tx: Tx, endpoint_id: str, fields: Mapping[str, Any]) -> None:
    sets = ", ".join(f"{name} = :{name}" for name in fields)
    tx.run(f"UPDATE webhook_endpoints SET {sets} WHERE org_id = :org AND id = :id", id=endpoint_id, **fields)


def cancel_pending(tx: Tx, endpoint_id: str) -> int:
    return tx.run(
        "UPDATE webhook_deliveries SET status = 'CANCELLED', next_attempt_at = NULL "
        "WHERE org_id = :org AND endpoint_id = :id AND status = 'PENDING'",
        id=endpoint_id,
    )


def delivery(tx: Tx, delivery_id: str, *, lock: bool = False) -> Row:
    sql = f"{_DELIVERY} AND d.id = :id" + (" FOR UPDATE OF d" if lock else "")
    return find(tx, "webhook_delivery", sql, delivery_id)


def deliveries(tx: Tx, wanted: Mapping[str, str | None], after: tuple[int, str] | None, limit: int) -> Sequence[Row]:
    """The newest event first. `wanted`: column → value it must have, None: any."""
    params: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    where = "".join(f" AND d.{name} = :{name}" for name in params)
    if after:
        where += " AND (d.position, d.id) < (:position, :id)"
        params |= {"position": after[0], "id": after[1]}
    return tx.all(f"{_DELIVERY}{where} ORDER BY d.position DESC, d.id DESC LIMIT :n", n=limit, **params)


def next_delivery(tx: Tx, endpoint_id: str, subject: str) -> Row | None:
    """The oldest pending delivery of a queue, with its event and its endpoint's url and secrets."""
    return tx.one(
        """SELECT d.id AS delivery_id, e.url, e.secret, e.former_secret, e.former_until,
             o.org_id, o.id, o.type, o.subject, o.data, o.at, o.position
           FROM webhook_deliveries d
           JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
           JOIN outbox_events o ON o.org_id = d.org_id AND o.id = d.event_id
           WHERE d.org_id = :org AND d.endpoint_id = :endpoint AND d.subject = :subject AND d.status = 'PENDING'
           ORDER BY d.position LIMIT 1""",
        endpoint=endpoint_id,
        subject=subject,
    )


def mark(tx: Tx, delivery_id: str, fields: Mapping[str, Any]) -> None:
    sets = ", ".join(f"{name} = :{name}" for name in fields)
    tx.run(f"UPDATE webhook_deliveries SET {sets} WHERE org_id = :org AND id = :id", id=delivery_id, **fields)
