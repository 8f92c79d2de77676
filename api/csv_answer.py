"""Reports as CSV (RFC 4180), where `Accept` prefers text/csv to JSON."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from inspect import get_annotations

from fastapi import Request
from starlette.responses import Response

from api.answering import shown
from models.facts import Facts, Record
from models.spreadsheets import defused


def wants_csv(request: Request) -> bool:
    """Whether the caller would rather have CSV than JSON."""
    weights = {"text/csv": 0.0, "application/json": 0.0}
    for part in request.headers.get("accept", "").lower().split(","):
        kind, _, parameters = part.strip().partition(";")
        weight = 1.0
        for parameter in parameters.split(";"):
            name, _, value = parameter.strip().partition("=")
            if name == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if kind.strip() in weights:
            weights[kind.strip()] = weight
    return weights["text/csv"] > weights["application/json"]


def safe(value: object) -> object:
    """A cell that a spreadsheet shows as it is."""
    if isinstance(value, str):
        return defused(value)
    return "" if value is None else value


def to_csv(columns: Sequence[str], rows: Iterable[Facts]) -> str:
    """The rows under their header."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([safe(row.get(column)) for column in columns] for row in rows)
    return out.getvalue()


def report_answer(request: Request, name: str, report: object) -> Response:
    """A report of `items`, `totals` and `control` as JSON, or as CSV with the kind of each row in its first column."""
    if not wants_csv(request):
        return shown(report, headers={"Vary": "Accept"})
    rows: list[Facts] = []
    for section, kind in (("items", "item"), ("totals", "total"), ("control", "control")):
        rows += _rows(kind, getattr(report, section, ()))
    columns = list(dict.fromkeys(column for row in rows for column in row))
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Vary": "Accept"}
    return Response(to_csv(columns or ["row"], rows), media_type="text/csv; charset=utf-8", headers=headers)


def _rows(kind: str, records: Sequence[Record]) -> Iterator[Facts]:
    """The fields that are single values: what a row says of itself, then the figures that it has from its base."""
    names = [name for part in type(records[0]).__mro__ for name in get_annotations(part)] if records else []
    for record in records:
        cells = {name: getattr(record, name) for name in names}
        yield {"row": kind, **{name: value for name, value in cells.items() if not isinstance(value, list)}}
