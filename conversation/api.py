"""The API as the tools ask it: with the caller's token, whether in this process or over the network."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Protocol

import httpx2
from pydantic import JsonValue

from models.answers import JsonObject

CLIENT_HEADER: Final = "Arflow-Conversation-Client"
"""Names the assistant through which a person speaks, where it is not the API's own door that knows."""

BY_THE_PERSON: Final = "Arflow-Confirmed"
"""Says that the person has just said yes in the assistant's own dialogue. It allows less than saying nothing does."""
Query = Mapping[str, str | int | None]


class Refused(Exception):
    """The API said no: its problem document."""

    def __init__(self, problem: JsonObject) -> None:
        super().__init__(str(problem.get("detail", "")))
        self.problem = problem

    @property
    def code(self) -> str:
        """The stable code."""
        return str(self.problem.get("code", "INTERNAL"))


class Api(Protocol):
    """What a tool may ask. Raises Refused. `base_url`: where a person finds its pages."""

    @property
    def base_url(self) -> str: ...

    async def get(self, path: str, query: Query | None = None) -> JsonObject:
        """A read."""

    async def post(self, path: str, body: JsonObject, *, by_the_person: bool = False) -> JsonObject:
        """A write. `by_the_person`: the person behind the client has just said yes to it, in the client."""


class HttpApi:
    """The API over HTTP, at whatever address the client has; `client` is the assistant's program, as it names itself."""

    def __init__(self, http: httpx2.AsyncClient, base_url: str, client: str) -> None:
        self._http, self.base_url = http, base_url
        self._said = {CLIENT_HEADER: client.encode("ascii", "replace").decode()[:100] or "unnamed"}

    async def get(self, path: str, query: Query | None = None) -> JsonObject:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return read(await self._http.get(path, params=given, headers=self._said))

    async def post(self, path: str, body: JsonObject, *, by_the_person: bool = False) -> JsonObject:
        headers = {
            "Content-Type": "application/json",
            **self._said,
            **({BY_THE_PERSON: "yes"} if by_the_person else {}),
        }
        return read(await self._http.post(path, content=written(body), headers=headers))


def read(response: httpx2.Response) -> JsonObject:
    """The JSON of an answer. Raises Refused."""
    try:
        found = json.loads(response.content, parse_float=str)
    except ValueError:
        found = None
    if response.status_code < 400 and isinstance(found, dict):
        return found
    if isinstance(found, dict) and "code" in found:
        raise Refused(found)
    raise Refused({"code": "UNAVAILABLE", "status": 503, "detail": f"The API answered {response.status_code}."})


def written(body: JsonObject) -> str:
    """The JSON of a body."""
    return json.dumps(body, ensure_ascii=False)


def exact(value: object) -> JsonValue:
    """Arguments as a body may have them: what arrived as a float is spelled as it was, for it never becomes an amount."""
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f") if value - value == 0 else str(value)
    if isinstance(value, Mapping):
        return {str(name): exact(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [exact(item) for item in value]
    if value is None or isinstance(value, str | int):
        return value
    return str(value)


def listed(page: JsonObject, name: str = "items") -> list[JsonObject]:
    """The records of a list."""
    found = page[name]
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
