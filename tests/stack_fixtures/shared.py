"""One PostgreSQL and one Temporal dev server per test run, a database and a namespace per xdist worker."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from temporalio.api.workflowservice.v1 import ListOpenWorkflowExecutionsRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from settings import Settings
from stack.part import Part
from stack.postgres import EmbeddedPostgres
from stack.process import end, free_port
from stack.temporal import DevServer, ensure_cli
from stack.time_skipping import time_skipping_environment
from workflows.search_attributes import register_search_attributes

if TYPE_CHECKING:
    from tests.books import Books

TEMPLATE = "arflow_template"


@dataclass(frozen=True)
class SharedServers:
    """Addresses of the servers of this run."""

    directory: str
    postgres_url: str
    temporal_address: str

    def database_url(self, name: str) -> str:
        """Owner's URL of one database."""
        return self.postgres_url.replace("/postgres?", f"/{name}?")

    def create_database(self, name: str) -> str:
        """A copy of the migrated template; its URL."""
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
        with psycopg.connect(self.database_url(name), autocommit=True) as connection:
            connection.execute("CALL arflow_harden()")  # a copy has everything but the grants on the database itself
        return self.database_url(name)

    def drop_database(self, name: str) -> None:
        """Drop it, whoever is still connected."""
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def shared_servers() -> Iterator[SharedServers]:
    """The servers of this run."""
    with servers_of(os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")) as servers:
        yield servers


@contextlib.contextmanager
def servers_of(run: str) -> Iterator[SharedServers]:
    """The servers of a run: the first of its processes to ask starts them, and outstays the others."""
    directory = Path(tempfile.gettempdir()) / f"arflow-test-{run[:16]}"
    directory.mkdir(exist_ok=True)
    addresses = directory / "servers.json"
    with contextlib.ExitStack() as held:
        users = held.enter_context((directory / "users.lock").open("w"))
        fcntl.flock(users, fcntl.LOCK_SH)
        with (directory / "start.lock").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not addresses.exists():
                servers = held.enter_context(_started(directory, users.fileno()))
                addresses.write_text(json.dumps(asdict(servers)))
        yield SharedServers(**json.loads(addresses.read_text()))


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@contextlib.contextmanager
def _started(directory: Path, users: int) -> Iterator[SharedServers]:
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    namespaces = [f"test-gw{number}" for number in range(workers)] if workers > 1 else ["test-main", "test-gw0"]
    # fsync guards against power cuts, which no test has; processes that are killed lose nothing without it.
    postgres = EmbeddedPostgres(data=directory / "postgres", log=directory / "postgres.log", fsync=False)
    temporal = DevServer(
        cli=ensure_cli(Settings().temporal_cli, say),
        file=None,
        log=directory / "temporal.log",
        port=free_port(),
        ui_port=None,
        namespaces=["default", *namespaces],
        # Histories are deleted once these queues have passed a run's close, which they note every half minute.
        dynamic_config={
            "history.transferProcessorUpdateAckInterval": '"1s"',
            "history.visibilityProcessorUpdateAckInterval": '"1s"',
        },
    )
    with asyncio.Runner() as runner:

        async def start() -> list[asyncio.subprocess.Process]:
            # The dev server chooses ports of its own for its parts; where another process was quicker, it chooses again.
            server = Part("Temporal", temporal.log, temporal.start)
            return list(await asyncio.gather(postgres.start(), server.up(attempts=3)))

        processes = runner.run(start())
        try:
            servers = SharedServers(str(directory), postgres.url("postgres"), temporal.address)
            _migrate_template(servers)
            yield servers
        finally:
            fcntl.flock(users, fcntl.LOCK_EX)  # wait until no other worker uses them
            for process in processes:
                runner.run(end(process, signal.SIGKILL, 10))
            postgres.discard()
            _remove(directory)


def _migrate_template(servers: SharedServers) -> None:
    from models.db.migrate import migrate

    with psycopg.connect(servers.postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    migrate(servers.database_url(TEMPLATE))


def _remove(directory: Path) -> None:
    import shutil

    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def xdist_worker() -> str:
    """`gw0`, `gw1`, …, or `main` without xdist."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def database_url(shared_servers: SharedServers, xdist_worker: str) -> str:
    """Owner's URL of this worker's migrated database."""
    return shared_servers.create_database(f"arflow_{xdist_worker}_{os.getpid()}")


@pytest.fixture(scope="session")
def quiet_database_url(shared_servers: SharedServers, xdist_worker: str) -> str:
    """Owner's URL of another migrated database of this worker, in which no process is at work beside the tests."""
    return shared_servers.create_database(f"arflow_quiet_{xdist_worker}_{os.getpid()}")


@pytest.fixture
def books(quiet_database_url: str) -> "Iterator[Books]":
    """An organisation of this test's own, in a database where nobody else is at work."""
    from tests.books import Books  # it brings the whole API along, which most tests of a run may not need

    made = Books(quiet_database_url)
    yield made
    made.close()


@pytest.fixture
def fresh_database_url(shared_servers: SharedServers) -> Iterator[str]:
    """Owner's URL of a migrated database that only this test uses."""
    name = f"arflow_fresh_{os.urandom(6).hex()}"
    yield shared_servers.create_database(name)
    shared_servers.drop_database(name)


@pytest.fixture(scope="session")
def temporal_address(shared_servers: SharedServers) -> str:
    """host:port of the dev server of this run."""
    return shared_servers.temporal_address


@pytest.fixture(scope="session")
async def temporal_namespace(temporal_address: str, xdist_worker: str) -> str:
    """This worker's namespace, with the search attributes."""
    namespace = f"test-{xdist_worker}"
    await register_search_attributes(await Client.connect(temporal_address, namespace=namespace))
    return namespace


@pytest.fixture(scope="session")
async def temporal_client(temporal_address: str, temporal_namespace: str) -> Client:
    """A client of this worker's namespace."""
    return await Client.connect(temporal_address, namespace=temporal_namespace, data_converter=pydantic_data_converter)


@pytest.fixture(scope="session")
async def time_skipping_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkflowEnvironment]:
    """Temporal's test server, one per xdist worker."""
    async with time_skipping_environment(tmp_path_factory.mktemp("time") / "test-server.log") as environment:
        yield environment


@pytest.fixture
async def time_skipping(time_skipping_server: WorkflowEnvironment) -> AsyncIterator[WorkflowEnvironment]:
    """Temporal's test server, whose clock jumps over timers while a client awaits a result.

    What a test leaves running is ended after it: a timer of it that another test's clock jumps to would make a task that
    no worker takes, and while a task waits, the clock stands still for everybody.
    """
    yield time_skipping_server
    client = time_skipping_server.client
    left = await client.workflow_service.list_open_workflow_executions(
        ListOpenWorkflowExecutionsRequest(namespace=client.namespace, maximum_page_size=1000)
    )
    for run in left.executions:
        await client.get_workflow_handle(run.execution.workflow_id, run_id=run.execution.run_id).terminate("test ended")
