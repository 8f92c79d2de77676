"""What one caller may take of a process: streams, uploads, the reading of large files."""

import asyncio
import gc
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import Request

from api import reading_apart, streams
from api.app import create_app
from api.auth import Unauthenticated
from api.streams import Streams
from api.uploads import Uploads
from models.access import Principal
from models.cash.statement_requests import ReceiveStatement
from models.errors import Refusal
from settings import Settings
from statement_readers.apart import Asked, read_one
from tests.books import SECRET, Api, Books

ME = Principal("u_me", "org_x", frozenset({"ar_clerk"}))


# Streams


class Tokens:
    """An authenticator whose token runs out after so many looks."""

    def __init__(self, good_for: int, then: Principal | None = None) -> None:
        self.left, self.then = good_for, then

    async def principal(self, authorization: str | None) -> Principal:
        self.left -= 1
        if self.left >= 0:
            return ME
        if self.then is not None:
            return self.then
        raise Unauthenticated("over")


def opened(tokens: Tokens) -> Request:
    app = SimpleNamespace(state=SimpleNamespace(authenticator=tokens))
    return cast("Request", SimpleNamespace(app=app, headers={"authorization": "Bearer x"}))


async def ticking() -> AsyncIterator[str]:
    for n in range(1000):
        await asyncio.sleep(0.001)
        yield str(n)


async def pieces(of: Streams, request: Request) -> int:
    return len([piece async for piece in of.bounded(request, ME, ticking())])


async def test_a_stream_ends_with_its_token_and_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.0)
    of = Streams()
    assert await pieces(of, opened(Tokens(3))) == 4
    fewer = Principal("u_me", "org_x", frozenset({"ar_clerk"}), frozenset({"le_us"}))
    assert await pieces(of, opened(Tokens(3, fewer))) == 4, "a token that sees less is another one"
    monkeypatch.setattr(streams, "LIFE_SECONDS", 0.05)
    assert 1 < await pieces(of, opened(Tokens(10_000))) < 200
    for _ in range(streams.MOST_OF_ONE):
        of.refuse_too_many(ME)


async def test_a_person_and_everybody_have_so_many_streams_and_one_that_ends_makes_room() -> None:
    of, request = Streams(), opened(Tokens(10_000))
    running = [of.bounded(request, ME, ticking()) for _ in range(streams.MOST_OF_ONE)]
    for stream in running:
        await anext(stream)
    with pytest.raises(Refusal, match="RATE_LIMITED"):
        of.refuse_too_many(ME)
    others = [Principal(f"u_{n}", "org_x", frozenset()) for n in range(streams.MOST - streams.MOST_OF_ONE)]
    for other in others:
        of.refuse_too_many(other)
        running.append(of.bounded(request, other, ticking()))
        await anext(running[-1])
    with pytest.raises(Refusal, match="RATE_LIMITED"):
        of.refuse_too_many(Principal("u_another", "org_y", frozenset()))
    await cast("Any", running[0]).aclose()
    of.refuse_too_many(ME)


# Uploads


def test_uploads_that_are_under_way_fill_what_there_is_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = Uploads(100)
    with uploads.one(60):
        with pytest.raises(Refusal, match="UNAVAILABLE"), uploads.one(41):
            raise AssertionError
        with uploads.one(40):
            pass
    with uploads.one(100):
        pass
    with pytest.raises(Refusal, match="UNAVAILABLE"), Uploads(2**62).one(2**61):
        raise AssertionError("the disk is not that large")


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of uploads, on a disk of four megabytes; where none can be mounted, the test has nothing to say."""
    at = tmp_path / "uploads"
    at.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(at)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount a disk")
    monkeypatch.setattr(tempfile, "tempdir", str(at))
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


@pytest.mark.parametrize("path", ["/v1/bank-accounts/bank_us/statements", "/v1/customer-imports"])
def test_a_disk_that_is_full_in_the_middle_of_an_upload_is_an_outage_and_leaves_nothing_there(
    books: Books, small_disk: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    there = SimpleNamespace(free=2**40)  # somebody else takes the room between the look and the write
    monkeypatch.setattr("api.uploads.shutil.disk_usage", lambda _: there)
    free = os.statvfs(small_disk).f_bavail
    large = b"date,amount,currency,payer,reference,remittance_text\n" + b"x" * 6_000_000
    files = {"file": ("s.csv", large, "text/csv")}
    answer = books.api("ar_clerk").request(
        "POST", path, files=files, data={"options": "{}"} if "imports" in path else {}
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    assert str(small_disk) not in answer.text
    gc.collect()
    assert os.statvfs(small_disk).f_bavail == free
    kept = "SELECT count(*) AS n FROM commands WHERE org_id = :org AND operation <> 'bootstrap'"
    assert books.sql(kept)[0]["n"] == 0


def test_an_upload_that_finds_no_room_is_told_when_to_come_back(books: Books) -> None:
    books.api()
    assert books._app is not None
    books._app.state.uploads = Uploads(10)
    answer = books.api("ar_clerk").request(
        "POST", "/v1/bank-accounts/bank_us/statements", files={"file": ("s.csv", b"date,amount\n", "text/csv")}
    )
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "UNAVAILABLE", "30")
    nobody = Api(books._app, "no token").request("POST", "/v1/bank-accounts/bank_us/statements", content=b"x")
    assert nobody.status_code == 401, "who is nobody takes no room"


def test_uploads_lie_where_the_operator_says() -> None:
    assert Settings(upload_dir=Path("/somewhere")).upload_dir == Path("/somewhere")
    assert create_app(Settings(dev_token_secret=SECRET)).state.uploads._most == 8 * 1024**3
    assert tempfile.gettempdir()


# Large files


def large(rows: int, wrong: bool = False) -> bytes:
    day, lines = date(2026, 1, 1), ["date,amount,currency,payer,reference,remittance_text"]
    lines += [f"{day + timedelta(days=n % 200)},{n}.00,USD,Payer {n},,text {n} {'x' * 20}" for n in range(1, rows)]
    return ("\n".join(lines) + ("\nnonsense,1.00,USD,,," if wrong else "") + "\n").encode()


def read(content: bytes) -> ReceiveStatement:
    return asyncio.run(reading_apart.read_statement("bank_us", content, "s.csv", "text/csv", None))


def test_a_large_file_is_read_apart_and_says_the_same() -> None:
    content = large(9_000)
    assert len(content) > reading_apart.APART
    assert read(content) == read_one(Asked("bank_us", content, "s.csv", "text/csv", None))


def test_what_is_wrong_with_a_large_file_is_told_as_of_a_small_one() -> None:
    found = []
    for rows in (3, 9_000):
        with pytest.raises(Refusal) as refused:
            read(large(rows, wrong=True))
        found.append((refused.value.code, refused.value.extra["line"] - rows))
    assert found == [("STATEMENT_UNREADABLE", 1)] * 2


def test_a_file_that_takes_too_long_ends_its_own_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_apart, "SECONDS", 0.05)
    with pytest.raises(Refusal, match="time and memory"):
        read(large(9_000))
