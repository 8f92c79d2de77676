"""Which routes the gate calls by itself: those that leave FastAPI nothing to check, convert or fill in."""

from typing import Annotated, Any, Final

import pytest
from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from api.app import ROUTERS
from api.calling import handler_of
from api.deps import IdempotencyKey, Paging, Principal, requires
from api.gate import GatedRoute

Reader = Annotated[Principal, requires("customers.read")]
ADA: Final = Principal("u_ada", "org_one", frozenset({"auditor"}))


class Body(BaseModel):
    """What a write may be sent."""

    name: str


async def texts_and_person(request: Request, one: str, other: str, who: Reader) -> Response:
    return Response(f"{one}, {other}, {who.sub}, {request.method}")


async def no_request(one: str, other: str, who: Reader) -> Response:
    return Response(one + other + who.sub)


async def a_number(request: Request, one: int, other: str, who: Reader) -> Response:
    return Response(f"{one}{other}{who}{request}")


async def a_query(request: Request, one: str, other: str, who: Reader, limit: str = "") -> Response:
    return Response(f"{one}{other}{who}{request}{limit}")


async def a_page(request: Request, one: str, other: str, who: Reader, page: Paging) -> Response:
    return Response(f"{one}{other}{who}{request}{page}")


async def a_key(request: Request, one: str, other: str, who: Reader, key: IdempotencyKey) -> Response:
    return Response(f"{one}{other}{who}{request}{key}")


async def a_body(request: Request, one: str, other: str, who: Reader, body: Body) -> Response:
    return Response(f"{one}{other}{who}{request}{body}")


async def a_record(request: Request, one: str, other: str, who: Reader) -> dict[str, str]:
    return {one: f"{other}{who}{request}"}


def on_a_thread(request: Request, one: str, other: str, who: Reader) -> Response:
    return Response(f"{one}{other}{who}{request}")


def route(endpoint: Any) -> GatedRoute:
    return GatedRoute("/v1/{one}/{other}", endpoint)


def called(of: GatedRoute) -> Any:
    [person] = [needed.call for needed in of.dependant.dependencies if needed.name == "who"]
    return handler_of(of, person)


async def test_a_route_of_texts_and_a_person_is_called_with_them() -> None:
    asked = Request(
        {"type": "http", "method": "GET", "path_params": {"one": "a", "other": "b"}, "state": {"principal": ADA}}
    )
    answer = await called(route(texts_and_person))(asked)
    assert answer.body == b"a, b, u_ada, GET"


@pytest.mark.parametrize("endpoint", [no_request, a_number, a_query, a_page, a_key, a_body, a_record, on_a_thread])
def test_what_takes_or_answers_anything_else_stays_with_fastapi(endpoint: Any) -> None:
    assert called(route(endpoint)) is None


def test_of_our_routes_these_are_called_by_the_gate() -> None:
    ours = [one for router in ROUTERS for one in router.routes if isinstance(one, GatedRoute)]
    view = "/v1/customers/{customer_id}/360"
    tokens = "/v1/customer-changes/{change_id}/approval-token", "/v1/approvals/{approval_id}/approval-token"
    assert {one.path for one in ours if called(one)} == {view, f"{view}/panels/{{panel}}", f"{view}/snapshot", *tokens}
