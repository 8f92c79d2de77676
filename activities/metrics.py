"""Prometheus metrics of the worker process. Labels hold names of activities, outcomes, types of events: nothing personal.

`arflow worker` serves them where ARFLOW_WORKER_METRICS_PORT says. Business is counted by its events, as the relay publishes
them: so it is counted once, whichever process posted it.
"""

import platform
import time
from collections import Counter as Tally
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from temporalio import activity, client, worker
from temporalio.exceptions import ApplicationError

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second sample of every counter, which nothing here reads
for _unread in (GC_COLLECTOR, PLATFORM_COLLECTOR):
    REGISTRY.unregister(_unread)

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0)
ACTIVITY_SECONDS: Final = Histogram(
    "arflow_activity_duration_seconds",
    "Time of one attempt, by activity and outcome (done, refused, failed)",
    ["activity", "outcome"],
    buckets=_BUCKETS,
)
IN_PROGRESS: Final = Gauge("arflow_activities_in_progress", "Attempts under way", ["activity"])
EVENTS: Final = Counter("arflow_events", "Business events published by this process' relay, by type", ["type"])

CLOCK: Final = Gauge(
    "arflow_clock_ahead_seconds", "By how much this machine's clock is ahead of the database's; behind: below 0"
)
TLS_ENDS: Final = Gauge(
    "arflow_tls_certificate_ends_timestamp_seconds",
    "When what a setting names ends; 0: no certificate can be read",
    ["setting"],
)
BUILD: Final = Info("arflow_build", "Which build this process is")


def say_build(kind: str, build: str | None) -> dict[str, str]:
    """Put this process' build among its metrics; what was said."""
    said = {
        "process": kind,
        "version": version("arflow"),
        "build": build or "",
        "python": platform.python_version(),
        "temporal_sdk": version("temporalio"),
    }
    BUILD.info(said)
    return said


def count_events(types: Iterable[str]) -> None:
    """Events that were published, each by its type."""
    for kind, number in Tally(types).items():
        EVENTS.labels(kind).inc(number)


class Measured(client.Interceptor, worker.Interceptor):
    """Given to a client, it measures every activity of the workers that use the client."""

    def intercept_activity(self, next: worker.ActivityInboundInterceptor) -> worker.ActivityInboundInterceptor:
        return _Measuring(next)


class _Measuring(worker.ActivityInboundInterceptor):
    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        name, began, outcome = activity.info().activity_type, time.perf_counter(), "failed"
        try:
            with IN_PROGRESS.labels(name).track_inprogress():
                result = await super().execute_activity(input)
            outcome = "done"
        except ApplicationError as error:
            outcome = "refused" if error.non_retryable else "failed"
            raise
        finally:
            ACTIVITY_SECONDS.labels(name, outcome).observe(time.perf_counter() - began)
        return result
