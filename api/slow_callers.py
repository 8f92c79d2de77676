"""Connections that are held open by sending, or by reading, next to nothing: each part of an exchange has its time, and its
beginning a size.

A server that is asked by ten thousand connections which never finish their sentence has no place left for the others. The
server sweeps its connections once a second; a request itself only notes the time. Nor has it, once a few of them say sentences
without end, for whoever sends a head is known by nothing before it is whole.
"""

from collections.abc import Iterable
from typing import Final, Literal

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS: Final = 15.0
"""From the connection, or the first byte of a further request, to the end of its headers."""
HEAD_BYTES: Final = 64 * 1024
"""Of a request line and its headers, beside what came with their beginning; the largest token has a quarter of it."""
BODY_SECONDS: Final = 30.0
BODY_PACE: Final = 8 * 1024
"""A body has so many seconds, and one more for as many bytes as have come: a slow line is slow, not silent."""
ANSWER_SECONDS: Final = 60.0
"""So long somebody may leave an answer lying that is larger than what the network holds."""
SWEEP_SECONDS: Final = 1.0
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

log = structlog.get_logger("arflow.api")
Part = Literal["idle", "head", "body", "answer"]


class TimedProtocol(HttpToolsProtocol):
    """Notes since when which part of an exchange is awaited from the caller. Between two requests the server's own
    keep-alive counts."""

    _part: Part = "idle"
    _since = 0.0
    _came = 0
    _anew = False
    _lying_since: float | None = None
    _head: int | None = None
    """How much has come of a head that is not whole yet; None where none is awaited."""

    def connection_made(self, transport: object) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it as well
        self._begin("head")

    def data_received(self, data: bytes) -> None:
        if self._part == "idle":
            self._begin("head")
        going_on, self._anew = self._head, False
        super().data_received(data)
        if going_on is None or self._head is None or self._anew:
            return
        self._head += len(data)
        if self._head > HEAD_BYTES:
            log.info("a head without end", bytes=self._head)
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        self._head, self._anew = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = None
        self._begin("body")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._came += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._part = "answer"
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._part == "answer":
            self._part = "idle"

    def pause_writing(self) -> None:
        self._lying_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._lying_since = None
        super().resume_writing()

    def overdue(self, now: float) -> str | None:
        """What the caller has not done in its time; None where nothing is to be done by it."""
        if self._lying_since is not None:
            return "answer not read" if now - self._lying_since > ANSWER_SECONDS else None
        if self._part == "body" and self.flow.read_paused:  # it is us who do not read
            self._begin("body")
        late = now - self._since
        if self._part == "head" and late > HEAD_SECONDS:
            return "head not sent"
        if self._part == "body" and late > BODY_SECONDS + self._came / BODY_PACE:
            return "body not sent"
        return None

    def end(self) -> None:
        """Close the connection; told why, where nothing has been answered yet."""
        if self._lying_since is not None:
            self.transport.abort()
            return
        if self._part == "head" or not self.cycle.response_started:
            self.transport.write(_TOO_SLOW)
        self.transport.close()

    def _begin(self, part: Part) -> None:
        self._part, self._since, self._came = part, self.loop.time(), 0


def sweep(connections: Iterable[object], now: float) -> None:
    """Close what is overdue."""
    for one in list(connections):
        if isinstance(one, TimedProtocol) and (why := one.overdue(now)):
            log.info("a slow caller", why=why)
            one.end()
