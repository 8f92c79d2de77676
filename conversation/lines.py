"""Lines on stdin that are no message of the protocol: answered, as over HTTP, instead of left without a word."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self

from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from pydantic import ValidationError


class Reads(Protocol):
    """What is needed of the SDK's stream of what comes in."""

    async def receive(self) -> SessionMessage | Exception: ...
    async def aclose(self) -> None: ...
    async def __anext__(self) -> SessionMessage | Exception: ...


class Writes(Protocol):
    """What is needed of its stream of what goes out."""

    async def send(self, item: SessionMessage, /) -> None: ...


class Messages:
    """What is read, without such lines; for each of them the answer is written."""

    def __init__(self, read: Reads, write: Writes) -> None:
        self._read, self._write = read, write

    async def receive(self) -> SessionMessage:
        """The next message; raises as the stream does where there are no more."""
        return await self._message(self._read.receive)

    async def aclose(self) -> None:
        """Nothing more is read."""
        await self._read.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        return await self._message(self._read.__anext__)

    async def _message(self, following: Callable[[], Awaitable[SessionMessage | Exception]]) -> SessionMessage:
        while isinstance(item := await following(), Exception):
            if (answer := _answer(item)) is not None:
                await self._write.send(SessionMessage(answer))
        return item

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        await self.aclose()


def _answer(error: Exception) -> JSONRPCError | None:
    """With no id, as JSON-RPC wants it where it cannot be read; an empty line is none."""
    what = error.errors()[0] if isinstance(error, ValidationError) else None
    if what is not None and what["type"] != "json_invalid":
        data = ErrorData(code=INVALID_REQUEST, message="This line is no message of JSON-RPC 2.0.")
    elif what is not None and not str(what["input"]).strip():
        return None
    else:
        data = ErrorData(code=PARSE_ERROR, message="This line is not JSON.")
    return JSONRPCError(jsonrpc="2.0", id=None, error=data)
