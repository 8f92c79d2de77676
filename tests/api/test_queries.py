"""What stands in the query is heard or refused: of every route, read from the routes themselves."""

import re
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.app import ROUTERS, create_app, description
from api.gate import GatedRoute
from api.query import PageRoute, Query, nearest
from models.access import PERMISSIONS
from tests.api.office import Office, code, ext, ok
from tests.api.shell_probe import client, settings, token

ROUTES = [
    route for router in (description, *ROUTERS) for route in router.routes
    if isinstance(route, APIRoute) and not isinstance(route, PageRoute)
]  # fmt: skip
CALLS = [(method, route) for route in ROUTES for method in sorted(route.methods or ())]
PARAMETERS = [(m, route, name) for m, route in CALLS for name in sorted(Query(route).known.names)]
WRONG = {"limit": "many", "dry_run": "ture", "force": "maybe", "from": "yesterday", "to": "2026-02-30", "as_of": "20260101",
         "known_at": "then", "date": "soon", "quantity": "-1", "mode": "medium", "status": "no such status",
         "outcome": "no such outcome", "awaiting": "you", "operation": "merge", "reason_code": "lower case",
         "base_currency": "dollar", "quote_currency": "dollar", "currency_code": "dollar", "code": "no code",
         "item": "", "external_id": "x" * 256, "submitted": "you", "lines": "1,two"}  # fmt: skip
"""Of each parameter that is not a free text: what it is not."""
FREE = {"customer_id", "legal_entity_id", "bank_account_id", "contact_id", "endpoint_id", "event_id", "source_id",
        "subject_id", "subject", "submitted_by", "owner", "actor", "kind", "type", "q",
        "cursor", "invoice_id", "payment_id", "format", "verbose"}  # fmt: skip  # garbled ones: tests/api/test_shell_requests.py
NEEDED = {"item": "A", "from": "2026-01-01", "to": "2026-01-31"}


def name_of(value: object) -> str:
    return value.path if isinstance(value, APIRoute) else str(value)


def address(route: APIRoute, **path: str) -> str:
    return re.sub(r"{(\w+)(:path)?}", lambda m: path.get(m[1], "2020-01" if m[1] == "period" else "x"), route.path)


def role_for(route: APIRoute) -> str:
    permission = (route.openapi_extra or {}).get("x-permission")
    return "controller" if permission is None else min(PERMISSIONS[permission])


@pytest.fixture(scope="module")
def shell() -> Any:
    return create_app(settings())


@pytest.fixture
def ask(shell: Any) -> Any:
    async def asking(method: str, route: APIRoute, query: str, role: str | None = None) -> httpx2.Response:
        async with client(shell, token(role or role_for(route))) as c:
            return await c.request(method, f"{address(route)}?{query}")

    return asking


@pytest.mark.parametrize(("method", "route"), CALLS, ids=name_of)
async def test_a_parameter_that_the_route_does_not_know_is_refused(ask, method, route):
    for query in ("surprise=1", "surprise=", "surprise", "surpri%73e=1"):
        r = await ask(method, route, query)
        assert code(r) == (422, "VALIDATION_FAILED")
        (error,) = r.json()["errors"]
        assert (error["loc"], error["code"]) == ("/query/surprise", "FIELD_UNKNOWN")
        assert all(name in error["detail"] for name in Query(route).known.names)
    if isinstance(route, GatedRoute):
        assert (await ask(method, route, "surprise=1", "janitor")).status_code in (403, 422)


@pytest.mark.parametrize(("method", "route", "name"), PARAMETERS, ids=name_of)
async def test_a_parameter_that_is_misspelt_is_told_by_its_right_name(ask, method, route, name):
    names = Query(route).known.names
    misspelt = {
        name.upper() if name.upper() != name else name + "x",
        name + "s",
        name[:-1] + name[-1] * 2,
        name.replace("_", ""),
    }
    for wrong in misspelt - names:
        r = await ask(method, route, f"{wrong}=1")
        assert code(r) == (422, "VALIDATION_FAILED")
        (error,) = r.json()["errors"]
        assert error["loc"] == f"/query/{wrong}"
        assert f"did you mean {name}?" in error["detail"], (wrong, error["detail"])
        assert error["detail"] in r.json()["detail"]


@pytest.mark.parametrize(("method", "route", "name"), PARAMETERS, ids=name_of)
async def test_a_parameter_that_is_sent_twice_is_refused(ask, method, route, name):
    for query in (f"{name}=true&{name}=false", f"{name}=1&{name}=1", f"{name}=&{name}=true"):
        r = await ask(method, route, query)
        assert code(r) == (422, "VALIDATION_FAILED")
        assert [(e["loc"], e["code"]) for e in r.json()["errors"]] == [(f"/query/{name}", "FIELD_REPEATED")]


@pytest.mark.parametrize(("method", "route", "name"), PARAMETERS, ids=name_of)
async def test_a_value_that_is_not_of_its_type_is_refused(shell, method, route, name):
    assert name in WRONG.keys() | FREE, f"say in this test what {name} is not, or that it is a free text"
    if name in FREE:
        return
    others = "".join(f"&{n}={v}" for n, v in NEEDED.items() if n in Query(route).known.names and n != name)
    body = {"applications": [{"invoice_id": "invoice_x", "applied_minor": 1}]}
    async with client(shell, token(role_for(route))) as c:
        sent = body if method == "POST" else None
        r = await c.request(method, f"{address(route)}?{name}={WRONG[name]}{others}", json=sent)
    assert code(r) == (422, "VALIDATION_FAILED")
    assert f"/query/{name}" in [e["loc"] for e in r.json()["errors"]]


