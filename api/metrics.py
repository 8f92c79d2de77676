"""Prometheus metrics of the API process. Labels hold route templates, codes, currencies: nothing personal."""

from collections.abc import Callable
from typing import Final

import structlog
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

log = structlog.get_logger("arflow.api")

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_BUCKETS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 10.0)

REQUEST_SECONDS: Final = Histogram(
    "arflow_http_request_duration_seconds",
    "Time from the first byte of a request to the last of its answer",
    ["method", "route", "status"],
    buckets=_BUCKETS,
)
IN_PROGRESS: Final = Gauge("arflow_http_requests_in_progress", "Requests being answered")
REFUSALS: Final = Counter("arflow_refusals", "Requests refused, by error code", ["code"])
COMMANDS: Final = Counter(
    "arflow_commands", "Write requests carried out, by operation and result", ["operation", "result"]
)
PAYMENTS_RECORDED: Final = Counter("arflow_payments_recorded", "Payments recorded", ["currency"])
PAYMENTS_APPLIED: Final = Counter("arflow_payments_applied", "Application sessions committed", ["currency"])
INVOICES_CREATED: Final = Counter("arflow_invoices_created", "Invoices created", ["currency"])
OUTBOX_LAG: Final = Gauge("arflow_outbox_lag_events", "Committed events not yet published")
OUTBOX_LAG_SECONDS: Final = Gauge("arflow_outbox_lag_seconds", "Age of the oldest event not yet published")

DATABASE: Final = Gauge(
    "arflow_database_answers", "1 where the figures below could be read; 0: they are those of before"
)
TEMPORAL: Final = Gauge("arflow_temporal_answers", "1 where Temporal told its backlogs")
IDENTITY_PROVIDER: Final = Gauge(
    "arflow_identity_provider_answers", "1 where the issuer of tokens gave its keys when it was last asked", ["issuer"]
)
STUCK: Final = Gauge("arflow_stuck_work", "What stands still or fails again and again, by what", ["what"])
PROCESSES: Final = Gauge("arflow_processes", "Processes seen within two minutes, by kind", ["kind"])
LAST_SEEN: Final = Gauge(
    "arflow_process_last_seen_timestamp_seconds", "When a process was last seen; 0: never", ["kind"]
)
EXCEPTIONS: Final = Gauge(
    "arflow_exceptions_open",
    "What waits for a person, by the role on whose desk it lies and whether it is overdue",
    ["owner", "state"],
)
WEBHOOKS_FAILING: Final = Gauge(
    "arflow_webhook_endpoints_failing", "Endpoints whose next delivery has failed at least once"
)
WEBHOOKS_WAITING: Final = Gauge("arflow_webhook_deliveries_waiting", "Deliveries not yet taken")
COMMANDS_UNFINISHED: Final = Gauge("arflow_commands_unfinished", "Requests kept for a process and not yet carried out")
OLDEST_COMMAND: Final = Gauge(
    "arflow_oldest_unfinished_command_timestamp_seconds", "When the oldest of them was kept; 0: there is none"
)
QUEUE_TASKS: Final = Gauge("arflow_queue_tasks", "Tasks that wait in Temporal, about", ["queue"])
QUEUE_SECONDS: Final = Gauge("arflow_queue_oldest_seconds", "How long the oldest of them has waited", ["queue"])
QUEUE_POLLERS: Final = Gauge("arflow_queue_pollers", "Workers that take from the queue", ["queue"])


def exposition(refresh: Callable[[], None] | None = None) -> bytes:
    """All metrics of this process in Prometheus' text format.

    `refresh` first reads what is only known to the database (the outbox's lag) into the gauges; should it fail, the
    rest is told all the same.
    """
    if refresh is not None:
        try:
            refresh()
            DATABASE.set(1)
        except Exception as error:
            DATABASE.set(0)
            log.warning("metrics not refreshed", error=type(error).__name__)
    return generate_latest(REGISTRY)
