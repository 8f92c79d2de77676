"""What reads the files of deploy/ as they are read in production: `promtool` for alerts, `helm` for the chart, `haproxy` for the
proxy, Temporal's own server, which the images of compose have, and an identity provider; and what puts a process' clock
forward and back.

Tests alone need them. None where one can be had neither on PATH nor from the distribution, as a Go module or from npm: the
tests that need it say so and skip.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stack.cache import cache_directory, locked
from stack.golang import NoBuild, build, source

HELM_VERSION: Final = "v3.19.5"
HELM_MODULE: Final = f"helm.sh/helm/v3/cmd/helm@{HELM_VERSION}"
TEMPORAL_VERSION: Final = "v1.29.1"
TEMPORAL_MODULE: Final = "go.temporal.io/server"
_PROXY: Final = ("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")
_CLOCK: Final = "libfaketimeMT.so.1"
OIDC_PROVIDER: Final = "oidc-provider"
OIDC_PROVIDER_VERSION: Final = "9.13.3"
_MINUTES: Final = 5


@dataclass(frozen=True)
class Haproxy:
    """The proxy, and what it needs in its environment to find its libraries."""

    binary: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TemporalServer:
    """Temporal's server, what makes the schemas of its databases, and these."""

    binary: Path
    sql_tool: Path
    schemas: Path


def find_helm() -> Path | None:
    """The one on PATH, else the one in the cache."""
    return _found("helm", cache_directory() / "helm" / HELM_VERSION / "helm")


def ensure_helm(report: Callable[[str], None]) -> Path | None:
    """Helm, built where there is none."""
    with locked(cache_directory() / "helm.lock"):
        if found := find_helm():
            return found
        report(f"building Helm {HELM_VERSION} with Go; about 3 minutes, once per machine")
        with _reported(report, "Helm", NoBuild):
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
        with _reported(report, "promtool", OSError, subprocess.SubprocessError, StopIteration):
            _unpack_promtool(cache_directory() / "prometheus" / "promtool")
        return find_promtool()


def _unpack_promtool(target: Path) -> None:
    with _unpacked("prometheus") as folder:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder / "usr" / "bin" / "promtool", target)


@contextlib.contextmanager
def _unpacked(*packages: str) -> Iterator[Path]:
    """The files of packages of the distribution, which are not installed."""
    with tempfile.TemporaryDirectory() as folder:
        for words in (["update"], ["download", *packages]):
            command = ["apt-get", "-o", "DPkg::Lock::Timeout=120", *words]
            subprocess.run(command, cwd=folder, capture_output=True, timeout=60 * _MINUTES, check=False)
        for package in packages:
            file = next(Path(folder).glob(f"{package}_*.deb"))
            subprocess.run(["dpkg", "-x", file, folder], capture_output=True, timeout=60 * _MINUTES, check=True)
        yield Path(folder)


def find_haproxy() -> Haproxy | None:
    """The one on PATH, else the one in the cache."""
    if on_path := shutil.which("haproxy"):
        return Haproxy(Path(on_path))
    cached = cache_directory() / "haproxy"
    if not os.access(cached / "haproxy", os.X_OK):
        return None
    return Haproxy(cached / "haproxy", {"LD_LIBRARY_PATH": str(cached)})


def ensure_haproxy(report: Callable[[str], None]) -> Haproxy | None:
    """HAProxy and its libraries, taken out of the distribution's packages: installed, it would be started."""
    with locked(cache_directory() / "haproxy.lock"):
        if found := find_haproxy():
            return found
        report("fetching HAProxy for the trial of the production shape")
        with (
            _reported(report, "HAProxy", OSError, subprocess.SubprocessError, StopIteration),
            _unpacked(*_PROXY) as folder,
        ):
            draft = cache_directory() / f"haproxy.{os.getpid()}"
            draft.mkdir(exist_ok=True)
            for library in (folder / "usr" / "lib").rglob("*.so*"):
                shutil.copy2(library, draft, follow_symlinks=True)
            shutil.copy2(folder / "usr" / "sbin" / "haproxy", draft)
            draft.rename(cache_directory() / "haproxy")
        return find_haproxy()


