"""`arflow backup` and `arflow restore`: whole or refused, to the second, and what was there stays."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.stack_fixtures.private import PrivateStack


def organisations(stack: PrivateStack) -> set[str]:
    lines = stack.arflow("verify").stdout.splitlines()
    return {line.split()[0] for line in lines if line.startswith("org_")}


@pytest.mark.timeout(900)
def test_a_backup_brings_back_what_was_there_and_its_log_any_second_since(
    private_stack: Callable[..., PrivateStack], tmp_path: Path
) -> None:
    """Without the stack: each command starts the database for itself, as it would beside a running one."""
    stack, kept = private_stack(), tmp_path / "kept"
    stack.home.mkdir()
    stack.arflow("migrate", check=False)  # Temporal is not there; the database is made
    first = stack.organisation()
    assert "whole, as of" in stack.arflow("backup", str(kept)).stdout
    second = stack.organisation()
    time.sleep(1.1)
    between = datetime.now(UTC)
    time.sleep(1.1)
    third = stack.organisation()
    assert organisations(stack) == {first, second, third}

    early = stack.arflow("restore", str(kept), "--to", "2020-01-01T00:00:00Z", check=False)
    assert early.returncode == 1
    assert "reaches back to" in early.stderr
    assert organisations(stack) == {first, second, third}, "refused, and nothing changed"

    stack.arflow("restore", str(kept), "--to", between.isoformat())
    assert organisations(stack) == {first, second}
    stack.arflow("restore", str(kept))
    assert organisations(stack) == {first}
    assert len(list(stack.home.glob("postgres.before-*"))) == 2

    (base,) = (path for path in kept.glob("base-*") if path.is_dir())
    largest = max((f for f in (base / "base").rglob("*") if f.is_file()), key=lambda f: f.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-8192])
    cut = stack.arflow("restore", str(kept), check=False)
    assert cut.returncode == 1
    assert "is not whole" in cut.stderr
    assert organisations(stack) == {first}, "a backup that was cut short is refused, not half restored"
    largest.unlink()
    assert "is not whole" in stack.arflow("restore", str(kept), check=False).stderr
    base.with_suffix(".json").unlink()
    assert "there is no whole backup" in stack.arflow("restore", str(kept), check=False).stderr
    assert organisations(stack) == {first}


def test_a_running_stack_and_an_external_database_are_not_restored(
    private_stack: Callable[..., PrivateStack], tmp_path: Path
) -> None:
    stack = private_stack(ARFLOW_DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")
    for command in ("backup", "restore"):
        refused = stack.arflow(command, str(tmp_path), check=False)
        assert refused.returncode == 1
        assert "docs/operations.md" in refused.stderr
