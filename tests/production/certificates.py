"""A certificate authority of a company's own, what it has signed for servers of this machine, and the key of evidence."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

_MONTH: Final = timedelta(days=30)


class Authority:
    """Its certificate lies in `authority`, one it has signed for `localhost` in `certificate`, the key of that in `key`; beside
    them the halves of the key that signs evidence."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.authority, self.certificate, self.key = (folder / f"{n}.pem" for n in ("authority", "certificate", "key"))
        own, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _signed("Authority", own.public_key(), "Authority", own, of_an_authority=True)
        leaf = _signed("localhost", server.public_key(), "Authority", own, of_an_authority=False)
        self.authority.write_bytes(root.public_bytes(Encoding.PEM))
        self.certificate.write_bytes(leaf.public_bytes(Encoding.PEM))
        self.key.write_bytes(server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.signing, self.signing_public = folder / "signing.pem", folder / "signing.pub.pem"
        signing = Ed25519PrivateKey.generate()
        self.signing.write_bytes(signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = signing.public_key()
        self.signing_public.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def serving(self) -> ssl.SSLContext:
        """For a server in this process."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


def _signed(
    name: str, key: ec.EllipticCurvePublicKey, by: str, of: ec.EllipticCurvePrivateKey, *, of_an_authority: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    here = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=of_an_authority, crl_sign=of_an_authority, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(by))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _MONTH)
        .add_extension(x509.BasicConstraints(ca=of_an_authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectAlternativeName(here), critical=False)
        .sign(of, hashes.SHA256())
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
