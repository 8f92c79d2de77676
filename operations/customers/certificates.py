"""Exemption certificates that expire: on a desk thirty days ahead, and again once they have expired."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

from models.db.exceptions import resolve_about
from models.db.tx import Tx
from operations.organisations import bootstrap_work

AHEAD: Final = timedelta(days=30)
KIND: Final = "tax_certificate"


def watch_certificates(tx: Tx) -> int:
    """Open an exception per certificate of an active customer that expires soon or has expired; answers how many there are.

    What was renewed or removed meanwhile closes its exceptions. Repeating it the same day changes nothing.
    """
    today = tx.now.date()
    due = tx.all(
        "SELECT t.id, t.customer_id, t.certificate_expires_on AS expires, c.legal_entity_id FROM customer_tax_profiles t "
        "JOIN customers c ON c.org_id = t.org_id AND c.id = t.customer_id AND c.status = 'active' "
        "WHERE t.org_id = :org AND t.certificate_expires_on <= :until ORDER BY t.id",
        until=today + AHEAD,
    )
    work = bootstrap_work(tx, "arflow")
    found = {row["id"]: row["expires"] for row in due}
    for gone in tx.all(
        "SELECT subject_id, reason_code FROM exceptions WHERE org_id = :org AND kind = :kind AND status = 'open'",
        kind=KIND,
    ):
        expires = found.get(gone["subject_id"])
        if expires is None or (gone["reason_code"] == "CERTIFICATE_EXPIRED") != (expires < today):
            resolve_about(
                tx,
                KIND,
                gone["subject_id"],
                "arflow",
                "CERTIFICATE_RENEWED" if expires is None else "CERTIFICATE_EXPIRED",
            )
    for row in due:
        end = datetime.combine(row["expires"], time(), UTC) + timedelta(days=1)
        work.open_exception(
            KIND,
            "CERTIFICATE_EXPIRED" if row["expires"] < today else "CERTIFICATE_EXPIRING",
            row["id"],
            owner_role="ar_manager",
            due_in=end - tx.now,
            legal_entity_id=row["legal_entity_id"],
            detail={"customer_id": row["customer_id"], "tax_profile_id": row["id"], "expires_on": row["expires"]},
        )
    work.flush()
    return len(due)
