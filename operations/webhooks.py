"""Where an organisation's events are sent: endpoints made, changed, given another secret, taken away; replays."""

from dataclasses import replace

from models.db import webhooks
from models.db.outbox import newest_position
from models.errors import Refusal
from models.facts import Facts
from models.ids import new_id
from models.values import Empty
from models.webhooks.answers import (
    CreatedWebhookEndpointAnswer,
    DeletedWebhookEndpointAnswer,
    RotatedWebhookSecretAnswer,
    WebhookDeliveryAnswer,
    WebhookEndpointAnswer,
    created_webhook_endpoint_answer,
    rotated_webhook_secret_answer,
    webhook_delivery_answer,
    webhook_endpoint_answer,
)
from models.webhooks.records import EndpointStatus, WebhookEndpoint
from models.webhooks.requests import CreateWebhookEndpoint, UpdateWebhookEndpoint
from models.webhooks.signing import FORMER_SECRET_SERVES, new_secret
from operations.runner import operation
from operations.work import Outcome, Work


@operation("webhook_endpoint.create", CreateWebhookEndpoint, CreatedWebhookEndpointAnswer)
def create_endpoint(work: Work, asked: CreateWebhookEndpoint) -> Outcome[CreatedWebhookEndpointAnswer]:
    """The only answer that carries the secret. Events from now on are sent."""
    made = WebhookEndpoint(
        id=new_id("whep"),
        url=asked.url,
        event_types=asked.event_types,
        description=asked.description,
        secret=new_secret(),
        status=EndpointStatus.ENABLED,
        since=newest_position(work.tx),
        created_by=work.cmd.actor,
        created_at=work.now,
    )
    work.tx.insert("webhook_endpoints", [made])
    work.audit(made.id, "webhook_endpoint.created", {"after": _settings(made)})
    answer = created_webhook_endpoint_answer(made)
    return Outcome(answer, 201, kept=replace(answer, secret=None))


@operation("webhook_endpoint.update", UpdateWebhookEndpoint, WebhookEndpointAnswer)
def update_endpoint(work: Work, asked: UpdateWebhookEndpoint) -> Outcome[WebhookEndpointAnswer]:
    """Another address, other types, or a pause. What waits for an endpoint that is disabled is not sent any more."""
    before = _locked(work)
    after = before
    if asked.url is not None:
        after = replace(after, url=asked.url)
    if asked.event_types is not None:
        after = replace(after, event_types=asked.event_types)
    if "description" in asked.model_fields_set:
        after = replace(after, description=asked.description)
    if asked.status is not None and asked.status != before.status:
        after = replace(after, status=EndpointStatus(asked.status))
        if after.status is EndpointStatus.ENABLED:
            after = replace(after, since=newest_position(work.tx))
    if after != before:
        webhooks.save_endpoint(work.tx, after)
        if after.status is EndpointStatus.DISABLED:
            webhooks.cancel_pending(work.tx, after.id)
        work.audit(after.id, "webhook_endpoint.updated", {"before": _settings(before), "after": _settings(after)})
    return Outcome(webhook_endpoint_answer(after))


@operation("webhook_endpoint.rotate_secret", Empty, RotatedWebhookSecretAnswer)
def rotate_secret(work: Work, _: Empty) -> Outcome[RotatedWebhookSecretAnswer]:
    """A new secret. For a day the former one signs beside it, so that receivers can change over one by one."""
    e = _locked(work)
    until = work.now + FORMER_SECRET_SERVES
    rotated = replace(e, secret=new_secret(), former_secret=e.secret, former_until=until)
    webhooks.save_endpoint(work.tx, rotated)
    work.audit(e.id, "webhook_endpoint.secret_rotated", {"former_until": until})
    answer = rotated_webhook_secret_answer(rotated, until)
    return Outcome(answer, kept=replace(answer, secret=None))


@operation("webhook_endpoint.delete", Empty, DeletedWebhookEndpointAnswer)
def delete_endpoint(work: Work, _: Empty) -> Outcome[DeletedWebhookEndpointAnswer]:
    """Taken away; its deliveries stay to be read."""
    e = _locked(work)
    gone = replace(e, status=EndpointStatus.DELETED, secret=b"", former_secret=None, former_until=None)
    webhooks.save_endpoint(work.tx, gone)
    webhooks.cancel_pending(work.tx, e.id)
    work.audit(e.id, "webhook_endpoint.deleted", {"before": _settings(e)})
    return Outcome(DeletedWebhookEndpointAnswer(id=e.id, status="deleted"))


@operation("webhook_delivery.replay", Empty, WebhookDeliveryAnswer)
def replay_delivery(work: Work, _: Empty) -> Outcome[WebhookDeliveryAnswer]:
    """Send it again, with the same id, from the first attempt on. One that is still waiting is tried at once."""
    d = webhooks.get_delivery(work.tx, str(work.cmd.resource_id))
    e = webhooks.get_endpoint(work.tx, d.endpoint_id)
    if e.status is not EndpointStatus.ENABLED:
        raise Refusal("WEBHOOK_ENDPOINT_DISABLED", f"Endpoint {e.id} is disabled: enable it first.")
    webhooks.begin_again(work.tx, d.id)
    work.audit(e.id, "webhook_delivery.replayed", {"delivery_id": d.id, "event_id": d.event_id})
    return Outcome(webhook_delivery_answer(webhooks.get_delivery(work.tx, d.id)))


def _locked(work: Work) -> WebhookEndpoint:
    return webhooks.get_endpoint(work.tx, str(work.cmd.resource_id), lock=True)


def _settings(e: WebhookEndpoint) -> Facts:
    """What of an endpoint the trail says: never a secret."""
    return {"url": e.url, "event_types": e.event_types, "description": e.description, "status": e.status}
