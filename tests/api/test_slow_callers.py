"""Callers that send or read next to nothing lose their connection; slow ones that do not stand still keep it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api import slow_callers
from api.readiness import Readiness
from api.slow_callers import TimedProtocol
from cli.serving import DrainingServer

HEAD = b"POST / HTTP/1.1\r\nHost: arflow.test\r\nContent-Length: %d\r\n\r\n"
LARGE = 30_000_000


class Echo:
    """Answers how many bytes came; to GET, a large answer. `left`: whose body never came whole."""

    left = 0
    pause = 0.0
    """Seconds before it looks at a body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await asyncio.sleep(self.pause)
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            self.left += 1
            return
        text = "x" * LARGE if scope["method"] == "GET" else str(len(body))
        await PlainTextResponse(text)(scope, receive, send)


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Served:
    """The application, and connections to it."""

    app: Echo
    connect: Callable[..., Awaitable[Connection]]


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    for name, seconds in {"HEAD": 0.6, "BODY": 0.6, "ANSWER": 1.5}.items():
        monkeypatch.setattr(slow_callers, f"{name}_SECONDS", seconds)
    monkeypatch.setattr(slow_callers, "BODY_PACE", 10)
    monkeypatch.setattr("cli.serving.SWEEP_SECONDS", 0.05)
    app, listening = Echo(), socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=TimedProtocol, lifespan="off", log_config=None, timeout_keep_alive=2)
    server = DrainingServer(config, Readiness(), 0)
    running = asyncio.create_task(server._serve([listening]))  # without its handlers of signals, which are pytest's
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    held: list[asyncio.StreamWriter] = []

    async def connect(limit: int = 2**16) -> Connection:
        connection = await asyncio.open_connection(*listening.getsockname(), limit=limit)
        held.append(connection[1])
        return connection

    yield Served(app, connect)
    for writer in held:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    server.should_exit = True
    await running


async def said(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(8):
        return await reader.read()


async def test_who_does_not_finish_a_sentence_is_told_so_and_closed(served: Served) -> None:
    begun = {
        "nothing": b"", "half a line": b"POST / HT", "a header": b"POST / HTTP/1.1\r\nHost: a\r\nX: ", "blank lines": b"\r\n\r\n",
        "half a body": HEAD % 10 + b"12345",
        "no piece": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
    }  # fmt: skip
    held = [await served.connect() for _ in begun]
    for (_, writer), part in zip(held, begun.values(), strict=True):
        writer.write(part)
    answers = await asyncio.gather(*(said(reader) for reader, _ in held))
    assert {name: a.split(b"\r\n")[0] for name, a in zip(begun, answers, strict=True)} == dict.fromkeys(
        begun, b"HTTP/1.1 408 Request Timeout"
    )
    assert served.app.left == 2


async def test_a_head_without_end_is_cut_off_and_a_large_body_is_none(served: Served) -> None:
    starts = {b"GET / HTTP/1.1\r\nHost: a\r\nX: ": b"y" * 30_000, b"GET /": b"y" * 30_000, HEAD % 2 + b"abPOST /": b"?" * 30_000,
              b"POST / HTTP/1.1\r\nHost: a\r\n": b"X: y\r\n" * 5_000}  # fmt: skip
    for start, more in starts.items():
        reader, writer = await served.connect()
        for piece in (start, more, more, more):  # what lies unread when it is closed would take the answer with it
            writer.write(piece)
            await asyncio.sleep(0.05)
        answer = await said(reader)
        assert answer.endswith(b"connection: close\r\ncontent-length: 0\r\n\r\n"), start
        assert b"HTTP/1.1 431 " in answer, start
    reader, writer = await served.connect()
    for _ in range(2):  # in one piece with the next head's beginning
        writer.write(HEAD % 300_000 + b"x" * 300_000)
    writer.write(HEAD % 2 + b"ab")
    for answer in (b"300000", b"300000", b"2"):
        await reader.readuntil(b"\r\n\r\n" + answer)


async def test_a_header_a_moment_does_not_gain_time_and_bytes_of_a_body_do(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(b"POST / HTTP/1.1\r\n")
    answer = asyncio.create_task(said(reader))
    for n in range(100):
        writer.write(b"X-%d: y\r\n" % n)
        await asyncio.sleep(0.05)
        if answer.done():
            break
    assert n < 60
    assert (await answer).startswith(b"HTTP/1.1 408")
    reader, writer = await served.connect()
    writer.write(HEAD % 120)
    for _ in range(12):  # a second and a half, at the pace that is asked
        writer.write(b"0123456789")
        await asyncio.sleep(0.12)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_who_waits_for_us_to_read_on_is_not_hurried(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_callers, "BODY_PACE", LARGE)
    served.app.pause = 1.5
    reader, writer = await served.connect()
    writer.write(HEAD % 1_000_000 + b"x" * 1_000_000)
    async with asyncio.timeout(8):
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_between_two_requests_nobody_is_hurried_and_the_next_has_its_own_time(served: Served) -> None:
    reader, writer = await served.connect()
    for _ in range(2):
        writer.write(HEAD % 2 + b"ab")
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n2")
        await asyncio.sleep(0.9)
    writer.write(b"POST")
    assert (await said(reader)).startswith(b"HTTP/1.1 408")


async def test_who_does_not_read_an_answer_loses_it_and_who_reads_slowly_does_not(served: Served) -> None:
    question = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    (silent, silent_writer), (slow, slow_writer) = await served.connect(1024), await served.connect(1024)
    silent_writer.write(question)
    slow_writer.write(question)
    assert await read(slow, LARGE) >= LARGE
    await asyncio.sleep(2.5)
    assert await read(silent, LARGE) < LARGE


async def read(reader: asyncio.StreamReader, most: int) -> int:
    """So many bytes, or as many as come."""
    came = 0
    with suppress(ConnectionError):
        async with asyncio.timeout(30):
            while came < most and (piece := await reader.read(1_000_000)):
                came += len(piece)
    return came
