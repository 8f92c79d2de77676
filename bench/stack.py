"""A stack of its own for the benchmarks: file-backed, as `make up` runs it, on free ports, thrown away at the end."""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.tokens import mint_dev_token
from models.db.engine import make_engine, transaction
from operations.customers.bootstrap import bootstrap_customers
from operations.organisations import create_organisation
from settings import Settings
from stack.process import free_port
from stack.runtime import RunningStack


@dataclass
class BenchStack:
    """A running stack. `database_url` is the owner's."""

    base_url: str
    port: int
    home: Path
    database_url: str
    temporal_address: str
    settings: Settings

    def organisation(self, org_id: str, customers: int = 1) -> list[str]:
        """Make an organisation with customers; their ids."""
        owner = make_engine(self.database_url, role=None, pool_size=1)
        with transaction(owner, org_id) as tx:
            create_organisation(tx, "Bench")
        owner.dispose()
        engine = make_engine(self.database_url, pool_size=1)
        rows = [
            {"legal_entity_id": "le_us", "name": f"Customer {n}", "email": f"c{n}@example.com"}
            for n in range(customers)
        ]
        with transaction(engine, org_id) as tx:
            ids = bootstrap_customers(tx, rows)
        engine.dispose()
        return ids

    def token(self, org_id: str, user: str, *roles: str) -> str:
        return mint_dev_token(self.settings, org_id, user, list(roles), [])

    def pids(self) -> dict[str, int]:
        """Process ids by part: PostgreSQL, Temporal, worker, API."""
        import json

        return dict(json.loads((self.home / "runtime.json").read_text())["parts"])


@contextmanager
def bench_stack() -> Iterator[BenchStack]:
    with tempfile.TemporaryDirectory(prefix="arflow-bench-") as home:
        environment = {
            **os.environ,
            "ARFLOW_HOME": home,
            "ARFLOW_PORT": str(free_port()),
            "ARFLOW_TEMPORAL_PORT": str(free_port()),
            "ARFLOW_TEMPORAL_UI_PORT": str(free_port()),
        }
        for name in ("ARFLOW_DATABASE_URL", "ARFLOW_TEMPORAL_ADDRESS"):
            environment.pop(name, None)
        log = Path(home) / "up.stderr"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "up"], env=environment, stdout=subprocess.PIPE, stderr=errors, text=True,
                start_new_session=True,
            )  # fmt: skip
            try:
                _wait_ready(process, log)
                os.environ.update({k: v for k, v in environment.items() if k.startswith("ARFLOW_")})
                running = RunningStack.read(Path(home))
                assert running is not None
                settings = Settings()
                yield BenchStack(
                    running.base_url,
                    settings.port,
                    Path(home),
                    running.database_url,
                    running.temporal_address,
                    settings,
                )
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
                    process.wait(60)


def _wait_ready(process: "subprocess.Popen[str]", log: Path) -> None:
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: [lines.put(x) for x in process.stdout or []], daemon=True).start()
    until = time.monotonic() + 900
    while time.monotonic() < until:
        try:
            if lines.get(timeout=0.5).startswith("ready "):
                return
        except queue.Empty:
            if process.poll() is not None:
                break
    raise SystemExit(f"the stack did not start:\n{log.read_text()}")
