"""One supervised process: started until it answers, started again when it ends, ended in good order."""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from stack.process import StackError, end, last_lines

RESTART_ATTEMPTS = 8
LONGEST_PAUSE = 5.0


def report(line: str) -> None:
    """Progress goes to stderr; stdout carries the one `ready` line."""
    print(f"arflow: {line}", file=sys.stderr, flush=True)


@dataclass
class Part:
    """One supervised process. `start` returns it once it answers; `stop_signal` asks it to end in good order."""

    name: str
    log: Path
    start: Callable[[], Awaitable[asyncio.subprocess.Process]]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10
    process: asyncio.subprocess.Process | None = None
    on_start: Callable[[str, int], None] = lambda _name, _pid: None

    async def up(self, attempts: int) -> asyncio.subprocess.Process:
        """Start it, with growing pauses between attempts; StackError after the last."""
        pause = 0.1
        for left in reversed(range(attempts)):
            since = self.log.stat().st_size if self.log.exists() else 0
            try:
                self.process = await self.start()
                self.on_start(self.name, self.process.pid)
                return self.process
            except StackError as error:
                if left == 0:
                    for line in last_lines(self.log, since=since):
                        print(f"  {self.name} | {line}", file=sys.stderr)
                    raise StackError(f"{self.name} does not start: {error}") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        raise AssertionError("unreachable")

    async def keep_up(self) -> None:
        """Start it again whenever it ends. Returns never; StackError when it no longer comes up."""
        pause = 0.0
        while True:
            process = self.process or await self.up(RESTART_ATTEMPTS)
            since, started = self.log.stat().st_size, time.monotonic()
            code = await process.wait()
            report(f"{self.name} ended ({reason(code)}); starting it again")
            for line in last_lines(self.log, 5, since=since) if code >= 0 else []:
                print(f"  {self.name} | {line}", file=sys.stderr)
            pause = 0.0 if time.monotonic() - started > 10 else min(pause * 2 + 0.1, LONGEST_PAUSE)
            await asyncio.sleep(pause)
            await self.up(RESTART_ATTEMPTS)

    async def down(self) -> None:
        """End it in good order."""
        if self.process is not None:
            await end(self.process, self.stop_signal, self.stop_seconds)


def reason(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