@pytest.mark.parametrize(("method", "route", "name"), [p for p in PARAMETERS if p[0] != "GET"], ids=name_of)
async def test_a_write_is_told_nothing_by_half(ask, method, route, name):
    for query in (name, f"{name}="):
        r = await ask(method, route, query)
        assert code(r) == (422, "VALIDATION_FAILED")
        assert [e["loc"] for e in r.json()["errors"]] == [f"/query/{name}"]


async def test_who_one_is_and_what_one_may_is_looked_at_first():
    apply = "/v1/customer-payments/x/apply?dryrun=true"
    async with client(create_app(settings()), token("cfo")) as c:
        assert code(await c.post(apply, json={}, headers={"Authorization": ""})) == (401, "UNAUTHENTICATED")
        assert (
            code(await c.post(apply, content="x" * 1_100_000, headers={"Content-Type": "application/json"}))[0] == 413
        )
        assert code(await c.post(apply, content="x", headers={"Content-Type": "text/xml"}))[0] == 415
        assert code(await c.post(apply, json={})) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("path", "fields", "wrong"),
    [("/v1/customer-imports", {"options": "{}", "validate_only": "true"}, "/validate_only"),
     ("/v1/customer-imports", {"options": ["{}", "{}"]}, "/options"),
     ("/v1/bank-accounts/x/statements", {"fromat": "mine"}, "/fromat")],
)  # fmt: skip
async def test_a_form_has_no_other_fields_than_its_own(path, fields, wrong):
    async with client(create_app(settings()), token("ar_clerk")) as c:
        r = await c.post(path, data=fields, files={"file": ("a.csv", b"name\n")})
    assert code(r) == (422, "VALIDATION_FAILED")
    assert [e["loc"] for e in r.json()["errors"]] == [wrong]


async def test_pages_may_carry_anything():
    async with client(create_app(settings()), None) as c:
        for path in (
            "/docs?utm_source=mail",
            "/customers/cust_x/360?from=mail&from=chat",
            "/static/customer_360.css?v=2",
        ):
            assert (await c.get(path)).status_code == 200, path


def test_a_route_that_does_not_look_at_its_query_does_not_start():
    careless = APIRouter()

    @careless.post("/hook")
    def hook() -> None: ...

    with pytest.raises(TypeError, match="/hook"):
        create_app(settings(), [careless])


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("dryrun", "dry_run"), ("DRY-RUN", "dry_run"), ("dryRun", "dry_run"), ("external", "external_id"),
     ("custmer_id", "customer_id"), ("zzz", None), ("", None)],
)  # fmt: skip
def test_the_nearest_name(sent, meant):
    assert nearest(sent, ["dry_run", "external_id", "customer_id", "limit"]) == meant


# against the running stack


@pytest.mark.parametrize(
    "query", ["dryrun=true", "dry_run=true&dry_run=false", "dry_run=", "dry_run", "dry_run=ja", "DRY_RUN=1"]
)
def test_nothing_is_posted_for_a_dry_run_that_is_misspelt(office: Office, customer: str, query: str):
    invoice, payment = office.invoice(customer, 100), office.payment(customer, 100)
    line = {"applications": [{"invoice_id": invoice["id"], "applied_minor": 100}]}
    assert code(office.clerk.post(f"/v1/customer-payments/{payment['id']}/apply?{query}", json=line))[0] == 422
    recorded = office.payment_body(customer, 7)
    assert code(office.clerk.post(f"/v1/customer-payments?{query}", json=recorded))[0] == 422
    assert ok(office.clerk.get("/v1/customer-payments", params={"external_id": recorded["external_id"]}))["items"] == []
    assert office.get(payment["id"])["status"] == "UNAPPLIED"
    assert office.get(invoice["id"])["status"] == "OPEN"
    assert office.entries(payment["id"]) == []
    done = ok(office.clerk.post(f"/v1/customer-payments/{payment['id']}/apply?dry_run=true", json=line))
    assert done["status"] == "FULLY_APPLIED"
    assert office.get(payment["id"])["status"] == "UNAPPLIED"


def test_lists_find_a_record_by_its_external_id(office: Office, other: Office, customer: str):
    names = [ext(), f"{ext()} ü&=+%", ext()]
    british = office.make_customers([{"external_id": n} for n in names])
    for n, name in enumerate(names):
        invoice, payment = office.invoice(customer, 5, external_id=name), office.payment(customer, 5, external_id=name)
        for noun, record in (
            ("invoices", invoice["id"]),
            ("customer-payments", payment["id"]),
            ("customers", british[n]),
        ):
            found = ok(office.clerk.get(f"/v1/{noun}", params={"external_id": name}))
            assert ([x["id"] for x in found["items"]], found["next_cursor"]) == ([record], None)
            assert found["items"][0]["external_id"] == name
            assert ok(other.clerk.get(f"/v1/{noun}", params={"external_id": name}))["items"] == []
            assert ok(office.clerk.get(f"/v1/{noun}", params={"external_id": name.upper() + "!"}))["items"] == []
    mine = {"external_id": names[0], "customer_id": british[0]}
    assert ok(office.clerk.get("/v1/invoices", params=mine))["items"] == []  # both must hold
    uk = office.client("uk", "ar_clerk", entities=("le_uk",))
    for noun in ("invoices", "customer-payments", "customers"):
        assert ok(uk.get(f"/v1/{noun}", params={"external_id": names[0]}))["items"] == []
