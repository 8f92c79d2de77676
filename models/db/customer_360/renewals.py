"""Contracts whose renewal is near or missed."""

from collections.abc import Sequence
from datetime import date

from models.customer_360.records import RenewalAtRisk
from models.db.tx import Tx


def at_risk(tx: Tx, today: date, contract_ids: Sequence[str] | None) -> Sequence[RenewalAtRisk]:
    """Active contracts whose notice window has begun, the missed ones first."""
    chosen, params = ("", {}) if contract_ids is None else (" AND k.id = ANY(:ids)", {"ids": list(contract_ids)})
    sql = f"""SELECT k.*, c.legal_entity_id
      FROM contracts k JOIN customers c ON c.org_id = k.org_id AND c.id = k.customer_id
      WHERE k.org_id = :org AND NOT k.closed AND k.notice_from <= :today{chosen} ORDER BY k.renewal_date, k.id"""
    return tx.records(RenewalAtRisk, sql, today=today, **params)


def resolve_others(
    tx: Tx, kind: str, risks: Sequence[RenewalAtRisk], contract_ids: Sequence[str] | None, by: str
) -> None:
    """Close the open exceptions whose contract was renewed or ended, and the notice once the date has passed."""
    chosen, params = ("", {}) if contract_ids is None else (" AND subject_id = ANY(:ids)", {"ids": list(contract_ids)})
    today = tx.now.date()
    tx.run(
        f"""UPDATE exceptions SET status = 'resolved', resolved_at = :now, resolved_by = :by,
              resolution_code = CASE WHEN subject_id = ANY(:missed) THEN 'RENEWAL_MISSED' ELSE 'RENEWED_OR_ENDED' END
            WHERE org_id = :org AND kind = :kind AND status = 'open'{chosen}
              AND NOT (reason_code = 'RENEWAL_MISSED' AND subject_id = ANY(:missed))
              AND NOT (reason_code = 'RENEWAL_IN_NOTICE_WINDOW' AND subject_id = ANY(:noticed))""",
        kind=kind,
        missed=[r.id for r in risks if r.is_missed(today)],
        noticed=[r.id for r in risks if not r.is_missed(today)],
        now=tx.now,
        by=by,
        **params,
    )
