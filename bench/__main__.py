"""`make bench`: runs every benchmark (or those named), prints a table, keeps JSON in bench/results/.

    python -m bench [apply] [where] [one_call] [lines] [posting] [memory]
                    [imports] [imports_fairness] [customer_360] [inbox] [--quick]

A benchmark is a module of this package with `run(stack, quick) -> list[Figure]`. What is worse than the figures that were kept is
named at the end; whether it is the code or the machine that day, `python -m bench.versus` tells.
"""

import importlib
import importlib.util
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.report import Figure, kept, table, worse
from bench.stack import bench_stack

MODULES = (
    "apply",
    "where",
    "one_call",
    "lines",
    "posting",
    "memory",
    "imports",
    "imports_fairness",
    "customer_360",
    "inbox",
)
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    wanted = [a for a in arguments if not a.startswith("-")] or list(MODULES)
    figures: list[Figure] = []
    fallen: list[str] = []
    with bench_stack() as stack:
        for name in wanted:
            if importlib.util.find_spec(f"bench.{name}") is None:
                print(f"{name}: no such benchmark yet", file=sys.stderr)
                continue
            began = time.monotonic()
            found = importlib.import_module(f"bench.{name}").run(stack, quick)
            print(f"\n{name} ({time.monotonic() - began:.0f} s)\n{table(found)}", flush=True)
            figures += found
            fallen += worse(kept(name, RESULTS), found)
            _keep(name, found, arguments)
    missed = [f for f in figures if f.met is False]
    print(
        f"\n{len(figures) - len(missed)} of {len(figures)} within their goals"
        + "".join(f"\n  missed: {f.name}" for f in missed)
        + "".join(f"\n  worse than kept: {line}" for line in fallen)
    )
    return 0


def _keep(name: str, figures: list[Figure], arguments: list[str]) -> None:
    RESULTS.mkdir(exist_ok=True)
    sizes = "".join(f"{k}={v} " for k, v in sorted(os.environ.items()) if k.startswith("ARFLOW_BENCH_"))
    record = {
        "command": f"{sizes}python -m bench " + " ".join(arguments or [name]),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()},
        "figures": [f.as_dict() for f in figures],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
