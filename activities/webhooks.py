"""Sending webhooks: one attempt an activity, its answer recorded."""

import ipaddress
import socket
from typing import Final
from urllib.parse import urlsplit

import httpx
from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary
from models.messages.webhooks import WebhookProgress, WebhookQueue
from operations.webhook_deliveries import Answer, Parcel, Send, attempt

SECONDS: Final = 15


class WebhookActivities:
    """Bound to the worker's engine and its way out."""

    def __init__(self, engine: Engine, send: Send) -> None:
        self._engine = engine
        self._send = send

    @activity.defn(name="deliver_next", no_thread_cancel_exception=True)
    def deliver_next(self, queue: WebhookQueue) -> WebhookProgress:
        """Send the oldest pending delivery, and say when to try it again where it was not taken."""
        with boundary():
            found, wait = attempt(self._engine, queue, self._send)
            return WebhookProgress(found, wait.total_seconds() if wait else 0)


def https_sender(*, anywhere: bool) -> Send:
    """POSTs by HTTPS, follows no redirect. `anywhere`: also to this machine and its network, for development.

    The address is looked up once and that very address is called, so that a name cannot change its mind in between.
    """

    def send(parcel: Parcel) -> Answer:
        parts = urlsplit(parcel.url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            address = _address(host, port, anywhere)
        except OSError:
            return Answer(None, "NAME_NOT_FOUND")
        if address is None:
            return Answer(None, "ADDRESS_NOT_PUBLIC")
        literal = f"[{address}]" if ":" in address else address
        url = httpx.URL(parcel.url).copy_with(host=literal)
        headers = parcel.headers | {"host": parts.netloc}
        try:
            with (
                httpx.Client(timeout=SECONDS, trust_env=False, follow_redirects=False) as client,
                client.stream(
                    "POST", url, content=parcel.body, headers=headers, extensions={"sni_hostname": host}
                ) as answer,
            ):
                return Answer(answer.status_code)
        except httpx.TimeoutException:
            return Answer(None, "TIMEOUT")
        except (httpx.HTTPError, httpx.InvalidURL):
            return Answer(None, "CONNECTION_FAILED")

    return send


def _address(host: str, port: int, anywhere: bool) -> str | None:
    """The first address of the host; None where one of them is not public. OSError where there is none."""
    found = [str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not anywhere and not all(ipaddress.ip_address(a.split("%")[0]).is_global for a in found):
        return None
    return found[0]
