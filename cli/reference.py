"""`make docs`: writes the pages of the docs that follow from tables in the code (`python -m cli.reference`)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from models.access import MEANINGS, PERMISSIONS, ROLES, roles_with
from models.events import EVENTS, EventType
from models.exceptions.kinds import KINDS
from models.field_codes import FIELD_CODES
from models.states import STATES
from workflows.open_work import OPEN_WORK, PASSING

DOCS: Final = Path(__file__).parent.parent / "docs"
MIGRATIONS: Final = DOCS.parent / "models" / "db" / "migrations"

_SHORT: Final = {"account_executive": "AE", "account_manager": "AM", "customer_success_manager": "CSM"}

_ROLES: Final = """# Roles

Written by `make docs` from `models/access.py`. A token's claim `roles` holds any number of these; what they allow adds up.
What stands nowhere is refused: `403 FORBIDDEN`, whose `detail`, `permission` and `roles` say what was needed and who has it.
Each operation of `/openapi.json` names its own as `x-permission` and `x-roles`.

"""

_MAY: Final = """
## What each may

Who may write may read. `auditor` reads everything and writes nothing. `ar_manager` includes `manager`; every other role
matches exactly. AE, AM and CSM are `account_executive`, `account_manager` and `customer_success_manager`.

"""

_BEYOND: Final = """
Beyond the table:

