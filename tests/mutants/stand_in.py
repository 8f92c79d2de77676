"""The API and its processes in the process of the test, for tests that ask for a stack: what a mistake is made in runs there.

Requests go to the application without a socket; what a process of Temporal's would carry out follows the command at once. A test
that needs more of a stack than that (its clock, its signals, an import that is paused) fails here without any mistake, and is
not asked.
"""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx2
import pytest
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State

import api.write
from api.app import create_app
from api.dispatch import Dispatch
from api.temporal import TemporalLink
from api.waiting import Process, _read
from models.commands import Answered
from models.db.engine import make_engine, transaction, verifying_role
from models.db.imports import imports
from models.imports.records import ImportStatus
from operations import execution
from operations.approvals.execution import execute as execute_approved
from operations.commands import Submitted
from operations.execution import Execution
from operations.imports.execution import execute as execute_import
from operations.imports.staging import stage
from operations.imports.validation import validate
from operations.signing import signer_of
from operations.verify import verify
from settings import Settings
from tests.stack_fixtures.app import AppStack

CALM = 10**9
"""Seconds for a slice of an import: all of it."""


class AtOnce:
    """Carries a command out where it came in, and then what its process would."""

    outlives = False

    def __init__(self, d: Dispatch, how: Execution) -> None:
        self._d, self._how = d, how

    async def dispatch(self) -> None:
        await self._d.execute()
        await run_in_threadpool(self._follow)

    def _follow(self) -> None:
        engine, org, record_id = self._d.state.engine, self._d.org_id, str(self._d.kept.resource_id)
        match self._how:
            case execution.Change("decide" | "resubmit") | execution.Approval("decide" | "resubmit"):
                execute_approved(engine, org, record_id)
            case execution.Import(begins=True):
                stage(engine, org, record_id, lambda _: None)
                validate(engine, org, record_id, lambda _: None, CALM)
            case execution.Import():
                while self._executes(record_id):
                    execute_import(engine, org, record_id, lambda _: None, CALM)

    def _executes(self, import_id: str) -> bool:
        with transaction(self._d.state.engine, self._d.org_id) as tx:
            return imports.get(tx, import_id).status is ImportStatus.EXECUTING

    async def under_way(self) -> object | None:
        raise AssertionError("it has been carried out")


async def _answer(
    state: State, org_id: str, kept: Submitted, process: Process, dispatched: "asyncio.Task[None]"
) -> Answered:
    """What the command was answered once everything has followed."""
    await dispatched
    found = await _read(state, org_id, kept.command_id)
    return Answered(found.json, found.status, found.replayed or kept.in_progress)


class InThisProcess(httpx2.BaseTransport):
    """Requests to the application, on a loop of their own each."""

    def __init__(self, transport: httpx2.ASGITransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return asyncio.run(self._asked(request))

    async def _asked(self, request: httpx2.Request) -> httpx2.Response:
        sent = httpx2.Request(request.method, request.url, headers=request.headers, content=request.read())
        response = await self._transport.handle_async_request(sent)
        return httpx2.Response(response.status_code, headers=response.headers, content=await response.aread())


class InProcessStack(AppStack):
    """What tests call a stack."""

    def __init__(self, environment: dict[str, str], transport: httpx2.ASGITransport) -> None:
        super().__init__("http://arflow.test", environment)
        self._transport = InThisProcess(transport)

    def client(
        self, org: str, user: str, *roles: str, entities: tuple[str, ...] = (), patient: bool = True
    ) -> httpx2.Client:
        """As that of a stack, without its patience."""
        headers = {"Authorization": f"Bearer {self.token(org, user, *roles, entities=entities)}"}
        return httpx2.Client(base_url=self.base_url, headers=headers, transport=self._transport)

    def arflow(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """`arflow verify --org` without the seconds that a command takes to start."""
        match arguments:
            case ("verify", "--org", org):
                return self._verified(org)
        return super().arflow(*arguments, check=check)

    def _verified(self, org: str) -> "subprocess.CompletedProcess[str]":
        url = self.environment["ARFLOW_DATABASE_URL"]
        engine = make_engine(url, pool_size=1, role=verifying_role(url))
        breaches = [f"{found.check} {found.breaches}" for found in verify(engine, org) if not found.ok]
        engine.dispose()
        return subprocess.CompletedProcess((), bool(breaches), "\n".join(breaches), "")


def stand_in(home: Path) -> ModuleType:
    """The plugin: `app_stack` is the one in this process. Its application is made once, before any fork."""
    app = create_app(Settings(home=home))
    vars(api.write).update(_process=lambda how, d: AtOnce(d, how), first_answer=_answer)

    @pytest.fixture(scope="session")
    def app_stack(database_url: str) -> Iterator[AppStack]:
        """Its connections are the fork's own."""
        settings, state = Settings(home=home), app.state
        engine = make_engine(database_url, pool_size=4)
        state.engine, state.temporal = engine, TemporalLink(settings, engine)
        state.signer = signer_of(
            settings.signing_key_file,
            settings.signing_command,
            settings.signing_public_keys_file,
            settings.dev_signing_key,
        )
        environment = {**os.environ, "ARFLOW_HOME": str(home), "ARFLOW_DATABASE_URL": database_url}
        yield InProcessStack(environment, httpx2.ASGITransport(app=app, raise_app_exceptions=False))
        engine.dispose()

    plugin = ModuleType("stand_in")
    plugin.app_stack = app_stack  # type: ignore[attr-defined]
    return plugin
