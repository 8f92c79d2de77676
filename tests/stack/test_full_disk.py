"""A disk that is full is an outage: nothing is half done, and everything goes on when there is room."""

import asyncio
import contextlib
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import psycopg
import pytest

from models.db import room
from models.db.migrate import migrate
from models.ids import new_id
from operations.verify import verify
from stack.postgres import EmbeddedPostgres
from stack.process import end
from tests.books import Books

ROOM = "200m"
MOMENT = 120.0
SMALL = {"shared_buffers": "16MB", "max_connections": "30", "max_wal_size": "64MB", "archive_mode": "off"}


@pytest.fixture
def disk(tmp_path: Path) -> "contextlib.AbstractContextManager[Path]":
    """A disk of its own that is small; where none can be mounted, the test has nothing to say."""
    return _mounted(tmp_path / "disk")


@contextlib.contextmanager
def _mounted(at: Path) -> Iterator[Path]:
    at.mkdir()
    at.chmod(0o755)
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=755", "tmpfs", str(at)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


class SmallServer:
    """PostgreSQL on the small disk. What has no room to recover ends, and is started again, as the page for on call says."""

    def __init__(self, at: Path, log: Path) -> None:
        self.at, self.server = at, EmbeddedPostgres(data=at / "postgres", log=log, fsync=False)

    async def start(self) -> None:
        self.process = await self.server.start(SMALL)

    async def answers(self) -> None:
        """Raises TimeoutError where it does not."""
        async with asyncio.timeout(MOMENT):
            while True:
                if self.process.returncode is not None:
                    await self.start()
                try:
                    connection = await psycopg.AsyncConnection.connect(self.server.url())
                    await connection.close()
                    return
                except psycopg.OperationalError:
                    await asyncio.sleep(0.2)


@pytest.fixture
async def small(disk: "contextlib.AbstractContextManager[Path]", tmp_path: Path) -> AsyncIterator[SmallServer]:
    with disk as at:
        running = SmallServer(at, tmp_path / "postgres.log")
        await running.start()
        try:
            yield running
        finally:
            await end(running.process, signal.SIGQUIT, 10)
            running.server.discard()


def filled(at: Path) -> Path:
    """The file that takes all the room there is."""
    ballast = at / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 65536):
            pass
    return ballast


class Clerk:
    """Somebody who sends invoices that take room."""

    def __init__(self, url: str) -> None:
        migrate(url)
        self.books = Books(url)
        self.customer, self.clerk = self.books.customer(), self.books.api("ar_clerk")
        self.lines = [{"description": secrets.token_hex(200), "amount_minor": 1} for _ in range(300)]

    def invoices(self, external_id: str) -> httpx2.Response:
        body = {
            "customer_id": self.customer,
            "external_id": external_id,
            "issue_date": "2026-01-05",
            "currency_code": "USD",
        }
        key = {"Idempotency-Key": external_id}
        return self.clerk.post("/v1/invoices", body | {"total_minor": 300, "lines": self.lines}, headers=key)

    def troubles(self) -> set[str]:
        """What an API that is ready says is wrong."""
        said = self.clerk.get("/readyz?verbose")
        assert said.status_code == 200, said.text
        return {one["what"] for one in said.json()["trouble"]}

    def invoices_until_refused(self) -> dict[str, httpx2.Response]:
        said: dict[str, httpx2.Response] = {}
        while sum(answer.status_code != 201 for answer in said.values()) < 3:
            external_id = new_id("e")
            said[external_id] = self.invoices(external_id)
            assert len(said) < 5_000
        return said


@pytest.mark.timeout(300)
async def test_a_full_disk_is_answered_with_503_and_all_goes_on_when_there_is_room(
    small: SmallServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk = await asyncio.to_thread(Clerk, small.server.url())
    ballast = filled(small.at)
    said = await asyncio.to_thread(clerk.invoices_until_refused)
    refused = [a for a in said.values() if a.status_code != 201]
    answers = {(a.status_code, a.json()["code"], a.headers["Retry-After"].isdigit()) for a in refused}
    assert answers == {(503, "UNAVAILABLE", True)}
    assert "DISK_FULL" in await asyncio.to_thread(clerk.troubles)
    ballast.unlink()
    await small.answers()
    monkeypatch.setattr(room, "REMEMBERED", timedelta())
    assert "DISK_FULL" not in await asyncio.to_thread(clerk.troubles)
    again = [await asyncio.to_thread(clerk.invoices, external_id) for external_id in said]
    assert {a.status_code for a in again} == {201}
    with psycopg.connect(small.server.url()) as c:
        for table in ("invoices", "journal_entries"):
            assert c.execute(f"SELECT count(*) FROM {table}").fetchone() == (len(said),)
    assert [f.check for f in verify(clerk.books.engine, clerk.books.org) if not f.ok] == []
    clerk.books.close()
