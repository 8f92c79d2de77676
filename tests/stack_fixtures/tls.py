"""Certificates of the test's own, and a door that speaks TLS before a server that does not."""

import ipaddress
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE: Final = ipaddress.ip_address("127.0.0.1")
_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)


@dataclass(frozen=True)
class Authority:
    """Who signs certificates; `file` is what others trust."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def file(self) -> Path:
        return self.folder / "ca.pem"

    def __post_init__(self) -> None:
        self.file.write_bytes(_signed(self.key, self.key, "authority", 3650, authority=True))

    def issue(self, name: str, days: float) -> tuple[Path, Path]:
        """A certificate for this machine that ends in so many days (or ended so many ago), and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(_signed(key, self.key, name, days))
        secret.touch(mode=0o600)
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, secret


def _signed(
    key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, name: str, days: float, *, authority: bool = False
) -> bytes:
    ends = datetime.now(UTC) + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(ends, datetime.now(UTC)) - timedelta(days=1))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if not authority:
        made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(HERE)]), critical=False)
    return made.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass
class Door:
    """TLS at a port of its own; what is said in it goes on to `host, port` or the socket at a path. `postgres`: as PostgreSQL
    begins it. `clients`: whose certificates a client must bring."""

    upstream: tuple[str, int] | Path
    certificate: tuple[Path, Path]
    postgres: bool = False
    clients: Path | None = None

    def __post_init__(self) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_alpn_protocols(["postgresql"] if self.postgres else ["h2", "http/1.1"])
        self.renew(*self.certificate)
        if self.clients is not None:
            self._context.load_verify_locations(self.clients)
            self._context.verify_mode = ssl.CERT_REQUIRED
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._over = False

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def renew(self, certificate: Path, key: Path) -> None:
        """For whoever comes from now on."""
        self._context.load_cert_chain(certificate, key)

    @contextmanager
    def open(self) -> Iterator["Door"]:
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        yield self
        self._over = True
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes it
        thread.join(10)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            line, _ = self._listening.accept()
            if self._over:
                line.close()
                return
            threading.Thread(target=self._led, args=(line,), daemon=True).start()

    def _led(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            if self.postgres:
                while line.recv(8, socket.MSG_WAITALL) not in (_SSL_REQUEST, b""):
                    line.sendall(b"N")  # no GSS here
                line.sendall(b"S")
            with self._context.wrap_socket(line, server_side=True) as said, self._inner() as inner:
                _lead_on(said, inner)

    def _inner(self) -> socket.socket:
        if not isinstance(self.upstream, Path):
            return socket.create_connection(self.upstream)
        inner = socket.socket(socket.AF_UNIX)
        inner.connect(str(self.upstream))
        return inner


def _lead_on(outer: ssl.SSLSocket, inner: socket.socket) -> None:
    """Until one side ends. In one thread: an SSL object is not for two."""
    while True:
        ready = [outer] if outer.pending() else select.select([outer, inner], [], [])[0]
        for one, other in ((outer, inner), (inner, outer)):
            if one in ready:
                if not (said := one.recv(65536)):
                    return
                other.sendall(said)
