"""What holds the house together, counted: `make check` runs it, and `python -m tests.house` prints what is in the way.

- Nothing in a signature or a field of models, operations, api, workflows and activities is a bare `Any`, a `dict[str, Any]`, a
  `Mapping[str, object]` or a row of the database, in operations no `object` either, but what ALLOWED names, with the reason.
  What may be written as JSON has a type: `models.facts.Facts`. Elsewhere a bare `object` is what a caller may have sent.
- SQL stands in models/db alone.
- The values of rows that models/db reads by the name of their column, which no type looks after, become no more.
- How long a step of a process may take, and how it is tried again, stands in workflows/retries.py alone.
- No message says an amount in minor units: it is spelt in its currency.
- No file of the product has more than 300 lines, but what LONG names, with the reason.
- A checker that is told to ignore a line is told why, beside it.
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
TYPED: Final = ("models", "operations", "api", "workflows", "activities")
LOWEST: Final = (
    "models/db/postgres/",
    "models/db/migrations/",
    "models/db/tables/",
    "models/db/tx.py",
    "models/db/listing.py",
)
"""Where rows are made, and values of every type pass through."""
LOOSE: Final = re.compile(r"\b(Any|Row)\b|\[.*\bobject\b")
LOOSE_IN_OPERATIONS: Final = re.compile(r"\b(Any|Row|object)\b")
SQL: Final = re.compile(r"\b((SELECT|SET|LOCK)(\s|$)|(INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\s)")
"""Also in a part of a text that goes on with something computed."""
SOQL: Final = ("sources/salesforce.py", "sources/salesforce_accounts.py")
"""Ask Salesforce, in its own language."""
OWN_TIMEOUT: Final = re.compile(r"\w+_timeout=timedelta\(|(start|schedule)_to_\w+=[A-Z]|heartbeat_timeout=[A-Z]")
BY_NAME: Final = 180
"""So many values of rows are read by the name of their column in models/db. A record, `Tx.column` or `Tx.pairs` needs none."""
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
_SENT = "JSON that others wrote, before it is read"
_FASTAPI = "FastAPI's own signatures: routes and dependencies of every kind"
_TEMPORAL = "Temporal's own type, of processes and steps of every kind"
ALLOWED: Final[dict[str, str]] = {
    "models/answers.py::read_row": _ROW,
    "models/customers/record.py::_of_type": _SENT,
    "models/errors.py::Refusal.__init__": "members of a problem: JSON of whatever kind",
    "models/facts.py::Record.__dataclass_fields__": "Python's own type of a dataclass",
    "models/imports/files.py::Layout.format": "a format by the name of object",
    "models/imports/raw_rows.py": _SENT,
    "models/imports/related.py::lists_of": _SENT,
    "models/imports/rows.py::RowChecker._read_member": _SENT,
    "models/messages/changes.py::SignalInput.word": _SENT,
    "models/messages/changes.py::SignalResult.problem": "members of a problem: JSON of whatever kind",
    "models/messages/imports.py::ImportSignal.word": _SENT,
    "models/db/commands.py::lock_first": "whatever looks at the command answers",
    "models/db/migrate.py": "psycopg's own type of a connection",
    "models/db/pooling.py::_patiently": "Python's own type of a coroutine",
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
    "operations/approvals/tokens.py": _SENT,
    "operations/exception_kinds.py::ExceptionKind.lock": "a store's own lock, which may answer the record",
    "api/answering.py::posted_or_approved": "a document of OpenAPI",
    "api/auth.py": _SENT,
    "api/conversation.py::Door._api_for": "the SDK's context of a request",
    "api/description.py::_renamed.walk": "a document of OpenAPI",
    "api/dispatch.py::keep_trying": "whatever is tried",
    "api/examples.py::add_examples": "a document of OpenAPI",
    "api/gate.py": _FASTAPI,
    "api/invalid.py": "pydantic's own description of a fault",
    "api/json_body.py": _SENT,
    "api/jwks.py": _SENT,
    "api/paging.py": "parts of a cursor, of the types that its list names",
    "api/problems.py": "members of a problem: JSON of whatever kind",
    "api/processes.py::ChangeProcess._make_known": _TEMPORAL,
    "api/query.py": _FASTAPI,
    "api/routes/invoices.py::InvoiceBatch.invoices": _SENT,
    "api/routes/payments.py::PaymentBatch.payments": _SENT,
    "api/batch.py": _SENT,
    "api/slow_callers.py::sweep": "uvicorn's own connections",
    "workflows/approving.py::Approving.decide_by_signal": _SENT,
    "workflows/approving.py::Approving._decide_by_token": _SENT,
    "workflows/approving.py::Approving._attributes": _TEMPORAL,
    "workflows/approving.py::_refusal": "members of a problem: JSON of whatever kind",
    "workflows/builds.py": "where the server is, as its client takes it",
    "workflows/imports.py::CustomerImport.decide_by_signal": _SENT,
    "workflows/open_work.py::Needed.signal_args": _TEMPORAL,
    "workflows/starting.py": _TEMPORAL,
    "activities/failing.py": _TEMPORAL,
    "activities/metrics.py::_Measuring.execute_activity": _TEMPORAL,
}
"""`file::function`, `file::Class.field` or `file` → why JSON, a row or anything at all is what the thing is."""

LONG: Final[dict[str, str]] = {
    "api/problems.py": "one table: the status of every code, and where it is answered",
    "models/approvals/chain.py": "one state machine",
    "models/cash/matching.py": "one scale, by which every kind of match is weighed",
    "models/cash/report_answers.py": "one declaration after the other: the reports",
    "models/customer_360/view_answers.py": "one declaration after the other: the panels of one view",
    "models/db/tables/cash.py": "one declaration after the other: the tables of cash application",
    "models/events.py": "one table: every type of event and what it tells",
    "settings.py": "one table: every setting, with what holds between them",
}
"""Files of the product of more than 300 lines → what keeps each together."""
IGNORED: Final = re.compile(r"# type: ignore\[[\w-]+\](?!\s+#)")


def files(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        yield from sorted((ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def signatures(path: Path) -> Iterator[tuple[str, str]]:
    """Each function and each field of a file, and the text of its annotations."""

    def walk(node: ast.AST, inside: str) -> Iterator[tuple[str, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                name, a = f"{inside}{child.name}", child.args
                given = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
                noted = [*(g.annotation for g in given), child.returns]
                yield name, " ".join(ast.unparse(n) for n in noted if n is not None)
                yield from walk(child, f"{name}.")
            elif isinstance(child, ast.AnnAssign) and isinstance(node, ast.ClassDef):
                yield f"{inside}{ast.unparse(child.target)}", ast.unparse(child.annotation)
            else:
                yield from walk(child, f"{inside}{child.name}." if isinstance(child, ast.ClassDef) else inside)

    yield from walk(ast.parse(path.read_text()), "")


def loose() -> list[str]:
    """Functions and fields whose types say nothing, that no reason is given for; and reasons that nothing needs any more."""
    found, needed = [], set()
    for path in files(*TYPED):
        file = name_of(path)
        if file.startswith(LOWEST):
            continue
        says_nothing = LOOSE_IN_OPERATIONS if file.startswith("operations/") else LOOSE
        for name, annotations in signatures(path):
            if says_nothing.search(annotations):
                needed |= {file, f"{file}::{name}"}
                if not ALLOWED.keys() & {file, f"{file}::{name}"}:
                    found.append(f"{file}::{name}: {annotations[:120]}")
    return found + [f"no longer needed: {key}" for key in sorted(ALLOWED.keys() - needed)]


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


def read_by_name() -> list[str]:
    """How many values of rows are read by the name of their column, where that is more than there were."""
    nodes = [node for path in files("models/db") for node in ast.walk(ast.parse(path.read_text()))]
    reads = sum(
        isinstance(n, ast.Subscript)
        and isinstance(n.ctx, ast.Load)
        and isinstance(n.slice, ast.Constant)
        and isinstance(n.slice.value, str)
        for n in nodes
    )
    return [f"models/db reads {reads} values of rows by name, {BY_NAME} are allowed"] if reads > BY_NAME else []


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


def long() -> list[str]:
    """Files that have become too long, what no longer is, and ignores without a reason."""
    product = [p for p in files(*ROOMS, "models", "stack", "demo") if "migrations" not in p.parts] + [
        *ROOT.glob("*.py")
    ]
    texts = {name_of(p): p.read_text() for p in product}
    over = {name for name, text in texts.items() if text.count("\n") > 300}
    return (
        [f"{name}: more than 300 lines" for name in sorted(over - LONG.keys())]
        + [f"no longer needed: {name}" for name in sorted(LONG.keys() - over)]
        + [f"{name}: an ignore without its reason" for name, text in texts.items() if IGNORED.search(text)]
    )


def main() -> None:
    wrong = loose() + sql() + read_by_name() + retried() + unspelt() + long() + unused()
    print(
        "\n".join(wrong)
        or "every signature says what it takes and answers; SQL stands in models/db, patience in workflows/retries.py; "
        "amounts are spelt"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
