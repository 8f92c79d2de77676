"""Two builds on one machine in turn: `python -m bench.versus OTHER BENCHMARK … [--rounds 3] [--quick]`.

OTHER is another checkout (`git worktree add --detach ../other COMMIT`), with an environment of its own in `.venv` if it needs
other packages. Each round runs there, then here; a day's noise meets both. What is printed is the median of each, and how many
times the other's this build's is. Nothing is kept.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.versus", description=__doc__)
    parser.add_argument("other", type=Path)
    parser.add_argument("benchmarks", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args(arguments)
    found: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for _ in range(asked.rounds):
        for at, tree in enumerate((asked.other.resolve(), HERE)):
            for name in asked.benchmarks:
                for figure, value in measured(tree, name, quick=asked.quick).items():
                    found[figure][at].append(value)
        print(report(found), flush=True)
    return 0


def measured(tree: Path, name: str, *, quick: bool) -> dict[str, float]:
    """The figures of one benchmark of that build, as it keeps them; what was kept there before is put back."""
    file = tree / "bench" / "results" / f"{name}.json"
    before = file.read_bytes() if file.exists() else None
    own = tree / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    try:
        done = subprocess.run(
            [python, "-m", "bench", name, *(["--quick"] if quick else [])], cwd=tree, check=False, capture_output=True, text=True
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{tree}: {done.stderr[-2000:]}")
        return {f["name"]: float(f["value"]) for f in json.loads(file.read_text())["figures"]}
    finally:
        if before is not None:
            file.write_bytes(before)


def report(found: dict[str, tuple[list[float], list[float]]]) -> str:
    """A line for each figure that both builds have."""
    lines = []
    for figure, (other, here) in found.items():
        if other and here:
            a, b = statistics.median(other), statistics.median(here)
            lines.append(
                f"{figure}: {a:,.3f} there, {b:,.3f} here, {b / a if a else float('nan'):.2f} x ({len(here)} rounds)"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
