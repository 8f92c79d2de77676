"""Connects to Temporal as the settings say: address, namespace, API key, TLS."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, Interceptor, Plugin
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from models.mendable import Mendable
from models.tls import reason
from settings import Settings
from workflows.conversion import DATA_CONVERTER
from workflows.tls import why_refused

log = structlog.get_logger("arflow.temporal")
CONNECT_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 2.0
DESCRIBED_IN: Final = timedelta(seconds=5)
_NOBODY: Final = "may-we-write"
_REFUSED_IN_CORE: Final = ("PermissionDenied", "Unauthenticated")


class TemporalAway(Mendable):
    """It does not answer. The message is the transport's: an address and a reason; `why`: a certificate, where it is one."""

    why: str | None = None


class NamespaceGone(TemporalAway):
    """It answers, but the namespace was never made, or was deleted."""

    why = "its namespace is gone"


class KeyRefused(TemporalAway):
    """It answers, but not to our API key: none, one that ended or was withdrawn, or one of another namespace. No message says
    the key."""

    why = "it refuses our API key"


async def connect(
    settings: Settings,
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
    plugins: Sequence[Plugin] = (),
) -> Client:
    """A client for the settings' namespace; with a `runtime`, its workers are measured by it. Raises TemporalAway."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            client = await Client.connect(
                settings.temporal_target,
                namespace=settings.temporal_namespace,
                api_key=_key(settings),
                tls=_tls(settings) if settings.temporal_uses_tls else False,
                data_converter=DATA_CONVERTER,
                interceptors=interceptors,
                runtime=runtime,
                plugins=plugins,
            )
            if barred := await bars(client, from_writing=True):
                raise barred
            return client
    except RuntimeError as error:  # what the SDK's core says of a connection that is not to be had
        if any(code in str(error) for code in _REFUSED_IN_CORE):
            raise _refused(settings.temporal_target, settings.temporal_namespace) from error
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
    plugins: Sequence[Plugin] = (),
) -> Client:
    """As `connect`, as soon as the server is there. `meanwhile` is told each time that it is not."""
    said: str | None = None
    while True:
        try:
            return await connect(settings, interceptors, runtime, plugins)
        except TemporalAway as away:
            if said != str(away):
                log.warning("waiting for Temporal", why=str(away))
            said = str(away)
            meanwhile(away)
        await asyncio.sleep(AGAIN_SECONDS)


async def bars(client: Client, *, from_writing: bool = False) -> NamespaceGone | KeyRefused | None:
    """Why a server that is there lets us do nothing, as it says itself; None where it says nothing of the kind. A key may read,
    and not write: that is asked with a signal to a process that there never is."""
    asked = DescribeNamespaceRequest(namespace=client.namespace)
    target = client.service_client.config.target_host
    try:
        await client.workflow_service.describe_namespace(asked, timeout=DESCRIBED_IN)
        if from_writing and client.api_key is not None:
            await client.get_workflow_handle(_NOBODY).signal(_NOBODY, rpc_timeout=DESCRIBED_IN)
    except RPCError as error:
        if is_namespace_gone(error):
            return NamespaceGone(f"Temporal at {target} has no namespace {client.namespace}: it has to be made first")
        if is_key_refused(error):
            return _refused(target, client.namespace)
    return None


async def keep_key(client: Client, settings: Settings) -> None:
    """Another key in the file is the client's, and its workers', with the next call; until cancelled."""
    while settings.temporal_api_key_file is not None:
        with suppress(TemporalAway):  # while it is being replaced: the one that we have is good for as long as it is
            if (key := _key(settings)) is not None and key != client.api_key:
                client.api_key = key
                log.info("another API key is shown to Temporal", setting="ARFLOW_TEMPORAL_API_KEY_FILE")
        await asyncio.sleep(AGAIN_SECONDS)


def is_barred(error: RPCError) -> bool:
    """Whether the server is there, and lets us do nothing until an operator acts."""
    return is_namespace_gone(error) or is_key_refused(error)


def is_key_refused(error: RPCError) -> bool:
    """Whether it is we who are refused, whatever it was that we asked."""
    return error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED)


def is_namespace_gone(error: RPCError) -> bool:
    """Whether it is the namespace that was not found, and not what was looked for in it."""
    kind = NamespaceNotFoundFailure.DESCRIPTOR
    return error.status is RPCStatusCode.NOT_FOUND and any(d.Is(kind) for d in error.grpc_status.details)


def _refused(target: str, namespace: str) -> KeyRefused:
    return KeyRefused(
        f"Temporal at {target} refuses our API key for the namespace {namespace}: put one that it takes into the file that "
        "ARFLOW_TEMPORAL_API_KEY_FILE names, or into ARFLOW_TEMPORAL_API_KEY and start anew"
    )


def _key(settings: Settings) -> str | None:
    try:
        return settings.temporal_key()
    except (OSError, ValueError) as error:
        unread = KeyRefused(f"ARFLOW_TEMPORAL_API_KEY_FILE cannot be read: {type(error).__name__}")
        unread.why = "our API key cannot be read from its file"
        raise unread from None


def _tls(settings: Settings) -> TLSConfig:
    return TLSConfig(
        server_root_ca_cert=settings.temporal_tls_ca_file.read_bytes() if settings.temporal_tls_ca_file else None,
        domain=settings.temporal_tls_server_name,
        client_cert=settings.temporal_tls_cert_file.read_bytes() if settings.temporal_tls_cert_file else None,
        client_private_key=settings.temporal_tls_key_file.read_bytes() if settings.temporal_tls_key_file else None,
    )
