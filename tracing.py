"""OpenTelemetry: one trace from a request through its process and its steps to the statements that PostgreSQL was sent.

Off unless `ARFLOW_TRACING` says where spans go (decision 0132). Spans hold routes, kinds of processes, ids and the text of
statements, in which values are `:name`s: nothing personal. What an exception says is left out: it may repeat what somebody wrote.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.db.postgres import watched
from settings import Settings, SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer
    from temporalio.client import Interceptor

MISSING: Final = "ARFLOW_TRACING is set, but OpenTelemetry is not installed: pip install 'arflow[tracing]'"
TEXT_LIMIT: Final = 4000
KEPT: Final = frozenset(
    {
        "http.request.method", "http.route", "http.response.status_code", "arflow.request_id", "arflow.workflow_id",
        "db.system.name", "db.query.text", "db.operation.batch.size",
        "temporalWorkflowID", "temporalRunID", "temporalActivityID", "temporalUpdateID",
    }
)  # fmt: skip
"""What a span may say; whatever else somebody puts on one does not leave the process."""


class _Tracing:
    provider: "TracerProvider | None" = None
    tracer: "Tracer | None" = None


def begin(settings: Settings, process: str, exporter: "SpanExporter | None" = None) -> None:
    """Trace this process from now on, where the settings say so. `exporter`: instead of the settings' collector, at once."""
    if settings.tracing is None and exporter is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError as missing:
        raise SettingsError(MISSING) from missing
    named = {"service.name": f"arflow-{process}", "service.version": version("arflow")}
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.tracing_share)),
        resource=Resource.create(named),
        shutdown_on_exit=False,
    )
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(bare(exporter)))
    else:
        collector = OTLPSpanExporter(endpoint=f"{str(settings.tracing).rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(bare(collector)))
    _Tracing.provider, _Tracing.tracer = provider, provider.get_tracer("arflow", version("arflow"))
    watched.watch = _statements


def end() -> None:
    """Send what is left, and trace no more."""
    provider, _Tracing.provider, _Tracing.tracer, watched.watch = _Tracing.provider, None, None, None
    if provider is not None:
        provider.shutdown()


def interceptors() -> "Sequence[Interceptor]":
    """What a client of Temporal is given, so that its calls, and the runs and steps of its workers, are part of the trace."""
    if _Tracing.tracer is None:
        return ()
    from temporalio.contrib.opentelemetry import TracingInterceptor

    return (TracingInterceptor(_Tracing.tracer),)


def is_on() -> bool:
    """Whether this process is traced."""
    return _Tracing.tracer is not None


class TracedRequests:
    """A span per request, part of the caller's trace where it sends a `traceparent`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tracer = _Tracing.tracer
        if scope["type"] != "http" or tracer is None:
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        caller = TraceContextTextMapPropagator().extract(carrier)
        with tracer.start_as_current_span(
            scope["method"], caller, kind=SpanKind.SERVER, record_exception=False
        ) as span:

            async def answering(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            try:
                await self._app(scope, receive, answering)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes(
                    {"http.request.method": scope["method"], "http.route": route, **_ids(scope["state"])}
                )


def _ids(state: Mapping[str, Any]) -> dict[str, str]:
    said = {"arflow.request_id": state.get("request_id"), "arflow.workflow_id": state.get("workflow_id")}
    return {name: value for name, value in said.items() if value}


@contextmanager
def _statements(texts: Sequence[str]) -> Iterator[None]:
    """One round trip to PostgreSQL; outside of a trace (what a process does by itself all day) it is none."""
    from opentelemetry.trace import SpanKind, get_current_span

    tracer = _Tracing.tracer
    if tracer is None or not get_current_span().is_recording():
        yield
        return
    words = [text.split(None, 1)[0].upper() for text in texts if text.strip()]
    said: dict[str, str | int] = {
        "db.system.name": "postgresql",
        "db.query.text": ";\n".join(texts)[:TEXT_LIMIT],
        "db.operation.batch.size": len(texts),
    }
    with tracer.start_as_current_span(
        " ".join(dict.fromkeys(words)) or "SQL", kind=SpanKind.CLIENT, attributes=said, record_exception=False
    ):
        yield


def bare(exporter: "SpanExporter") -> "SpanExporter":
    """An exporter that is given no words: no events (an exception's message is one), no descriptions, no unknown attributes."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Status

    def without_words(span: "ReadableSpan") -> ReadableSpan:
        return ReadableSpan(
            name=span.name, context=span.get_span_context(), parent=span.parent, resource=span.resource,
            attributes={name: value for name, value in (span.attributes or {}).items() if name in KEPT},
            links=span.links, kind=span.kind, status=Status(span.status.status_code), start_time=span.start_time,
            end_time=span.end_time, instrumentation_scope=span.instrumentation_scope,
        )  # fmt: skip

    class Bare(SpanExporter):
        def export(self, spans: "Sequence[ReadableSpan]") -> SpanExportResult:
            return exporter.export([without_words(span) for span in spans])

        def shutdown(self) -> None:
            exporter.shutdown()

    return Bare()
