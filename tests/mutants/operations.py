"""Makes mistakes in operations, and says which the tests that carry operations out in their own process do not see.

`python -m tests.mutants.operations operations/cash/undo.py … tests/reads …`; without arguments `OPERATIONS` and `TESTS`. As
tests.mutants.rules, but with a PostgreSQL beside it, and a database for every mistake.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from tests.mutants.mistakes import ROOT, Mistake, mistakes
from tests.mutants.rules import Came, Trial, chosen, run
from tests.mutants.stand_in import stand_in
from tests.stack_fixtures.shared import SharedServers, servers_of

OPERATIONS = ("operations/*.py", "operations/*/*.py")
TESTS = (
    "tests/session_lines", "tests/credit_notes", "tests/deductions", "tests/exceptions", "tests/peers", "tests/crash",
    "tests/reads", "tests/customers", "tests/approvals", "tests/imports", "tests/view360", "tests/unit", "tests/webhooks",
    "tests/api", "tests/conversation", "tests/confirmations",
)  # fmt: skip
"""Where operations are carried out without processes beside the test, or with those that the stand-in has."""
BESIDE = ("temporal", "private_stack", "modules_stack", "desk_app", "time_skipping")
"""Of what the fixtures speak that ask for other processes; `app_stack` has a stand-in (tests/mutants/stand_in.py)."""
LONGEST, MOST = 20.0, 60
"""Seconds, beyond which a test is not asked; and how many are."""


class TrialOnBooks(Trial):
    """What has a database of its own in each process may be tried in a fork."""

    def __init__(self, paths: Sequence[str], servers: SharedServers) -> None:
        super().__init__(paths)
        self.servers = servers
        self.home = TemporaryDirectory(prefix="arflow-trial-")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Registered last, so that its `app_stack` is the one that counts."""
        super().pytest_collection(session)
        session.config.pluginmanager.register(stand_in(Path(self.home.name)))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [i for i in items if not any(n.startswith(BESIDE) for n in getattr(i, "fixturenames", ()))]

    def asked(self, m: Mistake, came: Came) -> list[tuple[float, str]]:
        """Those that come by its line first, of either kind the quickest; of too many also some of the longer ones, which do
        more there."""
        at = str(ROOT / m.path)
        there = {node for _, node in came[at, str(m.line)]}
        quick = [one for one in came[at, m.function] if one[0] < LONGEST]
        found = sorted(quick, key=lambda one: (one[1] not in there, one[0]))
        first, others = found[: MOST // 2], found[MOST // 2 :]
        return first + others[:: max(1, -(-len(others) // (MOST // 2)))]

    def chosen(self, path: str) -> list[Mistake]:
        return chosen(mistakes(path), path)

    def tidy(self, pid: int) -> None:
        """Its databases."""
        with psycopg.connect(self.servers.postgres_url, autocommit=True) as connection:
            for kind in ("quiet_", ""):
                connection.execute(f'DROP DATABASE IF EXISTS "arflow_{kind}main_{pid}" WITH (FORCE)')


@contextmanager
def servers_beside() -> Iterator[SharedServers]:
    """Servers that stand in a process of their own: no fork has part in them."""
    run_id = os.environ["PYTEST_XDIST_TESTRUNUID"] = f"trial-{os.getpid()}"
    ready, say_ready = os.pipe()
    wait, end = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(end)
        with servers_of(run_id):
            os.write(say_ready, b"1")
            os.read(wait, 1)
        os._exit(0)
    try:
        os.close(say_ready)
        assert os.read(ready, 1), "the servers did not start"
        with servers_of(run_id) as servers:
            found = servers
        yield found
    finally:
        os.close(end)
        os.waitpid(pid, 0)


def named() -> list[str]:
    """The modules of the operations."""
    return sorted({str(p.relative_to(ROOT)) for pattern in OPERATIONS for p in ROOT.glob(pattern)})


def main(given: Sequence[str]) -> int:
    tests = [path for path in given if path.startswith("tests/")] or TESTS
    paths = [path for path in given if not path.startswith("tests/")] or named()
    with servers_beside() as servers:
        return run(TrialOnBooks(paths, servers), tests)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
