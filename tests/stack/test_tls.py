"""Certificates that end: each server's is named where it is looked for, a renewed one is taken, and it is told ahead."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from models.db.tls import why_away
from models.tls import CertificateFile, ends, reason
from stack.postgres import server_account
from stack.process import end, free_port, spawn
from tests.stack_fixtures.app import Access, run_process
from tests.stack_fixtures.tls import Authority, Door

MOMENT = 120.0
EXPIRED = "its certificate has expired"


class Keys(BaseHTTPRequestHandler):
    """What an identity provider publishes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"keys": []}')

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def provider() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Keys)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def until(true: Callable[[], Any], seconds: float = MOMENT) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.3)


@pytest.mark.timeout(400)
def test_a_certificate_that_ended_is_named_and_a_renewed_one_is_taken(
    fresh_database_url: str, temporal_address: str, temporal_namespace: str, authority: Authority, provider: int,
    tmp_path: Path,
) -> None:  # fmt: skip
    ended, good = authority.issue("ended", -1), authority.issue("good", 30)
    ours, ours_ended = authority.issue("ours", 10), authority.issue("ours-ended", -1)
    given = conninfo_to_dict(fresh_database_url)
    host, _, port = temporal_address.partition(":")
    postgres = Door(Path(str(given["host"])) / ".s.PGSQL.5432", ended, postgres=True)
    temporal = Door((host, int(port)), ended, clients=authority.file)
    identity = Door(("127.0.0.1", provider), ended)
    mine = tmp_path / "client.pem", tmp_path / "client.key"
    take(ours_ended, mine)
    with ExitStack() as opened:
        for door in (postgres, temporal, identity):
            opened.enter_context(door.open())
        address = f"postgresql://postgres@127.0.0.1:{postgres.port}/{given['dbname']}"
        environment = {
            **os.environ, "ARFLOW_HOME": str(tmp_path), "ARFLOW_PORT": str(free_port()),
            "ARFLOW_DATABASE_URL": f"{address}?sslmode=verify-full&sslrootcert={authority.file}",
            "ARFLOW_TEMPORAL_ADDRESS": f"127.0.0.1:{temporal.port}", "ARFLOW_TEMPORAL_NAMESPACE": temporal_namespace,
            "ARFLOW_TEMPORAL_TLS_CA_FILE": str(authority.file), "ARFLOW_TEMPORAL_TLS_CERT_FILE": str(mine[0]),
            "ARFLOW_TEMPORAL_TLS_KEY_FILE": str(mine[1]), "ARFLOW_RESUME_SECONDS": "86400",
            "ARFLOW_OIDC_ISSUER": "https://id.example.com", "ARFLOW_OIDC_AUDIENCE": "arflow",
            "ARFLOW_OIDC_JWKS_URL": f"https://127.0.0.1:{identity.port}/keys", "SSL_CERT_FILE": str(authority.file),
        }  # fmt: skip
        at = Access(f"http://127.0.0.1:{environment['ARFLOW_PORT']}", environment)
        processes = {name: run_process(name, tmp_path, environment) for name in ("api", "worker")}
        try:
            unfetched = "its signing keys could not be fetched yet: " + EXPIRED
            expected = {"database": EXPIRED, "temporal": EXPIRED, "identity_provider": unfetched}
            until(lambda: {name: said(at).get(name) for name in expected} == expected)
            until(lambda: f'"why": "{EXPIRED}"' in (tmp_path / "worker.log").read_text())
            for door in (postgres, temporal, identity):
                door.renew(*good)
            # All but our own certificate, which Temporal looks at:
            ours_says = "it says that our certificate has expired"
            until(
                lambda: (
                    said(at) == {"database": "ok", "migrations": "ok", "temporal": ours_says, "identity_provider": "ok"}
                )
            )
            verbose = httpx2.get(f"{at.base_url}/readyz?verbose", timeout=10, trust_env=False).json()
            assert "TLS_CERTIFICATE_ENDS" in verbose["warnings"]
            take(ours, mine)
            processes["api"].terminate()
            assert processes["api"].wait(60) == 0
            processes["api"] = run_process("api", tmp_path, environment)
            until(lambda: said(at).get("temporal") == "ok")
            verbose = httpx2.get(f"{at.base_url}/readyz?verbose", timeout=10, trust_env=False).json()
            assert "TLS_CERTIFICATE_ENDS" in verbose["warnings"], "ten days are left"
            left = {
                one["setting"]: datetime.fromisoformat(one["ends_at"]) - datetime.now(UTC)
                for one in verbose["certificates"]
            }
            assert {name for name, days in left.items() if days < timedelta(days=14)} == {
                "ARFLOW_TEMPORAL_TLS_CERT_FILE"
            }
            assert len(left) == 3, "the authorities of Temporal and PostgreSQL, too"
            metrics = httpx2.get(f"{at.base_url}/metrics", timeout=10, trust_env=False).text
            assert 'arflow_tls_certificate_ends_timestamp_seconds{setting="ARFLOW_TEMPORAL_TLS_CERT_FILE"}' in metrics
        finally:
            for process in processes.values():
                process.terminate()
            assert [p.wait(60) for p in processes.values()] == [0, 0]
    logs = "".join((tmp_path / f"{name}.log").read_text() for name in processes)
    assert "a certificate ends soon" in logs
    assert "Traceback" not in logs


