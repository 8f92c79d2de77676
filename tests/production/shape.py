"""The production shape on this machine: two APIs and two workers on PostgreSQL and Temporal, behind the proxy as shipped."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stack.checkers import find_haproxy, find_oidc_provider, find_temporal_server
from stack.process import free_port
from tests.production.certificates import Authority
from tests.production.database import Database, Span
from tests.production.identity import AUDIENCE, IdentityProvider, identity_provider
from tests.production.processes import Kept
from tests.production.servers import NAMESPACE, Proxy, namespace, temporal
from tests.stack_fixtures.app import Access

APIS = 4
"""Places behind the proxy: two builds of two."""


@dataclass(frozen=True)
class Build:
    """What processes run: its name, and where its code lies; None: here."""

    name: str
    tree: Path | None = None

    def environment(self) -> dict[str, str]:
        return {"ARFLOW_BUILD_ID": self.name} | ({"PYTHONPATH": str(self.tree)} if self.tree else {})


@dataclass
class Production(Access):
    """What runs, and how it is reached: `base_url` is the proxy's. `arflow` commands hold the owner's login."""

    postgres: Database = field(init=False)
    store: Database = field(init=False)
    """Temporal's own: so one of the two can be restored beside the other as it is."""
    temporal: Kept = field(init=False)
    proxy: Proxy = field(init=False)
    ports: list[int] = field(default_factory=list)
    running: dict[str, Kept] = field(default_factory=dict)
    identity: IdentityProvider | None = None
    """Who issues tokens; None: they are of development."""

    def token(self, org: str, user: str, *roles: str, entities: tuple[str, ...] = ()) -> str:
        """A bearer token: what the person gets who signs in."""
        if self.identity is None:
            return super().token(org, user, *roles, entities=entities)
        return self.identity.token(org, user, roles, entities)

    def url(self, login: str) -> str:
        """Of the database, through a wire that can be cut."""
        return self.postgres.url(login, port=self.proxy.wires["postgres"])

    def start(self, name: str, build: Build) -> Kept:
        """`api-1` to `api-4` have a place behind the proxy; `worker-…`."""
        own = {"ARFLOW_DATABASE_URL": self.url("arflow_app_login")}
        if name.startswith("api-"):
            own["ARFLOW_PORT"] = str(self.ports[int(name[4:]) - 1])
        command = [sys.executable, "-m", "cli.main", name.partition("-")[0]]
        kept = Kept(name, command, self.home / f"{name}.log", self.environment | build.environment() | own, build.tree)
        kept.start()
        self.running[name] = kept
        return kept

    def command(self, build: Build, *words: str) -> str:
        """An `arflow` command of this build, with the owner's login; what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *words], env=self.environment | build.environment(), cwd=build.tree,
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"arflow {' '.join(words)} of {build.name}: {done.stdout}{done.stderr}"
        return done.stdout

    async def ready(self, *names: str, seconds: float = 240) -> None:
        """Until each of these APIs says so, by itself."""
        for name in names:
            own = Access(f"http://127.0.0.1:{self.ports[int(name[4:]) - 1]}", self.environment)
            await asyncio.to_thread(own.wait_ready, seconds)

    async def stop(self, name: str) -> int:
        """In good order; its exit code."""
        kept = self.running.pop(name)
        return await asyncio.to_thread(kept.end)

    def kill(self, *names: str) -> None:
        """SIGKILL; they come back."""
        for name in names:
            (self.temporal if name == "Temporal" else self.running[name]).tell(signal.SIGKILL)

    async def postgresql_away(self, how: signal.Signals) -> Span:
        """Both servers end by this signal and are started again; from when to when one of them was not there."""
        spans = await asyncio.gather(*(one.away(how) for one in (self.postgres, self.store)))
        return min(began for began, _ in spans), max(until for _, until in spans)

    async def stand_still(self, seconds: float) -> None:
        """Temporal answers nothing, and no connection to it ends."""
        self.temporal.tell(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.temporal.tell(signal.SIGCONT)

    async def keep_up(self) -> None:
        """What ends is started again, as long as this is not cancelled."""
        while True:
            for kept in (self.temporal, self.proxy.kept, *self.running.values()):
                kept.look()
            await asyncio.sleep(0.2)

    def unexpected(self) -> list[str]:
        """Processes that ended though nobody killed them, and tracebacks in what ours said."""
        said = [f"{k.name} ended with {code}" for k in self.running.values() for code in k.codes if code >= 0]
        for log in sorted(self.home.glob("*.log")):
            if log.name.startswith(("api-", "worker-")):
                found = re.findall(r"^Traceback.*(?:\n.+)*|.*\"level\": \"(?:critical)\".*", log.read_text(), re.M)
                said += [f"{log.name}: {text[-1500:]}" for text in found]
        return said


@asynccontextmanager
async def production(home: Path, company: Authority | None = None, **variables: str) -> AsyncIterator[Production]:
    """The servers, with the proxy before places that are empty yet; of a company, whose identity provider they trust, in
    production mode. Skips where they are not to be had."""
    haproxy, server = find_haproxy(), find_temporal_server()
    if haproxy is None or (company is not None and find_oidc_provider() is None):
        pytest.skip("no HAProxy, or no OpenID Connect provider: `python -m stack.prepare soak` says why")
    made = Production("", {})
    made.postgres, made.store = Database(home), Database(home, "postgres-of-temporal", archived=False)
    made.identity = identity_provider(home, company) if company else None
    made.ports = [free_port() for _ in range(APIS)]
    proxy: Proxy | None = None
    keeper: asyncio.Task[None] | None = None
    try:
        await asyncio.gather(made.postgres.first_start(), made.store.first_start())
        made.temporal, frontend = await asyncio.to_thread(temporal, server, home, made.store)
        made.proxy = proxy = Proxy(haproxy, home, made.ports, {"postgres": made.postgres.port, "temporal": frontend})
        made.base_url = f"http://127.0.0.1:{proxy.port}"
        made.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ARFLOW_")},
            "ARFLOW_HOME": str(home),
            "ARFLOW_DATABASE_URL": made.postgres.url("arflow_owner"),
            "ARFLOW_TEMPORAL_ADDRESS": f"127.0.0.1:{proxy.wires['temporal']}",
            "ARFLOW_TEMPORAL_NAMESPACE": NAMESPACE,
            "ARFLOW_DRAIN_SECONDS": "5",
            **(_in_production(company, made.identity) if company and made.identity else {}),
            **variables,
        }
        if made.identity is not None:
            made.identity.kept.start()
            await asyncio.to_thread(made.identity.wait)
        made.temporal.start()
        proxy.start()
        await namespace(f"127.0.0.1:{frontend}")
        keeper = asyncio.create_task(made.keep_up())
        yield made
        assert not keeper.done(), keeper.exception()
    finally:
        if keeper is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        for kept in made.running.values():
            kept.end(20)
        if proxy is not None:
            proxy.end()
            made.temporal.tell(signal.SIGCONT)
            made.temporal.tell(signal.SIGKILL)
            made.temporal.end()
        if made.identity is not None:
            made.identity.kept.end()
        await asyncio.gather(made.postgres.end(), made.store.end())


def _in_production(company: Authority, identity: IdentityProvider) -> Mapping[str, str]:
    return {
        "ARFLOW_ENV": "production",
        "ARFLOW_OIDC_ISSUER": identity.issuer,
        "ARFLOW_OIDC_AUDIENCE": AUDIENCE,
        "ARFLOW_SIGNING_KEY_FILE": str(company.signing),
        "ARFLOW_SIGNING_PUBLIC_KEYS_FILE": str(company.signing_public),
        "ARFLOW_AUTHORITIES_FILE": str(company.authority),
    }


def folder() -> Path:
    """A short path of its own, which PostgreSQL's account can reach."""
    made = Path(tempfile.mkdtemp(prefix="arflow-production-"))
    made.chmod(0o755)
    return made
