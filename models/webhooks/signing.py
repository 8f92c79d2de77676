"""Webhooks as Standard Webhooks (standardwebhooks.com) has them: what is signed, and when to try again. Pure."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

RETRIES: Final = tuple(
    timedelta(seconds=s) for s in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""How long to wait after each failed attempt: three days in all, the schedule that the standard recommends."""

FORMER_SECRET_SERVES: Final = timedelta(hours=24)


def new_secret() -> bytes:
    return secrets.token_bytes(32)


def shown(secret: bytes) -> str:
    """The secret as its user keeps it."""
    return "whsec_" + base64.b64encode(secret).decode()


def signature_headers(message_id: str, at: datetime, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The three headers: the id (the same at each attempt), the attempt's time, a signature per key in force."""
    stamp = str(int(at.timestamp()))
    signed = f"{message_id}.{stamp}.".encode() + body
    marks = ["v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": " ".join(marks)}


def retry_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts; None: give up."""
    return RETRIES[attempts - 1] if attempts <= len(RETRIES) else None
