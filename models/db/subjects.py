"""Which subjects of the audit trail and of events a token covers that is limited to some legal entities."""

from collections.abc import Collection

from models.db.tables.metadata import DOCUMENTS
from models.facts import Fact


def subject_filter(entities: Collection[str] | None, column: str) -> tuple[str, dict[str, Fact]]:
    """SQL that leaves out subjects of other legal entities, and its parameter.

    With such a token, a subject that belongs to no legal entity (the organisation itself) is left out too.
    """
    if entities is None:
        return "", {}
    direct = " UNION ALL ".join(
        f"SELECT 1 FROM {table} s WHERE s.org_id = :org AND s.id = {column} AND s.legal_entity_id = ANY(:entities)"
        for table in ("customers", "approvals", *DOCUMENTS)
    )
    banked = " UNION ALL ".join(
        f"""SELECT 1 FROM {table} s JOIN bank_accounts b ON b.org_id = s.org_id AND b.id = s.bank_account_id
             WHERE s.org_id = :org AND s.id = {column} AND b.legal_entity_id = ANY(:entities)"""
        for table in ("reconciliations", "statements")
    )
    return f" AND EXISTS ({direct} UNION ALL {banked})", {"entities": sorted(entities)}
