"""Routes that the gate calls itself.

What FastAPI does between the gate and a route (solving dependencies one by one, looking at the content type again,
keeping stacks for what is to be closed) costs as much as keeping the request. Most routes need none of it: texts of the
path, the person, the key, one JSON body. What they accept and refuse stays FastAPI's: the same fields validate, and
whatever is out of the ordinary goes the long way.
"""

from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction, signature
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.params import File, Form
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.keys import idempotency_key

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def direct(route: APIRoute, through_fastapi: Handler) -> Handler:
    """What answers the route behind the gate."""
    if not is_direct(route):
        return through_fastapi
    given, call = route.dependant, route.endpoint
    key, who = None, None
    for needed in given.dependencies:
        if needed.call is idempotency_key:
            key = needed.name
        else:
            who = needed.name
    body = given.body_params[0] if given.body_params else None
    unasked = {field.name: field.get_default() for field in given.query_params}

    async def handle(request: Request) -> Response:
        if unasked and request.scope["query_string"]:
            return await through_fastapi(request)
        named: dict[str, Any] = {**request.path_params, **unasked}
        if body is not None:
            sent = await request.json()
            if sent is None:
                return await through_fastapi(request)
        if key is not None:
            named[key] = await idempotency_key(request)
        if body is not None:
            named[body.name], errors = body.validate(sent, {}, loc=("body",))
            if errors:
                raise RequestValidationError(errors, body=sent)
        if who is not None:
            named[who] = request.state.principal
        if given.request_param_name is not None:
            named[given.request_param_name] = request
        response: Response = await call(**named)
        return response

    return handle


def is_direct(route: APIRoute) -> bool:
    """Whether nothing of the route needs FastAPI: it waits on the event loop and answers a Response, takes texts of its
    path, the person, perhaps the key, at most one JSON body, and of the query only what may be left out."""
    given, call = route.dependant, route.endpoint
    if not iscoroutinefunction(call) or signature(call).return_annotation is not Response:
        return False
    body_is_one = not given.body_params or (
        [field.name for field in given.body_params] == [route.body_field and route.body_field.name]
        and not isinstance(given.body_params[0].field_info, Form | File)
    )
    keys = [needed for needed in given.dependencies if needed.call is idempotency_key]
    return (
        body_is_one
        and not (given.header_params or given.cookie_params)
        and all(field.field_info.annotation is str for field in given.path_params)
        and not any(field.field_info.is_required() for field in given.query_params)
        and len(given.dependencies) - len(keys) == 1
        and all(needed.name is not None for needed in given.dependencies)
    )
