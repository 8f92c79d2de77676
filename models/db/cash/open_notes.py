"""The credit notes of a day, and what of each was open on it."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Final

from models.cash.open_notes import OpenNote
from models.db.tx import Tx

_OPEN: Final = """WITH notes AS (
  SELECT n.id, n.external_id, n.customer_id, n.legal_entity_id, n.issue_date, n.currency_code, n.functional_currency,
         n.fx_rate, n.total_minor, n.total_minor - a.minor AS balance_minor,
         n.functional_total_minor - a.worth AS functional_balance_minor
    FROM credit_notes n CROSS JOIN LATERAL (
      SELECT coalesce(sum(a.applied_minor), 0)::bigint AS minor,
             coalesce(sum(a.functional_credit_minor), 0)::bigint AS worth FROM credit_note_applications a
       WHERE a.org_id = n.org_id AND a.credit_note_id = n.id AND a.effective_date <= :day{a_known}
         AND (a.undone_at IS NULL OR a.undone_date > :day{a_unknown})) a
   WHERE n.org_id = :org AND n.issue_date <= :day AND n.posted_at IS NOT NULL{n_known}
     AND (n.voided_at IS NULL OR n.void_date > :day{n_unknown}){customer}{entities})
SELECT * FROM notes WHERE balance_minor <> 0 OR functional_balance_minor <> 0 ORDER BY issue_date, id"""


def open_notes(
    tx: Tx, day: date, *, customer_id: str | None = None, known_at: datetime | None = None,
    entities: Collection[str] | None = None,
) -> list[OpenNote]:  # fmt: skip
    """Credit notes of which something was open on `day`, from what was recorded by `known_at` (None: by now)."""
    known = known_at is not None
    sql = _OPEN.format(
        a_known=" AND a.created_at <= :known" if known else "",
        a_unknown=" OR a.undone_at > :known" if known else "",
        n_known=" AND n.posted_at <= :known" if known else "",
        n_unknown=" OR n.voided_at > :known" if known else "",
        customer="" if customer_id is None else " AND n.customer_id = :customer",
        entities="" if entities is None else " AND n.legal_entity_id = ANY(:entities)",
    )
    given: dict[str, object] = {
        "customer": customer_id,
        "known": known_at,
        "entities": None if entities is None else sorted(entities),
    }
    return tx.records(OpenNote, sql, day=day, **{name: value for name, value in given.items() if value is not None})
