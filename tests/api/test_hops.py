"""How many functions of ours a write goes through, from its route to its first statement: noted while it does."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final
from unittest.mock import patch
from uuid import uuid4
from weakref import WeakKeyDictionary

import httpx2
import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio import workflow
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from api.app import create_app
from api.tokens import mint_dev_token
from models.db.postgres.connection import ThreadConnection
from settings import Settings
from tests.books import Books
from worker import changes_worker
from workflows.search_attributes import register_search_attributes

OURS: Final = ("api", "workflows", "activities", "operations", "models")
DRIVER: Final = ("models.db.tx:", "models.db.postgres.")
"""How a statement travels is not part of the way to it."""
MOST: Final = 12
OVERVIEW: Final = Path(__file__).parents[2] / "docs/overview.md"


def under_way() -> list[str]:
    """Our functions that are being carried out, the innermost last."""
    found: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module, name = str(frame.f_globals.get("__name__")), frame.f_code.co_qualname
        if module.partition(".")[0] in OURS and not frame.f_code.co_name.startswith("<"):
            found.append(f"{module}:{name}")
        frame = frame.f_back
    return found[::-1]


@dataclass
class Way:
    """The functions of one write: up to where the API hands it to Temporal, of the process up to its step, of the step up to
    its first statement."""

    door: list[str] = field(default_factory=list)
    process: list[str] = field(default_factory=list)
    step: list[str] = field(default_factory=list)
    _begun: "WeakKeyDictionary[asyncio.Task[Any], list[str]]" = field(default_factory=WeakKeyDictionary)

    @property
    def parts(self) -> list[list[str]]:
        """The names, as the overview has them."""
        return [[one.partition(":")[2] for one in part] for part in (self.door, self.process, self.step)]

    def task(self, loop: asyncio.AbstractEventLoop, does: Any, **more: Any) -> "asyncio.Task[Any]":
        """A task remembers who began it: who waits for it goes on by it."""
        begun: asyncio.Task[Any] = asyncio.Task(does, loop=loop, **more)
        self._begun[begun] = self._here()
        return begun

    def _here(self) -> list[str]:
        now = asyncio.current_task()
        return [*(self._begun.get(now, ()) if now is not None else ()), *under_way()]

    def at_the_door(self) -> None:
        found = self._here()
        routes = [n for n, name in enumerate(found) if name.startswith("api.routes.")]
        self.door = self.door or found[routes[0] :] if routes else self.door

    def in_the_process(self) -> None:
        self.process = self.process or under_way()

    def at_the_statement(self) -> None:
        found = under_way()
        if not self.step and found[0].startswith("activities."):
            self.step = [name for name in found if not name.startswith(DRIVER)]


@contextmanager
def noted() -> Iterator[Way]:
    """The way of the write that is made meanwhile."""
    way, loop = Way(), asyncio.get_running_loop()

    def noting(of: Any, name: str, note: Callable[[], None]) -> Any:
        real = getattr(of, name)

        def also(*given: Any, **named: Any) -> Any:
            note()
            return real(*given, **named)

        return patch.object(of, name, also)

    with ExitStack() as patched:
        for of, name in (
            (Client, "start_workflow"), (Client, "execute_update_with_start_workflow"), (WorkflowHandle, "execute_update"),
        ):  # fmt: skip
            patched.enter_context(noting(of, name, way.at_the_door))
        patched.enter_context(noting(workflow, "execute_local_activity_method", way.in_the_process))
        patched.enter_context(noting(ThreadConnection, "exchange", way.at_the_statement))
        before = loop.get_task_factory()
        loop.set_task_factory(way.task)
        patched.callback(loop.set_task_factory, before)
        yield way


@asynccontextmanager
async def serving(settings: Settings, books: Books) -> AsyncIterator[Callable[[str, str], httpx2.AsyncClient]]:
    """The API and the workers of what it hands on, in this process: `people(user, role)` is a client of theirs."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        await app.state.temporal.wait(60)

        def people(user: str, role: str) -> httpx2.AsyncClient:
            headers = {"Authorization": f"Bearer {mint_dev_token(settings, books.org, user, (role,))}"}
            return httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app), base_url="http://api", headers=headers, timeout=60
            )

        async with changes_worker(app.state.temporal.client, app.state.engine):
            yield people


def documented(write: str) -> list[list[str]]:
    """The way as docs/overview.md has it."""
    found = re.search(rf"^{write} +(.+(?:\n +.+)*)", OVERVIEW.read_text(), re.MULTILINE)
    assert found is not None, write
    return [part.split() for part in found[1].replace("→", " ").split("∥")]


@pytest.fixture
async def own_namespace(temporal_client: Client) -> str:
    """A namespace whose processes no worker of another test takes: theirs are not noted."""
    name = f"hops-{uuid4().hex[:12]}"
    kept = Duration(seconds=86_400)
    await temporal_client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=kept)
    )
    there = await Client.connect(temporal_client.service_client.config.target_host, namespace=name)
    async with asyncio.timeout(30):
        while True:
            try:
                await register_search_attributes(there)
                await there.count_workflows()
            except RPCError:  # not everywhere known yet
                await asyncio.sleep(0.2)
            else:
                return name


async def test_a_write_takes_few_functions_from_its_route_to_its_statement(
    database_url: str, temporal_address: str, own_namespace: str, tmp_path: Path
) -> None:
    settings = Settings(
        database_url=database_url, temporal_address=temporal_address, temporal_namespace=own_namespace, home=tmp_path
    )  # fmt: skip
    books = Books(database_url)
    customer = books.customer()
    line = {"invoice_id": books.invoice(customer, 500, "2026-01-02"), "applied_minor": 500}
    payment = books.pay(customer, 500, "2026-01-15")
    new = {
        "name": "Way", "legal_entity_id": "le_us", "email": "way@example.com", "external_id": "way-1",
        "payment_terms": "NET30", "currency_code": "USD",
    }  # fmt: skip
    ways: dict[str, Way] = {}
    async with serving(settings, books) as people:
        clerk, manager = people("u_clerk", "ar_clerk"), people("u_manager", "ar_manager")
        with noted() as ways["apply"]:
            answers = [await clerk.post(f"/v1/customer-payments/{payment}/apply", json={"applications": [line]})]
        with noted() as ways["submit"]:
            answers.append(await clerk.post("/v1/customers", json=new))
        change = f"/v1/customer-changes/{answers[-1].json()['change_id']}"
        with noted() as ways["approve"]:
            answers.append(await manager.post(f"{change}/decisions", json={"decision": "approve"}))
        await clerk.aclose()
        await manager.aclose()
    books.close()
    assert [a.status_code for a in answers] == [200, 202, 200], [a.text for a in answers]
    assert {write: way.parts for write, way in ways.items()} == {write: documented(write) for write in ways}
    assert all(sum(map(len, way.parts)) <= MOST for way in ways.values())
