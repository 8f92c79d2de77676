"""What the commands say to somebody who types something wrong, or too early."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.testing import CliRunner, Result

from cli.main import Lazily, app
from settings import get_settings
from stack.process import StackError
from tests.stack_fixtures.shared import SharedServers

TOKEN = ["token", "--org", "org_demo", "--user", "u_clerk", "--role"]


@pytest.fixture
def fresh_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.delenv("ARFLOW_DATABASE_URL", raising=False)
    monkeypatch.setenv("ARFLOW_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield tmp_path / "home"
    get_settings.cache_clear()


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_a_role_that_there_is_not_gets_no_token_but_the_list(fresh_home: Path) -> None:
    refused = run(*TOKEN, "ar_clerk", "--role", "ar_clark")
    assert isinstance(refused.exception, StackError)
    assert str(refused.exception).startswith(
        "no such role: ar_clark; there are ar_clerk, ar_manager, manager, controller"
    )
    assert run(*TOKEN, "ar_clerk", "--role", "bank_feed").output.count(".") == 2


@pytest.mark.parametrize("words", [["verify"], ["org", "create", "org_x", "--name", "X"], ["resume"]])
def test_nothing_is_begun_by_asking_a_stack_that_never_was(fresh_home: Path, words: list[str]) -> None:
    refused = run(*words)
    assert isinstance(refused.exception, StackError)
    assert (
        str(refused.exception) == f"nothing is kept in {fresh_home} yet: `make up` begins it, ARFLOW_HOME names another"
    )
    assert not fresh_home.exists()


def test_a_database_without_tables_is_said_to_need_migrating(
    shared_servers: SharedServers, monkeypatch: pytest.MonkeyPatch, fresh_home: Path
) -> None:
    monkeypatch.setenv("ARFLOW_DATABASE_URL", shared_servers.postgres_url)
    get_settings.cache_clear()
    assert str(run("verify").exception) == "the database has no tables yet: run `arflow migrate`"


def test_what_is_made_is_printed_where_it_stands_is_said_and_only_it_is_given_tokens(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch, fresh_home: Path
) -> None:
    monkeypatch.setenv("ARFLOW_DATABASE_URL", fresh_database_url)
    get_settings.cache_clear()
    made = run("org", "create", "org_mine", "--name", "Mine")
    assert (made.exit_code, made.stdout) == (0, "org_mine\n")
    assert made.stderr.startswith("arflow: in the database arflow_")
    customer = run("customer", "create", "--org", "org_mine", "--name", "Harbour", "--email", "pay@harbour.example")
    assert (customer.exit_code, customer.stdout.count("\n"), customer.stderr) == (0, 1, made.stderr)
    refused = run("token", "--org", "org_mien", "--user", "u_clerk", "--role", "ar_clerk")
    assert str(refused.exception) == "no such organisation: org_mien; there are org_mine"
    assert run("token", "--org", "org_mine", "--user", "u_clerk", "--role", "ar_clerk").output.count(".") == 2


def test_a_command_reads_no_part_of_the_house_that_it_does_not_need() -> None:
    """Each start of a process waits for what is imported: a stack is four of them."""
    heavy = "{'alembic', 'fastapi', 'mcp', 'operations', 'sqlalchemy', 'temporalio', 'typst', 'workflows'}"
    script = f"import sys, cli.main, cli.processes; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "[]\n"
    assert [name for name, command in Lazily().items() if not isinstance(command, TyperCommand | TyperGroup)] == []
