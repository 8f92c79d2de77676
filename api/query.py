"""The query of a request: what its route declares, each parameter once. Everything else is refused, as in a body.

A parameter that nobody looks at is a wish that nobody hears: `?dryrun=true` would post. What a route knows is read from
its signature, so that no route has to say it again, and none can forget it: the application starts only with routes of
the kinds that look (`CheckedRoute`, and the gate's) and of pages, which do nothing.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, get_origin
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Scope

from api.invalid import MAX_ERRORS, pointer
from api.problems import invalid
from models.db.engine import ConnectionLost
from models.errors import FieldError

FLAGS: Final = frozenset({"verbose"})
"""Parameters that say something by being there; any other one that is empty counts as not sent."""
READING: Final = frozenset({"GET", "HEAD"})
_SAID: Final = 64
"""Characters of a name that a sentence repeats."""


class KnownNames:
    """The names of one route's parameters, or of its form's fields (`place`: where they stand)."""

    def __init__(self, noun: str, place: Sequence[str], names: Iterable[str], several: Iterable[str] = ()) -> None:
        self.names = frozenset(names)
        self._noun, self._place, self._several = noun, tuple(place), frozenset(several)

    def errors(self, sent: Sequence[str]) -> list[FieldError]:
        """What is wrong with the names that were sent: unknown ones, and those sent more than once."""
        found = []
        for name, times in Counter(sent).items():
            if name not in self.names:
                found.append(FieldError(self.loc(name), "FIELD_UNKNOWN", self._unknown(name)))
            elif times > 1 and name not in self._several:
                found.append(
                    FieldError(self.loc(name), "FIELD_REPEATED", f"{name} is sent {times} times: say it once.")
                )
        return found[:MAX_ERRORS]

    def loc(self, name: str) -> str:
        return pointer([*self._place, name])

    def _unknown(self, name: str) -> str:
        said = f"There is no {self._noun} {name[:_SAID]} here"
        if not self.names:
            return f"{said}; there is none at all."
        known = ", ".join(sorted(self.names))
        near = nearest(name, self.names)
        return f"{said}; known: {known}." if near is None else f"{said}: did you mean {near}? Known: {known}."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, whatever its case, dashes and underscores; None where none is near."""
    plain = {_plain(k): k for k in sorted(known)}
    wanted = _plain(name[:_SAID])
    found = get_close_matches(wanted, plain, n=1, cutoff=0.6)
    if not found and len(wanted) > 2:
        found = [p for p in plain if p.startswith(wanted) or p.endswith(wanted)]
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


class Query:
    """What a route takes in its query."""

    def __init__(self, route: APIRoute) -> None:
        fields = list(_query_fields(route.dependant))
        several = [alias for alias, annotation in fields if get_origin(annotation) in (list, set, tuple, frozenset)]
        self.known = KnownNames("query parameter", ["query"], [alias for alias, _ in fields], several)
        self._reads = (route.methods or set()) <= READING

    def check(self, scope: Scope) -> None:
        """422 for what the route does not know, or is told twice; then the scope's query is that which says something.

        `?status=&cursor=` asks for what `?` asks for. In a write nothing is left out: `?dry_run=` is not known to mean
        that it should be carried out.
        """
        raw: bytes = scope["query_string"]
        if not raw:
            return
        if b"%00" in raw or b"\0" in raw:  # no text column can hold it
            raise invalid(FieldError("/query", "FIELD_TYPE", "NUL characters are not allowed"))
        sent = parse_qsl(raw.decode("latin-1"), keep_blank_values=True)
        errors = self.known.errors([name for name, _ in sent])
        if not errors and not self._reads:
            errors = [
                FieldError(
                    self.known.loc(name), "FIELD_REQUIRED", f"{name} says nothing: give it a value, or leave it out."
                )
                for name, value in sent
                if not value
            ]
        if errors:
            raise invalid(*errors)
        scope["query_string"] = urlencode([pair for pair in sent if pair[1] or pair[0] in FLAGS]).encode()


def _query_fields(dependant: Dependant) -> Iterable[tuple[str, Any]]:
    for field in dependant.query_params:
        yield field.alias, field.field_info.annotation
    for needed in dependant.dependencies:
        yield from _query_fields(needed)


def operation_id(route: APIRoute) -> str:
    """The name of the route's function."""
    return route.name


class CheckedRoute(APIRoute):
    """A route that refuses what it does not know in its query.

    What it answers is looked into for the description alone (`described`): answers are written by their functions, and a process
    that starts need not wait for three hundred schemas."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._options = options = {**options, "generate_unique_id_function": operation_id}
        responses = {status: _without_model(said) for status, said in (options.get("responses") or {}).items()}
        named = not isinstance(options.get("response_model"), DefaultPlaceholder | None)
        unseen = {"response_model": None} if named else {}
        super().__init__(path, endpoint, **{**options, **unseen, "responses": responses})

    def described(self) -> APIRoute:
        """The same route with the schemas of what it answers."""
        route = APIRoute(self.path, self.endpoint, **self._options)
        route.openapi_extra = self.openapi_extra
        return route

    def called(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What checks what the route takes, and calls it: FastAPI's own handler."""
        return super().get_route_handler()

    def served(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route behind its checks. A read whose connection to the database was lost under it is read again, once: it changes
        nothing, and the caller hears of nothing."""
        inner = self.called()
        if not (self.methods or set()) <= READING:
            return inner

        async def read(request: Request) -> Response:
            try:
                return await inner(request)
            except ConnectionLost:
                return await inner(request)

        return read

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner, query = self.served(), Query(self)

        async def handle(request: Request) -> Response:
            query.check(request.scope)
            return await inner(request)

        return handle


def _without_model(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != "model"}


class PageRoute(APIRoute):
    """A page, or a file of one. Its address may carry whatever browsers and links add: nothing is done by it."""