def take(made: tuple[Path, Path], into: tuple[Path, Path]) -> None:
    for source, target in zip(made, into, strict=True):
        shutil.copy(source, target)


def said(at: Access) -> dict[str, str]:
    try:
        return dict(httpx2.get(f"{at.base_url}/readyz", timeout=10, trust_env=False).json()["checks"])
    except httpx2.TransportError:
        return {}


async def test_a_postgresql_with_an_expired_certificate_is_told_from_one_that_nobody_trusts(
    authority: Authority, tmp_path: Path
) -> None:
    """libpq says the same of both."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("no PostgreSQL here that speaks TLS: the embedded one does not")
    data, port = tmp_path / "data", free_port()
    account = server_account(data)
    tmp_path.chmod(0o755)
    data.mkdir(mode=0o700)
    if account is not None:
        os.chown(data, account.uid, account.gid)
    log = tmp_path / "postgres.log"
    made = await spawn(
        [found[-1].with_name("initdb"), "-D", data, "-U", "postgres", "-A", "trust"], log=log, account=account
    )
    assert await made.wait() == 0
    certificate, key = authority.issue("server", -1)
    for file in (certificate, key):
        shutil.copy(file, data)
        if account is not None:
            os.chown(data / file.name, account.uid, account.gid)
    flags = {
        "ssl": "on", "ssl_cert_file": certificate.name, "ssl_key_file": key.name, "port": str(port),
        "unix_socket_directories": "", "listen_addresses": "127.0.0.1", "fsync": "off",
    }  # fmt: skip
    settings = [part for name, value in flags.items() for part in ("-c", f"{name}={value}")]
    server = await spawn([found[-1], "-D", data, *settings], log=log, account=account)
    try:
        async with asyncio.timeout(60):
            while await asyncio.to_thread(refused, port, "sslmode=require") is not None:
                await asyncio.sleep(0.2)
        other = tmp_path / "other"
        other.mkdir()
        trusted, strange = authority.file, Authority(other).file
        for root, expected in (
            (trusted, EXPIRED),
            (strange, "its certificate is of an issuer that is not trusted here"),
        ):
            words = f"sslmode=verify-full&sslrootcert={root}"
            error = await asyncio.to_thread(refused, port, words)
            assert error is not None
            assert await asyncio.to_thread(why_away, url(port, words), error) == expected
    finally:
        await end(server, signal.SIGQUIT, 10)


def url(port: int, words: str) -> str:
    return f"postgresql://postgres@127.0.0.1:{port}/postgres?{words}"


def refused(port: int, words: str) -> psycopg.OperationalError | None:
    try:
        psycopg.connect(url(port, words), connect_timeout=5).close()
    except psycopg.OperationalError as error:
        return error
    return None


def test_of_several_authorities_the_last_to_end_counts_and_of_a_chain_the_first(authority: Authority) -> None:
    both = b"".join(authority.issue(f"days-{days}", days)[0].read_bytes() for days in (5, 40))
    days = {whole: (ends(both, authorities=whole) - datetime.now(UTC)).days for whole in (True, False)}
    assert days == {True: 39, False: 4}
    with pytest.raises(ValueError, match="PEM"):
        ends(b"nothing", authorities=True)
    assert CertificateFile("X", authority.file).authorities is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)", EXPIRED),
        ("tls handshake: invalid peer certificate: Expired", EXPIRED),
        ("SSL error: sslv3 alert certificate expired", "it says that our certificate has expired"),
        ("received fatal alert: CertificateExpired", "it says that our certificate has expired"),
        ("received fatal alert: CertificateRequired", "it asks for a certificate of ours"),
        ("invalid peer certificate: UnknownIssuer", "its certificate is of an issuer that is not trusted here"),
        ("invalid peer certificate: certificate not valid for name \"x\"", "its certificate is of another name"),
        ("SSL error: tlsv1 alert unknown ca", "it does not trust our certificate"),
        ("connection refused", None),
        ('FATAL: password authentication failed for user "x"', None),
    ],
)  # fmt: skip
def test_what_libraries_say_of_a_certificate_becomes_one_word(text: str, words: str | None) -> None:
    assert reason(text) == words
