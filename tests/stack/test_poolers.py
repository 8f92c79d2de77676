"""Behind a pooler: sessions of one's own work, shared ones are refused before anything is asked."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from models.db.engine import make_engine, make_reads, transaction
from models.db.pooling import SharedSession, refuse_shared_sessions
from stack.process import free_port
from tests.stack_fixtures.app import AppStack
from tests.stack_fixtures.pooler import pooled

PGBOUNCER = shutil.which("pgbouncer")


def test_a_server_of_ones_own_is_taken(database_url: str):
    refuse_shared_sessions(database_url)


@pytest.mark.parametrize("warm", [0, 1, 5, 12])
@pytest.mark.parametrize("latest", [True, False])
@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_shared_sessions_are_refused_however_many_there_are(database_url: str, mode: Any, latest: bool, warm: int):
    with (
        pooled(database_url, mode, warm=warm, latest=latest) as url,
        pytest.raises(SharedSession, match=f"{mode} pooling.*pool_mode = session"),
    ):
        refuse_shared_sessions(url)


@pytest.mark.parametrize("size", [1, 2])
def test_a_pooler_with_hardly_a_place_is_refused(database_url: str, size: int):
    with pooled(database_url, "transaction", size=size) as url, pytest.raises(SharedSession):
        refuse_shared_sessions(url)


def test_shared_sessions_are_refused_while_others_use_them(database_url: str):
    ended = threading.Event()

    def using(url: str) -> None:
        with psycopg.connect(url, prepare_threshold=None) as busy:
            while not ended.is_set():
                busy.execute("SELECT pg_sleep(0.002)")
                busy.commit()

    with pooled(database_url, "transaction", size=10, latest=False) as url:
        users = [threading.Thread(target=using, args=(url,)) for _ in range(6)]
        for one in users:
            one.start()
        try:
            for _ in range(5):
                with pytest.raises(SharedSession):
                    refuse_shared_sessions(url)
        finally:
            ended.set()
            for one in users:
                one.join()


@pytest.mark.parametrize("size", [2, 3, 40])
def test_sessions_of_ones_own_are_taken(database_url: str, size: int):
    began = time.monotonic()
    with pooled(database_url, "session", size=size, warm=2) as url:
        refuse_shared_sessions(url)
    assert time.monotonic() - began < 15


def test_sessions_that_nobody_clears_are_refused(database_url: str):
    with pooled(database_url, "session", reset=False) as url, pytest.raises(SharedSession, match="server_reset_query"):
        refuse_shared_sessions(url)


async def test_a_session_behind_a_pooler_is_set_as_it_must_be(database_url: str):
    """Also where the server's own time zone is another one."""
    name = urlsplit(database_url).path.lstrip("/")
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE \"{name}\" SET timezone = 'Asia/Tokyo'")
        try:
            with pooled(database_url, "session") as url:
                engine = make_engine(url)
                for _ in range(4):
                    with transaction(engine, "org_x") as tx:
                        assert tx.now.tzinfo is not None
                        assert tx.now.utcoffset() == UTC.utcoffset(None)
                        assert tx.scalar("SELECT current_user") == "arflow_app"
                engine.dispose()
                reads = make_reads(url)
                row = await reads.fetch(
                    "org_x", "SELECT current_setting('timezone'), current_user::text, now()::text", {}
                )
                await reads.close()
                assert row is not None
                assert row[:2] == (b"UTC", b"arflow_app")
                assert (row[2] or b"").endswith(b"+00")
        finally:
            owner.execute(f'ALTER DATABASE "{name}" RESET timezone')


@pytest.mark.parametrize("command", ["api", "worker", "migrate"])
def test_no_process_starts_behind_a_pooler_that_shares_sessions(app_stack: AppStack, database_url: str, command: str):
    with pooled(database_url, "transaction", warm=3) as url:
        environment = {**app_stack.environment, "ARFLOW_DATABASE_URL": url, "ARFLOW_PORT": str(free_port()),
                       "ARFLOW_WORKER_METRICS_PORT": str(free_port())}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", command], env=environment, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
    assert done.returncode == 1, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("arflow: ")]
    assert len(said) == 1, done.stderr
    assert "shares sessions" in said[0]
    assert "docs/operations.md" in said[0]
    assert "Traceback" not in done.stderr


# the real one, where it is installed


@contextmanager
def pgbouncer(database_url: str, mode: str, home: Path, **more: str) -> Iterator[str]:
    there, port = urlsplit(database_url), free_port()
    name, host = there.path.lstrip("/"), parse_qs(there.query)["host"][0]
    home.chmod(0o755)
    settings = {"listen_addr": "127.0.0.1", "listen_port": str(port), "auth_type": "any", "pool_mode": mode,
                "unix_socket_dir": "", "default_pool_size": "40", "max_client_conn": "200"} | more  # fmt: skip
    lines = [f"{k} = {v}" for k, v in settings.items()]
    at = f"{name} = host={host} dbname={name} user=postgres"
    (home / "pgbouncer.ini").write_text("\n".join(["[databases]", at, "[pgbouncer]", *lines, ""]))
    # It does not run as root; the server's socket is open to its own account, and to root, alone.
    account = ["-u", Path(host).owner()] if os.geteuid() == 0 else []
    with (home / "log").open("w") as log:
        process = subprocess.Popen([str(PGBOUNCER), *account, str(home / "pgbouncer.ini")], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, (home / "log").read_text()
                assert process.poll() is None, (home / "log").read_text()
                time.sleep(0.05)
        yield f"postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=disable"
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
@pytest.mark.parametrize(
    ("mode", "more"),
    [("transaction", {}), ("transaction", {"server_round_robin": "1"}), ("transaction", {"default_pool_size": "1"}),
     ("statement", {}), ("session", {"server_reset_query": ""})],
)  # fmt: skip
def test_pgbouncer_that_shares_sessions_is_refused(database_url: str, tmp_path: Path, mode: str, more: dict[str, str]):
    with pgbouncer(database_url, mode, tmp_path, **more) as url:
        for _ in range(3):
            with pytest.raises(SharedSession):
                refuse_shared_sessions(url)


@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
@pytest.mark.parametrize("more", [{}, {"default_pool_size": "2"}, {"server_round_robin": "1"}])
def test_pgbouncer_with_sessions_of_ones_own_is_taken(database_url: str, tmp_path: Path, more: dict[str, str]):
    with pgbouncer(database_url, "session", tmp_path, **more) as url:
        refuse_shared_sessions(url)
        engine = make_engine(url)
        with transaction(engine, "org_x") as tx:
            assert tx.scalar("SELECT current_setting('timezone')") == "UTC"
        engine.dispose()
