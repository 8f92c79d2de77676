"""/openapi.json: what FastAPI knows of the routes, in the names that a generated client wants.

An operation's id is the name of its route's function, a schema's the noun (`PaymentAnswer` is `Payment`, a page of them
`PaymentPage`). What the gate and the middleware do for every route is said here once: the key of writes, the headers of
answers, the 202 of a process that has not ended.
"""

import builtins
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.examples import add_examples
from api.keys import idempotency_key
from api.query import CheckedRoute
from api.tags import DESCRIBED

_DESCRIPTION: Final = """A durable process engine for accounts receivable.

Every request carries a bearer token; every write takes an `Idempotency-Key`; every error is `application/problem+json`
with a stable `code`. Amounts are integers in minor units of their currency; rates are decimal strings."""

Schema = dict[str, Any]
"""OpenAPI's own JSON."""

_PROBLEM: Final[Schema] = {
    "title": "Problem",
    "description": "RFC 9457. Some codes add members of their own, such as the amounts that did not fit.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemField"}},
    },
    "additionalProperties": True,
}
_PROBLEM_FIELD: Final[Schema] = {
    "title": "ProblemField",
    "type": "object",
    "required": ["loc", "code", "detail"],
    "properties": {
        "loc": {"type": "string", "description": "JSON pointer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
_TEXT: Final[Schema] = {"schema": {"type": "string"}}
_HEADERS: Final[Schema] = {"X-Request-Id": {"description": "Names this request in the logs.", **_TEXT}}
_WRITE_HEADERS: Final[Schema] = {
    **_HEADERS,
    "Idempotency-Key": {"description": "The key sent, or one made here: repeat the request with it.", **_TEXT},
    "Idempotent-Replayed": {"description": "`true` where this is an earlier request's answer.", **_TEXT},
    "X-Workflow-Id": {"description": "The process that carried the write, where one did.", **_TEXT},
}
_LATER_HEADERS: Final[Schema] = {
    "Location": {"description": "`/v1/operations/{workflow_id}`: ask there for its end.", **_TEXT},
    "Retry-After": {"description": "Seconds; where the process had not ended after five.", **_TEXT},
}
_KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1-255 characters; the same key and body are told the first answer. Made and answered if not sent.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


_WRITING: Final = Lock()


@dataclass(frozen=True)
class Written:
    """The description as it is sent, and its mark."""

    body: bytes
    etag: str


def written(app: FastAPI) -> Written:
    """The description as JSON, made once, whoever asks at the same time: it is more than a megabyte."""
    with _WRITING:
        made: Written | None = getattr(app.state, "description", None)
        if made is None:
            body = json.dumps(app.openapi(), ensure_ascii=False, separators=(",", ":")).encode()
            made = app.state.description = Written(body, f'"{sha256(body).hexdigest()[:32]}"')
        return made


def describe(app: FastAPI) -> Schema:
    """The description, made once."""
    if app.openapi_schema is None:
        routes = [route.described() if isinstance(route, CheckedRoute) else route for route in app.routes]
        schema = get_openapi(title=app.title, version=app.version, description=_DESCRIPTION, routes=routes)
        components = schema.setdefault("components", {})
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        components.setdefault("schemas", {}).update(Problem=_PROBLEM, ProblemField=_PROBLEM_FIELD)
        for route in _routes(app):
            _say_what_all_have(schema["paths"][route.path_format], route)
        add_examples(schema)
        _in_order(schema)
        app.openapi_schema = _renamed(schema, _names(components["schemas"]))
    return app.openapi_schema


def _in_order(schema: Schema) -> None:
    """Groups of operations as a reader wants them, each operation with its name in words: "List invoices"."""
    paths: Schema = schema["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    used = {operation["tags"][0] for operation in operations}
    schema["tags"] = [{"name": tag, "description": said} for tag, said in DESCRIBED.items() if tag in used]
    for operation in operations:
        operation["summary"] = _sentence(operation["operationId"])


def _sentence(operation_id: str) -> str:
    words = " ".join(word.upper() if word in ("ar", "nps") else word for word in operation_id.split("_"))
    return words[0].upper() + words[1:]


def _routes(app: FastAPI) -> Iterable[APIRoute]:
    return (route for route in app.state.routes if isinstance(route, APIRoute) and route.include_in_schema)


def _say_what_all_have(path: Schema, route: APIRoute) -> None:
    """The key of a write, and the headers of the answers."""
    is_write = any(needed.call is idempotency_key for needed in route.dependant.dependencies)
    for method in route.methods or ():
        operation = path.get(method.lower())
        if operation is None:
            continue
        if is_write:
            operation.setdefault("parameters", []).append(_KEY)
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                _say_what_events_hold(response.get("content", {}))
                common = _WRITE_HEADERS if is_write else _HEADERS
                later = _LATER_HEADERS if is_write and status == "202" else {}
                response["headers"] = {**common, **later, **response.get("headers", {})}
            elif status in ("429", "503"):
                response["headers"] = {**_HEADERS, "Retry-After": {"description": "Seconds.", **_TEXT}}


def _say_what_events_hold(content: Schema) -> None:
    """Of server-sent events the model that the route names is the JSON in each one's data."""
    stream = content.get("text/event-stream")
    if stream is not None and (data := stream["schema"].pop("$ref", None)):
        of = {"type": "string", "contentMediaType": "application/json", "contentSchema": {"$ref": data}}
        event = {"event": {"type": "string"}, "id": {"type": "string"}, "data": of}
        stream["itemSchema"] = {"type": "object", "required": ["data"], "properties": event}


def _names(schemas: Schema) -> dict[str, str]:
    """Of each schema whose name is Python's, the noun: `Page_PaymentAnswer_` is `PaymentPage`. A name that a generated
    client would take from its language (Exception) stays."""
    names: dict[str, str] = {}
    for name in schemas:
        paged = re.fullmatch(r"Page_(\w+?)(?:Answer)?_", name)
        short = f"{paged[1]}Page" if paged else name.removesuffix("Answer")
        if short != name and short not in schemas and short not in dir(builtins):
            names[name] = short
    return names


def _renamed(schema: Schema, names: dict[str, str]) -> Schema:
    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        found = {key: walk(value) for key, value in node.items()}
        ref = found.get("$ref")
        if isinstance(ref, str) and (name := ref.rpartition("/")[2]) in names:
            found["$ref"] = f"#/components/schemas/{names[name]}"
        return found

    done: Schema = walk(schema)
    schemas = {names.get(name, name): found for name, found in done["components"]["schemas"].items()}
    for new in names.values():
        if schemas[new].get("title"):
            schemas[new]["title"] = new
    done["components"]["schemas"] = dict(sorted(schemas.items()))
    return done
