"""What an installation from a wheel gets, as the container does."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.mutants.rules import RULES, TESTS

ROOT = Path(__file__).parents[2]


needs_git = pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="asks git which files there are"
)


@needs_git
def test_the_wheel_holds_every_file_of_every_room(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    files = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    wanted = {name for name in files if name.split("/")[0] in rooms or ("/" not in name and name.endswith(".py"))}
    for name in wanted | {"pyproject.toml"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "dist", "."]
    subprocess.run(build, cwd=tmp_path, check=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()


@pytest.mark.parametrize("place", [*RULES, *TESTS])
def test_every_place_where_mistakes_are_made_on_purpose_exists(place: str) -> None:
    assert list(ROOT.glob(place))


@needs_git
def test_no_file_names_the_host_of_a_registry() -> None:
    """What is fetched comes by the machine's own clients, which know their mirrors."""
    hosts = ("repo1.maven", "repo.maven", "pypi.org", "pythonhosted", "registry.npmjs", "proxy.golang")
    asked = ["git", "grep", "-lIF", *(word for host in hosts for word in ("-e", host))]
    others = ["--", ".", ":!api/web/vendor", ":!tests/unit/test_package.py"]
    found = subprocess.run([*asked, *others], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout == ""
