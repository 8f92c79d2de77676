"""The certificates of connections that the settings name, when each ends, and what Temporal has against one."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from models.db.tls import certificate_files
from models.tls import CertificateAnswer, CertificateFile, ends, reason
from settings import Settings

PATIENCE: Final = 0.5


def certificates(settings: Settings) -> Sequence[CertificateAnswer]:
    """As their files are now, which need not be what this process has read of them."""
    return [CertificateAnswer(setting=one.setting, ends_at=_ends(one)) for one in _files(settings)]


def why_refused(settings: Settings) -> str | None:
    """What is wrong with Temporal's certificate, or with ours in its eyes; None: nothing, as far as is known. What the client
    says of a connection that ended is often only that it did: a server says after the handshake that it does not want us."""
    if not settings.temporal_uses_tls:
        return None
    host, _, port = settings.temporal_target.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    try:
        if settings.temporal_tls_ca_file is not None:
            context.load_verify_locations(settings.temporal_tls_ca_file)
        else:
            context.load_default_certs()
        if settings.temporal_tls_cert_file is not None:
            context.load_cert_chain(settings.temporal_tls_cert_file, settings.temporal_tls_key_file)
        with socket.create_connection((host, int(port)), PATIENCE) as line:
            line = context.wrap_socket(line, server_hostname=settings.temporal_tls_server_name or host)
            line.recv(1)
            line.close()
    except ssl.SSLError as refused:
        return reason(str(refused))
    except (OSError, ValueError):
        return None
    return None


def _ends(one: CertificateFile) -> datetime | None:
    try:
        return ends(one.path.read_bytes(), authorities=one.authorities)
    except (OSError, ValueError):
        return None


def _files(settings: Settings) -> Iterator[CertificateFile]:
    if settings.authorities_file is not None:
        yield CertificateFile("ARFLOW_AUTHORITIES_FILE", settings.authorities_file, authorities=True)
    if settings.temporal_tls_cert_file is not None:
        yield CertificateFile("ARFLOW_TEMPORAL_TLS_CERT_FILE", settings.temporal_tls_cert_file)
    if settings.temporal_tls_ca_file is not None:
        yield CertificateFile("ARFLOW_TEMPORAL_TLS_CA_FILE", settings.temporal_tls_ca_file, authorities=True)
    own = "ARFLOW_DATABASE_URL" if settings.app_database_url is None else "ARFLOW_APP_DATABASE_URL"
    yield from certificate_files(own, settings.app_database_url or settings.database_url)
