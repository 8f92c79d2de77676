"""What a running stack tells the commands beside it: one lock and one file in the state directory."""

import asyncio
import fcntl
import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from settings import Settings
from stack.postgres import EmbeddedPostgres
from stack.process import StackError, end

ATTACH_SECONDS = 60


@dataclass(frozen=True)
class RunningStack:
    """Addresses of a running stack."""

    pid: int
    base_url: str
    database_url: str
    temporal_address: str
    temporal_namespace: str
    parts: dict[str, int] = field(default_factory=dict)
    """Process id of each part, as it runs now."""

    def environment(self) -> dict[str, str]:
        """The variables with which a child process finds the same parts."""
        return {
            "ARFLOW_DATABASE_URL": self.database_url,
            "ARFLOW_TEMPORAL_ADDRESS": self.temporal_address,
            "ARFLOW_TEMPORAL_NAMESPACE": self.temporal_namespace,
        }

    def write(self, home: Path) -> None:
        """Tell it to the commands beside us; only our own account may read it."""
        draft = home / ".runtime.json"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(home / "runtime.json")

    @staticmethod
    def forget(home: Path) -> None:
        """The stack has ended."""
        (home / "runtime.json").unlink(missing_ok=True)

    @classmethod
    def read(cls, home: Path) -> "RunningStack | None":
        """The stack of this state directory, as it was last told; it may have been killed since."""
        try:
            return cls(**json.loads((home / "runtime.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None


@contextmanager
def owned(home: Path, *, wait: float) -> Iterator[None]:
    """Be the one process that runs the embedded parts of this state directory. StackError after `wait` seconds.

    A lock of the kernel, so it ends with the process however that ends.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("w") as handle:
        deadline = time.monotonic() + wait
        while not _try_lock(handle.fileno()):
            if time.monotonic() > deadline:
                raise StackError(f"a stack already runs in {home}; end it, or set ARFLOW_HOME to another directory")
            time.sleep(0.1)
        yield


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The owner's URL of the database that belongs to these settings, for a command beside the stack.

    An external one (ARFLOW_DATABASE_URL), else the one of the running stack, else the embedded one, started for as
    long as the command takes. In production only the first exists (SettingsError).
    """
    if settings.database_url is not None or settings.production:
        yield settings.owner_url()
        return
    with ExitStack() as held:
        yield _attach(settings.home, held)


@contextmanager
def books(settings: Settings) -> Iterator[str]:
    """`database`, of a stack that has been up: StackError where it never was, so that nothing is begun by asking."""
    embedded = settings.database_url is None and not settings.production
    if embedded and not EmbeddedPostgres.in_home(settings.home).data.exists():
        raise StackError(
            f"nothing is kept in {settings.home.resolve()} yet: `make up` begins it, ARFLOW_HOME names another"
        )
    with database(settings) as url:
        with psycopg.connect(url) as connection:
            if connection.execute("SELECT to_regclass('public.organisations')").fetchone() == (None,):
                raise StackError("the database has no tables yet: run `arflow migrate`")
        yield url


def place(settings: Settings) -> str:
    """Where what a command wrote has gone, in words."""
    if settings.database_url is None:
        return f"the stack of {settings.home.resolve()}"
    parts = conninfo_to_dict(settings.owner_url())
    return f"the database {parts.get('dbname')} at {parts.get('host') or 'localhost'}"


def _attach(home: Path, held: ExitStack) -> str:
    """The URL of the running stack's database; else start it, to be ended with `held`."""
    deadline = time.monotonic() + ATTACH_SECONDS
    while True:
        try:
            held.enter_context(owned(home, wait=0))
        except StackError:
            running = RunningStack.read(home)
            if running is not None and _answers(running.database_url):
                return running.database_url
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return held.enter_context(_started(EmbeddedPostgres.in_home(home)))


@contextmanager
def _started(server: EmbeddedPostgres) -> Iterator[str]:
    with asyncio.Runner() as runner:
        process = runner.run(server.start())
        try:
            yield server.url()
        finally:
            runner.run(end(process, signal.SIGINT, 15))
            server.forget_socket()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True
