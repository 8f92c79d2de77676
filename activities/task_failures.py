"""How often runs could not go on: workflow tasks that failed, by process and reason, among this process' metrics.

A workflow task fails where the code of a process stumbles, or decides otherwise in replay than its history says. The run
stays open and is tried again, ever more rarely; nothing else tells of it. The SDK's core counts such failures, those that
never reach Python included, and tells only Prometheus: so it gets a port of its own on the loopback interface, which is
asked when this process' metrics are.
"""

import logging
import socket
import urllib.request
from collections.abc import Iterable
from functools import cache
from typing import Final

import structlog
from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

log = structlog.get_logger("arflow.metrics")

NAME: Final = "arflow_workflow_task_failures"
_CORE: Final = "temporal_workflow_task_execution_failed"
_PATIENCE: Final = 2.0
_ASK: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@cache
def measured_runtime() -> Runtime | None:
    """The SDK's runtime of this process, whose failures are among its metrics. None, so the SDK's default, where no port
    is to be had: the process works all the same, unmeasured."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    try:
        runtime = Runtime(telemetry=TelemetryConfig(logging=_logging(), metrics=PrometheusConfig(bind_address=address)))
    except (RuntimeError, ValueError) as error:
        log.warning("failures of workflow tasks are not counted", error=type(error).__name__)
        return None
    REGISTRY.register(_Failures(address))
    return runtime


def _logging() -> LoggingConfig:
    """What the core says goes where all else goes, one object a line, instead of coloured text of its own."""
    level = TelemetryFilter(core_level="WARN", other_level="ERROR")
    return LoggingConfig(level, forwarding=LogForwardingConfig(logging.getLogger("temporalio.core")))


class _Failures(Collector):
    def __init__(self, address: str) -> None:
        self._url = f"http://{address}/metrics"

    def describe(self) -> Iterable[CounterMetricFamily]:
        return [self._family()]

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = self._family()
        try:
            with _ASK.open(self._url, timeout=_PATIENCE) as answer:
                text = answer.read().decode()
        except OSError as error:
            log.warning("failures of workflow tasks not read", error=type(error).__name__)
            return []
        for found in text_string_to_metric_families(text):
            for sample in found.samples if found.name == _CORE else ():
                labels = [sample.labels.get(name, "") for name in ("workflow_type", "failure_reason")]
                family.add_metric(labels, sample.value)
        return [family]

    @staticmethod
    def _family() -> CounterMetricFamily:
        what = "Workflow tasks that failed: their runs cannot go on until the code is mended"
        return CounterMetricFamily(NAME, what, labels=["workflow", "reason"])
