"""Runs the whole stack in the foreground: PostgreSQL, Temporal, migrations, worker, API.

A part that ends is started again; one that does not come up ends the stack with one clear line. No part can
outlive this process, however that ends (see launch.py).
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import httpx2

from settings import Settings
from stack.part import Part, reason, report
from stack.postgres import EmbeddedPostgres
from stack.process import StackError, end, last_lines, launch_command, port_is_free, spawn
from stack.runtime import RunningStack, owned
from stack.temporal import DevServer, ensure_cli

T = TypeVar("T")

FIRST_START_ATTEMPTS = 2
READY_SECONDS = 180


class Stack:
    """The parts in the order in which they start."""

    def __init__(self, settings: Settings, cli: Path | None) -> None:
        self.settings = settings
        self.logs = settings.home / "logs"
        self.base_url = f"http://127.0.0.1:{settings.port}"
        postgres = EmbeddedPostgres.in_home(settings.home)
        self.address = RunningStack(
            pid=os.getpid(),
            base_url=self.base_url,
            database_url=settings.database_url or postgres.url(),
            temporal_address=settings.temporal_target,
            temporal_namespace=settings.temporal_namespace,
        )
        self.parts: list[Part] = []
        if settings.database_url is None:
            self.parts.append(Part("PostgreSQL", postgres.log, postgres.start, stop_signal=signal.SIGINT))
        if cli is not None:
            server = DevServer(
                cli=cli,
                file=settings.home / "temporal" / "temporal.db",
                log=self.logs / "temporal.log",
                port=settings.temporal_port,
                ui_port=settings.temporal_ui_port,
                namespaces=(settings.temporal_namespace,),
            )
            self.parts.append(Part("Temporal", server.log, server.start, stop_seconds=5))
        self.ours = [
            Part("worker", self.logs / "worker.log", self._start_worker),
            Part("API", self.logs / "api.log", self._start_api),
        ]

        for part in (*self.parts, *self.ours):
            part.on_start = self._tell

    def _tell(self, name: str, pid: int) -> None:
        self.address.parts[name] = pid
        self.address.write(self.settings.home)

    async def run(self, then: Sequence[str] = (), *, stay: bool = True) -> int:
        """Bring everything up, say `ready`, run the command `then` if there is one, and stay until cancelled.

        Returns the exit code: that of `then` where we do not stay. StackError when a part cannot be kept up.
        """
        keepers: list[asyncio.Task[None]] = []
        try:
            await asyncio.gather(*(part.up(FIRST_START_ATTEMPTS) for part in self.parts))
            keepers += [asyncio.create_task(part.keep_up()) for part in self.parts]
            await _unless_one_fails(self._migrate(), keepers)
            await _unless_one_fails(_together(part.up(FIRST_START_ATTEMPTS) for part in self.ours), keepers)
            keepers += [asyncio.create_task(part.keep_up()) for part in self.ours]
            await _unless_one_fails(self._ready(), keepers)
            print(f"ready {self.base_url}", flush=True)
            code = await _unless_one_fails(self._command(then), keepers) if then else 0
            if stay:
                await _unless_one_fails(asyncio.Event().wait(), keepers)
            return code
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            await asyncio.gather(*(part.down() for part in self.ours))
            for part in reversed(self.parts):
                await part.down()
            RunningStack.forget(self.settings.home)
            EmbeddedPostgres.in_home(self.settings.home).forget_socket()

    def _environment(self) -> Mapping[str, str]:
        return {
            **os.environ,
            **self.address.environment(),
            "ARFLOW_HOME": str(self.settings.home),
            "PYTHONUNBUFFERED": "1",
        }

    async def _spawn(self, *arguments: str, log: Path) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "cli.main", *arguments]
        return await spawn(command, log=log, env=self._environment())

    async def _migrate(self) -> None:
        log = self.logs / "migrate.log"
        since = log.stat().st_size if log.exists() else 0
        process = await self._spawn("migrate", log=log)
        try:
            code = await process.wait()
        finally:
            await end(process, signal.SIGTERM, 5)
        if code != 0:
            for line in last_lines(log, since=since):
                print(f"  migrate | {line}", file=sys.stderr)
            raise StackError(f"the migrations failed ({reason(code)}); see {log}")

    async def _start_worker(self) -> asyncio.subprocess.Process:
        process = await self._spawn("worker", log=self.logs / "worker.log")
        try:
            # It serves nothing that could be asked; one that cannot start ends within this time.
            await asyncio.wait_for(process.wait(), 2)
        except TimeoutError:
            return process
        except BaseException:
            await end(process, signal.SIGTERM, 5)
            raise
        raise StackError(f"it ended at once; see {self.logs / 'worker.log'}")

    async def _start_api(self) -> asyncio.subprocess.Process:
        process = await self._spawn("api", log=self.logs / "api.log")
        try:
            async with httpx2.AsyncClient(base_url=self.base_url, timeout=5, trust_env=False) as client:
                while process.returncode is None:
                    if await _problem(client, "/healthz") is None:
                        return process
                    await asyncio.sleep(0.1)
        except BaseException:
            await end(process, signal.SIGTERM, 5)
            raise
        raise StackError(f"it ended at once; see {self.logs / 'api.log'}")

    async def _ready(self) -> None:
        deadline, next_word = time.monotonic() + READY_SECONDS, time.monotonic() + 20
        async with httpx2.AsyncClient(base_url=self.base_url, timeout=10, trust_env=False) as client:
            while (problem := await _problem(client, "/readyz")) is not None:
                if time.monotonic() > deadline:
                    raise StackError(f"not ready after {READY_SECONDS} s: {problem}")
                if time.monotonic() > next_word:
                    next_word += 20
                    report(f"not ready yet: {problem}")
                await asyncio.sleep(0.1)

    async def _command(self, command: Sequence[str]) -> int:
        # On our own stdout, in a session of its own: Ctrl-C reaches it through us.
        line = launch_command(command, death_signal=signal.SIGTERM)
        environment = {**self._environment(), "ARFLOW_BASE_URL": self.base_url}
        process = await asyncio.create_subprocess_exec(*line, env=environment, start_new_session=True)
        try:
            code = await process.wait()
            if code != 0:
                report(f"{' '.join(command)} failed ({reason(code)})")
            return code
        finally:
            await end(process, signal.SIGTERM, 5)


async def _problem(client: httpx2.AsyncClient, path: str) -> str | None:
    """None where `path` answers 200 and misses nothing, else what is wrong."""
    try:
        answer = await client.get(path)
    except httpx2.HTTPError as error:
        return f"{path}: {error or type(error).__name__}"
    everything = answer.status_code == 200 and not answer.json().get("missing")
    return None if everything else f"{path}: {answer.status_code} {answer.text[:300]}"


async def _together(starts: Iterable[Awaitable[object]]) -> None:
    """Both at once: each takes seconds of a processor before it looks for the others. What fails ends all of them."""
    tasks = [asyncio.ensure_future(start) for start in starts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _unless_one_fails(work: Awaitable[T], keepers: Sequence["asyncio.Task[None]"]) -> T:
    """Await `work`, or raise what ended one of the keepers meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task, *keepers], return_when=asyncio.FIRST_COMPLETED)
        for keeper in keepers:
            if keeper.done():
                keeper.result()
        return await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def run(settings: Settings, then: Sequence[str] = (), *, stay: bool = True) -> int:
    """`make up`: the stack until SIGTERM or Ctrl-C, which end it in good order with exit code 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # an installation may be going on: nothing runs yet that needs an order
    try:
        settings.require(*(("database_url", "temporal_address") if settings.production else ()))
        with owned(settings.home, wait=5):
            _check_ports(settings)
            cli = None if settings.temporal_address else ensure_cli(settings.temporal_cli, report)
            return asyncio.run(_until_signalled(Stack(settings, cli).run(then, stay=stay)))
    except StackError as error:
        report(str(error))
        return 1


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


async def _until_signalled(work: Awaitable[int]) -> int:
    """Run `work`; the first signal cancels it and returns 0. Further ones (make passes its own on) change nothing."""
    task = asyncio.ensure_future(work)
    signalled = asyncio.Event()

    def stop() -> None:
        if not signalled.is_set():
            signalled.set()
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        return await task
    except (asyncio.CancelledError, StackError):  # what could not start any more was told to end, too
        if signalled.is_set():
            return 0
        raise


def _check_ports(settings: Settings) -> None:
    wanted = [("ARFLOW_PORT", settings.port)]
    if settings.temporal_address is None:
        wanted += [
            ("ARFLOW_TEMPORAL_PORT", settings.temporal_port),
            ("ARFLOW_TEMPORAL_UI_PORT", settings.temporal_ui_port),
        ]
    for variable, port in wanted:
        if not port_is_free(port):
            raise StackError(f"port {port} is in use; set {variable} to another one")
