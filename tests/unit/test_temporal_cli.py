"""Where the Temporal dev server comes from."""

from pathlib import Path

import pytest

from stack import temporal
from stack.process import StackError
from stack.temporal import CLI_VERSION, ensure_cli


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and nothing on its PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def binary(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_configured_binary_comes_first(machine: Path) -> None:
    binary(machine / "bin" / "temporal")
    chosen = binary(machine / "mine" / "temporal")
    assert ensure_cli(chosen, print) == chosen


def test_then_path_then_the_cache(machine: Path) -> None:
    cached = binary(machine / "cache" / "arflow" / "temporal" / CLI_VERSION / "temporal")
    assert ensure_cli(None, print) == cached
    on_path = binary(machine / "bin" / "temporal")
    assert ensure_cli(None, print) == on_path


def test_a_go_that_builds_fills_the_cache(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal, "_from_sdk_download", _nothing)
    go = binary(machine / "bin" / "go")
    go.write_text(f'#!/bin/sh\n[ "$1 $2" = "install {temporal.CLI_MODULE}" ] && echo built > "$GOBIN/temporal"\n')
    said: list[str] = []
    assert ensure_cli(None, said.append).read_text() == "built\n"
    assert "about 3 minutes" in " ".join(said)


def test_when_every_source_fails_the_error_says_what_to_install(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal, "_from_sdk_download", _nothing)
    binary(machine / "bin" / "go").write_text("#!/bin/sh\necho no route to host >&2; exit 1\n")
    with pytest.raises(StackError) as refused:
        ensure_cli(None, lambda _line: None)
    for word in ("no route to host", "Install the Temporal CLI", "ARFLOW_TEMPORAL_CLI", "ARFLOW_TEMPORAL_ADDRESS"):
        assert word in str(refused.value)


def _nothing(_target: Path, _report: object) -> None:
    raise temporal.NotHere("the SDK's download failed")
