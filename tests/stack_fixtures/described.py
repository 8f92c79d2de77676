"""Every answer that a test is given is held to what /openapi.json says of it: its fields, no more and no fewer."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx2
import jsonschema_rs

from api.app import create_app
from settings import Settings

Schema = dict[str, Any]
_CLOSED = {"additionalProperties": False}


class Undescribed(AssertionError):
    """An answer that is not as it is described."""


@cache
def description() -> Schema:
    """The product's own description, with every object that names its fields closed against others."""
    schema = create_app(Settings(dev_token_secret="0" * 64)).openapi()
    return {**schema, "components": {"schemas": {n: _close(s) for n, s in schema["components"]["schemas"].items()}}}


def _close(node: Any) -> Any:
    if isinstance(node, list):
        return [_close(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: value if key in ("example", "examples") else _close(value) for key, value in node.items()}
    return {**_CLOSED, **found} if "properties" in found and found.get("type") == "object" else found


@cache
def _operations() -> list[tuple[str, list[str], Schema]]:
    return [
        (method.upper(), path.split("/"), operation)
        for path, operations in description()["paths"].items()
        for method, operation in operations.items()
    ]


@cache
def _validator(path: str, method: str, status: str) -> "jsonschema_rs.Draft202012Validator | None":
    """Of one answer; None where it has no JSON."""
    content = description()["paths"][path][method.lower()]["responses"].get(status, {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if not schema:
        return None
    whole = {**schema, "components": description()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def assert_described(data: object, name: str) -> None:
    """Raises Undescribed where what a stream said is not as the schema of this name."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": description()["components"]}
    error = next(iter(jsonschema_rs.Draft202012Validator(whole, validate_formats=True).iter_errors(data)), None)
    if error is not None:
        raise Undescribed(f"{name}: {error.message[:400]}")


def _path_of(method: str, asked: str) -> str | None:
    """The path, as described, that serves a request; the one with the most literal parts where several do."""
    parts = asked.split("/")
    found = [described for at, described, _ in _operations() if at == method and _serves(described, parts)]
    return "/".join(min(found, key=lambda d: sum(part.startswith("{") for part in d))) if found else None


def _serves(described: list[str], parts: list[str]) -> bool:
    pairs = zip(described, parts, strict=False)
    return len(described) == len(parts) and all(d.startswith("{") or d == p for d, p in pairs)


def _unspelt(found: Any) -> Iterator[str]:
    """Messages, however deep, that name an amount beside them as a bare number; what is below a hundred may be a count."""
    if isinstance(found, list):
        for item in found:
            yield from _unspelt(item)
    elif isinstance(found, dict):
        for item in found.values():
            yield from _unspelt(item)
        said = set(re.findall(r"(?<![\w.,])-?\d+(?![\w.,]*\d)", str(found.get("detail", ""))))
        beside = {str(v) for k, v in found.items() if k.endswith("_minor") and isinstance(v, int) and abs(v) >= 100}
        if said & beside:
            yield f"{found['detail']!r} says an amount in minor units"


def check_described(response: httpx2.Response) -> None:
    """Raises Undescribed where a 2xx JSON answer is not as described, and where a refusal's words are no person's."""
    kind = response.headers.get("content-type", "")
    if kind == "application/problem+json":
        response.read()
        if found := next(_unspelt(response.json()), None):
            raise Undescribed(f"{response.request.method} {response.request.url.path} {response.status_code}: {found}")
    if response.status_code >= 300 or kind.partition(";")[0] != "application/json":
        return
    request = response.request
    path = _path_of(request.method, request.url.raw_path.decode().partition("?")[0])
    if path is None:
        return
    validator = _validator(path, request.method, str(response.status_code))
    if validator is None:
        return
    response.read()
    error = next(iter(validator.iter_errors(response.json())), None)
    if error is not None:
        place = "/".join(map(str, error.instance_path))
        raise Undescribed(f"{request.method} {path} {response.status_code}: /{place}: {error.message[:400]}")
