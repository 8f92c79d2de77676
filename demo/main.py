"""`python -m demo.main`: what `arflow demo` runs once the stack is ready."""

import argparse
import importlib
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Final

import httpx2

from demo.closing import say_where_to_go_on
from demo.console import ClaimFailed
from demo.context import Demo, make_context
from settings import get_settings

Part = Callable[[Demo], None]

PARTS: Final = (
    ("demo.history", "load_history"),
    ("demo.month_ends", "show_month_ends"),
    ("demo.walk", "walk"),
    ("demo.session_lines", "walk_session_lines"),
    ("demo.conversation", "walk_conversation"),
    ("demo.customers", "walk_customers"),
    ("demo.imports", "walk_imports"),
    ("demo.customer_360", "walk_customer_360"),
)
"""The parts in the order in which they are walked: module and function, called with the context."""


def main() -> int:
    """Walk every part; the exit code is 0 where every claim held, 1 where one did not."""
    arguments = argparse.ArgumentParser(prog="python -m demo.main", description=__doc__)
    arguments.add_argument(
        "--history-until", type=date.fromisoformat, metavar="YYYY-MM-DD", help="load the history up to this day only"
    )
    ctx = make_context(get_settings(), arguments.parse_args().history_until)
    started = time.monotonic()
    try:
        for part in parts():
            part(ctx)
    except (ClaimFailed, httpx2.HTTPError, subprocess.CalledProcessError) as failed:
        ctx.tell.ends_here(failed)
        return 1
    ctx.tell.console.print(f"\n  Every claim held. The walk took {time.monotonic() - started:.0f} s.")
    say_where_to_go_on(ctx)
    return 0


def parts() -> list[Part]:
    """The functions of PARTS that are there."""
    return [getattr(importlib.import_module(m), f) for m, f in PARTS if importlib.util.find_spec(m) is not None]


if __name__ == "__main__":
    sys.exit(main())
