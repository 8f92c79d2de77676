"""Processes as containers have them: each with a log and an environment of its own, started again when it ends."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stack.process import launch_command

RESTARTED_AFTER = 1.0
"""Seconds: what a container's platform takes at its best."""


@dataclass
class Kept:
    """One process. It is started again whenever it ends, until it is told to end for good."""

    name: str
    command: Sequence[str | Path]
    log: Path
    environment: Mapping[str, str]
    folder: Path | None = None
    """Where it is started; None: here."""
    process: "subprocess.Popen[bytes] | None" = None
    ended_at: float | None = None
    codes: list[int] = field(default_factory=list)

    def start(self) -> None:
        """From the main thread: with its thread the process ends."""
        command = launch_command(self.command, death_signal=signal.SIGKILL)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=dict(self.environment), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.ended_at = None

    def look(self) -> None:
        """Start it again where it has ended."""
        if self.process is None or (code := self.process.poll()) is None:
            return
        if self.ended_at is None:
            self.ended_at = time.monotonic()
            self.codes.append(code)
        elif time.monotonic() > self.ended_at + RESTARTED_AFTER:
            self.start()

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def end(self, seconds: float = 60) -> int:
        """In good order, and for good; its exit code. Killed where it does not."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
