"""A Chromium for the tests of pages: the one that is there, else the distribution's, else Playwright's download."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from stack.cache import cache_directory, locked

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MINUTES: Final = 8
_APT: Final = ("apt-get", "-o", "DPkg::Lock::Timeout=120", "-y", "--no-install-recommends")
_QUIET: Final = {"DEBIAN_FRONTEND": "noninteractive"}


def find_browser() -> Path | None:
    """`ARFLOW_TEST_BROWSER`, else one on PATH, else the one that Playwright has fetched."""
    if configured := os.environ.get("ARFLOW_TEST_BROWSER"):
        return Path(configured)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(found) if found else _of_playwright()


def ensure_browser(report: Callable[[str], None]) -> Path | None:
    """A browser, installed where there is none. None where none can be had: the tests that need one say so and skip.

    As root on Debian and its kin the distribution's `chromium`, with the libraries that it needs; otherwise
    Playwright's, into the account's own cache.
    """
    with locked(cache_directory() / "browser.lock"):
        if found := find_browser():
            return found
        report("installing a Chromium for the tests of pages")
        if os.geteuid() == 0 and shutil.which("apt-get"):
            _run([*_APT, "update"])
            _run([*_APT, "install", "chromium", "fonts-liberation"])  # without a font nothing has a width
        if find_browser() is None:
            _run([sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"])
    found = find_browser()
    if found is None:
        report("no Chromium could be installed: the tests of pages will be skipped; ARFLOW_TEST_BROWSER names one")
    return found


def _of_playwright() -> Path | None:
    home = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    found = sorted(
        p for p in home.glob("chromium*/*/*") if p.name in ("chrome", "headless_shell", "chrome-headless-shell")
    )
    return found[-1] if found else None


def _run(command: Sequence[str]) -> None:
    """Run it for MINUTES at most; whether it helped is seen afterwards."""
    with contextlib.suppress(subprocess.TimeoutExpired, OSError):
        subprocess.run(
            command, env={**os.environ, **_QUIET}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=60 * MINUTES, check=False,
        )  # fmt: skip
