"""PostgreSQL of the production shape: initialised by the script of the container, backed up and restored as the runbook says."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import psycopg

from stack.postgres import EmbeddedPostgres, binaries
from stack.process import end, free_port

ROOT = Path(__file__).parents[2]
PASSWORD = "trial"
Span = tuple[float, float]
"""From when to when, by the monotonic clock."""
ADMITTED = """local all all trust
host all all 127.0.0.1/32 scram-sha-256
host replication replicator 127.0.0.1/32 scram-sha-256
"""


class Database:
    """A server at a port of its own. The log of one that is `archived` goes to `backups/wal` as it is written."""

    def __init__(self, home: Path, name: str = "postgres", *, archived: bool = True) -> None:
        self.archived = archived
        self.port = free_port()
        self.embedded = EmbeddedPostgres(data=home / name, log=home / f"{name}.log", port=self.port)
        self.process: asyncio.subprocess.Process | None = None
        self.backups = home / f"{name}-backups"
        (self.backups / "wal").mkdir(parents=True)

    def url(self, login: str, database: str = "arflow", *, port: int | None = None) -> str:
        return f"postgresql://{login}:{PASSWORD}@127.0.0.1:{port or self.port}/{database}"

    async def start(self) -> None:
        kept = f"{self.backups}/wal/%f"
        archive = f"if test -f {kept}; then cmp -s %p {kept}; else cp %p {kept}.part && mv {kept}.part {kept}; fi"
        more = {"max_connections": "300", "wal_compression": "on"}
        more |= {"archive_timeout": "60", "archive_command": archive} if self.archived else {}
        self.process = await self.embedded.start(more)

    async def first_start(self) -> None:
        """Nobody comes in without a password but by the socket, which is its account's alone."""
        await self.start()
        data = self.embedded.data
        owner = data.stat()
        (data / "pg_hba.conf").write_text(ADMITTED)
        for path in (data / "pg_hba.conf", self.backups, self.backups / "wal"):
            os.chown(path, owner.st_uid, owner.st_gid)
        with psycopg.connect(self.embedded.url("postgres"), autocommit=True) as c:
            c.execute("SELECT pg_reload_conf()")
            c.execute(f"CREATE ROLE replicator LOGIN REPLICATION PASSWORD '{PASSWORD}'")
            c.execute("DROP DATABASE arflow")
        environment = {
            "PATH": f"{binaries()}:{os.environ['PATH']}", "PGHOST": str(self.embedded.socket_directory),
            "PGPORT": str(self.port),
        } | {f"{name}_PASSWORD": PASSWORD for name in ("ARFLOW_OWNER", "ARFLOW_APP", "TEMPORAL")}  # fmt: skip
        _run([ROOT / "deploy" / "postgres" / "10-databases.sh"], environment)

    async def away(self, how: signal.Signals) -> Span:
        """End it by this signal, start it again; from when to when nobody was served."""
        began = time.monotonic()
        assert self.process is not None
        await end(self.process, how, 30)
        await self.start()
        return began, time.monotonic()

    def back_up(self) -> None:
        """A base backup, over the wire."""
        into = self.backups / "base"
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "replicator", "--no-password"]
        how: list[str | Path] = ["-D", into, "-X", "stream", "-c", "fast"]
        _run([binaries() / "pg_basebackup", *where, *how], os.environ | {"PGPASSWORD": PASSWORD})

    async def restore(self, to: datetime, seconds: float = 300) -> None:
        """To this second, from the base backup and the log; what was there lies beside, in `….before`."""
        assert self.process is not None
        await end(self.process, signal.SIGINT, 60)
        data = self.embedded.data
        owner, before = data.stat(), data.with_name(f"{data.name}.before")
        data.rename(before)
        await asyncio.to_thread(_run, ["cp", "-a", self.backups / "base", data], os.environ)
        (data / "recovery.signal").touch()
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f"restore_command = 'cp {self.backups}/wal/%f %p || cp {before}/pg_wal/%f %p'\n"
                f"recovery_target_time = '{to.isoformat()}'\nrecovery_target_action = 'promote'\n"
            )
        for path in (data, *data.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        await self.start()
        deadline = time.monotonic() + seconds
        while await asyncio.to_thread(self._recovering):
            assert time.monotonic() < deadline, self.embedded.log
            await asyncio.sleep(0.2)

    def _recovering(self) -> bool:
        with psycopg.connect(self.embedded.url("postgres")) as c:
            return c.execute("SELECT pg_is_in_recovery()").fetchone() != (False,)

    async def end(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):  # it ended just then
                await end(self.process, signal.SIGQUIT, 10)
        self.embedded.discard()
        shutil.rmtree(self.backups, ignore_errors=True)


def _run(command: list[str | Path], environment: Mapping[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-1000:]}{done.stderr[-1000:]}"
