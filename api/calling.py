"""Routes that leave FastAPI nothing to look at: once they are past the gate, they are called.

To solve the dependencies of a route that takes the request, texts of its path and the person, and answers a Response, costs as
much as to write the whole 360 view. Which routes these are is seen in their signatures, before anything is sent to them: nothing
of theirs would be checked, converted or filled in (decision 0065).
"""

from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction, signature
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def handler_of(route: APIRoute, person: object) -> Handler | None:
    """What calls such a route, whose one dependency is the `person` whom the gate let through; None for any other route."""
    given, call, asks = route.dependant, route.endpoint, route.dependant.request_param_name
    shape = signature(call)
    texts = {p.name for p in given.path_params if p.field_info.annotation is str and not p.field_info.metadata}
    who = next((needed.name for needed in given.dependencies if needed.call is person), None)
    if asks is None or who is None or set(shape.parameters) != {*texts, asks, who}:
        return None
    if not iscoroutinefunction(call) or shape.return_annotation is not Response:
        return None

    async def handle(request: Request) -> Response:
        answer: Response = await call(**request.path_params, **{asks: request, who: request.state.principal})
        return answer

    return handle
