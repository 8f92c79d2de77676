"""How many requests one caller may make: a sliding window per organisation and person, in this process' memory."""

import time
from math import ceil

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from models.access import Principal
from models.errors import Refusal


class RateLimit:
    """Counts requests against a limit such as `600/minute`; `None` counts nothing."""

    def __init__(self, limit: str | None) -> None:
        self._limit = parse(limit) if limit else None
        self._windows = SlidingWindowCounterRateLimiter(MemoryStorage())  # constant work per request

    def count(self, principal: Principal) -> None:
        """Count one request. Raises `429 RATE_LIMITED` with the seconds to wait."""
        if self._limit is None or self._windows.hit(self._limit, principal.org_id, principal.sub):
            return
        reset = self._windows.get_window_stats(self._limit, principal.org_id, principal.sub).reset_time
        wait = max(1, ceil(reset - time.time()))
        raise Refusal("RATE_LIMITED", f"More than {self._limit}; try again in {wait} s.", retry_after=wait)
