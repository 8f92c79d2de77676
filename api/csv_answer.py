"""Reports as CSV (RFC 4180), where `Accept` prefers text/csv to JSON."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import Request
from starlette.responses import Response

from models.db.tx import to_json
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


def safe(value: Any) -> Any:
    """A cell that a spreadsheet shows as it is."""
    if isinstance(value, str):
        return defused(value)
    return "" if value is None else value


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows under their header."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([safe(row.get(column)) for column in columns] for row in rows)
    return out.getvalue()


def report_answer(request: Request, name: str, report: dict[str, Any]) -> Response:
    """A report of `items`, `totals` and `control` as JSON, or as CSV with the kind of each row in its first column."""
    if not wants_csv(request):
        return Response(to_json(report), media_type="application/json", headers={"Vary": "Accept"})
    rows: list[dict[str, Any]] = []
    for section, kind in (("items", "item"), ("totals", "total"), ("control", "control")):
        rows += [{"row": kind, **row} for row in report.get(section, [])]
    columns = list(dict.fromkeys(c for row in rows for c, v in row.items() if not isinstance(v, list)))
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Vary": "Accept"}
    return Response(to_csv(columns or ["row"], rows), media_type="text/csv; charset=utf-8", headers=headers)
