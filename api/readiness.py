"""What the API needs in order to serve: named checks, added by the composition root, examined by `/readyz`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import structlog

log = structlog.get_logger("arflow.api")

TIMEOUT_SECONDS: Final = 2.0
AID_TIMEOUT_SECONDS: Final = 0.8
"""For what may be away: its silence must not cost the process its place in a balancer that asks for a second."""

Check = Callable[[], Awaitable[str | None]]
"""Returns None where all is well, else a short sentence that is fit for the outside. It may also raise."""


class Readiness:
    """The checks of one process. A process that is shutting down is not ready, so that no new requests come."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._essential: dict[str, Callable[[], bool] | bool] = {}
        self._since: dict[str, datetime] = {}
        self._said: dict[str, str | None] = {}
        self.draining = False

    def add(self, name: str, check: Check, *, essential: Callable[[], bool] | bool = True) -> None:
        """Examine `name` ("database", "temporal", "migrations") by this check. What is not essential, at the time that is
        asked, may be away: the process serves all that does not need it."""
        self._checks[name] = check
        self._essential[name] = essential

    def prevents(self, name: str) -> bool:
        """Whether nothing can be served without it."""
        essential = self._essential.get(name, True)
        return essential() if callable(essential) else essential

    def since(self, name: str) -> datetime | None:
        """When its problem was first seen."""
        return self._since.get(name)

    async def examine(self) -> dict[str, str | None]:
        """Each name with its problem or None; a check that raises or dawdles is a problem."""
        problems = await asyncio.gather(*(self._run(name, check) for name, check in self._checks.items()))
        found = dict(zip(self._checks, problems, strict=True))
        now = datetime.now(UTC)
        self._since = {name: self._since.get(name, now) for name, problem in found.items() if problem is not None}
        self._say(found)
        if self.draining:
            found["process"] = "shutting down"
        return found

    def _say(self, found: Mapping[str, str | None]) -> None:
        """Into the log, once for as long as it is the same: whoever asks does so every second."""
        for name, problem in found.items():
            if problem != self._said.get(name):
                log.warning("not ready", check=name, why=problem) if problem else log.info("ready again", check=name)
        self._said = dict(found)

    async def _run(self, name: str, check: Check) -> str | None:
        try:
            return await asyncio.wait_for(check(), TIMEOUT_SECONDS if self.prevents(name) else AID_TIMEOUT_SECONDS)
        except TimeoutError:
            return "no answer in time"
        except Exception as error:
            log.debug("not examined", check=name, error=type(error).__name__)
            return "does not answer"
