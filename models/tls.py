"""Certificates of connections: whom they have to come from, when one ends, and what an error says of one, in words that an
operator can act on."""

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from models.answers import answer

AHEAD: Final = timedelta(days=14)
"""So long before a certificate ends somebody is told."""

_SAID: Final[Sequence[tuple[str, str]]] = (
    (r"alert.{0,20}certificate.?expired", "it says that our certificate has expired"),
    (r"alert.{0,20}unknown.?ca\b", "it does not trust our certificate"),
    (r"alert.{0,40}certificate.?required", "it asks for a certificate of ours"),
    (r"alert.{0,40}certificate|connection requires a valid client certificate", "it refuses our certificate"),
    (r"certificate.(has.)?expired|\bexpired\b", "its certificate has expired"),
    (r"not yet valid|notvalidyet", "its certificate is not valid yet, by the clock here"),
    (
        r"self.signed|unable to get (local )?issuer|unknown ?issuer",
        "its certificate is of an issuer that is not trusted here",
    ),
    (
        r"(hostname|ip address) mismatch|not ?valid ?for ?name|does not match host name",
        "its certificate is of another name",
    ),
    (r"certificate.verify.failed|invalid peer certificate", "its certificate cannot be verified"),
)
"""By what OpenSSL, libpq and rustls write; alerts are the other side's word of ours."""


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """A file of certificates that the operator has named: by which setting, and whether the last of them counts (authorities,
    of which one is enough) or the first (a chain, which holds as long as all of it does)."""

    setting: str
    path: Path
    authorities: bool = False


@answer
class CertificateAnswer:
    """When what the setting names ends; null where no certificate can be read from it."""

    setting: str
    ends_at: datetime | None


class _Trust:
    own: Path | None = None


def trust(authorities: Path | None) -> None:
    """From now on whoever these (PEM) vouch for is trusted, beside whom this machine trusts. Raises OSError, ValueError where
    there are none in the file."""
    if authorities is not None:
        ends(authorities.read_bytes(), authorities=True)
    _Trust.own = authorities


def client_context() -> ssl.SSLContext:
    """How this process speaks TLS to whoever it calls: verified, by name, against the authorities that are trusted here."""
    context = ssl.create_default_context()
    if _Trust.own is not None:
        context.load_verify_locations(_Trust.own)
    return context


def ends(pem: bytes, *, authorities: bool) -> datetime:
    """When these certificates end (UTC). Raises ValueError where there are none."""
    ending = [one.not_valid_after_utc for one in x509.load_pem_x509_certificates(pem)]
    return max(ending) if authorities else min(ending)


def ends_soon(one: CertificateAnswer, now: datetime) -> bool:
    """Whether somebody has to do something about it: it ends soon, has ended, or cannot be read."""
    return one.ends_at is None or one.ends_at - now < AHEAD


def reason(said: str) -> str | None:
    """What an error's text says of a certificate; None where it is about something else."""
    return next((words for pattern, words in _SAID if re.search(pattern, said, re.IGNORECASE)), None)
