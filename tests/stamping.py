"""A stamping authority of the tests: OpenSSL's own, with certificates of its own, behind a small HTTP server."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CONFIG = """[tsa]
default_tsa = one
[one]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""
Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class Authority:
    """Stamps as OpenSSL does; `root` is the file of the certificate that vouches for it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.root = folder, folder / "root.pem"
        root_key, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
        root = _certificate("Root", root_key, "Root", root_key, stamping=False)
        self.root.write_bytes(root.public_bytes(Encoding.PEM))
        stamping = _certificate("Authority", key, "Root", root_key, stamping=True)
        (folder / "tsa.pem").write_bytes(stamping.public_bytes(Encoding.PEM))
        (folder / "tsa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(_CONFIG)

    def reply(self, question: bytes) -> bytes:
        """Its answer."""
        (self.folder / "question").write_bytes(question)
        command = "openssl ts -reply -config tsa.cnf -section one -queryfile question -out answer"
        subprocess.run(command.split(), cwd=self.folder, check=True, capture_output=True)
        return (self.folder / "answer").read_bytes()

    def proves(self, message: bytes, answered: bytes) -> bool:
        """Whether OpenSSL, given nothing but the two and the root, says that it is a stamp of the message."""
        (self.folder / "message").write_bytes(message)
        (self.folder / "kept").write_bytes(answered)
        command = "openssl ts -verify -data message -in kept -CAfile root.pem"
        return subprocess.run(command.split(), cwd=self.folder, check=False, capture_output=True).returncode == 0


def _certificate(
    name: str, key: EllipticCurvePrivateKey, by: str, by_key: EllipticCurvePrivateKey, *, stamping: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(by))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=not stamping, path_length=None), critical=True)
    )
    if stamping:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return made.sign(by_key, SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"arflow test {name}")])


def stamped(authority: Authority) -> Answer:
    """What an authority that is well answers."""

    def answer(http: BaseHTTPRequestHandler, question: bytes) -> None:
        send(http, authority.reply(question))

    return answer


def send(http: BaseHTTPRequestHandler, content: bytes, status: int = 200) -> None:
    """An answer, whole."""
    http.send_response(status)
    http.send_header("Content-Type", "application/timestamp-reply")
    http.send_header("Content-Length", str(len(content)))
    http.end_headers()
    http.wfile.write(content)


@contextmanager
def authority_at(answer: Answer) -> Iterator[str]:
    """The URL of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                answer(self, self.rfile.read(int(self.headers["Content-Length"])))
            except OSError:
                self.close_connection = True  # whoever asked has had enough

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/tsr"
    finally:
        server.shutdown()
        server.server_close()