def find_faketime() -> Path | None:
    """The library that gives a process a clock of its own: the system's, else the one in the cache."""
    cached = cache_directory() / "faketime" / _CLOCK
    return next((file for file in (*Path("/usr/lib").glob(f"*/faketime/{_CLOCK}"), cached) if file.exists()), None)


def ensure_faketime(report: Callable[[str], None]) -> Path | None:
    """The same, taken out of the distribution's package where it is not installed."""
    with locked(cache_directory() / "faketime.lock"):
        if found := find_faketime():
            return found
        report("fetching libfaketime for the proof of clocks that are off")
        with (
            _reported(report, "libfaketime", OSError, subprocess.SubprocessError, StopIteration),
            _unpacked("libfaketime") as folder,
        ):
            target = cache_directory() / "faketime" / _CLOCK
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(next(folder.rglob(_CLOCK)), target)
        return find_faketime()


def find_temporal_server() -> TemporalServer | None:
    """The one in the cache."""
    folder = cache_directory() / "temporal-server" / TEMPORAL_VERSION
    return TemporalServer(folder / "server", folder / "sql", folder / "v12") if (folder / "v12").exists() else None


def ensure_temporal_server(report: Callable[[str], None]) -> TemporalServer | None:
    """The server of the image in compose, built where there is none."""
    with locked(cache_directory() / "temporal-server.lock"):
        if found := find_temporal_server():
            return found
        folder = cache_directory() / "temporal-server" / TEMPORAL_VERSION
        report(f"building Temporal's server {TEMPORAL_VERSION} with Go; about 3 minutes, once per machine")
        with _reported(report, "Temporal server", NoBuild):
            for target, command in (("server", "server"), ("sql", "tools/sql")):
                build(f"{TEMPORAL_MODULE}/cmd/{command}@{TEMPORAL_VERSION}", folder / target, report)
            module = source(f"{TEMPORAL_MODULE}@{TEMPORAL_VERSION}")
            shutil.copytree(module / "schema" / "postgresql" / "v12", folder / "draft", copy_function=shutil.copyfile)
            (folder / "draft").rename(folder / "v12")
        return find_temporal_server()


def find_oidc_provider() -> Path | None:
    """Where the library lies of which an OpenID Connect provider is made; None without it, or without Node to run it."""
    folder = cache_directory() / OIDC_PROVIDER / OIDC_PROVIDER_VERSION / "node_modules" / OIDC_PROVIDER
    return folder if folder.exists() and shutil.which("node") else None


def ensure_oidc_provider(report: Callable[[str], None]) -> Path | None:
    """The library with what it needs, from npm; nothing of it is run while it is installed."""
    with locked(cache_directory() / f"{OIDC_PROVIDER}.lock"):
        if found := find_oidc_provider():
            return found
        report("fetching an OpenID Connect provider for the trial of the production shape")
        folder = cache_directory() / OIDC_PROVIDER
        draft = folder / f"draft-{os.getpid()}"
        with _reported(report, "OpenID Connect provider", OSError, subprocess.SubprocessError):
            draft.mkdir(parents=True, exist_ok=True)
            words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(draft)]
            command = ["npm", *words, f"{OIDC_PROVIDER}@{OIDC_PROVIDER_VERSION}"]
            subprocess.run(command, cwd=draft, capture_output=True, timeout=60 * _MINUTES, check=True)
            draft.rename(folder / OIDC_PROVIDER_VERSION)
        return find_oidc_provider()


def _found(name: str, cached: Path) -> Path | None:
    if on_path := shutil.which(name):
        return Path(on_path)
    return cached if os.access(cached, os.X_OK) else None


@contextlib.contextmanager
def _reported(report: Callable[[str], None], name: str, *errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        report(f"no {name} could be had ({error}): the tests that need it will be skipped")
