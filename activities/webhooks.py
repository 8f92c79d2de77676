"""Sending webhooks: one attempt an activity, its answer recorded."""

import asyncio
from typing import Final

import httpx2
from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary
from activities.shares import Shares
from models.messages.webhooks import WebhookProgress, WebhookQueue
from operations.webhook_deliveries import Answer, Parcel, Send, attempt
from sources.outgoing import AlsoNearby, NameNotFound, NotAllowed, PublicOnly, Way, client

SECONDS: Final = 15.0
"""For all of one attempt: looking up the name, connecting, sending, and the head of the answer, however it drips."""
THREADS: Final = 32
SHARE: Final = 6
"""So many attempts at once of one organisation: receivers that are slow hold up the events of their own organisation."""


class WebhookActivities:
    """Bound to the worker's engine and its way out."""

    def __init__(self, engine: Engine, send: Send, share: int = SHARE) -> None:
        self._engine = engine
        self._send = send
        self._shares = Shares(share)

    @activity.defn(name="deliver_next", no_thread_cancel_exception=True)
    def deliver_next(self, queue: WebhookQueue) -> WebhookProgress:
        """Send the oldest pending delivery, and say when to try it again where it was not taken, or not yet sent because
        the organisation's share of this worker is taken."""
        with boundary(), self._shares.place(queue.org_id) as free:
            if not free:
                return WebhookProgress(True, self._shares.come_back(queue.org_id), busy=True)
            found, wait = attempt(self._engine, queue, self._send)
            return WebhookProgress(found, wait.total_seconds() if wait else 0)


def https_sender(*, anywhere: bool, seconds: float = SECONDS) -> Send:
    """POSTs by HTTPS to public addresses. `anywhere`: also to this machine and its network, for development."""
    way: Way = AlsoNearby() if anywhere else PublicOnly()

    def send(parcel: Parcel) -> Answer:
        return asyncio.run(_sent(way, parcel, seconds))

    return send


async def _sent(way: Way, parcel: Parcel, seconds: float) -> Answer:
    try:
        async with (
            asyncio.timeout(seconds),
            client(way, seconds) as http,
            http.stream("POST", parcel.url, content=parcel.body, headers=parcel.headers) as answer,
        ):
            return Answer(answer.status_code)
    except (TimeoutError, httpx2.TimeoutException):
        return Answer(None, "TIMEOUT")
    except NotAllowed as no:
        return Answer(None, no.code)
    except NameNotFound:
        return Answer(None, "NAME_NOT_FOUND")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError):
        return Answer(None, "CONNECTION_FAILED")
