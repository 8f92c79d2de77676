"""Round every call of a source: a total time-out, a limit of calls at once, a circuit that opens when it keeps failing.

Kept per connection and per process: what one organisation's system does costs nobody else's panels.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from sources.protocol import Connection, SourceError

T = TypeVar("T")
FAILURES_TO_OPEN: Final = 5
OPEN_SECONDS: Final = 30.0


class Circuit:
    """Closed until FAILURES_TO_OPEN failures in a row; then open for OPEN_SECONDS; then one call may try."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self._trying = False

    def enter(self) -> None:
        """Raises SOURCE_CIRCUIT_OPEN where no call may be made."""
        with self._lock:
            if self._opened_at is None:
                return
            if self._trying or self._clock() - self._opened_at < OPEN_SECONDS:
                raise SourceError("SOURCE_CIRCUIT_OPEN")
            self._trying = True

    def leave(self, failed: bool) -> None:
        with self._lock:
            self._trying = False
            if not failed:
                self._failures, self._opened_at = 0, None
                return
            self._failures += 1
            if self._failures >= FAILURES_TO_OPEN:
                self._opened_at = self._clock()

    @property
    def is_open(self) -> bool:
        with self._lock:
            return self._opened_at is not None


class Guard:
    """What stands between us and one connection."""

    def __init__(self, max_concurrent: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_concurrent = max_concurrent
        self.circuit = Circuit(clock)
        self._places = threading.BoundedSemaphore(max_concurrent)

    def call(self, work: Callable[[], Awaitable[T]], timeout_seconds: float) -> T:
        """Run `work` to its end within the time, waiting for a place included. Raises SourceError."""
        begun = time.monotonic()
        if not self._places.acquire(timeout=timeout_seconds):
            raise SourceError("SOURCE_BUSY")
        try:
            self.circuit.enter()
            left = max(timeout_seconds - (time.monotonic() - begun), 0.01)
            failed = True
            try:
                answer = asyncio.run(_within(work, left))
                failed = False
                return answer
            except SourceError as error:
                failed = error.blames_the_source
                raise
            finally:
                self.circuit.leave(failed)
        finally:
            self._places.release()


async def _within(work: Callable[[], Awaitable[T]], seconds: float) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await work()
    except TimeoutError:
        raise SourceError("SOURCE_TIMEOUT") from None


class Guards:
    """The guards of this process, one per connection; a changed limit makes a new one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[tuple[str, str], Guard] = {}

    def of(self, connection: Connection) -> Guard:
        with self._lock:
            guard = self._of.get(connection.key)
            if guard is None or guard.max_concurrent != connection.max_concurrent:
                guard = self._of[connection.key] = Guard(connection.max_concurrent)
            return guard
