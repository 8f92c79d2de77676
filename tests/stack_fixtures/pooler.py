"""A pooler of PostgreSQL connections that does what PgBouncer does in its three modes, on a socket of its own.

It speaks the protocol (version 3) only as far as it must: it answers a client's start itself, gives the client a session of
the server when it says something, and takes it back at the end of its transaction, of its statement, or when it leaves.
"""

import asyncio
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qs, urlsplit

Mode = Literal["session", "transaction", "statement"]
_SSL: Final = (80877103, 80877104)
_CANCEL: Final = 80877102
_TOLD: Final = {"server_version": "15.5", "client_encoding": "UTF8", "server_encoding": "UTF8", "integer_datetimes": "on",
                "standard_conforming_strings": "on", "DateStyle": "ISO, MDY"}  # fmt: skip
_NO_BLOCKS: Final = b"SFATAL\0VFATAL\0C08P01\0Mtransaction blocks not allowed in statement pooling mode\0\0"


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)


@dataclass(eq=False)
class _Session:
    """One at the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def until_ready(self) -> bytes:
        """The transaction's state: I, T or E."""
        while (got := await _read(self.reader))[0] != b"Z":
            assert got[0] != b"E", got
        return got[1]


@dataclass(eq=False)
class Pooler:
    """`size`: sessions at most. `latest`: the one that came back last is given out first. `reset`: before it is handed on."""

    socket: str
    mode: Mode
    size: int = 20
    latest: bool = True
    reset: bool = True
    port: int = 0
    _idle: list[_Session] = field(default_factory=list)
    _places: asyncio.Condition = field(default_factory=asyncio.Condition)
    _all: list[_Session] = field(default_factory=list)
    _ended: bool = False

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._client, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def warm(self, start: dict[str, str], count: int) -> None:
        """So many sessions that wait already."""
        for session in [await self._take(start) for _ in range(count)]:
            await self._give_back(session)

    async def end(self) -> None:
        self._ended = True
        for session in self._all:
            session.writer.close()
            with suppress(ConnectionError):
                await session.writer.wait_closed()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: list[_Session] = []
        try:
            start = await self._started(reader, writer)
            if start is not None:
                await self._serve(start, reader, writer, held)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for session in held:
                await self._left(session)
            writer.close()

    async def _started(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> dict[str, str] | None:
        while True:
            size, version = struct.unpack("!II", await reader.readexactly(8))
            rest = await reader.readexactly(size - 8)
            if version == _CANCEL:
                return None
            if version not in _SSL:
                break
            writer.write(b"N")
        parts = rest.rstrip(b"\0").decode().split("\0")
        start = dict(zip(parts[::2], parts[1::2], strict=True))
        if "options" in start:
            writer.write(_message(b"E", b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0"))
            return None
        writer.write(_message(b"R", struct.pack("!I", 0)))
        for name, value in _TOLD.items():
            writer.write(_message(b"S", f"{name}\0{value}\0".encode()))
        writer.write(_message(b"K", struct.pack("!II", 4711, 1)) + _message(b"Z", b"I"))
        return {k: v for k, v in start.items() if k in ("user", "database")}

    async def _serve(
        self, start: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter, held: list[_Session]
    ) -> None:
        """Messages of the client up to a point at which it waits go to its session; the answers come back."""
        while True:
            sent, waited_for = b"", 0
            while not waited_for:
                kind, body = await _read(reader)
                if kind == b"X":
                    return
                sent += _message(kind, body)
                waited_for += kind in b"QS"
            if not held:
                held.append(await self._take(start))
            held[0].writer.write(sent)
            state = b"T"
            while True:
                kind, body = await _read(held[0].reader)
                if kind == b"Z":
                    state = body
                    break
                writer.write(_message(kind, body))
            if self.mode == "statement" and state != b"I":
                writer.write(_message(b"E", _NO_BLOCKS))
                return
            if self.mode != "session" and state == b"I":
                await self._give_back(held.pop())
            writer.write(_message(b"Z", state))
            await writer.drain()

    async def _take(self, start: dict[str, str]) -> _Session:
        async with self._places:
            await self._places.wait_for(lambda: self._idle or len(self._all) < self.size)
            if self._idle:
                return self._idle.pop(-1 if self.latest else 0)
            session = _Session(*await asyncio.open_unix_connection(self.socket))
            self._all.append(session)
        body = struct.pack("!I", 196608) + b"".join(f"{k}\0{v}\0".encode() for k, v in start.items()) + b"\0"
        session.writer.write(struct.pack("!I", len(body) + 4) + body)
        await session.until_ready()
        return session

    async def _give_back(self, session: _Session) -> None:
        async with self._places:
            self._idle.append(session)
            self._places.notify()

    async def _left(self, session: _Session) -> None:
        """Its client has gone."""
        if self._ended:
            return
        with suppress(asyncio.IncompleteReadError, ConnectionError, AssertionError):
            session.writer.write(_message(b"Q", b"ROLLBACK\0"))
            await session.until_ready()
            if self.reset and self.mode == "session":
                session.writer.write(_message(b"Q", b"DISCARD ALL\0"))
                await session.until_ready()
            await self._give_back(session)


@contextmanager
def pooled(database_url: str, mode: Mode, *, warm: int = 0, **options: int | bool) -> Iterator[str]:
    """The database's URL, through a pooler that runs on a thread meanwhile."""
    there = urlsplit(database_url)
    user, name = there.username or "postgres", there.path.lstrip("/")
    socket = f"{parse_qs(there.query)['host'][0]}/.s.PGSQL.5432"
    ready, told = threading.Event(), list[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]]()

    async def running() -> None:
        pooler, ended = Pooler(socket, mode, **options), asyncio.Event()  # type: ignore[arg-type]
        async with await pooler.serve():
            await pooler.warm({"user": user, "database": name}, warm)
            told.append((pooler.port, asyncio.get_running_loop(), ended))
            ready.set()
            await ended.wait()
            await pooler.end()

    thread = threading.Thread(target=lambda: asyncio.run(running()), daemon=True)
    thread.start()
    assert ready.wait(20)
    ((port, loop, ended),) = told
    try:
        yield f"postgresql://{user}@127.0.0.1:{port}/{name}?sslmode=disable"
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
