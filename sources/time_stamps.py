"""Asking a stamping authority (RFC 3161) by HTTP: one question, one short answer, within a deadline."""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx2

from models.audit.seals import StampAnswer
from models.audit.stamps import StampingAuthorities, StampRequest
from models.outgoing import Hosts
from sources.outgoing import NameNotFound, NotAllowed, OnlyHosts, client

SECONDS: Final = 20.0
"""For all of it: looking up the name, connecting, asking, and the answer to its end, however it drips."""
MOST_BYTES: Final = 64 * 1024
"""A stamp with the certificates that it brings along has two to ten thousand."""
_HEADERS: Final = {"Content-Type": "application/timestamp-query", "Accept-Encoding": "identity"}


class StampingAway(Exception):
    """The authority does not answer, or no stamp; a word for operators."""


@dataclass(frozen=True)
class Stamping:
    """Where stamps are asked for, and whose are taken. The operator has named it, so it may lie in the own network."""

    url: str
    trusted: StampingAuthorities
    seconds: float = SECONDS

    def stamp(self, message: bytes) -> StampAnswer:
        """A stamp of the message. Raises StampingAway, and StampNotTaken for an answer that is none."""
        asked = StampRequest(message)
        return asked.stamp(asyncio.run(self._answer(asked.content)), self.trusted)

    async def _answer(self, question: bytes) -> bytes:
        content = bytearray()
        try:
            async with (
                asyncio.timeout(self.seconds),
                client(OnlyHosts(self._host()), self.seconds) as http,
                http.stream("POST", self.url, content=question, headers=_HEADERS) as answer,
            ):
                if answer.status_code != 200:
                    raise StampingAway(f"HTTP {answer.status_code}")
                async for piece in answer.aiter_raw():
                    content += piece
                    if len(content) > MOST_BYTES:
                        raise StampingAway("TOO_LARGE")
        except (TimeoutError, httpx2.TimeoutException):
            raise StampingAway("TIMEOUT") from None
        except NotAllowed as no:
            raise StampingAway(no.code) from None
        except NameNotFound:
            raise StampingAway("NAME_NOT_FOUND") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            raise StampingAway("CONNECTION_FAILED") from None
        return bytes(content)

    def _host(self) -> Hosts:
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return Hosts.of([f"{parts.scheme}://{host}:{port}"])
