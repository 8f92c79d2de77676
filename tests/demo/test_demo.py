"""The demo holds what it claims, on a real stack, however often it is run."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.stack_fixtures.app import AppStack
from tests.stack_fixtures.private import PrivateStack

SHORT = ("--history-until", "2012-02-29")
HELD = "Every claim held."


def walk(stack: AppStack, *arguments: str, parts: int | None = None) -> "subprocess.CompletedProcess[str]":
    """The demo, or its first parts, against a stack that runs already. All of it twice: in `make soak`, below."""
    environment = {**stack.environment, "ARFLOW_BASE_URL": stack.base_url}
    script = f"import demo.main; demo.main.PARTS = demo.main.PARTS[:{parts}]; raise SystemExit(demo.main.main())"
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)


def test_every_claim_holds_and_a_second_run_finds_the_history_loaded(app_stack: AppStack):
    first = walk(app_stack, *SHORT)
    assert first.returncode == 0, first.stdout + first.stderr
    assert HELD in first.stdout
    assert "found from an earlier run" not in first.stdout
    second = walk(app_stack, *SHORT, parts=3)
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("found from an earlier run") == 2


def test_a_claim_that_does_not_hold_ends_the_demo_and_is_named(app_stack: AppStack):
    """One invoice is a dollar smaller than the walk says."""
    script = (
        "import demo.main, demo.walk; demo.main.PARTS = (('demo.walk', 'walk'),); "
        "demo.walk.INVOICES['A'] -= 100; raise SystemExit(demo.main.main())"
    )
    environment = {**app_stack.environment, "ARFLOW_BASE_URL": app_stack.base_url}
    app_stack.arflow("org", "create", "org_demo", "--name", "Demo organisation", check=False)
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "claimed: the invoice is PARTIALLY_PAID, 700.00 USD still due" in done.stdout
    assert "69900" in done.stdout


@pytest.mark.soak
def test_the_whole_demo_takes_less_than_two_minutes_and_can_be_repeated(private_stack: Callable[..., PrivateStack]):
    stack = private_stack(DEMO_EXIT="1")
    stack.home.mkdir(parents=True)
    for _ in range(2):
        started = time.monotonic()
        done = stack.arflow("demo", check=False)
        took = time.monotonic() - started
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        assert HELD in done.stdout
        assert took < 120, f"{took:.0f} s"
