"""Messages and workflow ids of webhook delivery: ids only."""

from dataclasses import dataclass

WEBHOOK_QUEUE = "webhooks"
"""Calls to other people's servers, apart from everything else: a slow one holds up nothing but its like."""


@dataclass
class WebhookQueue:
    """The deliveries of one endpoint about one record: they go out one after the other."""

    org_id: str
    endpoint_id: str
    subject: str


@dataclass
class WebhookProgress:
    """What the last look at the queue found. `found` False: nothing waits; `retry_in`: try the same again after so many
    seconds, 0: go on with the next. `busy`: nothing was sent, the organisation's share of the worker was taken."""

    found: bool
    retry_in: float = 0
    busy: bool = False


def delivery_workflow_id(endpoint_id: str, subject: str) -> str:
    return f"{endpoint_id}/{subject}/DeliverWebhooks"
