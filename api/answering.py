"""Answers on their way out: the JSON of what an operation or a read answered."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from models.db.tx import to_json
from models.under_way import UnderWayAnswer


def shown(answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer, written as JSON. Its route names the class as `response_model`; nothing is validated again."""
    return Response(to_json(answer), status, headers, "application/json")


def posted_or_approved(model: type) -> dict[int | str, dict[str, Any]]:
    """For the `responses` of a route whose write is carried by a posting process, and may be for others to approve."""
    said = "Beyond your authority: `approval_id` is its approval. Or its process has not ended after five seconds, and goes on."
    return {202: {"model": model | UnderWayAnswer, "description": said}}
