"""Backups of the embedded PostgreSQL: a base backup each, and from the first one on the log of everything written since.

`DIR/base-<time>` is a base backup, `DIR/base-<time>.json` the length and digest of each file of it, written last: one that was
cut short has none. `DIR/wal` is where the server has put each finished segment of its log since. A restore looks at all of it
before it touches anything, recovers beside what is there, and changes places with it at the end; what was there stays,
under another name.
"""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg

from stack.postgres import ARCHIVE_TO, EmbeddedPostgres, binaries, server_account
from stack.process import StackError, end

_RECOVERY_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class Base:
    """One base backup: from when on (`ended_at`) it can be restored to; length and digest of each of its files."""

    folder: Path
    ended_at: datetime
    files: Mapping[str, str]


def back_up(server: EmbeddedPostgres, url: str, into: Path) -> Base:
    """Take a base backup of a running server, verified; from now on its log is kept beside. StackError."""
    wal = into / "wal"
    wal.mkdir(parents=True, exist_ok=True)
    _to_the_server(wal, server)
    (server.data / ARCHIVE_TO).write_text(str(into.absolute()))
    _to_the_server(server.data / ARCHIVE_TO, server)
    draft = into / f"draft-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    host = str(server.socket_directory)
    _tool("pg_basebackup", "-h", host, "-U", "postgres", "-D", draft, "-X", "stream", "-c", "fast", "--no-password")
    with psycopg.connect(url, autocommit=True) as c:
        found = c.execute("SELECT now(), pg_switch_wal()").fetchone()
    assert found is not None
    ended_at: datetime = found[0].astimezone(UTC)
    made = into / f"base-{ended_at:%Y%m%dT%H%M%S%fZ}"
    draft.rename(made)
    note = draft.with_suffix(".json")
    note.write_text(json.dumps({"ended_at": ended_at.isoformat(), "files": _sums(made)}))
    note.rename(made.with_suffix(".json"))  # last: one that was cut short has no note
    return Base(made, ended_at, {})


def restore(home: Path, source: Path, to: datetime | None) -> tuple[Base, Path | None]:
    """Bring the embedded database of a state directory to what it was at the end of the newest backup, or at that time.

    The backup that was used, and where the database of before lies now. StackError, and nothing is changed, where a backup is
    not whole, or does not reach that time."""
    base = _chosen(source, to)
    _must_be_whole(base)
    server = EmbeddedPostgres.in_home(home)
    draft = replace(server, data=home / "postgres.restored")
    shutil.rmtree(draft.data, ignore_errors=True)
    server.log.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(base.folder, draft.data, symlinks=True)
        (draft.data / "recovery.signal").touch()
        _to_the_server(draft.data, server)
        asyncio.run(_recover(draft, _options(source, server, to)))
    except BaseException:
        shutil.rmtree(draft.data, ignore_errors=True)
        raise
    before = None
    if server.data.exists():
        before = home / f"postgres.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        server.data.rename(before)
    draft.data.rename(server.data)
    return base, before


def _chosen(source: Path, to: datetime | None) -> Base:
    found = []
    for note in sorted(source.glob("base-*.json")):
        folder = note.with_suffix("")
        if folder.is_dir():
            said = json.loads(note.read_text())
            found.append(Base(folder, datetime.fromisoformat(said["ended_at"]), said["files"]))
    if not found:
        raise StackError(f"there is no whole backup in {source}")
    fit = [b for b in found if to is None or b.ended_at <= to]
    if not fit:
        raise StackError(f"{source} reaches back to {found[0].ended_at.isoformat()}, not to {to}")
    return fit[-1]


def _sums(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): _sum(f) for f in sorted(folder.rglob("*")) if f.is_file()}


def _sum(file: Path) -> str:
    with file.open("rb") as content:
        return f"{file.stat().st_size} {hashlib.file_digest(content, 'sha256').hexdigest()}"


def _must_be_whole(base: Base) -> None:
    for name, said in base.files.items():
        file = base.folder / name
        if not file.is_file() or _sum(file) != said:
            raise StackError(f"{base.folder} is not whole: {name} is not what it was; nothing was changed")


def _options(source: Path, server: EmbeddedPostgres, to: datetime | None) -> Mapping[str, str]:
    """How far to recover, and where the log is: what was put away, then what the server of before had not put away yet."""
    if to is not None and to > datetime.now(UTC):
        raise StackError(f"{to.isoformat()} has not come yet")
    put_away, left = source.absolute() / "wal", server.data.absolute() / "pg_wal"
    fetch = f'cp "{put_away}/%f" "%p" 2>/dev/null || cp "{left}/%f" "%p" 2>/dev/null'
    until = {"recovery_target": "immediate"} if to is None else {"recovery_target_time": to.isoformat()}
    return {"restore_command": fetch, "recovery_target_action": "promote", **until}


async def _recover(server: EmbeddedPostgres, options: Mapping[str, str]) -> None:
    process = await server.start(options)
    try:
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while True:
            if process.returncode is not None:
                raise StackError(f"the recovery ended before that time was reached; {server.log} says why")
            if not await asyncio.to_thread(_recovering, server.url("postgres")):
                return
            if time.monotonic() > deadline:
                raise StackError(f"the recovery takes longer than an hour; {server.log}")
            await asyncio.sleep(0.2)
    finally:
        await end(process, signal.SIGINT, 30)
        server.forget_socket()


def _recovering(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5) as c:
            return c.execute("SELECT pg_is_in_recovery()").fetchone() != (False,)
    except psycopg.OperationalError:
        return True


def _to_the_server(path: Path, server: EmbeddedPostgres) -> None:
    """Hand a file or a folder to the account that the server runs as, where that is not ours."""
    path.chmod(0o700 if path.is_dir() else 0o600)
    account = server_account(server.data)
    if account is None:
        return
    os.chown(path, account.uid, account.gid)
    for inside in path.rglob("*") if path.is_dir() else ():
        os.chown(inside, account.uid, account.gid, follow_symlinks=False)


def _tool(name: str, *arguments: str | Path) -> None:
    done = subprocess.run([binaries() / name, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = " | ".join(f"{done.stderr}{done.stdout}".strip().splitlines()[-3:]) or f"exit code {done.returncode}"
        raise StackError(f"{name} failed: {said}")