- Deciding a step also needs the step's own role, and another person than the submitter and those who decided before
  ([customers](customers.md#who-may-decide)).
- A token with `entities` reaches records of these legal entities only: others are `403 FORBIDDEN`, lists leave them out.
- One's own exceptions are those on one's name, or on a role that one has.
- `/v1/operations/{id}` answers whoever sent the request, and whoever may read the record that it is about.
"""

_OPEN: Final = """# What is open, and who ends it

Written by `make docs` from `models/states.py` and `workflows/open_work.py`. The sweep (`arflow resume`; workers do it at
their start, every `ARFLOW_RESUME_SECONDS`, and within half a minute of finding Temporal emptied) begins the process of
whatever is open and has none: PostgreSQL alone is enough. What stands without a step is an exception
([operations](operations.md)).

## Records, their states, and who ends each if its process is gone

"""

_BEGUN: Final = """
## Processes that the sweep begins again

"""

_PASSING: Final = """
Of requests, those that were kept for a process in the last seven days; of confirmations, those of the sessions of the last seven
days. What the clock begins is made again as schedules. What needs no process of its own:

"""

_EVENTS: Final = """# Events

Written by `make docs` from `models/events.py`. They are published after the commit of what they tell, at least once, in order per
record: read at `GET /v1/events`, or sent to you ([webhooks](webhooks.md)). Each is a CloudEvent:

```json
{"specversion": "1.0", "id": "evt_…", "type": "ar.payment.reversed", "source": "/organisations/org_demo",
 "subject": "pay_…", "time": "2026-11-22T09:00:00.000000Z", "datacontenttype": "application/json",
 "data": {"payment_id": "pay_…", "customer_id": "cust_…", "reason_code": "CHEQUE_BOUNCED", "reversal_date": "2026-11-22",
          "journal_entry_id": "je_…"}, "arflowposition": 4711}
```

`id` is the same however often an event arrives; `subject` is the record; `arflowposition` rises in the order of publication.
There are ids, codes, dates and amounts in `data` (minor units), and no names, addresses or texts. More fields and more types
may come: leave alone what you do not know. Once a customer is deleted, `data` of what was told of them before holds
`customer_id` alone.

"""

_EXCEPTIONS: Final = """# Exceptions

Written by `make docs` from `models/exceptions/kinds.py`. Whatever needs a person is an exception: it has an owner, a reason code
and a due time, and is handed on or resolved (`GET /v1/exceptions?status=open&owner=me&kind=`). More kinds may come. What each is
about stands in `subject_id`, `reason_code` and `detail`; those of `not_moving` and `step_failing` in
[operations](operations.md#what-stands-still).

"""

_FIELDS: Final = "Written by `make docs` from `models/field_codes.py`."

_DECISIONS: Final = """# Decisions

What a successor might undo, half a page each: why it was chosen, what was refused, what it costs, what was measured. The index
is written by `make docs` from the first lines of each, which say its day, its subject (one of those below) and whether it holds.
A new one takes the next number; numbers that are missing were set aside and not used. One that no longer holds is not rewritten:
its standing becomes `superseded by` (or, in part, `amended by`) the later one.
"""

_SUBJECTS: Final = (
    "Payments, sessions, credits",
    "Discounts, write-offs, credit notes, deductions; authority",
    "Aging, reports, ledger, currencies",
    "Bank files and their lines",
    "Customers and their changes",
    "Approvals",
    "Imports",
    "Customer 360 and its sources",
    "Conversation",
    "Trail, seals, evidence, verify",
    "Events, webhooks, mail",
    "Requests, keys and answers",
    "Processes and Temporal",
    "What is lost, stuck or kept",
    "Database, SQL, migrations",
    "Production: health, network, certificates, keys",
    "How the code is built",
    "How it is tested",
)
"""What decisions are about, in the order of the index."""

_MIGRATIONS: Final = """# Migrations

Written by `make docs` from the files in `versions/`, in the order in which they run: each names the one before it
(`down_revision`), which its number, up to 0298, does not. A new one comes last, with the next number and its day (`made`). Why
one baseline, and functions in files: [0105](../../../docs/decisions/0105-one-baseline-and-functions-in-files.md).

"""


def roles_page() -> str:
    """docs/roles.md: every role, and every permission with the roles that have it."""
    roles = _table(["role", "what it is for"], ([f"`{name}`", text] for name, text in ROLES.items()))
    head = ["", "permission", *(_SHORT.get(role, role) for role in ROLES)]
    may = _table(head, ([MEANINGS[p], f"`{p}`", *_marks(p)] for p in PERMISSIONS))
    return _ROLES + roles + _MAY + may + _BEYOND


def events_page() -> str:
    """docs/events.md: every type of event, and the fields of its data."""
    rows = ([f"[`{t.name}`](#{_anchor(t.name)})", t.says, f"`{t.subject}_…`"] for t in EVENTS.values())
    types = _table(["type", "when", "subject"], rows)
    return _EVENTS + types + "".join(_event(t) for t in EVENTS.values())


def exceptions_page() -> str:
    """docs/exceptions.md: every kind of exception, what has happened and on whose desk it lies."""
    rows = ([f"`{name}`", kind.says, kind.desk] for name, kind in KINDS.items())
    return _EXCEPTIONS + _table(["kind", "what has happened", "whose desk, at first"], rows)


def errors_page() -> str:
    """docs/errors.md with its table of the codes of fields; the rest of the page is written by hand."""
    before, _, after = (DOCS / "errors.md").read_text(encoding="utf-8").partition(_FIELDS)
    _, _, after = after.partition("\n## ")
    rows = ([f"`{code}`", text] for code, text in FIELD_CODES.items())
    return f"{before}{_FIELDS}\n\n{_table(['code in `errors`', 'what is wrong'], rows)}\n## {after}"


def decisions_page() -> str:
    """docs/decisions/README.md: by subject, every decision with its date and whether it holds, from its first lines."""
    rows: dict[str, list[list[str]]] = {subject: [] for subject in _SUBJECTS}
    for path in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        title, _, line, *_ = path.read_text(encoding="utf-8").splitlines()
        number, name = title.removeprefix("# ").split(" ", 1)
        day, subject, holds = line.split(" · ", 2)
        if subject not in rows:
            raise LookupError(f"{path.name}: its third line names no subject of the index: {subject!r}")
        rows[subject].append([f"[{number}]({path.name})", name, day, holds])
    groups = (f"\n## {subject}\n\n" + _table(["", "decision", "date", "standing"], of) for subject, of in rows.items())
    return _DECISIONS + "".join(groups)


def migrations_page() -> str:
    """models/db/migrations/README.md: the migrations in their order, the day of each and what it is for."""
    found = {m.down_revision: m for m in map(_migration, sorted(MIGRATIONS.glob("versions/[0-9]*.py")))}
    rows, at = [], None
    while at in found:
        m = found[at]
        rows.append([f"[{m.revision}](versions/{m.revision}.py)", m.made, m.says])
        at = m.revision
    return _MIGRATIONS + _table(["migration", "day", "what it is for"], rows)


class _Migration(NamedTuple):
    revision: str
    down_revision: str | None
    made: str
    says: str


def _migration(path: Path) -> _Migration:
    """What the file says, read as text: it runs only within Alembic."""
    text = path.read_text(encoding="utf-8")
    said = dict(re.findall(r'^(\w+) = "(.+)"$', text, re.MULTILINE))
    first = text.removeprefix('"""').partition('"""')[0].partition("\n\n")[0]
    return _Migration(said["revision"], said.get("down_revision"), said["made"], " ".join(first.split()))


def open_page() -> str:
    """docs/what-is-open.md: every state of every record with who ends it, and the processes that are begun again."""
    rows = ([f"`{table}`", f"`{state}`", who] for table, states in STATES.items() for state, who in states.items())
    begun = ([f"`{work.process}`" if work.states != {"pending"} else work.process, f"`{work.table}`",
              ", ".join(f"`{state}`" for state in sorted(work.states)) or "posted, no confirmation noted"]
             for work in OPEN_WORK)  # fmt: skip
    passing = ([f"`{process}`", why] for process, why in PASSING.items())
    return (
        _OPEN + _table(["record", "state", "who ends it"], rows)
        + _BEGUN + _table(["process", "of", "in the states"], begun)
        + _PASSING + _table(["process", ""], passing)
    )  # fmt: skip


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "roles.md": roles_page,
    "events.md": events_page,
    "exceptions.md": exceptions_page,
    "errors.md": errors_page,
    "what-is-open.md": open_page,
    "decisions/README.md": decisions_page,
    "../models/db/migrations/README.md": migrations_page,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
        print((DOCS / name).resolve().relative_to(DOCS.parent))


def _marks(permission: str) -> list[str]:
    having = roles_with(permission)
    return ["●" if role in having else "" for role in ROLES]


def _event(t: EventType) -> str:
    fields = (
        [f"`{name}`", text + (" (not always there)" if name in t.sometimes else "")] for name, text in t.data.items()
    )
    return f"\n## {t.name}\n\n{t.says}\n\n" + _table(["data", ""], fields)


def _anchor(heading: str) -> str:
    return heading.replace(".", "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    main()
