"""A trace leads from the request through its process and its step to the statements; nothing personal is in it."""

import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio.client import Client, WorkflowHistoryEventFilterType

import tracing
from api.app import create_app
from api.tokens import mint_dev_token
from models.db.postgres import watched
from settings import Settings, SettingsError
from tests.books import Books

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.begin(Settings(), "api", exporter)
    yield exporter
    tracing.end()


@pytest.fixture
def settings(database_url: str, temporal_address: str, temporal_namespace: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database_url,
        temporal_address=temporal_address,
        temporal_namespace=temporal_namespace,
        home=tmp_path,
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[httpx2.AsyncClient, Books]]:
    """An API in this process, with its own worker, on a real database and a real Temporal."""
    books = Books(str(settings.database_url))
    app = create_app(settings)
    token = mint_dev_token(settings, books.org, "u_secret_person", ("ar_clerk",))
    headers = {"Authorization": f"Bearer {token}", "traceparent": f"00-{CALLER}-00f067aa0ba902b7-01"}
    async with app.router.lifespan_context(app):
        await app.state.temporal.wait(60)
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://api", headers=headers, timeout=60
        ) as client:
            yield client, books
    books.close()


def told(span: ReadableSpan) -> str:
    events = [event.name for event in span.events]
    return json.dumps([span.name, *map(str, (span.attributes or {}).values()), *events, span.status.description])


def id_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.span_id


def of_caller(spans: InMemorySpanExporter) -> Sequence[ReadableSpan]:
    found = [(span, span.get_span_context()) for span in spans.get_finished_spans()]
    return [span for span, context in found if context is not None and f"{context.trace_id:032x}" == CALLER]


def named(spans: Sequence[ReadableSpan], name: str) -> ReadableSpan:
    found = [span for span in spans if span.name == name]
    assert found, sorted(span.name for span in spans)
    return found[0]


AMOUNT = 9_876_543_210
"""So many digits stand in no id by chance."""


async def test_one_trace_from_the_request_through_the_process_to_the_statement(
    settings: Settings, spans: InMemorySpanExporter
) -> None:
    body = {
        "external_id": "traced-1", "payment_date": "2026-01-15", "amount_minor": AMOUNT, "currency_code": "USD",
        "remittance_text": "Secret words of a payer", "reference": "Secret reference",
    }  # fmt: skip
    async with serving(settings) as (client, books):
        made = await client.post("/v1/customer-payments", json=body | {"customer_id": books.customer()})
    assert made.status_code == 201, made.text
    found = of_caller(spans)
    request = named(found, "POST /v1/customer-payments")
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == "00f067aa0ba902b7", "part of its caller's trace"
    assert (request.attributes or {})["http.response.status_code"] == 201
    assert (request.attributes or {})["arflow.workflow_id"] == made.headers["X-Workflow-Id"]
    by_id = {id_of(span): span for span in found}

    def way(span: ReadableSpan) -> list[str]:
        names = [span.name]
        while span.parent is not None and span.parent.span_id in by_id:
            span = by_id[span.parent.span_id]
            names.append(span.name)
        return names

    statements = [span for span in found if "INSERT INTO payments" in str((span.attributes or {}).get("db.query.text"))]
    assert statements, sorted(span.name for span in found)
    up = way(statements[0])
    order = ["RunActivity:execute_command", "StartWorkflow:RecordPayment", "POST /v1/customer-payments"]
    assert [name for name in up if name in order] == order, up
    assert any(name.startswith("RunWorkflow:RecordPayment") for name in (span.name for span in found))
    everything = " ".join(told(span) for span in spans.get_finished_spans())
    for personal in ("Secret", "u_secret_person", "traced-1", str(AMOUNT), "@"):
        assert personal not in everything, personal


async def test_a_refusal_leaves_no_words_in_the_trace(settings: Settings, spans: InMemorySpanExporter) -> None:
    invoice = "invoice_01m8hh08waed8by0jvjpnpxx7c"
    async with serving(settings) as (client, books):
        payment = books.pay(books.customer(), 500, "2026-01-15")
        line = {"invoice_id": invoice, "applied_minor": 1}
        refused = await client.post(f"/v1/customer-payments/{payment}/apply", json={"applications": [line]})
    assert refused.json()["code"] == "INVOICE_NOT_FOUND"
    found = of_caller(spans)
    assert (named(found, "POST /v1/customer-payments/{payment_id}/apply").attributes or {})[
        "http.response.status_code"
    ] == 404
    assert all(not span.events and span.status.description is None for span in found)
    assert invoice not in " ".join(told(span) for span in found)


async def test_nothing_is_traced_or_sent_along_unless_the_settings_say_so(
    settings: Settings, temporal_client: Client
) -> None:
    assert (watched.watch, tracing.is_on(), tracing.interceptors()) == (None, False, ())
    said = {"payment_date": "2026-01-15", "amount_minor": 1, "currency_code": "USD", "external_id": "p"}
    async with serving(settings) as (client, books):
        made = await client.post("/v1/customer-payments", json=said | {"customer_id": books.customer()})
    handle = temporal_client.get_workflow_handle(made.headers["X-Workflow-Id"])
    events = handle.fetch_history_events(event_filter_type=WorkflowHistoryEventFilterType.ALL_EVENT)
    first = await anext(aiter(events))
    assert not first.workflow_execution_started_event_attributes.header.fields


def test_a_setting_without_the_packages_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match="arflow\\[tracing\\]"):
        tracing.begin(Settings(tracing="http://127.0.0.1:4318"), "api")
    assert not tracing.is_on()
