"""The faults of the trial, each as it would come: servers that end or stand still, alone and in pairs; a restore at the end."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2

from tests.production import load
from tests.production.database import Span
from tests.production.identity import IdentityProvider
from tests.production.load import Caller, Told
from tests.production.shape import Build, Production

NOW = Build("1.0.0")
LOST_SECONDS = 60.0
"""How far back the restore goes."""
APIS, WORKERS = ("api-1", "api-2"), ("worker-1", "worker-2")


@dataclass
class Trial:
    """The shape, when PostgreSQL was away of it, and from when to when all was stopped for a restore."""

    shape: Production
    told: Told = field(default_factory=Told)
    """What the callers are told."""
    away: list[Span] = field(default_factory=list)
    restored: Span | None = None
    backed_up: float = 0.0
    signed_in: Callable[[], None] = lambda: None
    """Some of the callers sign in anew."""
    lost: str = ""
    """A change that nobody repeats."""
    gone: int = 0
    """Runs that the sweep has ended because their record is gone."""

    @property
    def identity(self) -> IdentityProvider:
        """Who issues tokens."""
        assert self.shape.identity is not None
        return self.shape.identity

    @property
    def stopped(self) -> Sequence[Span]:
        """When nobody could be served: that is nobody's wait."""
        return [*self.away, *([self.restored] if self.restored else [])]

    async def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        self.away.append(await self.shape.postgresql_away(how))

    async def rolled(self) -> None:
        """Both APIs and both workers made anew, one after the other, each when the one before is ready."""
        for name in (*APIS, *WORKERS):
            assert await self.shape.stop(name) == 0
            self.shape.start(name, NOW)
            if name.startswith("api-"):
                await self.shape.ready(name)
            await asyncio.sleep(5)  # the proxy sees it, too

    async def backup(self) -> None:
        """Under load, as every night."""
        await asyncio.to_thread(self.shape.postgres.back_up)
        self.backed_up = time.monotonic()

    async def nobody_signs_in(self, seconds: float = 30) -> None:
        """The identity provider is away, and comes back with another key: an API that had its keys serves on and says so, one
        that is started meanwhile says that it cannot. Half of the callers keep the tokens they have."""
        began, known = time.monotonic(), self.identity.kid
        await asyncio.to_thread(self.identity.kept.end)
        self.shape.kill("api-2")
        said = await self.told_by("api-1", lambda ready: "IDENTITY_PROVIDER_AWAY" in str(ready.get("trouble")))
        assert (said["status"], said["missing"]) == ("degraded", ["identity_provider"]), said
        said = await self.told_by("api-2", lambda ready: "identity_provider" in str(ready.get("missing")))
        assert said["status"] == 503, said
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        self.identity.new_key()
        self.identity.kept.start()
        await asyncio.to_thread(self.identity.wait)
        assert self.identity.kid != known
        await asyncio.to_thread(self.signed_in)
        await self.shape.ready(*APIS)

    async def told_by(
        self, name: str, sought: Callable[[Mapping[str, object]], bool], seconds: float = 240
    ) -> Mapping[str, object]:
        """What this API says of itself, once it is what is sought."""
        url = f"http://127.0.0.1:{self.shape.ports[int(name[4:]) - 1]}/readyz?verbose"
        deadline, said = time.monotonic() + seconds, {}
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as asking:
            while time.monotonic() < deadline:
                with suppress(httpx2.HTTPError):
                    said = (await asking.get(url)).json()
                    if sought(said):
                        return said
                await asyncio.sleep(0.5)
        raise AssertionError(f"{name} says {said}")

    async def restore(self, clerk: Caller) -> None:
        """PostgreSQL as it was a minute ago beside a Temporal that has gone on, as the runbook says, while callers go on
        asking. They are told the second, and repeat what was answered since."""
        if not self.backed_up:
            await self.backup()
        await asyncio.sleep(max(0.0, self.backed_up + LOST_SECONDS + 5 - time.monotonic()))
        self.lost = await asyncio.to_thread(load.submitted, clerk)
        began, to = time.monotonic(), datetime.now(UTC) - timedelta(seconds=LOST_SECONDS)
        for name in (*APIS, *WORKERS):
            assert await self.shape.stop(name) == 0
        await self.shape.postgres.restore(to)
        await asyncio.to_thread(self.shape.command, NOW, "migrate")
        await asyncio.to_thread(self.shape.command, NOW, "verify")
        self.shape.start("worker-1", NOW)
        self.told.since = began - LOST_SECONDS - 1
        for name in (*APIS, "worker-2"):
            self.shape.start(name, NOW)
        await self.shape.ready(*APIS)
        self.restored = began, time.monotonic()

    async def swept(self, seconds: float = 120) -> None:
        """Until `arflow resume` finds nothing more; what of it is gone."""
        deadline = time.monotonic() + seconds
        while "nothing open lacks" not in (said := await asyncio.to_thread(self.shape.command, NOW, "resume")):
            self.gone += sum(int(line.split()[0]) for line in said.splitlines() if "RECORD_GONE" in line)
            assert time.monotonic() < deadline, said
            await asyncio.sleep(5)


def faults(at: Trial, clerk: Caller) -> Mapping[str, Callable[[], Awaitable[None]]]:
    """Each of the trial, then servers in pairs, then what is lost altogether."""
    shape = at.shape

    async def kill(*names: str) -> None:
        shape.kill(*names)

    async def cut() -> None:
        await asyncio.to_thread(shape.proxy.cut)

    async def both(*what: Awaitable[None]) -> None:
        await asyncio.gather(*what)

    return {
        "an API killed": lambda: kill("api-1"),
        "a worker killed": lambda: kill("worker-1"),
        "Temporal stands still for 20 s": lambda: shape.stand_still(20),
        "PostgreSQL restarted": at.restart,
        "every connection cut": cut,
        "Temporal killed": lambda: kill("Temporal"),
        "PostgreSQL killed": lambda: at.restart(signal.SIGKILL),
        "the identity provider away for 30 s, then with another key": at.nobody_signs_in,
        "everything of ours made anew": at.rolled,
        "a base backup taken": at.backup,
        "an API and a worker killed": lambda: kill("api-2", "worker-2"),
        "both workers killed": lambda: kill("worker-1", "worker-2"),
        "a worker and Temporal killed": lambda: kill("worker-1", "Temporal"),
        "PostgreSQL restarted while Temporal stands still": lambda: both(at.restart(), shape.stand_still(10)),
        "PostgreSQL and an API killed": lambda: both(at.restart(signal.SIGKILL), kill("api-1")),
        "PostgreSQL and a worker killed": lambda: both(at.restart(signal.SIGKILL), kill("worker-2")),
        "an API and Temporal killed": lambda: kill("api-1", "Temporal"),
        "connections cut while Temporal stands still": lambda: both(cut(), shape.stand_still(10)),
        "PostgreSQL restored to a minute ago": lambda: at.restore(clerk),
    }
