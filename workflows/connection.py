"""Connects to Temporal as the settings say: address, namespace, API key, TLS."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import structlog
from temporalio import workflow
from temporalio.api.enums.v1 import ApplicationErrorCategory
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, Interceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.exceptions import ApplicationErrorCategory as Category
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from models.mendable import Mendable
from models.tls import reason
from settings import Settings
from workflows.tls import why_refused

log = structlog.get_logger("arflow.temporal")
CONNECT_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 2.0
DESCRIBED_IN: Final = timedelta(seconds=5)


class TemporalAway(Mendable):
    """It does not answer. The message is the transport's: an address and a reason; `why`: a certificate, where it is one."""

    why: str | None = None


class NamespaceGone(TemporalAway):
    """It answers, but the namespace was never made, or was deleted."""


class Failures(DefaultFailureConverter):
    """A refusal is the answer to a request, not a fault of the code: it travels without a stack trace. What an update is
    answered names nothing of the code's either, whatever was sent."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        answers = workflow.in_workflow() and workflow.current_update_info() is not None
        if answers and not isinstance(exception, FailureError):  # the SDK could not read it; ours are all of that kind
            log.info("an update cannot be read", error=type(exception).__name__)
            exception = _not_read()
        super().to_failure(exception, payload_converter, failure)
        part: Failure | None = failure
        while part is not None:
            info = part.application_failure_info
            if answers or info.category == ApplicationErrorCategory.APPLICATION_ERROR_CATEGORY_BENIGN:
                failure.stack_trace = part.stack_trace = ""
            part = part.cause if part.HasField("cause") else None


def _not_read() -> ApplicationError:
    said = "VALIDATION_FAILED: The process has no such update, or takes something else with it: see docs/customers.md."
    return ApplicationError(said, type="VALIDATION_FAILED", non_retryable=True, category=Category.BENIGN)


DATA_CONVERTER = dataclasses.replace(pydantic_data_converter, failure_converter_class=Failures)
"""How values and failures travel, for every client and worker."""


async def connect(
    settings: Settings, interceptors: Sequence[Interceptor] = (), runtime: Runtime | None = None
) -> Client:
    """A client for the settings' namespace; with a `runtime`, its workers are measured by it. Raises TemporalAway."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            client = await Client.connect(
                settings.temporal_target,
                namespace=settings.temporal_namespace,
                api_key=settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None,
                tls=_tls(settings) if settings.temporal_uses_tls else False,
                data_converter=DATA_CONVERTER,
                interceptors=interceptors,
                runtime=runtime,
            )
            if await lacks_namespace(client):
                raise NamespaceGone(
                    f"Temporal at {settings.temporal_target} has no namespace {client.namespace}: it has to be made first"
                )
            return client
    except RuntimeError as error:  # what the SDK's core says of a connection that is not to be had
        why = reason(str(error)) or await asyncio.to_thread(why_refused, settings)
        away = TemporalAway(f"Temporal at {settings.temporal_target} does not answer ({why or str(error)[:300]})")
        away.why = why
        raise away from error
    except TimeoutError:
        raise TemporalAway(
            f"Temporal at {settings.temporal_target} does not answer in {CONNECT_SECONDS:.0f} s"
        ) from None


async def connect_once_there(
    settings: Settings,
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
    meanwhile: Callable[[TemporalAway], None] = lambda _away: None,
) -> Client:
    """As `connect`, as soon as the server is there. `meanwhile` is told each time that it is not."""
    said: str | None = None
    while True:
        try:
            return await connect(settings, interceptors, runtime)
        except TemporalAway as away:
            if said != str(away):
                log.warning("waiting for Temporal", why=str(away))
            said = str(away)
            meanwhile(away)
        await asyncio.sleep(AGAIN_SECONDS)


async def lacks_namespace(client: Client) -> bool:
    """Whether the server says that the client's namespace is not there; False where it says nothing about it."""
    asked = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        await client.workflow_service.describe_namespace(asked, timeout=DESCRIBED_IN)
    except RPCError as error:
        return is_namespace_gone(error)
    return False


def is_namespace_gone(error: RPCError) -> bool:
    """Whether it is the namespace that was not found, and not what was looked for in it."""
    kind = NamespaceNotFoundFailure.DESCRIPTOR
    return error.status is RPCStatusCode.NOT_FOUND and any(d.Is(kind) for d in error.grpc_status.details)


def _tls(settings: Settings) -> TLSConfig:
    return TLSConfig(
        server_root_ca_cert=settings.temporal_tls_ca_file.read_bytes() if settings.temporal_tls_ca_file else None,
        domain=settings.temporal_tls_server_name,
        client_cert=settings.temporal_tls_cert_file.read_bytes() if settings.temporal_tls_cert_file else None,
        client_private_key=settings.temporal_tls_key_file.read_bytes() if settings.temporal_tls_key_file else None,
    )
