"""Fair shares of a worker's places: no organisation holds more than so many at once, however much it waits for."""

import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

SOONEST_SECONDS: Final = 1.0
LATEST_SECONDS: Final = 120.0
_LEARNING: Final = 0.2


class Shares:
    """The places of this process. Who finds none is told when to come back, and holds no thread meanwhile."""

    def __init__(self, each: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.each = each
        self._clock = clock
        self._lock = threading.Lock()
        self._since: defaultdict[str, list[float]] = defaultdict(list)
        self._usual: dict[str, float] = {}
        self._back: defaultdict[str, deque[float]] = defaultdict(deque)

    @contextmanager
    def place(self, org_id: str) -> Iterator[bool]:
        """A place of the organisation's share until the end of the block; False where it has none left."""
        with self._lock:
            begun, free = self._clock(), len(self._since[org_id]) < self.each
            if free:
                self._since[org_id].append(begun)
        try:
            yield free
        finally:
            if free:
                with self._lock:
                    self._since[org_id].remove(begun)
                    took, usual = self._clock() - begun, self._usual.get(org_id, 0.0)
                    self._usual[org_id] = usual + _LEARNING * (took - usual)

    def come_back(self, org_id: str) -> float:
        """In how many seconds to ask again: once those that wait already will have had their turn, at the pace at which the
        organisation's places become free. So asking costs as much as sending does, and no more."""
        with self._lock:
            now, back, held = self._clock(), self._back[org_id], self._since[org_id]
            while back and back[0] <= now:
                back.popleft()
            so_far = sum(now - begun for begun in held) / len(held) if held else 0.0
            pace = max(self._usual.get(org_id, 0.0), so_far)
            seconds = min(SOONEST_SECONDS + pace * (1 + len(back)) / self.each, LATEST_SECONDS)
            back.append(now + seconds)
            return seconds * random.uniform(0.75, 1.25)  # noqa: S311 - so that they do not all come back at once
