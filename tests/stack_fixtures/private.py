"""Whole stacks under `arflow up` for tests that kill, restart or misconfigure them."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from stack.process import free_port, launch_command
from tests.stack_fixtures.app import Access


@dataclass
class PrivateStack(Access):
    """One `arflow up`, started and ended as often as the test likes, with the same state directory."""

    process: "subprocess.Popen[str] | None" = None
    output: "queue.Queue[str]" = field(default_factory=queue.Queue)

    @property
    def running(self) -> "subprocess.Popen[str]":
        """Its process, once it was launched."""
        assert self.process is not None, "arflow up was not launched"
        return self.process

    def start(self, timeout: float = 240) -> "PrivateStack":
        """Start it and wait for its `ready` line."""
        self.launch()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                if self.output.get(timeout=0.2).startswith("ready "):
                    return self
            except queue.Empty:
                if self.running.poll() is not None:
                    raise AssertionError(f"arflow up ended with {self.running.returncode}:\n{self.stderr()}") from None
        raise AssertionError(f"arflow up was not ready in {timeout} s:\n{self.stderr()}")

    def launch(self) -> "subprocess.Popen[str]":
        """Start it without waiting."""
        self.home.mkdir(exist_ok=True)
        self.output = queue.Queue()
        with (self.home / "up.stderr").open("a") as errors:
            self.process = subprocess.Popen(
                launch_command([sys.executable, "-m", "cli.main", "up"], death_signal=signal.SIGTERM),
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        threading.Thread(target=_drain, args=(self.process.stdout, self.output), daemon=True).start()
        return self.process

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = 120) -> int:
        """End it by a signal to its process group; its exit code."""
        if self.running.poll() is None:
            os.killpg(self.running.pid, number)
        return self.running.wait(timeout)

    def stderr(self) -> str:
        """All that it said on stderr so far."""
        return (self.home / "up.stderr").read_text()

    def pids(self) -> dict[str, int]:
        """The process ids of its parts: PostgreSQL, Temporal, worker, API."""
        return dict(json.loads((self.home / "runtime.json").read_text())["parts"])

    def kill(self, part: str) -> int:
        """SIGKILL one part; the process id it had. One that has just ended by itself is killed when it is back."""
        while True:
            pid = self.pids()[part]
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                self.wait_restarted(part, pid)
            else:
                return pid

    def wait_restarted(self, part: str, old: int, timeout: float = 180) -> int:
        """Wait until another process serves as this part; its id."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if (pid := self.pids().get(part, old)) != old:
                return pid
            time.sleep(0.1)
        raise AssertionError(f"{part} was not started again in {timeout} s:\n{self.stderr()}")


def _drain(lines: IO[str], into: "queue.Queue[str]") -> None:
    with lines:
        for line in lines:
            into.put(line)


@pytest.fixture
def private_stack(tmp_path: Path) -> Iterator[Callable[..., PrivateStack]]:
    """A factory of stacks, not started yet: `private_stack(ARFLOW_X="y").start()`. All are ended after the test."""
    with _stacks(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def modules_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateStack]:
    """One stack for the tests of a module that leave it whole: what they kill is there again when they end."""
    with _stacks(tmp_path_factory.mktemp("stack")) as make:
        stack = make().start()
        yield stack
        assert stack.stop() == 0


@contextmanager
def _stacks(directory: Path) -> Iterator[Callable[..., PrivateStack]]:
    made: list[PrivateStack] = []

    def make(home: Path | None = None, **variables: str) -> PrivateStack:
        port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ARFLOW_")},
            **{name: os.environ[name] for name in ("ARFLOW_TEMPORAL_CLI",) if name in os.environ},
            "ARFLOW_HOME": str(home or directory / f"home{len(made)}"),
            "ARFLOW_PORT": str(port),
            "ARFLOW_TEMPORAL_PORT": str(free_port()),
            "ARFLOW_TEMPORAL_UI_PORT": str(free_port()),
            **variables,
        }
        made.append(PrivateStack(f"http://127.0.0.1:{environment['ARFLOW_PORT']}", environment))
        return made[-1]

    yield make
    for stack in made:
        if stack.process is not None and stack.process.poll() is None:
            stack.stop(signal.SIGKILL if sys.exc_info()[0] else signal.SIGTERM)
