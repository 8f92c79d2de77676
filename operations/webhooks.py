"""Where an organisation's events are sent: endpoints made, changed, given another secret, taken away; replays."""

from typing import Any

from models.db import webhooks
from models.errors import Refusal
from models.ids import new_id
from models.webhooks.signing import FORMER_SECRET_SERVES, new_secret, shown
from operations.runner import untyped_operation
from operations.work import Outcome, Work


def endpoint_body(e: Any) -> dict[str, Any]:
    """As its readers see it: never the secret."""
    named = ("id", "url", "event_types", "description", "status", "created_by")
    return {name: e[name] for name in named} | {"created_at": e["created_at"].isoformat()}


def delivery_body(d: Any) -> dict[str, Any]:
    """What became of a delivery."""
    named = ("id", "endpoint_id", "url", "event_id", "event_type", "subject", "status", "attempts", "replays")
    times = ("last_attempt_at", "next_attempt_at", "delivered_at", "created_at")
    body = {name: d[name] for name in (*named, "response_status", "error_code")}
    return body | {name: d[name].isoformat() if d[name] else None for name in times}


@untyped_operation("webhook_endpoint.create")
def create_endpoint(work: Work) -> Outcome[Any]:
    """The only answer that carries the secret. Events from now on are sent."""
    body, secret = work.cmd.body, new_secret()
    row = {
        "id": new_id("whep"), "url": body["url"], "event_types": body.get("event_types") or [],
        "description": body.get("description"), "secret": secret, "status": "enabled",
        "since": webhooks.newest_position(work.tx), "created_by": work.cmd.actor, "created_at": work.now,
    }  # fmt: skip
    work.tx.insert("webhook_endpoints", [row])
    work.audit(row["id"], "webhook_endpoint.created", {"after": _said(row)})
    return Outcome(endpoint_body(row) | {"secret": shown(secret)}, 201)


@untyped_operation("webhook_endpoint.update")
def update_endpoint(work: Work) -> Outcome[Any]:
    """Another address, other types, or a pause. What waits for an endpoint that is disabled is not sent any more."""
    before = webhooks.endpoint(work.tx, str(work.cmd.resource_id), lock=True)
    fields = {name: value for name, value in work.cmd.body.items() if value != before[name]}
    if fields:
        if fields.get("status") == "enabled":
            fields["since"] = webhooks.newest_position(work.tx)
        webhooks.change_endpoint(work.tx, before["id"], fields)
        if fields.get("status") == "disabled":
            webhooks.cancel_pending(work.tx, before["id"])
        told = {"before": _said(before), "after": _said({**before, **fields})}
        work.audit(before["id"], "webhook_endpoint.updated", told)
    return Outcome(endpoint_body({**before, **fields}))


@untyped_operation("webhook_endpoint.rotate_secret")
def rotate_secret(work: Work) -> Outcome[Any]:
    """A new secret. For a day the former one signs beside it, so that receivers can change over one by one."""
    e = webhooks.endpoint(work.tx, str(work.cmd.resource_id), lock=True)
    secret, until = new_secret(), work.now + FORMER_SECRET_SERVES
    former = {"secret": secret, "former_secret": bytes(e["secret"]), "former_until": until}
    webhooks.change_endpoint(work.tx, e["id"], former)
    work.audit(e["id"], "webhook_endpoint.secret_rotated", {"former_until": until.isoformat()})
    return Outcome(endpoint_body(e) | {"secret": shown(secret), "former_until": until.isoformat()})


@untyped_operation("webhook_endpoint.delete")
def delete_endpoint(work: Work) -> Outcome[Any]:
    """Taken away; its deliveries stay to be read."""
    e = webhooks.endpoint(work.tx, str(work.cmd.resource_id), lock=True)
    gone = {"status": "deleted", "secret": b"", "former_secret": None, "former_until": None}
    webhooks.change_endpoint(work.tx, e["id"], gone)
    webhooks.cancel_pending(work.tx, e["id"])
    work.audit(e["id"], "webhook_endpoint.deleted", {"before": _said(e)})
    return Outcome({"id": e["id"], "status": "deleted"})


@untyped_operation("webhook_delivery.replay")
def replay_delivery(work: Work) -> Outcome[Any]:
    """Send it again, with the same id, from the first attempt on. One that is still waiting is tried at once."""
    d = webhooks.delivery(work.tx, str(work.cmd.resource_id), lock=True)
    e = webhooks.endpoint(work.tx, d["endpoint_id"])
    if e["status"] != "enabled":
        raise Refusal("WEBHOOK_ENDPOINT_DISABLED", f"Endpoint {e['id']} is disabled: enable it first.")
    fields = {
        "status": "PENDING", "attempts": 0, "replays": d["replays"] + 1, "next_attempt_at": None, "error_code": None,
        "delivered_at": None, "response_status": None,
    }  # fmt: skip
    webhooks.mark(work.tx, d["id"], fields)
    work.audit(e["id"], "webhook_delivery.replayed", {"delivery_id": d["id"], "event_id": d["event_id"]})
    return Outcome(delivery_body({**d, **fields}))


def _said(e: Any) -> dict[str, Any]:
    return {name: e[name] for name in ("url", "event_types", "description", "status")}
