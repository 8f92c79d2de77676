"""What became of each row: as JSON pages, as a CSV report, and as a stream of progress. Constant memory."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from models.customers.diff import Diff
from models.db.engine import transaction
from models.db.imports import records as imports
from models.db.imports import rows as import_rows
from models.db.tx import to_json
from models.imports.options import OPEN, Layout
from models.imports.report import REPORT_COLUMNS
from models.spreadsheets import defused
from operations.imports.raw_rows import layout_of, read_rows
from operations.imports.view import progress_body

_PAGE: Final = 2_000
_PROBE: Final = 0.5
_KEEPALIVE: Final = 15.0


def row_body(row: Any, layout: Layout, changes: Diff | None = None) -> dict[str, Any]:
    """One row as the review and the callers see it. `changes`: what it would change of the customer that it meets."""
    codes = row_codes(row)
    return {
        "row": row["row_no"],
        "line": row["line"],
        "outcome": row["outcome"],
        "codes": codes,
        "errors": row["errors"] or [],
        "warnings": list(row["warnings"] or []),
        "customer_id": row["record_id"],
        "changes": changes,
        "values": _values(layout, row["raw"]),
    }


def row_codes(row: Any) -> list[str]:
    """The codes of a row: its outcome's where it has one, else what validation found."""
    found = list(row["codes"] or [])
    if not row["executed"]:
        found += [e["code"] for e in row["errors"] or []] + list(row["duplicate"] or []) + list(row["warnings"] or [])
    return list(dict.fromkeys(found))


def _values(layout: Layout, raw: str | None) -> Any:
    if raw is None:
        return None
    parsed = next(iter(read_rows(layout, [raw])), None)
    if isinstance(parsed, list):
        return dict(zip(layout.header, parsed, strict=False)) if len(parsed) == len(layout.header) else parsed
    return raw if parsed is None else parsed


def report(engine: Engine, org_id: str, import_id: str, outcome: str | None = None) -> Iterator[str]:
    """The report, a page of rows at a time: line, outcome, codes, customer id, and the row as it came. `outcome`: only
    the rows of that one."""
    with transaction(engine, org_id, durable=False) as tx:
        row = imports.get(tx, import_id)
    if row["layout"] is None:
        yield ",".join(REPORT_COLUMNS) + "\r\n"
        return
    layout = layout_of(row)
    out = io.StringIO()
    writer = csv.writer(out)
    header = [defused(h) for h in layout.header] if layout.header else ["row"]
    lacking = [f for f in ("email",) if layout.header and f not in row["layout"]["fields"]]  # to be completed
    writer.writerow([*REPORT_COLUMNS, *header, *lacking])
    after = 0
    while True:
        with transaction(engine, org_id, durable=False) as tx:
            rows = import_rows.page(tx, row, after, _PAGE, outcome)
        parsed = read_rows(layout, [r["raw"] or "" for r in rows]) if layout.format == "cells" else None
        for r in rows:
            cells = _report_row(r, layout, next(parsed) if parsed is not None else None)
            writer.writerow([*cells, *[""] * len(lacking)])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
        if len(rows) < _PAGE:
            return
        after = rows[-1]["row_no"]


def _report_row(r: Any, layout: Layout, cells: Sequence[str] | None) -> list[Any]:
    details = "; ".join(f"{e['column'] or 'row'}: {e['detail']}" for e in r["errors"] or [])
    if layout.format == "csv" and r["raw"] is not None:
        cells = next(csv.reader([r["raw"]], delimiter=layout.delimiter), [])
    elif layout.format == "object":
        cells = [r["raw"] or ""]
    return [
        r["line"],
        r["outcome"],
        " ".join(row_codes(r)),
        defused(details),
        r["record_id"] or "",
        *(defused(c) for c in cells or []),
    ]


async def progress_events(engine: Engine, org_id: str, import_id: str) -> AsyncIterator[str]:
    """Server-sent events: the counters whenever they move, and `end` with the last of them. One probe in half a second."""
    last, quiet, number = None, 0.0, 0

    def probe() -> Any:
        with transaction(engine, org_id, durable=False) as tx:
            return imports.get(tx, import_id)

    while True:
        row = await run_in_threadpool(probe)
        now = progress_body(row)
        ended = row["status"] not in OPEN
        if now != last or ended:
            number += 1
            quiet = 0.0
            yield f"id: {number}\nevent: {'end' if ended else 'progress'}\ndata: {to_json(now)}\n\n"
            last = now
        elif quiet >= _KEEPALIVE:
            quiet = 0.0
            yield ": still there\n\n"
        if ended:
            return
        await asyncio.sleep(_PROBE)
        quiet += _PROBE
