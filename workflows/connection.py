"""Connects to Temporal as the settings say: address, namespace, API key, TLS."""

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import TLSConfig

from settings import Settings


async def connect(settings: Settings) -> Client:
    """A client for the settings' namespace. Raises what the SDK raises when the server does not answer."""
    return await Client.connect(
        settings.temporal_target,
        namespace=settings.temporal_namespace,
        api_key=settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None,
        tls=_tls(settings) if settings.temporal_uses_tls else False,
        data_converter=pydantic_data_converter,
    )


def _tls(settings: Settings) -> TLSConfig:
    return TLSConfig(
        server_root_ca_cert=settings.temporal_tls_ca_file.read_bytes() if settings.temporal_tls_ca_file else None,
        domain=settings.temporal_tls_server_name,
        client_cert=settings.temporal_tls_cert_file.read_bytes() if settings.temporal_tls_cert_file else None,
        client_private_key=settings.temporal_tls_key_file.read_bytes() if settings.temporal_tls_key_file else None,
    )
