"""`arflow up` on real processes: it starts, survives the death of its parts, and ends without leaving anything."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.process import StackError
from stack.supervisor import _until_signalled
from tests.stack_fixtures.private import PrivateStack

Make = Callable[..., PrivateStack]
PARTS = ("PostgreSQL", "Temporal", "worker", "API")
LONG = 120
"""More seconds than a machine takes to start or to end a process, however busy it is."""


def processes_of(home: Path) -> list[str]:
    """Command lines of the processes that name this state directory in their arguments or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except (OSError, IndexError):
            continue
        if entry.name.isdigit() and int(entry.name) != os.getpid() and str(home).encode() in words and state != "Z":
            found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


def wait_until_gone(home: Path, seconds: float) -> list[str]:
    deadline = time.monotonic() + seconds
    while (left := processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def test_one_state_directory_carries_one_stack(modules_stack: PrivateStack, private_stack: Make) -> None:
    second = private_stack(home=modules_stack.home)
    errors = modules_stack.stderr()
    assert second.launch().wait(LONG) == 1
    said = second.stderr().removeprefix(errors)
    home = modules_stack.home
    assert said == f"arflow: a stack already runs in {home}; end it, or set ARFLOW_HOME to another directory\n"
    modules_stack.wait_ready()


def test_a_part_that_is_killed_is_started_again(modules_stack: PrivateStack) -> None:
    stack = modules_stack
    assert set(stack.pids()) == set(PARTS)
    for part in PARTS:
        stack.wait_restarted(part, stack.kill(part))
        assert f"{part} ended (SIGKILL); starting it again" in stack.stderr()
    stack.wait_ready()
    stack.arflow("org", "create", "org_after", "--name", "After")


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_works(modules_stack: PrivateStack) -> None:
    stack = modules_stack
    os.kill(stack.running.pid, signal.SIGKILL)
    stack.running.wait()
    assert wait_until_gone(stack.home, 30) == []
    stack.start()


def test_a_second_start_finds_the_data_of_the_first_and_both_end_cleanly(modules_stack: PrivateStack) -> None:
    """The last of the module's stack: it ends it."""
    stack = modules_stack
    stack.arflow("org", "create", "org_kept", "--name", "Kept")
    assert stack.stop(signal.SIGTERM) == 0
    assert wait_until_gone(stack.home, 30) == []
    assert stack.output.empty(), "stdout had the one `ready` line"
    assert not (stack.home / "runtime.json").exists()

    # Without a stack, a command starts the database for as long as it takes.
    again = stack.arflow("org", "create", "org_kept", "--name", "Kept", check=False)
    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert wait_until_gone(stack.home, 30) == []

    stack.start()
    assert "exists already" in stack.arflow("org", "create", "org_kept", "--name", "Kept", check=False).stderr
    assert stack.stop(signal.SIGINT) == 0
    assert wait_until_gone(stack.home, 30) == []
    assert "Traceback" not in stack.stderr()


def test_a_stack_that_is_still_starting_ends_cleanly_too(private_stack: Make) -> None:
    stack = private_stack()
    process = stack.launch()
    while not (stack.home / "postgres").exists():
        assert process.poll() is None
        time.sleep(0.05)
    assert stack.stop(signal.SIGTERM) == 0
    assert wait_until_gone(stack.home, 30) == []
    assert "Traceback" not in stack.stderr()
    stack.start()  # whatever was half-made is made again


@pytest.mark.parametrize("variable", ["ARFLOW_PORT", "ARFLOW_TEMPORAL_PORT", "ARFLOW_TEMPORAL_UI_PORT"])
def test_a_port_in_use_is_an_error_that_names_the_variable(private_stack: Make, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        stack = private_stack(**{variable: port})
        assert stack.launch().wait(LONG) == 1
    assert stack.stderr() == f"arflow: port {port} is in use; set {variable} to another one\n"


def test_a_part_that_does_not_come_up_ends_the_stack_with_its_name(private_stack: Make) -> None:
    stack = private_stack(ARFLOW_TEMPORAL_CLI="/bin/false")
    assert stack.launch().wait(LONG) == 1
    assert "arflow: Temporal does not start" in stack.stderr().splitlines()[-1]
    assert "Traceback" not in stack.stderr()
    assert wait_until_gone(stack.home, 30) == []


def test_a_temporal_cli_that_is_not_there_is_named(private_stack: Make) -> None:
    stack = private_stack(ARFLOW_TEMPORAL_CLI="/nowhere/temporal")
    assert stack.launch().wait(LONG) == 1
    assert stack.stderr() == "arflow: ARFLOW_TEMPORAL_CLI=/nowhere/temporal is not an executable file\n"


def test_external_parts_are_used_and_none_is_embedded(
    private_stack: Make, fresh_database_url: str, temporal_address: str, temporal_namespace: str
) -> None:
    stack = private_stack(
        ARFLOW_DATABASE_URL=fresh_database_url,
        ARFLOW_TEMPORAL_ADDRESS=temporal_address,
        ARFLOW_TEMPORAL_NAMESPACE=temporal_namespace,
    ).start()
    assert set(stack.pids()) == {"worker", "API"}
    assert not (stack.home / "postgres").exists()
    assert stack.stop() == 0


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("up", "ARFLOW_DATABASE_URL, ARFLOW_TEMPORAL_ADDRESS"),
        ("worker", "ARFLOW_DATABASE_URL, ARFLOW_TEMPORAL_ADDRESS"),
        ("migrate", "ARFLOW_DATABASE_URL, ARFLOW_TEMPORAL_ADDRESS"),
        ("api", "ARFLOW_DATABASE_URL, ARFLOW_TEMPORAL_ADDRESS, ARFLOW_OIDC_ISSUER, ARFLOW_OIDC_AUDIENCE"),
    ],
)
def test_production_starts_nothing_embedded(private_stack: Make, command: str, missing: str) -> None:
    stack = private_stack(ARFLOW_ENV="production")
    refused = stack.arflow(command, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"arflow: not set in production: {missing}\n"


def test_production_mints_no_development_token(private_stack: Make) -> None:
    stack = private_stack(ARFLOW_ENV="production")
    refused = stack.arflow("token", "--org", "org_x", "--user", "u_x", "--role", "cfo", check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "arflow: development tokens do not exist in production (ARFLOW_ENV)\n"


async def test_what_fails_because_it_was_told_to_end_has_ended_well() -> None:
    """A signal to all of a terminal's processes ends what is about to begin before we are told ourselves."""

    async def beginning() -> int:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise StackError("initdb failed") from None
        return 1

    ending = asyncio.create_task(_until_signalled(beginning()))
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    try:
        assert await asyncio.wait_for(ending, 5) == 0
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)
