"""`python3 stack/install.py`: make `.venv` hold exactly what the lock says. Standard library only; quick when it does.

Runs under whatever Python there is, so that one that is too old is told so.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
LOCK = os.path.join("requirements", "dev.txt")


def main() -> None:
    """Install what is missing, one process at a time."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may be older than what it installs
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit("arflow: needs Python 3.11 or later, found " + found + "; set ARFLOW_PYTHON to one")
    wanted = fingerprint()
    if stamped() == wanted:
        return
    with open(os.path.join(ROOT, ".venv.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamped() != wanted:
            install(wanted)


def fingerprint() -> str:
    """Changes with the lock, the project's description, the interpreter, and the checkout's place (scripts name it)."""
    digest = hashlib.sha256((ROOT + sys.version).encode())
    for name in (LOCK, "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as content:
            digest.update(content.read())
    return ROOT + "\n" + sys.version.split()[0] + "\n" + digest.hexdigest() + "\n"


def stamped() -> str:
    """What was installed last; empty where an installation was interrupted."""
    try:
        with open(os.path.join(VENV, ".installed")) as stamp:
            return stamp.read()
    except OSError:
        return ""


def install(wanted: str) -> None:
    """Install into `.venv`, made anew where the checkout has moved or the interpreter is another one."""
    print("arflow: installing the environment in .venv", file=sys.stderr)
    before = stamped()
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python) or before.splitlines()[:2] != wanted.splitlines()[:2]:
        shutil.rmtree(VENV, ignore_errors=True)
        run([sys.executable, "-m", "venv", VENV], "could not make .venv; on Debian: apt install python3-venv")
    else:
        os.unlink(os.path.join(VENV, ".installed"))
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", LOCK], "could not install the locked dependencies")
    run([*pip, "--no-deps", "--no-build-isolation", "-e", "."], "could not install the project itself")
    with open(os.path.join(VENV, ".installed"), "w") as stamp:
        stamp.write(wanted)


def run(command: "list[str]", advice: str) -> None:
    """Run with stdout on stderr: `make up` keeps stdout for its one line."""
    if subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode != 0:
        sys.exit("arflow: " + advice)


if __name__ == "__main__":
    main()
