"""What holds the house together, counted: `make check` runs it, and `python -m tests.house` prints what is in the way.

- Nothing in the signatures of models, models/db, operations and the routes is a bare `Any`, a `dict[str, Any]` or a row of the
  database, but what ALLOWED names, with the reason.
- SQL stands in models/db alone.
- How long a step of a process may take, and how it is tried again, stands in workflows/retries.py alone.
- No message says an amount in minor units: it is spelt in its currency.
- No name at the top of a module is used by nobody (tests/unused.py).
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.unused import unused

ROOT: Final = Path(__file__).parents[1]
TYPED: Final = ("models", "operations", "api/routes")
LOWEST: Final = (
    "models/db/postgres/",
    "models/db/migrations/",
    "models/db/tables/",
    "models/db/tx.py",
    "models/db/listing.py",
)
"""Where rows are made, and values of every type pass through."""
LOOSE: Final = re.compile(r"\b(Any|Row)\b")
SQL: Final = re.compile(r"\b((SELECT|SET|LOCK)(\s|$)|(INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\s)")
"""Also in a part of a text that goes on with something computed."""
SOQL: Final = ("sources/salesforce.py", "sources/salesforce_accounts.py")
"""Ask Salesforce, in its own language."""
OWN_TIMEOUT: Final = re.compile(r"\w+_timeout=timedelta\(|(start|schedule)_to_\w+=[A-Z]|heartbeat_timeout=[A-Z]")
NO_CURRENCY: Final = "models/conversation/in_words.py"
"""Says amounts of records of any kind, also of one that has no currency beside them."""
ROOMS: Final = (
    "api",
    "activities",
    "workflows",
    "operations",
    "cli",
    "sources",
    "conversation",
    "statement_readers",
    "import_readers",
)
"""Rooms that ask the database through models/db. The stack and the demo's own data are set up by their owner."""
_ROW = "a row becomes a record here"
ALLOWED: Final[dict[str, str]] = {
    "models/answers.py::read_row": _ROW,
    "models/errors.py::Refusal.__init__": "members of a problem: JSON of whatever kind",
    "models/db/lookups.py::find": "what several tables hold, told apart by its caller's SQL",
    "models/db/cash/adjustments.py::Granting.of_rows": _ROW,
    "models/db/cash/payments.py::AppliedPayment.of": _ROW,
    "models/db/cash/payments.py::_locked": _ROW,
    "models/db/cash/reconciliations.py::ReconciledPayments.of": _ROW,
    "models/db/commands.py::lock_first.found": _ROW,
    "models/db/customer_360/source_records.py::_row": "one of six tables",
    "models/db/customer_360/source_records.py::_answer": _ROW,
    "models/db/engine.py::ask": "the lowest layer: rows of whatever was asked",
    "models/db/streaming.py::stream": "the lowest layer: rows of whatever was asked",
    "models/db/verify_trail.py::_link": _ROW,
    "models/db/verify_trail.py::_bytes": "a column as the driver gives it",
}
"""`file::function` → why JSON, a row or anything at all is what the thing is."""


def files(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        yield from sorted((ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def signatures(path: Path) -> Iterator[tuple[str, str]]:
    """Each function of a file, and the text of its annotations."""

    def walk(node: ast.AST, inside: str) -> Iterator[tuple[str, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                name, a = f"{inside}{child.name}", child.args
                given = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
                noted = [*(g.annotation for g in given), child.returns]
                yield name, " ".join(ast.unparse(n) for n in noted if n is not None)
                yield from walk(child, f"{name}.")
            else:
                yield from walk(child, f"{inside}{child.name}." if isinstance(child, ast.ClassDef) else inside)

    yield from walk(ast.parse(path.read_text()), "")


def loose() -> list[str]:
    """Functions whose signatures say nothing, that no reason is given for."""
    found = []
    for path in files(*TYPED):
        if name_of(path).startswith(LOWEST):
            continue
        for function, annotations in signatures(path):
            key = f"{name_of(path)}::{function}"
            if LOOSE.search(annotations) and key not in ALLOWED:
                found.append(f"{key}: {annotations[:120]}")
    return found


def stale() -> list[str]:
    """What is allowed and no longer there."""
    there = {
        f"{name_of(p)}::{f}" for p in files(*TYPED) for f, annotations in signatures(p) if LOOSE.search(annotations)
    }
    return sorted(ALLOWED.keys() - there)


def sql() -> list[str]:
    """Statements outside models/db."""
    found = []
    for path in files(*ROOMS):
        if name_of(path) in SOQL:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
                found.append(f"{name_of(path)}:{node.lineno}: {node.value[:70]!r}")
    return found


def unspelt() -> list[str]:
    """Texts that name an amount as a bare number of minor units."""
    found = []
    for path in files("models", *ROOMS):
        if name_of(path) == "models/cash/ledger.py":  # what an entry's digest is computed from
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FormattedValue) and ast.unparse(node.value).endswith("_minor"):
                found.append(f"{name_of(path)}:{node.lineno}: {ast.unparse(node.value)} in a text: models.money.spelt")
            if (
                isinstance(node, ast.JoinedStr)
                and "} minor units" in ast.unparse(node)
                and name_of(path) != NO_CURRENCY
            ):
                found.append(f"{name_of(path)}:{node.lineno}: an amount in minor units in a text: models.money.spelt")
    return found


def retried() -> list[str]:
    """Retry policies, and timeouts of steps that are spelt or named, outside workflows/retries.py."""
    found = []
    for path in files("activities", "api", "workflows"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or name_of(path) == "workflows/retries.py":
                continue
            own = [f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords]
            policy = [ast.unparse(node)] if ast.unparse(node.func).endswith("RetryPolicy") else []
            found += [f"{name_of(path)}:{node.lineno}: {s}" for s in policy + list(filter(OWN_TIMEOUT.match, own))]
    return found


def main() -> None:
    wrong = loose() + [f"no longer needed: {key}" for key in stale()] + sql() + retried() + unspelt() + unused()
    print(
        "\n".join(wrong)
        or "every signature says what it takes and answers; SQL stands in models/db, patience in workflows/retries.py; "
        "amounts are spelt"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
