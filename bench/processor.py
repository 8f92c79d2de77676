"""Who had the processor while something was measured: a figure from a machine that others used says little."""

import os
from collections.abc import Iterable
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


class Processor:
    """Processor seconds of the whole machine, and of the given processes with their children and this one."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = {os.getpid(), *pids}
        self._began = self._now()

    def others(self) -> float:
        """Share of the processor that went to others since the beginning, 0 to 1; 0 where the system does not tell."""
        whole, busy, ours = (now - then for now, then in zip(self._now(), self._began, strict=True))
        return max(0.0, (busy - ours) / whole) if whole else 0.0

    def _now(self) -> tuple[float, float, float]:
        try:
            times = [int(t) for t in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        except OSError:
            return 0.0, 0.0, 0.0
        whole, idle = sum(times), times[3] + times[4]
        ours = sum(used for pid, parent, used in _processes() if self._pids & {pid, parent})
        return whole / TICK, (whole - idle) / TICK, ours / TICK


def processor_seconds(pids: Iterable[int]) -> float:
    """What these processes and their children have used so far."""
    wanted = set(pids)
    return sum(used for pid, parent, used in _processes() if wanted & {pid, parent}) / TICK


def _processes() -> Iterable[tuple[int, int, int]]:
    """Id, parent's id and ticks used, of every process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            yield int(entry.name), int(fields[1]), int(fields[11]) + int(fields[12])
