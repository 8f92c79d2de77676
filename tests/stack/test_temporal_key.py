"""Temporal behind an authorizer: who shows no key that it takes is refused and says so, and another key needs no restart."""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

import worker
from api import temporal
from api.outages import is_outage
from models.db.engine import make_engine
from models.ids import new_id
from settings import Settings
from stack.checkers import find_temporal_server
from stack.process import free_port
from tests.stack_fixtures.app import Access, run_process
from tests.stack_fixtures.temporal_keys import REFRESHED, Signers, guarded_temporal, signers
from workflows.connection import AGAIN_SECONDS, KeyRefused, connect, keep_key
from workflows.search_attributes import NotPermitted, register_search_attributes

TODAY = "2026-01-15"
MOMENT = 120.0
OURS = "arflow:write"
REFUSED = "it refuses our API key"


@dataclass
class Guarded:
    """A Temporal that asks for keys, who signs them, and where API and worker will be whose key lies in `file`."""

    address: str
    signers: Signers
    at: Access
    file: Path

    def show(self, key: str) -> None:
        """In one step, as the page for on call says."""
        draft = self.file.with_suffix(".new")
        draft.write_text(key + "\n")
        draft.rename(self.file)

    def said(self) -> str:
        """Of Temporal, by /readyz."""
        return str(httpx2.get(f"{self.at.base_url}/readyz", timeout=10, trust_env=False).json()["checks"]["temporal"])

    def log(self, name: str) -> str:
        return (self.at.home / f"{name}.log").read_text()

    async def administrator(self) -> Client:
        key = self.signers.api_key("operator", "temporal-system:admin")
        return await Client.connect(self.address, namespace="arflow", api_key=key, tls=False)


@pytest.fixture
async def guarded(fresh_database_url: str, tmp_path: Path) -> AsyncIterator[Guarded]:
    if (server := find_temporal_server()) is None:
        pytest.skip("no Temporal server: `python -m stack.prepare soak` builds it")
    file, port = tmp_path / "key", free_port()
    with signers() as known:
        async with guarded_temporal(server, tmp_path / "temporal", known, "arflow") as address:
            environment = {
                **os.environ, "ARFLOW_HOME": str(tmp_path), "ARFLOW_PORT": str(port),
                "ARFLOW_DATABASE_URL": fresh_database_url, "ARFLOW_TEMPORAL_ADDRESS": address,
                "ARFLOW_TEMPORAL_NAMESPACE": "arflow", "ARFLOW_TEMPORAL_API_KEY_FILE": str(file),
                "ARFLOW_TEMPORAL_TLS": "false", "ARFLOW_BUILD_ID": "of-today",
            }  # fmt: skip
            made = Guarded(address, known, Access(f"http://127.0.0.1:{port}", environment), file)
            yield made


@contextmanager
def running(at: Access) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Nobody starts them again."""
    started = [run_process(name, at.home, at.environment) for name in ("api", "worker")]
    try:
        yield started
        assert [p.poll() for p in started] == [None, None]
    finally:
        for process in started:
            process.terminate()
        assert [p.wait(60) for p in started] == [0, 0]


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + MOMENT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


class Desk:
    """What is asked of it, with the answers' status."""

    def __init__(self, at: Access) -> None:
        org = at.organisation()
        self.customer = at.customer(org, "A", "a@example.com")
        self.http = at.client(org, "u_clerk", "ar_clerk", patient=False)
        self.workflows: list[str] = []
        self.statuses: list[int] = []

    def pay(self, key: str | None = None) -> int:
        key = key or new_id("key")
        body = {"customer_id": self.customer, "payment_date": TODAY, "amount_minor": 5, "currency_code": "USD"}
        answer = self.http.post(
            "/v1/customer-payments", json=body | {"external_id": key}, headers={"Idempotency-Key": key}
        )
        if answer.status_code == 201:
            self.workflows.append(answer.headers["X-Workflow-Id"])
        return answer.status_code

    def keep_paying(self, over: Event) -> None:
        while not over.is_set():
            self.statuses.append(self.pay())

    def statement(self, number: int) -> None:
        """Read in by the worker: it polls."""
        lines = f"date,amount,currency,payer,reference,remittance_text\n{TODAY},{number}.00,USD,X,r{number},t\n"
        sent = self.http.post("/v1/bank-accounts/bank_us/statements", files={"file": ("s.csv", lines, "text/csv")})
        assert sent.status_code == 202, sent.text
        where = f"/v1/statements/{sent.json()['id']}"
        until(lambda: self.http.get(where).json()["status"] == "COMPLETED")


