"""Exemption certificates that expire: on a desk thirty days ahead, and again once they have expired."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from models.db.customers import references
from models.db.exceptions import resolve_about
from models.db.tx import Tx
from models.facts import Facts
from operations.organisations import bootstrap_work

AHEAD: Final = timedelta(days=30)
KIND: Final = "tax_certificate"


def watch_certificates(tx: Tx) -> int:
    """Open an exception per certificate of an active customer that expires soon or has expired; answers how many there are.

    What was renewed or removed meanwhile closes its exceptions. Repeating it the same day changes nothing.
    """
    today = tx.now.date()
    due = references.expiring_certificates(tx, today + AHEAD)
    reasons = {c.id: _reason(c.certificate_expires_on, today) for c in due}
    for profile_id, reason in references.open_exceptions(tx, KIND).items():
        if reasons.get(profile_id) != reason:
            resolve_about(tx, KIND, profile_id, "arflow", reasons.get(profile_id, "CERTIFICATE_RENEWED"))
    work = bootstrap_work(tx, "arflow")
    for c in due:
        end = datetime.combine(c.certificate_expires_on, time(), UTC) + timedelta(days=1)
        detail: Facts = {"customer_id": c.customer_id, "tax_profile_id": c.id, "expires_on": c.certificate_expires_on}
        work.open_exception(
            KIND, reasons[c.id], c.id, owner_role="ar_manager", due_in=end - tx.now, legal_entity_id=c.legal_entity_id,
            detail=detail,
        )  # fmt: skip
    work.flush()
    return len(due)


def _reason(expires: date, today: date) -> str:
    return "CERTIFICATE_EXPIRED" if expires < today else "CERTIFICATE_EXPIRING"
