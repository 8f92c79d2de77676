"""Fair shares of a worker's places: no organisation holds more than so many at once, however much it waits for."""

import random
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

SOONEST_SECONDS: Final = 1.0
LATEST_SECONDS: Final = 60.0


class Shares:
    """The places of this process. Who finds none is told when to come back, and holds no thread meanwhile."""

    def __init__(self, each: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.each = each
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()
        self._back: defaultdict[str, deque[float]] = defaultdict(deque)

    @contextmanager
    def place(self, org_id: str) -> Iterator[bool]:
        """A place of the organisation's share until the end of the block; False where it has none left."""
        with self._lock:
            free = self._taken[org_id] < self.each
            self._taken[org_id] += free
        try:
            yield free
        finally:
            if free:
                with self._lock:
                    self._taken[org_id] -= 1
                    if not self._taken[org_id]:
                        del self._taken[org_id]

    def come_back(self, org_id: str) -> float:
        """In how many seconds to ask again: the more of the organisation's wait, the later, so that asking costs little."""
        with self._lock:
            now, back = self._clock(), self._back[org_id]
            while back and back[0] <= now:
                back.popleft()
            seconds = min(SOONEST_SECONDS * (1 + len(back) / self.each), LATEST_SECONDS)
            back.append(now + seconds)
            return seconds * random.uniform(0.75, 1.25)  # noqa: S311 - so that they do not all come back at once
