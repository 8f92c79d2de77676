"""Health, readiness, metrics, rate limits, logs, OpenAPI."""

import asyncio
import json
import logging
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import pytest
import structlog

from api.app import create_app
from api.gate import gated_router
from api.problems import STATUS
from api.web import pages
from logs import configure_logs
from models.access import Principal
from models.errors import CODES
from tests.api.shell_probe import app, client, code, router, settings, token


async def test_health_needs_no_token():
    async with client(app()) as c:
        assert (await c.get("/healthz")).json() == {"status": "ok"}
        assert (await c.get("/readyz")).status_code == 200


async def test_the_bare_address_leads_to_the_description():
    async with client(create_app(settings(), [pages.router])) as c:
        led = await c.get("/")
        assert (led.status_code, led.headers["location"]) == (307, "/docs")
        assert (await c.get("/docs")).status_code == 200


async def test_readiness_names_what_is_missing():
    application = app()

    async def good() -> None: ...

    async def dead() -> None:
        raise ConnectionError("host=secret")

    async def behind() -> str:
        return "2 migrations to apply"

    application.state.readiness.add("database", dead)
    application.state.readiness.add("migrations", behind)
    application.state.readiness.add("temporal", good)
    async with client(application) as c:
        r = await c.get("/readyz")
        assert code(r) == (503, "UNAVAILABLE")
        assert r.json()["missing"] == ["database", "migrations"]
        assert r.json()["checks"]["migrations"] == "2 migrations to apply"
        assert ("secret" in r.text, r.headers["Retry-After"]) == (False, "1")


async def test_what_only_some_requests_need_does_not_take_the_process_from_its_balancer():
    application = app()

    async def away() -> str:
        return "does not answer"

    application.state.readiness.add("temporal", away, essential=False)
    async with client(application) as c:
        r = await c.get("/readyz")
        assert (r.status_code, r.json()["status"], r.json()["missing"]) == (200, "ready", ["temporal"])
        assert r.json()["checks"] == {"temporal": "does not answer"}


async def test_a_check_that_dawdles_is_a_problem_in_good_time(monkeypatch):
    application = app()
    monkeypatch.setattr("api.readiness.TIMEOUT_SECONDS", 0.05)

    async def slow() -> None:
        await asyncio.sleep(30)

    application.state.readiness.add("temporal", slow)
    async with client(application) as c:
        assert (await c.get("/readyz")).json()["checks"] == {"temporal": "no answer in time"}


async def test_a_process_that_shuts_down_is_not_ready():
    application = app()
    application.state.readiness.draining = True
    async with client(application) as c:
        assert (await c.get("/readyz")).json()["missing"] == ["process"]


async def test_metrics_name_templates_and_codes_but_no_ids():
    application = app()
    application.state.refresh_metrics = lambda: 1 / 0
    async with client(application, token("ar_clerk")) as c:
        await c.get("/v1/things/private-id")
        await c.get("/v1/things/gone")
        await c.get("/v1/no-such-path")
        await c.request("BREW", "/v1/things")
        text = (await c.get("/metrics")).text
    assert re.search(
        r'arflow_http_request_duration_seconds_count\{method="GET",route="/v1/things/\{id\}",status="200"\}', text
    )
    assert 'arflow_refusals_total{code="INVOICE_NOT_FOUND"}' in text
    assert 'route="unmatched"' in text
    assert "private-id" not in text
    assert "no-such-path" not in text
    assert "BREW" not in text


async def test_too_many_requests_are_told_when_to_come_back():
    application = app(rate_limit="3/minute")
    async with client(application, token("ar_clerk")) as c:
        answers = [await c.get("/v1/me") for _ in range(5)]
        assert [r.status_code for r in answers] == [200, 200, 200, 429, 429]
        assert code(answers[-1]) == (429, "RATE_LIMITED")
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        for other in (token("ar_clerk", user="u_other"), token("ar_clerk", org="org_b")):
            assert (await c.get("/v1/me", headers={"Authorization": f"Bearer {other}"})).status_code == 200
        assert (await c.get("/healthz")).status_code == 200


def as_never_used() -> None:
    """Loggers keep the configuration of their first use: one that another test made would outlast ours."""
    for module in list(sys.modules.values()):
        for thing in list(vars(module).values()):
            if type(thing).__name__ == "BoundLoggerLazyProxy":
                vars(thing).pop("bind", None)


@pytest.fixture
def logged(capsys):
    root = logging.getLogger()
    before, level, configured = root.handlers, root.level, structlog.get_config()
    as_never_used()
    configure_logs(settings())

    def lines() -> list[dict]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield lines
    structlog.configure(**configured)
    as_never_used()
    root.handlers = before
    root.setLevel(level)


