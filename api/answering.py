"""Answers on their way out: the JSON of what an operation or a read answered."""

from collections.abc import Mapping

from starlette.responses import Response

from models.db.tx import to_json


def shown(answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer, written as JSON. Its route names the class as `response_model`; nothing is validated again."""
    return Response(to_json(answer), status, headers, "application/json")
