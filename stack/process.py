"""Child processes: how one is started so that it cannot outlive us, and what its log said last."""

import asyncio
import fcntl
import os
import random
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.mendable import Mendable

LARGEST_LOG = 20_000_000
LAUNCHER = Path(__file__).with_name("launch.py")
FIRST_PORT = 15000
PORTS_OF_SYSTEM = Path("/proc/sys/net/ipv4/ip_local_port_range")
_reserved: list[int] = []
"""Lock files that stay open as long as this process lives."""


class StackError(Mendable):
    """The stack cannot start or go on; the message is one line for whoever started it, and says what to do."""


@dataclass(frozen=True)
class Account:
    """An unprivileged account to run a command as, and whether it must pass directories closed to it."""

    uid: int
    gid: int
    search_any: bool = False


def launch_command(
    command: Sequence[str | Path], *, death_signal: signal.Signals, account: Account | None = None
) -> list[str]:
    """The command line that runs `command` under the launcher, bound to the life of this process."""
    line = [sys.executable, "-I", "-S", str(LAUNCHER), "--parent", str(os.getpid()), "--signal", str(int(death_signal))]
    if account is not None:
        line += ["--uid", str(account.uid), "--gid", str(account.gid)]
        line += ["--search-any"] if account.search_any else []
    return [*line, "--", *map(str, command)]


async def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    account: Account | None = None,
) -> asyncio.subprocess.Process:
    """Start `command` with its output appended to `log`, in a session of its own.

    Of its own, so that Ctrl-C in the terminal reaches only the supervisor, which ends the parts in order.
    Call it from the main thread: the kernel ties the death signal to the thread that forks.
    """
    _rotate(log)
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *launch_command(command, death_signal=death_signal, account=account),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=None if env is None else dict(env),
            start_new_session=True,
        )


def _rotate(log: Path) -> None:
    """Keep one predecessor of a log that has grown large; logs of a demo must not fill a disk."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".old.log"))


async def end(process: asyncio.subprocess.Process, stop_signal: signal.Signals, timeout: float) -> None:
    """Ask a process to end; kill it when it has not after `timeout` seconds."""
    if process.returncode is not None:
        return
    try:
        process.send_signal(stop_signal)
        await asyncio.wait_for(process.wait(), timeout)
    except ProcessLookupError:
        pass
    except TimeoutError:
        process.kill()
        await process.wait()


def last_lines(log: Path, count: int = 15, *, since: int = 0) -> list[str]:
    """The last lines of a log written after byte `since`."""
    try:
        with log.open("rb") as lines:
            lines.seek(0, os.SEEK_END)
            lines.seek(max(since, lines.tell() - 65536))
            return lines.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now. A socket that is only waiting out its last connection counts as free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def port_answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port for a server to start later: below the range out of which the system itself gives ports (to a connection
    going out, or to a server that asks for any), and given to no other process of this machine while this one lives."""
    for port in random.SystemRandom().sample(range(FIRST_PORT, first_port_of_system()), 1000):
        if port_is_free(port) and _reserve(port):
            return port
    raise StackError("no free port was found; end what listens on this machine's ports, then start again")


def first_port_of_system() -> int:
    """Where the range begins out of which the system gives ports, at the earliest 1,000 above the first of ours."""
    try:
        first = int(PORTS_OF_SYSTEM.read_text().split()[0])
    except FileNotFoundError:  # not Linux: where IANA's range of dynamic ports begins (RFC 6335)
        first = 49152
    return max(first, FIRST_PORT + 1000)


def _reserve(port: int) -> bool:
    """Take this port's lock file; the system lets go of it with the process."""
    directory = Path(tempfile.gettempdir(), f"arflow-ports-{os.getuid()}")
    directory.mkdir(exist_ok=True)
    file = os.open(directory / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _reserved.append(file)
    return True