async def test_the_log_names_the_template_and_the_request_but_nothing_personal(logged):
    async with client(app(), token("ar_clerk", user="jane@example.com")) as c:
        await c.get("/v1/things/jane?as_of=2026-01-01&q=jane", headers={"X-Request-Id": "r-1"})
        await c.post("/v1/things", json={"name": "jane"})
        await c.get("/v1/things/bug")
        await c.get("/healthz")
    lines = logged()
    assert [(line["event"], line.get("route")) for line in lines] == [
        ("request", "/v1/things/{id}"),
        ("request", "/v1/things"),
        ("request failed", None),
        ("request", "/v1/things/{id}"),
    ]
    assert (lines[0]["request_id"], lines[0]["status"], lines[0]["org_id"]) == ("r-1", 200, "org_a")
    assert "jane" not in json.dumps(lines)
    assert lines[2]["request_id"] == lines[3]["request_id"]
    assert lines[2]["exception"][0]["type"] == "builtins.RuntimeError"


def test_the_values_in_database_and_validation_errors_stay_out_of_the_log(logged):
    from psycopg.errors import UniqueViolation
    from pydantic import TypeAdapter
    from sqlalchemy.exc import IntegrityError

    def violated() -> None:
        try:
            raise UniqueViolation("Key (email)=(jane@example.com) already exists.")
        except UniqueViolation as error:
            raise IntegrityError("INSERT", {"email": "jane@example.com"}, error) from error

    for work in (violated, lambda: TypeAdapter(int).validate_python("jane")):
        try:
            work()
        except Exception:
            structlog.get_logger().error("failed", exc_info=True)
            logging.getLogger("temporalio").exception("failed")
    lines = logged()
    assert len(lines) == 4
    assert "jane" not in json.dumps(lines)
    assert lines[0]["exception"][0]["sqlstate"] == "23505"


async def test_openapi_names_permissions_problems_and_the_token():
    async with client(app()) as c:
        said = await c.get("/openapi.json")
        again = await c.get("/openapi.json", headers={"If-None-Match": said.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    schema = said.json()
    operation = schema["paths"]["/v1/things"]["post"]
    assert (operation["security"], operation["x-permission"]) == ([{"bearer": []}], "payments.apply")
    assert {"201", "401", "403", "413", "415", "422", "429", "503"} <= operation["responses"].keys()
    problem = operation["responses"]["422"]["content"]["application/problem+json"]
    assert problem["schema"]["$ref"] == "#/components/schemas/Problem"
    assert "VALIDATION_FAILED" in problem["examples"]
    assert "HTTPValidationError" not in json.dumps(schema)


def test_a_gated_route_must_say_what_it_needs():
    careless = gated_router("careless")  # type: ignore[arg-type]  # a tag of no product
    with pytest.raises(TypeError, match="exactly one permission"):

        @careless.get("/v1/careless")
        def read() -> None: ...

    from api.deps import requires

    with pytest.raises(KeyError, match="no such permission"):

        @careless.get("/v1/careless")
        def misspelt(who: Annotated[Principal, requires("payments.reed")]) -> None: ...


def test_every_route_under_v1_is_gated():
    from fastapi import APIRouter

    from api.app import ROUTERS, create_app, routes_without_gate

    assert routes_without_gate([*ROUTERS, router]) == []
    open_door = APIRouter()
    open_door.add_api_route("/v1/open", lambda: None)
    with pytest.raises(TypeError, match="/v1/open"):
        create_app(settings(), [open_door])


def test_codes_statuses_and_the_page_in_the_docs_agree():
    assert STATUS.keys() == CODES.keys()
    page = (Path(__file__).parents[2] / "docs/errors.md").read_text()
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (\d{3}) \| (.+) \|$", page, re.MULTILINE)
    documented = {name: (int(status), title) for name, status, title in rows}
    assert len(rows) == len(documented)
    wanted = {name: (STATUS[name], title) for name, title in CODES.items()}
    missing = [
        f"| `{name}` | {STATUS[name]} | {CODES[name]} |" for name in wanted if documented.get(name) != wanted[name]
    ]
    assert not missing, "rows missing or wrong in docs/errors.md:\n" + "\n".join(missing)
    assert documented.keys() == wanted.keys()


def test_every_code_that_the_source_refuses_with_stands_in_the_table():
    root = Path(__file__).parents[2]
    rooms = ("models", "operations", "activities", "workflows", "api")
    named = {
        (found, path.name)
        for room in rooms
        for path in (root / room).rglob("*.py")
        for found in re.findall(r'\bRefusal\(\s*"([A-Z0-9_]+)"', path.read_text())
    }
    assert named
    assert [pair for pair in sorted(named) if pair[0] not in CODES] == []


def test_no_code_stands_in_the_table_that_nothing_answers():
    root = Path(__file__).parents[2]
    rooms = ("models", "operations", "activities", "workflows", "api", "import_readers", "statement_readers", "sources")
    tables = {root / "models/errors.py"}
    source = "".join(p.read_text() for room in rooms for p in (root / room).rglob("*.py") if p not in tables)
    source += "".join(p.read_text() for p in (root / "models/db/migrations").rglob("*.sql"))
    words, quoted = Counter(re.findall(r"\w+", source)), set(re.findall(r'"(\w+)"', source))
    for name in CODES:
        noun = name.removesuffix("_NOT_FOUND").lower()  # `found(tx, "invoice", …)` spells the code of a noun
        spelt = name != noun.upper() and noun in quoted
        assert spelt or words[name] > 1, name  # once it stands in the table of statuses
