"""Mistakes are made in the rules and in the operations, one at a time: the tests must see them.

By chance so many in each module, another choice each time. `ARFLOW_MISTAKES=200` makes more of them in each,
`ARFLOW_MISTAKES_SEED=7` makes a former choice again. What was not seen is listed: each is a test that is missing, or changes
nothing.
"""

import os
import subprocess
import sys

import pytest

from tests.mutants.mistakes import ROOT

pytestmark = pytest.mark.soak
SEEN = 0.85


@pytest.mark.parametrize(("tried", "wanted"), [("rules", "20"), ("operations", "5")])
def test_mistakes_in_rules_and_operations_are_seen(tried: str, wanted: str) -> None:
    command = ["nice", "-n", "15", sys.executable, "-m", f"tests.mutants.{tried}"]
    environment = {"ARFLOW_MISTAKES": wanted, **os.environ}
    ran = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    sys.stderr.write(ran.stdout)
    seen, made = (int(n) for n in ran.stdout.splitlines()[-1].removesuffix(" seen").split(" of "))
    assert seen >= SEEN * made, ran.stdout
