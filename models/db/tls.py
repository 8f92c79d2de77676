"""What is wrong with PostgreSQL's certificate. libpq says of each that it refuses only that it could not be verified."""

import socket
import ssl
import struct
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from models.db.engine import driver_url
from models.tls import CertificateFile, reason

_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
_PATIENCE: Final = 2.0
_HOME: Final = Path("~/.postgresql")


def certificate_files(variable: str, url: str | None) -> list[CertificateFile]:
    """Those that a database's address (or the environment that libpq reads) names."""
    given = _given(url)
    named = [
        CertificateFile(f"{name} of {variable}", Path(given[name]).expanduser(), authorities)
        for name, authorities in (("sslcert", False), ("sslrootcert", True))
        if given.get(name)
    ]
    return [one for one in named if str(one.path) != "system"]


def why_away(url: str, error: BaseException) -> str | None:
    """What a certificate has to do with it that the database could not be reached; None: nothing, as far as is known."""
    found = reason(str(error))
    return (_why_refused(url) or found) if found is not None and "verify failed" in str(error) else found


def _why_refused(url: str) -> str | None:
    """Ask the server for its certificate, as libpq does, and verify it in the same way."""
    given = _given(url)
    host, port = given.get("host", "localhost").split(",")[0], int(given.get("port", "5432").split(",")[0])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = given.get("sslmode") == "verify-full"
    root = given.get("sslrootcert") or str(_HOME / "root.crt")
    try:
        if root == "system":
            context.load_default_certs()
        else:
            context.load_verify_locations(Path(root).expanduser())
        with socket.create_connection((given.get("hostaddr", host).split(",")[0], port), _PATIENCE) as line:
            line.sendall(_SSL_REQUEST)
            if line.recv(1) == b"S":
                context.wrap_socket(line, server_hostname=host).close()
    except ssl.SSLError as refused:
        return reason(str(refused))
    except (OSError, ValueError):
        return None
    return None


def _given(url: str | None) -> dict[str, str]:
    """What libpq is told: by the address, else by its own variables (PGSSLROOTCERT, …)."""
    known = {o.keyword.decode(): (o.val or b"").decode() for o in psycopg.pq.Conninfo.get_defaults()}
    said = conninfo_to_dict(driver_url(url, for_sqlalchemy=False)) if url is not None else {}
    return {name: str(value) for name, value in (known | said).items() if value}
