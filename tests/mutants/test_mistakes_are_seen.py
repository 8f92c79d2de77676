"""Mistakes are made in the rules and in the operations, one at a time: the tests must see them.

The rules: every one (tests/mutants/rules.py). The operations: some by chance, another choice each time: of those that tests
carry out in their own process so many in each module (tests/mutants/operations.py), of the others so many in all.
`ARFLOW_MISTAKES=200` makes more of them, `ARFLOW_MISTAKES_SEED=7` makes a former choice again.
What was not seen is listed: each is a test that is missing, or changes nothing.
"""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.mistakes import ROOT, Mistake, mistakes
from tests.stack_fixtures.shared import SharedServers

pytestmark = pytest.mark.soak
SEEN = 0.85
TESTS = {
    "operations/customer_360": ("tests/view360",),
}  # fmt: skip
"""Where the tests of each chain stand, the quickest first."""


@pytest.mark.parametrize(("tried", "wanted"), [("rules", ""), ("operations", "5")])
def test_mistakes_in_rules_and_in_operations_on_books_are_seen(tried: str, wanted: str) -> None:
    command = ["nice", "-n", "15", sys.executable, "-m", f"tests.mutants.{tried}"]
    environment = {"ARFLOW_MISTAKES": wanted, **os.environ}
    ran = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    sys.stderr.write(ran.stdout)
    seen, made = (int(n) for n in ran.stdout.splitlines()[-1].removesuffix(" seen").split(" of "))
    assert seen >= SEEN * made, ran.stdout


@pytest.fixture
def makes(shared_servers: SharedServers, tmp_path: Path) -> "Makes":
    return Makes(tmp_path)


class Makes:
    """Runs a chain's tests with one mistake made, in processes of their own, on the servers of this run."""

    def __init__(self, directory: Path) -> None:
        self.source = directory / "mistaken.py"
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
        self.environment = os.environ | {
            "PYTHONPATH": f"{ROOT / 'tests/mutants/site'}", "PYTEST_XDIST_TESTRUNUID": run, "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip

    def seen(self, mistake: Mistake | None, tests: list[str]) -> bool:
        """Whether a test fails, or nothing gets that far."""
        environment = dict(self.environment)
        if mistake is not None:
            self.source.write_text(mistake.source())
            environment["ARFLOW_MISTAKE"] = f"{mistake.module}={self.source}"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-n",
            "0",
            "-p",
            "no:cacheprovider",
            "--timeout",
            "300",
            *tests,
        ]
        ran = subprocess.run(
            ["nice", "-n", "15", *command], cwd=ROOT, env=environment, check=False, capture_output=True, text=True
        )
        assert ran.returncode in (0, 1, 2, 3, 4), ran.stdout[-3000:]
        return ran.returncode != 0


@pytest.mark.parametrize("chain", TESTS)
def test_mistakes_in_operations_are_seen(makes: Makes, chain: str) -> None:
    seed = int(os.environ.get("ARFLOW_MISTAKES_SEED", random.randrange(10**6)))
    wanted = int(os.environ.get("ARFLOW_MISTAKES", "30"))
    tests = [str(p.relative_to(ROOT)) for pattern in TESTS[chain] for p in sorted(ROOT.glob(pattern))]
    assert not makes.seen(None, tests), "the tests fail without any mistake"
    every = [m for p in sorted((ROOT / chain).glob("*.py")) for m in mistakes(str(p.relative_to(ROOT)))]
    chosen = random.Random(seed).sample(every, min(wanted, len(every)))
    unseen = [m for m in chosen if not makes.seen(m, tests)]
    told = f"seed {seed}, {len(unseen)} of {len(chosen)} (of {len(every)}) unseen:\n" + "\n".join(map(str, unseen))
    sys.stderr.write(f"{told}\n{dict(Counter(m.path for m in chosen))}\n")
    assert len(unseen) <= (1 - SEEN) * len(chosen), told
