"""Time stamps of a third party (RFC 3161): whether an answer of a stamping authority is a stamp of what was asked. Pure.

The authority learns a hash. Its word is taken where a certificate that the operator has named vouches for it; the time is
that at which its own certificate has to have been good, so that a stamp outlives it.
"""

import base64
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    Verifier,
    VerifierBuilder,
    decode_timestamp_response,
)

from models.audit.seals import StampAnswer
from models.mendable import Mendable

GRANTED: Final = 0
_STATUSES: Final = ("granted", "granted with changes", "rejected", "waiting", "revocation warned of", "revoked")


class CertificatesUnreadable(Mendable):
    """The file holds no certificate in PEM."""


class StampNotTaken(Exception):
    """The answer is no stamp of what was asked, or not of an authority that is trusted; a sentence for operators."""


class StampRequest:
    """A question to a stamping authority: a hash, and a number of its own that the answer has to repeat."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._asked: TimeStampRequest = (
            TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build()
        )
        self.content = self._asked.as_bytes()

    def stamp(self, answered: bytes, trusted: "StampingAuthorities") -> StampAnswer:
        """The stamp that was answered. Raises StampNotTaken."""
        at = trusted.stamped_at(self._message, answered, nonce=self._asked.nonce)
        return StampAnswer(stamped_at=at, response=base64.b64encode(answered).decode())


class StampingAuthorities:
    """Whose stamps are taken: those that these certificates vouch for."""

    def __init__(self, certificates: Sequence[Certificate]) -> None:
        self._certificates = certificates

    @classmethod
    def read(cls, pem: bytes) -> "StampingAuthorities":
        """The root, and what stands between it and the authority, where stamps do not bring that along: one block of PEM
        behind the other. Raises CertificatesUnreadable."""
        try:
            found = load_pem_x509_certificates(pem)
        except ValueError as error:
            raise CertificatesUnreadable(str(error)) from None
        return cls(list(dict.fromkeys(found)))

    @classmethod
    def of_file(cls, file: Path) -> "StampingAuthorities":
        """The same, from a file that the operator has named."""
        try:
            return cls.read(file.read_bytes())
        except (OSError, CertificatesUnreadable) as error:
            raise CertificatesUnreadable(f"{file}: {error}") from None

    def stamped_at(self, message: bytes, answered: bytes, nonce: int | None = None) -> datetime:
        """When the authority had the message. `nonce`: what the answer has to repeat. Raises StampNotTaken."""
        try:
            response = decode_timestamp_response(answered)
            if response.status != GRANTED:
                raise StampNotTaken(_refusal(response))
            _verifier(self._vouching(response), nonce).verify_message(response, message)
            return response.tst_info.gen_time.astimezone(UTC)
        except ValueError as error:
            raise StampNotTaken(f"the answer cannot be read ({str(error)[:200]})") from None
        except VerificationError as error:
            raise StampNotTaken(f"the stamp does not hold ({str(error)[:200]})") from None

    def fault(self, message: bytes, stamp: StampAnswer) -> str | None:
        """What is wrong with a stamp; None, if an authority that is trusted made it of this very message then."""
        try:
            at = self.stamped_at(message, base64.b64decode(stamp.response, validate=True))
        except StampNotTaken as no:
            return str(no)
        except ValueError:
            return "the stamp is none"
        return None if at == stamp.stamped_at else f"the stamp is of {at.isoformat()}"

    def _vouching(self, response: TimeStampResponse) -> list[Certificate]:
        """The certificates to prove an answer with. Of those that share a name, as the old and the new root of an authority
        do, only what signed: OpenSSL takes any one of a name, and finds the stamp false where it takes the other."""
        names = Counter(one.subject for one in self._certificates)
        signed: list[Certificate] = []
        above = [load_der_x509_certificate(one) for one in response.signed_data.certificates]
        while above:
            one = above.pop()
            by = [c for c in self._certificates if c not in signed and c != one and _signed_by(one, c)]
            signed += by
            above += by
        return [one for one in self._certificates if names[one.subject] == 1 or one in signed] or [*self._certificates]


def _verifier(roots: list[Certificate], nonce: int | None) -> Verifier:
    builder = VerifierBuilder(roots=roots)
    return (builder if nonce is None else builder.nonce(nonce)).build()


def _signed_by(one: Certificate, issuer: Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _refusal(response: TimeStampResponse) -> str:
    status = _STATUSES[response.status] if 0 <= response.status < len(_STATUSES) else str(response.status)
    said = " ".join(str(text) for text in response.status_string)
    return f"the authority answered: {status}" + (f" ({said[:200]})" if said.isprintable() and said else "")
