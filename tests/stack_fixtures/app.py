"""A real API process and a real worker process on the shared servers."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from pydantic import JsonValue
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api.tokens import mint_dev_token
from settings import Settings
from stack.process import free_port, last_lines
from stack.runtime import RunningStack
from tests.stack_fixtures.beginnings import make_customers, make_organisation
from tests.stack_fixtures.described import check_described
from tests.stack_fixtures.patient import Patient
from workflows.schedules import SCHEDULES


@dataclass
class Access:
    """How a test talks to a running stack: HTTP with a token, or the `arflow` command."""

    base_url: str
    environment: dict[str, str]
    _tokens: dict[tuple[object, ...], str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Its state directory."""
        return Path(self.environment["ARFLOW_HOME"])

    def token(self, org: str, user: str, *roles: str, entities: tuple[str, ...] = ()) -> str:
        """A bearer token."""
        key = (org, user, roles, entities)
        if key not in self._tokens:
            self._tokens[key] = mint_dev_token(Settings(home=self.home), org, user, roles, entities)
        return self._tokens[key]

    def client(
        self, org: str, user: str, *roles: str, entities: tuple[str, ...] = (), patient: bool = True
    ) -> httpx2.Client:
        """An HTTP client that sends this person's token; an impatient one sees every 202 and 503 there is."""
        headers = {"Authorization": f"Bearer {self.token(org, user, *roles, entities=entities)}"}
        transport = Patient() if patient else None
        held = {"response": [check_described]}
        return httpx2.Client(
            base_url=self.base_url, headers=headers, timeout=60, trust_env=False, transport=transport, event_hooks=held
        )

    def wait_ready(
        self, seconds: float = 180, watch: Callable[[], None] = lambda: None, *, everything: bool = True
    ) -> None:
        """Until `/readyz` says so, and misses nothing (`everything`), looking after something else (`watch`) meanwhile."""
        deadline, answer = time.monotonic() + seconds, "nothing"
        while time.monotonic() < deadline:
            watch()
            try:
                response = httpx2.get(f"{self.base_url}/readyz", timeout=10, trust_env=False)
                if response.status_code == 200 and not (everything and response.json()["missing"]):
                    return
                answer = f"{response.status_code} {response.text}"
            except httpx2.HTTPError as error:
                answer = str(error)
            time.sleep(0.1)
        said = "\n".join(last_lines(self.home / "api.log", 30))
        raise AssertionError(f"not ready in {seconds} s; /readyz answered {answer}\n{said}")

    def arflow(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run an `arflow` command beside it."""
        command = [sys.executable, "-m", "cli.main", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300, check=False)
        if check and done.returncode:
            raise AssertionError(f"arflow {' '.join(arguments)} -> {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    @property
    def database(self) -> str | None:
        """The owner's URL of its database, while that is up."""
        running = RunningStack.read(self.home)
        return self.environment.get("ARFLOW_DATABASE_URL") or (running.database_url if running else None)

    def organisation(self, name: str = "Test") -> str:
        """A new organisation with its defaults; its id."""
        org = f"org_{os.urandom(6).hex()}"
        if self.database is None:
            self.arflow("org", "create", org, "--name", name)
        else:
            make_organisation(self.database, org, name)
        return org

    def customers(self, org: str, *rows: Mapping[str, JsonValue]) -> list[str]:
        """Customers past approval; their ids."""
        assert self.database is not None, "it is not up"
        return make_customers(self.database, org, rows)

    def customer(self, org: str, name: str = "Acme", email: str = "acme@example.com") -> str:
        """A customer past approval; its id."""
        return self.customers(org, {"name": name, "email": email})[0]


class AppStack(Access):
    """The session's API and worker."""

    @property
    def worker_metrics(self) -> str:
        """Where the worker serves its metrics."""
        return f"http://127.0.0.1:{self.environment['ARFLOW_WORKER_METRICS_PORT']}/metrics"


@pytest.fixture(scope="session")
def app_stack(
    database_url: str, temporal_address: str, temporal_namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppStack]:
    """A real API process and a real worker process on this xdist worker's database and namespace."""
    home = tmp_path_factory.mktemp("app")
    port = free_port()
    environment = {
        **os.environ,
        "ARFLOW_HOME": str(home),
        "ARFLOW_PORT": str(port),
        "ARFLOW_WORKER_METRICS_PORT": str(free_port()),
        "ARFLOW_RESUME_SECONDS": "86400",  # what tests leave open in the books is theirs
        "ARFLOW_DATABASE_URL": database_url,
        "ARFLOW_TEMPORAL_ADDRESS": temporal_address,
        "ARFLOW_TEMPORAL_NAMESPACE": temporal_namespace,
    }
    stack = AppStack(f"http://127.0.0.1:{port}", environment)
    worker, api = (run_process(name, home, environment) for name in ("worker", "api"))
    try:
        _wait_ready(stack, {"worker": worker, "api": api})
        asyncio.run(_no_schedules(temporal_address, temporal_namespace))
        yield stack
    finally:
        for process in (api, worker):
            process.terminate()
        for process in (api, worker):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def _no_schedules(address: str, namespace: str) -> None:
    """What the clock would start, at half past midnight perhaps in the middle of a test, starts when a test says so.

    Its worker makes the schedules when it is up: from here on it is.
    """
    client = await Client.connect(address, namespace=namespace)
    async with asyncio.timeout(180):
        for name in SCHEDULES:
            while not await _paused(client, name):
                await asyncio.sleep(0.1)


async def _paused(client: Client, schedule: str) -> bool:
    try:
        await client.get_schedule_handle(schedule).pause()
    except RPCError as missing:
        if missing.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


def run_process(name: str, home: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """`arflow api` or `arflow worker`, which ends with the test at the latest."""
    from stack.process import launch_command

    command = launch_command([sys.executable, "-m", "cli.main", name], death_signal=signal.SIGKILL)
    with (home / f"{name}.log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _wait_ready(stack: Access, processes: dict[str, "subprocess.Popen[bytes]"]) -> None:
    def alive() -> None:
        for name, process in processes.items():
            if process.poll() is not None:
                said = "\n".join(last_lines(stack.home / f"{name}.log", 30))
                raise AssertionError(f"{name} ended with {process.returncode}:\n{said}")

    stack.wait_ready(240, alive)
