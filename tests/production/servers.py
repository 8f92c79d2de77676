"""The servers of the production shape without containers, beside PostgreSQL: Temporal on it, the proxy as shipped."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from stack.checkers import Haproxy, TemporalServer
from stack.process import free_port, last_lines
from stack.temporal import ensure_cli
from tests.production.database import PASSWORD, Database
from tests.production.processes import Kept

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
NAMESPACE = "arflow"


def temporal_settings(database_port: int, ports: Sequence[int]) -> Mapping[str, Any]:
    """What the image makes of the variables that compose gives it."""
    given = COMPOSE["temporal"]["environment"]
    names = ("frontend", "matching", "history", "worker")
    store = {
        "pluginName": given["DB"], "connectAddr": f"127.0.0.1:{database_port}", "connectProtocol": "tcp",
        "user": given["POSTGRES_USER"], "password": PASSWORD, "maxConnLifetime": "1h",
    }  # fmt: skip
    stores = {
        "default": {"sql": store | {"databaseName": given["DBNAME"], "maxConns": 20, "maxIdleConns": 20}},
        "visibility": {"sql": store | {"databaseName": given["VISIBILITY_DBNAME"], "maxConns": 10, "maxIdleConns": 10}},
    }
    cluster = {"enabled": True, "initialFailoverVersion": 1, "rpcName": "frontend"}
    return {
        "log": {"stdout": True, "level": given["LOG_LEVEL"]},
        "persistence": {
            "numHistoryShards": int(given["NUM_HISTORY_SHARDS"]), "defaultStore": "default",
            "visibilityStore": "visibility", "datastores": stores,
        },
        "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"}},
        "services": {
            name: {"rpc": {"grpcPort": grpc, "membershipPort": member, "bindOnIP": "127.0.0.1"}}
            for name, grpc, member in zip(names, ports[:4], ports[4:], strict=True)
        },
        "clusterMetadata": {
            "enableGlobalNamespace": False, "failoverVersionIncrement": 10, "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": cluster | {"rpcAddress": f"127.0.0.1:{ports[0]}"}},
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "publicClient": {"hostPort": f"127.0.0.1:{ports[0]}"},
    }  # fmt: skip


def temporal(server: TemporalServer | None, home: Path, database: Database) -> tuple[Kept, int]:
    """Temporal on this database, whose schemas it gets; without a server, the dev server on a file. Not started yet; and the
    port of its frontend."""
    if server is None:
        port = free_port()
        command: list[str | Path] = [
            ensure_cli(None, print), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port), "--headless",
            "--db-filename", home / "temporal.db", "--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma",
            "synchronous=NORMAL", "--log-level", "error",
        ]  # fmt: skip
        return Kept("Temporal", command, home / "temporal.log", os.environ), port
    for name in ("temporal", "temporal_visibility"):
        tool: list[str | Path] = [
            server.sql_tool, "--plugin", "postgres12", "--endpoint", "127.0.0.1", "--port", str(database.port),
            "--user", "temporal", "--password", PASSWORD, "--database", name,
        ]  # fmt: skip
        versions = _schema(server, home, name.removeprefix("temporal_"))
        for words in (["setup-schema", "--version", "0.0"], ["update-schema", "--schema-dir", versions]):
            done = subprocess.run([*tool, *words], capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
    ports = [free_port() for _ in range(8)]
    folder = home / "temporal"
    folder.mkdir()
    (folder / "development.yaml").write_text(yaml.safe_dump(temporal_settings(database.port, ports)))
    command = [server.binary, "--root", folder, "--config", ".", "--allow-no-auth", "start"]
    return Kept("Temporal", command, home / "temporal.log", os.environ), ports[0]


def _schema(server: TemporalServer, home: Path, name: str) -> Path:
    """The versions of a database's schema. The embedded PostgreSQL has no contrib: some indexes are of one column less."""
    copy = home / "schemas" / name
    shutil.copytree(server.schemas / name / "versioned", copy)
    for file in copy.rglob("*.sql"):
        text = file.read_text().replace("CREATE EXTENSION IF NOT EXISTS btree_gin;", "")
        file.write_text(text.replace("USING GIN (namespace_id, ", "USING GIN ("))
    return copy


async def namespace(address: str, seconds: float = 180) -> None:
    """Made as soon as the frontend answers; until it serves."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            client = await Client.connect(address, namespace=NAMESPACE)
            kept = Duration(seconds=int(timedelta(days=7).total_seconds()))
            with suppress(RPCError):  # it is there
                await client.workflow_service.register_namespace(
                    RegisterNamespaceRequest(namespace=NAMESPACE, workflow_execution_retention_period=kept)
                )
            await client.count_workflows()
            return
        except (RPCError, RuntimeError):
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.5)


class Proxy:
    """HAProxy with the file that is shipped, before APIs at these ports; and before PostgreSQL and Temporal, to cut wires."""

    def __init__(self, haproxy: Haproxy, home: Path, apis: Sequence[int], behind: Mapping[str, int]) -> None:
        self.port = free_port()
        self.wires = {name: free_port() for name in behind}
        self._socket = Path("/tmp") / f"arflow-proxy-{self.port}"  # a socket's path must be short
        text = (ROOT / "deploy" / "proxy" / "haproxy.cfg").read_text()
        text = text.replace("bind :8080", f"bind 127.0.0.1:{self.port}")
        text = text.replace("global\n", f"global\n    stats socket {self._socket} mode 600 level admin\n", 1)
        text = text.replace(' port "${READY_PORT}"', "").replace(" resolvers docker init-addr last,libc,none", "")
        text = re.sub(r"resolvers docker\n(    .*\n)+", "", text)
        text = re.sub(r"    server api-\d \S+\n", "", text)
        text += "".join(f"    server api-{n} 127.0.0.1:{port}\n" for n, port in enumerate(apis, 1))
        text += "".join(
            f"\nlisten {name}\n    mode tcp\n    bind 127.0.0.1:{self.wires[name]}\n    timeout client 1h\n"
            f"    timeout server 1h\n    server only 127.0.0.1:{port}\n"
            for name, port in behind.items()
        )
        (home / "haproxy.cfg").write_text(text)
        self._servers = [f"apis/api-{n}" for n, _ in enumerate(apis, 1)] + [f"{name}/only" for name in behind]
        self.kept = Kept(
            "proxy", [haproxy.binary, "-db", "-f", home / "haproxy.cfg"], home / "proxy.log",
            os.environ | haproxy.environment,
        )  # fmt: skip

    def start(self) -> None:
        self.kept.start()
        deadline = time.monotonic() + 30
        while not self._socket.exists():
            assert time.monotonic() < deadline, last_lines(self.kept.log)
            time.sleep(0.1)

    def cut(self) -> None:
        """Every connection through it, at once: to the APIs, to PostgreSQL, to Temporal."""
        for server in self._servers:
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(str(self._socket))
                asking.sendall(f"shutdown sessions server {server}\n".encode())
                asking.recv(4096)

    def end(self) -> None:
        self.kept.end()
        self._socket.unlink(missing_ok=True)
