"""Which subjects of the audit trail and of events a token covers that is limited to some legal entities."""

from models.db.tables.metadata import DOCUMENTS


def covered(column: str) -> str:
    """SQL: that the subject which the column names is of one of `entities`. One that belongs to no legal entity (the organisation
    itself) is of none."""
    direct = " UNION ALL ".join(
        f"SELECT 1 FROM {table} s WHERE s.org_id = :org AND s.id = {column} AND s.legal_entity_id = ANY(:entities)"
        for table in ("customers", "approvals", *DOCUMENTS)
    )
    banked = " UNION ALL ".join(
        f"""SELECT 1 FROM {table} s JOIN bank_accounts b ON b.org_id = s.org_id AND b.id = s.bank_account_id
             WHERE s.org_id = :org AND s.id = {column} AND b.legal_entity_id = ANY(:entities)"""
        for table in ("reconciliations", "statements")
    )
    return f"EXISTS ({direct} UNION ALL {banked})"