@pytest.fixture
def desks() -> Iterator[Callable[[Access], Desk]]:
    with ExitStack() as opened:

        def desk(at: Access) -> Desk:
            made = Desk(at)
            opened.callback(made.http.close)
            return made

        yield desk


@pytest.mark.soak
async def test_another_key_in_the_file_is_shown_without_a_restart_and_nothing_is_lost(
    guarded: Guarded, desks: Callable[[Access], Desk]
) -> None:
    first = guarded.signers.api_key("a", OURS)
    guarded.show(guarded.signers.api_key("a", OURS, seconds=-60))
    await register_search_attributes(await guarded.administrator())
    with running(guarded.at):
        desk = desks(guarded.at)
        await asyncio.to_thread(refused_and_named, guarded, desk)
        guarded.show(first)
        await asyncio.to_thread(guarded.at.wait_ready, MOMENT)
        second = guarded.signers.api_key("b", OURS)
        await asyncio.to_thread(rotated, guarded, desk, second)
        client = await guarded.administrator()
        for workflow_id in desk.workflows[-5:]:
            await client.get_workflow_handle(workflow_id).result()
    for key in (first, second):
        assert not [name for name in ("api", "worker") if key in guarded.log(name)]


def refused_and_named(guarded: Guarded, desk: Desk) -> None:
    """With a key that has ended."""
    guarded.at.wait_ready(MOMENT, everything=False)
    until(lambda: guarded.said() == REFUSED)
    until(lambda: "refuses our API key for the namespace arflow" in guarded.log("worker"))
    assert "TEMPORAL_AWAY" in {t["what"] for t in desk.http.get("/readyz?verbose").json()["trouble"]}
    change = {"name": "B", "email": "b@example.com", "legal_entity_id": "le_us"}
    answers = desk.http.post("/v1/customers", json=change), desk.http.get("/v1/customer-payments")
    assert [a.status_code for a in answers] == [503, 200]
    assert (desk.pay("kept"), desk.pay("kept")) == (503, 201), "kept, and posted in place when it is asked again"


def rotated(guarded: Guarded, desk: Desk, second: str) -> None:
    """Under payments: the new key is shown, the old one withdrawn."""
    over = Event()
    desk.statement(1)
    paying = Thread(target=desk.keep_paying, args=(over,))
    paying.start()
    try:
        time.sleep(REFRESHED + 0.5)  # until Temporal knows who signs the second
        guarded.show(second)
        until(lambda: all("another API key is shown" in guarded.log(name) for name in ("api", "worker")))
        guarded.signers.withdraw("a")
        time.sleep(REFRESHED + 0.5)
        for number in (2, 3):
            desk.statement(number)
    finally:
        over.set()
        paying.join()
    assert set(desk.statuses) == {201}
    assert guarded.said() == "ok"
    since = guarded.log("worker").rpartition("another API key is shown")[2]
    assert "PERMISSION" not in since.upper(), "this key may do all that a worker does"


@pytest.mark.soak
async def test_a_key_that_is_withdrawn_too_early_is_waited_for(
    guarded: Guarded, desks: Callable[[Access], Desk]
) -> None:
    """Longer than the workers' polls are tried again."""
    guarded.show(guarded.signers.api_key("a", OURS))
    await register_search_attributes(await guarded.administrator())
    with running(guarded.at):
        desk = desks(guarded.at)
        await asyncio.to_thread(guarded.at.wait_ready, MOMENT)
        await asyncio.to_thread(desk.statement, 1)
        guarded.signers.withdraw("a")
        await asyncio.to_thread(until, lambda: guarded.said() == REFUSED)
        assert (desk.pay("kept"), desk.pay("kept")) == (503, 201)
        await asyncio.sleep(150)
        assert guarded.said() == REFUSED
        guarded.show(guarded.signers.api_key("b", OURS))
        await asyncio.to_thread(guarded.at.wait_ready, MOMENT)
        await asyncio.to_thread(desk.statement, 2)
        assert desk.pay() == 201


