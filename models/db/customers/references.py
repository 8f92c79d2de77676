"""What a customer's record may name, and what of it comes to an end."""

from collections.abc import Collection, Sequence
from datetime import date

from models.customers.records import ExpiringCertificate
from models.db.tx import Tx


def known_entities(tx: Tx, ids: Collection[str]) -> set[str]:
    """Those of these legal entities that there are."""
    sql = "SELECT id FROM legal_entities WHERE org_id = :org AND id = ANY(:ids)"
    return set(tx.column(sql, ids=sorted(ids)))


def has_terms(tx: Tx, code: str) -> bool:
    """Whether there are such payment terms."""
    return tx.scalar("SELECT 1 FROM payment_terms WHERE org_id = :org AND code = :code", code=code) is not None


def has_revenue_account(tx: Tx, key: str) -> bool:
    """Whether there is such an account, for revenue."""
    sql = "SELECT 1 FROM accounts WHERE org_id = :org AND key = :key AND kind = 'revenue'"
    return tx.scalar(sql, key=key) is not None


def known_dimensions(tx: Tx, types: Collection[str]) -> set[tuple[str, str]]:
    """The types and codes that there are of these types."""
    sql = "SELECT type, code FROM dimensions WHERE org_id = :org AND type = ANY(:types)"
    return {(r["type"], r["code"]) for r in tx.all(sql, types=sorted(types))}


def expiring_certificates(tx: Tx, until: date) -> Sequence[ExpiringCertificate]:
    """The certificates of active customers that have expired or expire by then."""
    return tx.records(
        ExpiringCertificate,
        "SELECT t.id, t.customer_id, t.certificate_expires_on, c.legal_entity_id FROM customer_tax_profiles t "
        "JOIN customers c ON c.org_id = t.org_id AND c.id = t.customer_id AND c.status = 'active' "
        "WHERE t.org_id = :org AND t.certificate_expires_on <= :until ORDER BY t.id",
        until=until,
    )


def open_exceptions(tx: Tx, kind: str) -> dict[str, str]:
    """The reason codes of the open exceptions of a kind, by subject."""
    sql = "SELECT subject_id, reason_code FROM exceptions WHERE org_id = :org AND kind = :kind AND status = 'open'"
    return tx.pairs(sql, kind=kind)
