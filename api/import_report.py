"""What became of each row: as JSON pages, as a CSV report, and as a stream of progress. Constant memory."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from models.db.engine import transaction
from models.db.imports import imports
from models.db.tx import to_json
from models.imports.answers import progress_answer
from models.imports.raw_rows import cells_of
from models.imports.records import Import, ImportRow
from models.imports.report import REPORT_COLUMNS
from models.spreadsheets import defused
from operations.imports import shown_rows

_PAGE: Final = 2_000
_PROBE: Final = 0.5
_KEEPALIVE: Final = 15.0


def report(
    engine: Engine, org_id: str, import_id: str, outcome: str | None = None, entities: frozenset[str] | None = None
) -> Iterator[str]:
    """The report, a page of rows at a time: line, outcome, codes, customer id, and the row as it came. `outcome`: only
    the rows of that one. `entities`: those of whoever reads it (None: all)."""
    with transaction(engine, org_id, durable=False) as tx:
        one = imports.get(tx, import_id)
    layout = one.layout
    if layout is None:
        yield ",".join(REPORT_COLUMNS) + "\r\n"
        return
    out = io.StringIO()
    writer = csv.writer(out)
    header = [defused(h) for h in layout.header] if layout.header else ["row"]
    lacking = [f for f in ("email",) if layout.header and f not in layout.fields]  # to be completed
    writer.writerow([*REPORT_COLUMNS, *header, *lacking])
    after = 0
    while True:
        with transaction(engine, org_id, durable=False) as tx:
            rows = shown_rows.page(tx, one, entities, after, _PAGE, outcome)
        for row in rows:
            cells = [] if row.raw is None else [row.raw] if layout.format == "object" else _cells(one, row.raw)
            writer.writerow([*_outcome(row), *(defused(c) for c in cells), *[""] * len(lacking)])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
        if len(rows) < _PAGE:
            return
        after = rows[-1].row_no


def _cells(one: Import, raw: str) -> Sequence[str]:
    return next(cells_of(one.staged, [raw]), [])


def _outcome(row: ImportRow) -> list[str | int]:
    details = "; ".join(f"{e.column or 'row'}: {e.detail}" for e in row.errors or ())
    return [row.line, row.outcome, " ".join(row.every_code), defused(details), row.record_id or ""]


async def progress_events(engine: Engine, org_id: str, import_id: str) -> AsyncIterator[str]:
    """Server-sent events: the counters whenever they move, and `end` with the last of them. One probe in half a second."""
    last, quiet, number = None, 0.0, 0

    def probe() -> Import:
        with transaction(engine, org_id, durable=False) as tx:
            return imports.get(tx, import_id)

    while True:
        one = await run_in_threadpool(probe)
        now = progress_answer(one)
        if now != last or not one.is_open:
            number += 1
            quiet = 0.0
            yield f"id: {number}\nevent: {'progress' if one.is_open else 'end'}\ndata: {to_json(now)}\n\n"
            last = now
        elif quiet >= _KEEPALIVE:
            quiet = 0.0
            yield ": still there\n\n"
        if not one.is_open:
            return
        await asyncio.sleep(_PROBE)
        quiet += _PROBE
