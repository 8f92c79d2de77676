"""The Temporal dev server: where its binary comes from, and how it is started.

`temporal server start-dev` with a WAL file is for first steps, demo and tests. Production is Temporal on
PostgreSQL or Temporal Cloud (ARFLOW_TEMPORAL_ADDRESS).
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from stack.cache import cache_directory, locked
from stack.golang import NoBuild, build
from stack.process import StackError, end, free_port, last_lines, spawn

CLI_VERSION = "v1.5.1"
"""The last release whose go.mod has no `replace`, which `go install` refuses. Brings server 1.29.1 and UI 2.42.1."""
CLI_MODULE = f"github.com/temporalio/cli/cmd/temporal@{CLI_VERSION}"

SEVERAL_SOURCES_FAILED = (
    "no Temporal dev server: {reasons}. Install the Temporal CLI (https://docs.temporal.io/cli) or Go 1.24+, "
    "or set ARFLOW_TEMPORAL_CLI to a `temporal` binary, or ARFLOW_TEMPORAL_ADDRESS to a running Temporal"
)


class NotHere(Exception):
    """Why one source of the binary has none."""


def ensure_cli(configured: Path | None, report: Callable[[str], None]) -> Path:
    """The `temporal` binary, installed if there is none: configured, PATH, cache, the SDK's download, `go install`.

    `report` gets a line of progress where this takes long. StackError says what to install when every source fails.
    """
    if configured is not None:
        if not os.access(configured, os.X_OK):
            raise StackError(f"ARFLOW_TEMPORAL_CLI={configured} is not an executable file")
        return configured
    cached = cache_directory() / "temporal" / CLI_VERSION / "temporal"
    if on_path := shutil.which("temporal"):
        return Path(on_path)
    if os.access(cached, os.X_OK):
        return cached
    with locked(cache_directory() / "temporal.lock"):
        if os.access(cached, os.X_OK):
            return cached  # another process was first
        cached.parent.mkdir(parents=True, exist_ok=True)
        reasons = []
        for source in (_from_sdk_download, _from_go):
            try:
                source(cached, report)
                return cached
            except NotHere as reason:
                reasons.append(str(reason))
    raise StackError(SEVERAL_SOURCES_FAILED.format(reasons="; ".join(reasons)))


def _from_sdk_download(target: Path, report: Callable[[str], None]) -> None:
    """Let the Temporal SDK fetch its dev server. It can only be asked to start one, so one is started and ended."""
    report("looking for a Temporal dev server to download")
    directory = target.parent / "download"
    directory.mkdir(exist_ok=True)

    async def fetch() -> None:
        environment = await WorkflowEnvironment.start_local(
            download_dest_dir=str(directory), port=free_port(), dev_server_log_level="error"
        )
        await environment.shutdown()

    try:
        asyncio.run(asyncio.wait_for(fetch(), 300))
        found = max(directory.iterdir(), key=lambda path: path.stat().st_size)
    except Exception as error:  # the SDK raises what its Rust core says, of no common type
        raise NotHere(f"the SDK's download failed ({' '.join(str(error).split())[:120]})") from error
    found.chmod(0o755)
    found.rename(target)


def _from_go(target: Path, report: Callable[[str], None]) -> None:
    report(f"building the Temporal dev server {CLI_VERSION} with Go; about 3 minutes, once per machine")
    try:
        build(CLI_MODULE, target, report)
    except NoBuild as reason:
        raise NotHere(str(reason)) from reason


@dataclass(frozen=True)
class DevServer:
    """One dev server: its binary, its file and its ports."""

    cli: Path
    file: Path | None
    """Where it keeps everything; None: in memory, for tests."""
    log: Path
    port: int
    ui_port: int | None
    namespaces: Sequence[str] = ("default",)
    dynamic_config: Mapping[str, str] = field(default_factory=dict)
    """The server's own settings, values in JSON."""

    @property
    def address(self) -> str:
        """host:port of the frontend."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> asyncio.subprocess.Process:
        """Start it and wait until it serves its namespaces. StackError with its last words where it does not."""
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        since = self.log.stat().st_size if self.log.exists() else 0
        # SIGKILL: the file is in WAL mode and survives it, and nobody is left to wait for an orderly end.
        process = await spawn(self._command(), log=self.log, death_signal=signal.SIGKILL)
        try:
            if await self._serves(process):
                return process
        except BaseException:
            await end(process, signal.SIGTERM, 5)
            raise
        raise StackError(f"Temporal did not start; {self.log} ends with: {last_lines(self.log, 2, since=since)}")

    def _command(self) -> list[str | Path]:
        command: list[str | Path] = [self.cli, "server", "start-dev", "--ip", "127.0.0.1", "--port", str(self.port)]
        command += ["--headless"] if self.ui_port is None else ["--ui-port", str(self.ui_port)]
        if self.file is not None:
            command += ["--db-filename", self.file]
            command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
        command += ["--log-level", "error"]
        command += [part for k, v in self.dynamic_config.items() for part in ("--dynamic-config-value", f"{k}={v}")]
        return command + [part for name in self.namespaces for part in ("--namespace", name)]

    async def _serves(self, process: asyncio.subprocess.Process) -> bool:
        while process.returncode is None:
            try:
                client = await Client.connect(self.address, namespace=self.namespaces[0])
                await client.workflow_service.get_system_info(GetSystemInfoRequest())
                await client.count_workflows()
                return True
            except (RPCError, RuntimeError, OSError):
                await asyncio.sleep(0.1)
        return False
