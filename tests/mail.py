"""A mail server on a real socket that keeps what it is given."""

import email
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller


class Kept:
    """The handler: every message that was accepted."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.messages.append(email.message_from_bytes(envelope.content))
        return "250 kept"

    def ids(self) -> list[str]:
        return [str(m["Message-ID"]) for m in self.messages]


@contextmanager
def mail_server(port: int, encrypted: ssl.SSLContext | None = None) -> Iterator[Kept]:
    """Serve on 127.0.0.1:port while the block runs; `encrypted`: takes nothing before STARTTLS."""
    kept = Kept()
    controller = Controller(
        kept,
        hostname="127.0.0.1",
        port=port,
        ready_timeout=60,
        tls_context=encrypted,
        require_starttls=encrypted is not None,
    )
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()
