"""Answers that stay open: how many there may be, how long, and for whom still."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from fastapi import Request

from api.auth import Authenticator
from models.access import Principal
from models.errors import Refusal

MOST: Final = 100
"""Streams of a process, each of which asks the database twice a second."""
MOST_OF_ONE: Final = 10
LIFE_SECONDS: Final = 15 * 60.0
"""A reader that is cut off opens it again by itself, as EventSource does."""
LOOK_SECONDS: Final = 30.0


class Streams:
    """Those that are open in this process, by person."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, str]] = Counter()

    def refuse_too_many(self, who: Principal) -> None:
        """429 where the person, or everybody together, has as many as there may be."""
        if self._open[who.org_id, who.sub] >= MOST_OF_ONE or self._open.total() >= MOST:
            raise Refusal("RATE_LIMITED", "Too many streams are open; close one, or ask again later.", retry_after=30)

    async def bounded(self, request: Request, who: Principal, stream: AsyncIterator[str]) -> AsyncIterator[str]:
        """The stream, for as long as its reader's token is good and its time is not over."""
        me, began = (who.org_id, who.sub), time.monotonic()
        looked = began
        self._open[me] += 1
        try:
            async for piece in stream:
                yield piece
                now = time.monotonic()
                if now - began > LIFE_SECONDS:
                    return
                if now - looked > LOOK_SECONDS:
                    looked = now
                    if not await _still(request, who):
                        return
        finally:
            self._open[me] -= 1
            self._open += Counter()  # forgets those who have none


async def _still(request: Request, who: Principal) -> bool:
    """Whether the token that the stream was opened with still says the same."""
    authenticator: Authenticator = request.app.state.authenticator
    try:
        return await authenticator.principal(request.headers) == who
    except Refusal:
        return False
