"""What is for operators is served by a port of its own: one process in production, asked through both of its sockets."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.process import free_port, last_lines
from tests.stack_fixtures.app import run_process

OPERATORS = ("/metrics", "/readyz", "/readyz?verbose", "/docs", "/openapi.json")
SPELT = (
    "/metrics/", "//metrics", "/%6detrics", "/METRICS", "/./metrics", "/x/../metrics", "/metrics;x", "/metrics%00", "/docs/",
    "http://127.0.0.1:{inner}/metrics", "/static/../metrics", "/healthz/../metrics", "/static/%2e%2e/metrics",
)  # fmt: skip
BUSINESS = ("/v1/invoices", "/mcp", "/confirm/prop_1", "/.well-known/oauth-protected-resource")


@pytest.fixture(scope="module")
def doors(
    quiet_database_url: str, temporal_address: str, temporal_namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, int]]:
    """The public and the inner port of an API in production. Its identity provider is away: nobody signs in here."""
    home, public, inner = tmp_path_factory.mktemp("doors"), free_port(), free_port()
    environment = {
        **os.environ, "ARFLOW_ENV": "production", "ARFLOW_HOME": str(home), "ARFLOW_PORT": str(public),
        "ARFLOW_INTERNAL_PORT": str(inner), "ARFLOW_DATABASE_URL": quiet_database_url,
        "ARFLOW_TEMPORAL_ADDRESS": temporal_address, "ARFLOW_TEMPORAL_NAMESPACE": temporal_namespace,
        "ARFLOW_OIDC_ISSUER": "https://idp.invalid", "ARFLOW_OIDC_AUDIENCE": "arflow", "ARFLOW_DRAIN_SECONDS": "0",
    }  # fmt: skip
    api = run_process("api", home, environment)
    try:
        _listening(public, home)
        yield public, inner
    finally:
        api.terminate()
        api.wait(30)


def _listening(port: int, home: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if asked(port, "/healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("\n".join(last_lines(home / "api.log", 30)))


def asked(port: int, path: str, host: str = "ar.example.com") -> tuple[int, bytes]:
    """The status and the whole answer to a request as it is written here."""
    with socket.create_connection(("127.0.0.1", port), 20) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := s.recv(65536):
            answer += piece
    return int(answer.split(b" ", 2)[1]), answer


def test_each_socket_serves_its_own_and_says_that_there_is_nothing_else(doors: tuple[int, int]) -> None:
    public, inner = doors
    inside = {path: asked(inner, path)[0] for path in OPERATORS}
    assert inside == {path: 503 if "readyz" in path else 200 for path in OPERATORS}, "its identity provider is away"
    for path in OPERATORS:
        status, answer = asked(public, path)
        assert (status, b'"code":"NOT_FOUND"' in answer.replace(b": ", b":")) == (404, True), path
    assert asked(public, "/metrics", f"127.0.0.1:{inner}")[0] == 404, "whatever the request calls itself"
    for spelt in SPELT:
        status, answer = asked(public, spelt.format(inner=inner))
        assert status in (400, 404), spelt
        assert b"arflow_build_info" not in answer
    assert [asked(port, "/healthz")[0] for port in doors] == [200, 200]
    assert {path: asked(inner, path)[0] for path in BUSINESS} == dict.fromkeys(BUSINESS, 404)
    assert all(asked(public, path)[0] != 404 for path in BUSINESS)