async def test_whoever_connects_is_told_that_the_key_is_refused_and_no_message_says_it(guarded: Guarded) -> None:
    def given(key: str | None) -> Settings:
        return Settings(
            temporal_address=guarded.address, temporal_namespace="arflow", temporal_tls=False,
            temporal_api_key=SecretStr(key) if key else None,
        )  # fmt: skip

    elsewhere, reads, first, second = (
        guarded.signers.api_key(*who) for who in (("a", "other:write"), ("a", "arflow:read"), ("a", OURS), ("b", OURS))
    )
    await asyncio.sleep(REFRESHED + 0.5)
    for key in (None, "nonsense-key", elsewhere, reads):
        with pytest.raises(KeyRefused, match="refuses our API key for the namespace arflow") as refused:
            await connect(given(key))
        assert key is None or key not in str(refused.value)
    guarded.show(first)
    of_a_file = given(None).model_copy(update={"temporal_api_key_file": guarded.file})
    kept, left = await connect(of_a_file), await connect(given(first))
    with pytest.raises(NotPermitted):
        await register_search_attributes(kept)
    await register_search_attributes(await guarded.administrator())
    assert await register_search_attributes(kept) == [], "they are there: nothing is asked that this key may not"
    keeping = asyncio.create_task(keep_key(kept, of_a_file))
    guarded.show(second)
    guarded.signers.withdraw("a")
    await asyncio.sleep(max(REFRESHED, AGAIN_SECONDS) + 0.5)
    keeping.cancel()
    assert (await kept.count_workflows()).count >= 0
    with pytest.raises(RPCError) as gone:
        await left.get_workflow_handle("any").describe()
    assert gone.value.status is RPCStatusCode.PERMISSION_DENIED
    assert is_outage(gone.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="ARFLOW_TEMPORAL_API_KEY_FILE cannot be read: FileNotFoundError"):
        asyncio.run(connect(Settings(temporal_api_key_file=tmp_path / "none")))


class Failing:
    """A worker whose polls are refused: told to end while it fails, the SDK's raises what it failed with."""

    async def run(self) -> None:
        try:
            await asyncio.sleep(MOMENT)
        except asyncio.CancelledError:
            raise RuntimeError("Activity worker failed") from None


@pytest.fixture
async def threads_ended(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A worker that ends leaves what its threads are at to the end of its process: here they end with the test, and only then
    their connections."""
    engines: list[Engine] = []

    def made(*given: Any, **named: Any) -> Engine:
        engines.append(make_engine(*given, **named))
        monkeypatch.setattr(engines[-1], "dispose", lambda: None)
        return engines[-1]

    monkeypatch.setattr(worker, "make_engine", made)
    with ThreadPoolExecutor() as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        yield
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
    for engine in engines:
        Engine.dispose(engine)


@pytest.mark.usefixtures("threads_ended")
async def test_who_is_told_to_end_while_its_worker_fails_ends(
    quiet_database_url: str, temporal_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, temporal_address=temporal_address, database_url=quiet_database_url)
    for kind in ("posting", "process", "changes", "refresh", "import", "webhook"):
        monkeypatch.setattr(worker, f"{kind}_worker", lambda *_, **__: Failing())
    monkeypatch.setattr(temporal, "posting_worker", lambda *_: Failing())
    monkeypatch.setattr(worker, "settle_the_interpreter", lambda: None)
    engine = make_engine(quiet_database_url, pool_size=1)
    link = temporal.TemporalLink(settings, engine)
    for running in (asyncio.create_task(link.keep()), asyncio.create_task(worker.run_worker(settings))):
        await asyncio.sleep(1)
        await link.wait(MOMENT)
        running.cancel()
        done, _ = await asyncio.wait([running], timeout=5)
        assert done, "it goes on"
    engine.dispose()


class Refused:
    """A worker whose polls are refused, and that has ended."""

    began = 0

    async def run(self) -> None:
        Refused.began += 1
        await asyncio.sleep(0.1)
        raise RuntimeError("Workflow worker failed")


@pytest.mark.usefixtures("threads_ended")
async def test_a_worker_whose_polls_are_refused_begins_again(
    quiet_database_url: str, temporal_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def barred(_: Client, **__: bool) -> KeyRefused:
        return KeyRefused("it refuses our API key")

    monkeypatch.setattr(worker, "bars", barred)
    for kind in ("posting", "process", "changes", "refresh", "import", "webhook"):
        monkeypatch.setattr(worker, f"{kind}_worker", lambda *_, **__: Refused())
    monkeypatch.setattr(worker, "settle_the_interpreter", lambda: None)
    settings = Settings(home=tmp_path, temporal_address=temporal_address, database_url=quiet_database_url)
    running = asyncio.create_task(worker.run_worker(settings))
    async with asyncio.timeout(MOMENT):
        while Refused.began < 18:
            assert not running.done()
            await asyncio.sleep(0.1)
    running.cancel()
    assert (await asyncio.wait([running], timeout=20))[0]
