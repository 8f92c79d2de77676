"""What reads the files of deploy/ as they are read in production: `promtool` for alerts, `helm` for the chart.

Tests alone need them. None where one can be had neither on PATH nor from the distribution or as a Go module: the tests that
need it say so and skip.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from stack.cache import cache_directory, locked
from stack.golang import NoBuild, build

HELM_VERSION: Final = "v3.19.5"
HELM_MODULE: Final = f"helm.sh/helm/v3/cmd/helm@{HELM_VERSION}"
_MINUTES: Final = 5


def find_helm() -> Path | None:
    """The one on PATH, else the one in the cache."""
    return _found("helm", cache_directory() / "helm" / HELM_VERSION / "helm")


def ensure_helm(report: Callable[[str], None]) -> Path | None:
    """Helm, built where there is none."""
    with locked(cache_directory() / "helm.lock"):
        if found := find_helm():
            return found
        report(f"building Helm {HELM_VERSION} with Go; about 3 minutes, once per machine")
        with _said(report, "Helm", NoBuild):
            build(HELM_MODULE, cache_directory() / "helm" / HELM_VERSION / "helm", report)
        return find_helm()


def find_promtool() -> Path | None:
    """The one on PATH, else the one in the cache."""
    return _found("promtool", cache_directory() / "prometheus" / "promtool")


def ensure_promtool(report: Callable[[str], None]) -> Path | None:
    """promtool, taken out of the distribution's package of Prometheus, which is not installed: it would start a server."""
    with locked(cache_directory() / "promtool.lock"):
        if found := find_promtool():
            return found
        report("fetching promtool for the tests of alerts")
        with _said(report, "promtool", OSError, subprocess.SubprocessError, StopIteration):
            _unpack_promtool(cache_directory() / "prometheus" / "promtool")
        return find_promtool()


def _unpack_promtool(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for command in (["apt-get", "-o", "DPkg::Lock::Timeout=120", "update"], ["apt-get", "download", "prometheus"]):
            subprocess.run(command, cwd=folder, capture_output=True, timeout=60 * _MINUTES, check=False)
        package = next(Path(folder).glob("prometheus_*.deb"))
        subprocess.run(["dpkg", "-x", package, folder], capture_output=True, timeout=60 * _MINUTES, check=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(folder) / "usr" / "bin" / "promtool", target)


def _found(name: str, cached: Path) -> Path | None:
    if on_path := shutil.which(name):
        return Path(on_path)
    return cached if os.access(cached, os.X_OK) else None


@contextlib.contextmanager
def _said(report: Callable[[str], None], name: str, *errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        report(f"no {name} could be had ({error}): the tests that need it will be skipped")
