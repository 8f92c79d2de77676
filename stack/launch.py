"""Runs one command that cannot outlive the process that asked for it: `python launch.py [options] -- command...`.

A script of its own (standard library only), because what it sets up has to happen between fork and exec, where
a process full of threads must not run Python. On Linux the kernel delivers the death signal, and this process becomes
the command. Elsewhere it stays as a guard between the two.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def main() -> None:
    """Parse the options, then become (or guard) the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True, help="the process that this command must not outlive")
    parser.add_argument("--signal", type=int, required=True, help="what the command gets when the parent is gone")
    parser.add_argument("--uid", type=int, help="drop to this user")
    parser.add_argument("--gid", type=int, help="and group")
    parser.add_argument("--search-any", action="store_true", help="let it pass directories closed to that user")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if options.uid is not None:
        drop_to(options.uid, options.gid, search_any=options.search_any)
    if sys.platform.startswith("linux"):
        # After the change of user, which clears it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, options.signal, 0, 0, 0)
        if os.getppid() != options.parent:
            sys.exit(1)  # the parent died before the line above
        os.execvp(options.command[0], options.command)
    else:
        guard(options.command, options.parent, options.signal)


def drop_to(uid: int, gid: int, *, search_any: bool) -> None:
    """Give up root for good. With `search_any`, keep the one capability that passes closed directories (Linux).

    A checkout under /root is closed to everybody else, and opening /root for the database's sake would be worse.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if search_any:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if search_any and not any(keep_capability(libc, cap) for cap in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE)):
        sys.exit("cannot keep the capability to search directories")


def keep_capability(libc: ctypes.CDLL, capability: int) -> bool:
    """Keep exactly this capability across exec; False where root itself does not have it (some containers)."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; low and high words
    if libc.capset(header, data) != 0:
        return False
    return bool(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


def guard(command: list[str], parent: int, death_signal: int) -> None:
    """Where the kernel has no death signal: pass signals on, and end the command when the parent is gone."""
    child = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    while child.poll() is None:
        if os.getppid() != parent:
            child.send_signal(death_signal)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
        time.sleep(0.2)
    sys.exit(child.returncode)


if __name__ == "__main__":
    main()
