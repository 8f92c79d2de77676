"""What the settings let workers reach: the mail server, external systems, a stamping authority."""

from activities.confirmations import Transport, folder_transport, smtp_transport
from models.audit.stamps import StampingAuthorities
from settings import Settings
from sources.access import Access
from sources.time_stamps import Stamping


def access_of(settings: Settings) -> Access:
    """What the operator lets the connections of organisations use."""
    return Access(settings.secret, settings.source_hosts, local=not settings.production)


def mail_transport(settings: Settings) -> Transport:
    """The mail server of the settings; in development without one, files under the state directory."""
    if settings.smtp_url is None:
        settings.require(*(("smtp_url",) if settings.production else ()))
        return folder_transport(settings.home / "mail")
    return smtp_transport(settings.smtp_url.get_secret_value(), encrypted=settings.production)


def stamping_of(settings: Settings) -> Stamping | None:
    """The stamping authority, where there is one. Raises CertificatesUnreadable."""
    if settings.tsa_url is None or settings.tsa_certificates_file is None:
        return None
    return Stamping(settings.tsa_url, StampingAuthorities.of_file(settings.tsa_certificates_file))
