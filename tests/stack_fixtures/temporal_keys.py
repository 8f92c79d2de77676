"""Temporal's own server behind an authorizer: whoever calls shows an API key, a JWT under a key that it has fetched from here."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import jwt
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from google.protobuf.duration_pb2 import Duration
from jwt.algorithms import RSAAlgorithm
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from stack.checkers import TemporalServer
from stack.process import free_port, last_lines, spawn

REFRESHED: Final = 1.0
"""Seconds after which it has fetched the keys anew."""
_SERVICES: Final = ("frontend", "internal-frontend", "history", "matching", "worker")


@dataclass
class Signers:
    """Who signs API keys: each by the name that stands in them; withdrawn, theirs are worth nothing."""

    port: int
    keys: dict[str, RSAPrivateKey] = field(default_factory=dict)

    def api_key(self, signer: str, *permissions: str, seconds: float = 3600) -> str:
        """A key of this signer's, who is made where there is none yet."""
        key = self.keys.setdefault(signer, generate_private_key(65537, 2048))
        said = {"sub": "arflow", "permissions": permissions, "exp": int(time.time() + seconds)}
        return jwt.encode(said, key, algorithm="RS256", headers={"kid": signer})

    def withdraw(self, signer: str) -> None:
        del self.keys[signer]

    def published(self) -> bytes:
        """The public halves."""
        halves = [
            {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": name, "alg": "RS256", "use": "sig"}
            for name, key in self.keys.items()
        ]
        return json.dumps({"keys": halves}).encode()


@contextmanager
def signers() -> Iterator[Signers]:
    """Publishes them at this machine."""

    class Published(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(known.published())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Published)
    known = Signers(server.server_port)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()


def _settings(known: Signers, ports: dict[str, tuple[int, int]]) -> dict[str, Any]:
    store = {
        "pluginName": "sqlite", "databaseName": "default", "connectAddr": "localhost", "connectProtocol": "tcp",
        "connectAttributes": {"mode": "memory", "cache": "private"}, "maxConns": 1, "maxIdleConns": 1,
        "maxConnLifetime": "1h",
    }  # fmt: skip
    here = {"enabled": True, "initialFailoverVersion": 1, "rpcName": "frontend"}
    return {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "numHistoryShards": 1, "defaultStore": "default", "visibilityStore": "visibility",
            "datastores": {"default": {"sql": store}, "visibility": {"sql": store}},
        },
        "global": {
            "membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"},
            "authorization": {
                "jwtKeyProvider": {
                    "keySourceURIs": [f"http://127.0.0.1:{known.port}/keys"], "refreshInterval": f"{REFRESHED:.0f}s",
                },
                "permissionsClaimName": "permissions", "authorizer": "default", "claimMapper": "default",
            },
        },
        "services": {
            name: {"rpc": {"grpcPort": grpc, "membershipPort": member, "bindOnIP": "127.0.0.1"}}
            for name, (grpc, member) in ports.items()
        },
        "clusterMetadata": {
            "enableGlobalNamespace": False, "failoverVersionIncrement": 10, "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": here | {"rpcAddress": f"127.0.0.1:{ports['frontend'][0]}"}},
        },
        "dcRedirectionPolicy": {"policy": "noop"},
    }  # fmt: skip


@asynccontextmanager
async def guarded_temporal(server: TemporalServer, home: Path, known: Signers, namespace: str) -> AsyncIterator[str]:
    """Its address, once this namespace is there."""
    ports = {name: (free_port(), free_port()) for name in _SERVICES}
    home.mkdir()
    (home / "development.yaml").write_text(yaml.safe_dump(_settings(known, ports)))
    services = [word for name in _SERVICES for word in ("--service", name)]
    log, address = home / "temporal.log", f"127.0.0.1:{ports['frontend'][0]}"
    administrator = known.api_key("operator", "temporal-system:admin")
    process = await spawn([server.binary, "--root", home, "--config", ".", "start", *services], log=log)
    try:
        async with asyncio.timeout(120):
            while not await _made(address, administrator, namespace):
                assert process.returncode is None, last_lines(log, 5)
                await asyncio.sleep(0.2)
        yield address
    finally:
        process.kill()
        await process.wait()


async def _made(address: str, key: str, namespace: str) -> bool:
    kept = Duration(seconds=7 * 24 * 3600)
    asked = RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=kept)
    try:
        client = await Client.connect(address, namespace=namespace, api_key=key, tls=False)
        try:
            await client.workflow_service.register_namespace(asked)
        except RPCError as error:
            if "already" not in str(error):
                raise
        await client.count_workflows()
    except (RPCError, RuntimeError):
        return False
    return True
