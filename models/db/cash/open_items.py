"""What was open on a day: invoices with their balances, payments with what was left of them.

Two ways to the same figures. Where only the day is asked for, today's balances are taken and what came after the day
is rolled back: work for what is open and for what moved since, not for the whole history. Where it is also asked what
was known at a moment (`known_at`), the balances are built from the history of what was recorded by then.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeVar

from models.cash.aging import EDGES
from models.cash.open_items import OpenItem, OpenPayment, OpenSum
from models.db.reliefs import RELIEFS
from models.db.tx import Tx
from models.facts import Fact

R = TypeVar("R")

_SHOWN: Final = """i.id, i.external_id, i.customer_id, i.legal_entity_id, i.issue_date, i.due_date, i.currency_code,
  i.functional_currency, i.fx_rate, i.total_minor"""

# Live reliefs that count only after the day are given back; undone ones that counted on the day are taken off.
_ROLLED_BACK = """
WITH moved AS MATERIALIZED (
  SELECT invoice_id, sum(minor)::bigint AS minor, sum(worth)::bigint AS worth FROM (
    SELECT a.invoice_id, a.minor, a.worth
      FROM {reliefs} a WHERE a.org_id = :org{of_a} AND a.undone_at IS NULL AND a.effective_date > :day
    UNION ALL
    SELECT a.invoice_id, -a.minor, -a.worth
      FROM {reliefs} a WHERE a.org_id = :org{of_a} AND a.undone_at IS NOT NULL AND a.undone_date > :day
       AND a.effective_date <= :day) m GROUP BY invoice_id),
open_items AS (
  SELECT {shown}, {disputed} AS disputed, {deducted} AS deducted_minor,
         i.balance_due_minor + coalesce(m.minor, 0) AS balance_due_minor,
         i.functional_balance_minor + coalesce(m.worth, 0) AS functional_balance_minor
    FROM invoices i LEFT JOIN moved m ON m.invoice_id = i.id
   WHERE i.org_id = :org{of_i} AND i.balance_due_minor > 0 AND i.voided_at IS NULL AND i.issue_date <= :day
  UNION ALL
  SELECT {shown}, {disputed}, {deducted}, m.minor, i.functional_balance_minor + m.worth
    FROM moved m JOIN invoices i ON i.org_id = :org AND i.id = m.invoice_id
   WHERE i.balance_due_minor = 0 AND i.voided_at IS NULL AND i.issue_date <= :day
  UNION ALL
  SELECT {shown}, {disputed}, {deducted}, i.total_minor + coalesce(m.minor, 0), i.functional_total_minor + coalesce(m.worth, 0)
    FROM invoices i LEFT JOIN moved m ON m.invoice_id = i.id
   WHERE i.org_id = :org{of_i} AND i.voided_at IS NOT NULL AND i.void_date > :day AND i.issue_date <= :day)
"""

_AS_KNOWN = """
WITH relieved AS (
  SELECT a.invoice_id, sum(a.minor)::bigint AS minor, sum(a.worth)::bigint AS worth
    FROM {reliefs} a
   WHERE a.org_id = :org{of_a} AND a.effective_date <= :day AND a.created_at <= :known
     AND (a.undone_at IS NULL OR a.undone_at > :known OR a.undone_date > :day)
   GROUP BY a.invoice_id),
open_items AS (
  SELECT {shown}, {disputed} AS disputed, {deducted} AS deducted_minor, i.total_minor - coalesce(a.minor, 0) AS balance_due_minor,
         i.functional_total_minor - coalesce(a.worth, 0) AS functional_balance_minor
    FROM invoices i LEFT JOIN relieved a ON a.invoice_id = i.id
   WHERE i.org_id = :org{of_i} AND i.issue_date <= :day AND i.created_at <= :known
     AND (i.voided_at IS NULL OR i.voided_at > :known OR i.void_date > :day))
"""

_LISTED = """SELECT * FROM open_items i WHERE (balance_due_minor <> 0 OR functional_balance_minor <> 0){entities}
 ORDER BY due_date, issue_date, id"""
# What is contested, as OpenItem.disputed_minor and disputed_part have it.
_SUMMED = """SELECT legal_entity_id, customer_id, currency_code, width_bucket(:day - due_date, :edges) AS bucket,
       sum(balance_due_minor) AS minor, sum(functional_balance_minor) AS functional_minor,
       sum(contested)::bigint AS disputed_minor, sum(CASE WHEN disputed THEN functional_balance_minor WHEN contested = 0 THEN 0
         ELSE div(functional_balance_minor::numeric * contested, balance_due_minor) END)::bigint AS functional_disputed_minor
  FROM (SELECT *, CASE WHEN disputed THEN balance_due_minor
          ELSE least(deducted_minor, greatest(balance_due_minor, 0)) END AS contested FROM open_items) i
 WHERE (balance_due_minor <> 0 OR functional_balance_minor <> 0){entities}
 GROUP BY legal_entity_id, customer_id, currency_code, bucket"""

# Disputes end without leaving a date on the invoice: what stood at a moment is in the trail.
_DISPUTED_THEN = """coalesce((SELECT e.action = 'invoice.disputed' FROM audit_events e
  WHERE e.org_id = :org AND e.subject_id = i.id AND e.action IN ('invoice.disputed', 'invoice.dispute_resolved')
    AND e.at < :moment ORDER BY e.seq DESC LIMIT 1), false)"""
_DEDUCTED_THEN = """coalesce((SELECT sum(d.amount_minor) FROM deductions d WHERE d.org_id = :org AND d.invoice_id = i.id
    AND d.created_at < :moment AND (d.ended_at IS NULL OR d.ended_at >= :moment)), 0)::bigint"""


def open_invoices(
    tx: Tx, day: date, *, customer_id: str | None = None, known_at: datetime | None = None,
    entities: Collection[str] | None = None,
) -> list[OpenItem]:  # fmt: skip
    """Invoices with a balance on `day`, by due date: of one customer, or of the whole organisation.

    `balance_due_minor` in the invoice's currency, `functional_balance_minor` at its issue date's rate.
    """
    return _invoices(tx, OpenItem, _LISTED, day, customer_id, known_at, entities)


def open_sums(tx: Tx, day: date, *, entities: Collection[str] | None = None) -> list[OpenSum]:
    """The organisation's open invoices on `day`, summed by entity, customer, currency and bucket (its index)."""
    return _invoices(tx, OpenSum, _SUMMED, day, None, None, entities)


def _invoices(
    tx: Tx, kind: type[R], ending: str, day: date, customer_id: str | None, known_at: datetime | None,
    entities: Collection[str] | None,
) -> list[R]:  # fmt: skip
    now_flag = known_at is None and day >= tx.now.date()
    sql = ((_ROLLED_BACK if known_at is None else _AS_KNOWN) + ending).format(
        shown=_SHOWN,
        reliefs=RELIEFS,
        disputed="i.disputed_at IS NOT NULL" if now_flag else _DISPUTED_THEN,
        deducted="i.deducted_minor" if now_flag else _DEDUCTED_THEN,
        **_filters(customer_id, entities),
    )
    params = _params(day, customer_id, known_at, entities)
    if ending is _SUMMED:
        params["edges"] = list(EDGES)
    if not now_flag:
        end = datetime.combine(day + timedelta(days=1), time(), UTC)
        # Strictly before the end of the day, but up to and including the moment known_at.
        params["moment"] = end if known_at is None else min(end, known_at + timedelta(microseconds=1))
    return tx.records(kind, sql, **params)


_CANDIDATES = """ AND p.id IN (
    SELECT o.id FROM payments o WHERE o.org_id = :org{of_o} AND o.status IN ('UNAPPLIED', 'PARTIALLY_APPLIED')
    UNION ALL
    SELECT o.id FROM payments o WHERE o.org_id = :org{of_o} AND o.status = 'REVERSED' AND o.reversal_date > :day
    UNION ALL
    SELECT a.payment_id FROM payment_applications a
     WHERE a.org_id = :org{of_a} AND a.unapplied_at IS NULL AND a.effective_date > :day
    UNION ALL
    SELECT a.payment_id FROM payment_applications a
     WHERE a.org_id = :org{of_a} AND a.unapplied_at IS NOT NULL AND a.undone_date > :day)"""

_FUNDS = """
WITH funds AS (
  SELECT p.id, p.external_id, p.customer_id, p.legal_entity_id, p.payment_date, p.amount_minor, p.currency_code,
         p.functional_currency, p.amount_minor - a.minor AS left_minor,
         p.functional_amount_minor - a.worth AS left_worth, c.minor AS credits_minor, c.worth AS credits_worth
    FROM payments p
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(a.applied_minor), 0)::bigint AS minor,
             coalesce(sum(a.functional_cash_minor), 0)::bigint AS worth
        FROM payment_applications a
       WHERE a.org_id = p.org_id AND a.payment_id = p.id AND a.effective_date <= :day{a_known}
         AND (a.unapplied_at IS NULL OR a.undone_date > :day{a_unknown})) a
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(c.amount_minor - used.minor), 0)::bigint AS minor,
             coalesce(sum(made.worth - used.worth), 0)::bigint AS worth
        FROM customer_credits c
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(a.applied_minor), 0)::bigint AS minor,
                coalesce(sum(a.functional_cash_minor), 0)::bigint AS worth
           FROM payment_applications a
          WHERE a.org_id = c.org_id AND a.payment_id = c.payment_id AND a.credit_id = c.id
            AND a.effective_date <= :day{a_known}) used
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(l.functional_credit_minor), 0)::bigint AS worth
           FROM application_sessions s JOIN journal_lines l ON l.org_id = s.org_id AND l.entry_id = s.journal_entry_id
          WHERE s.org_id = c.org_id AND s.payment_id = c.payment_id AND s.credit_id = c.id
            AND l.account = 'customer_credits') made
       WHERE c.org_id = p.org_id AND c.payment_id = p.id AND c.kind = 'customer_credit'{c_known}) c
   WHERE p.org_id = :org{of_p} AND p.payment_date <= :day{p_known}
     AND (p.reversed_at IS NULL OR p.reversal_date > :day{p_unknown}){candidates})
SELECT * FROM funds i WHERE (left_minor <> 0 OR left_worth <> 0){entities} ORDER BY payment_date, id"""


def open_payments(
    tx: Tx, day: date, *, customer_id: str | None = None, known_at: datetime | None = None,
    entities: Collection[str] | None = None,
) -> list[OpenPayment]:  # fmt: skip
    """Payments of which something was left on `day`, unapplied or in credits; `left_*` is both together."""
    filters = _filters(customer_id, entities)
    known = known_at is not None
    sql = _FUNDS.format(
        candidates="" if known else _CANDIDATES.format(**filters),
        a_known=" AND a.created_at <= :known" if known else "",
        a_unknown=" OR a.unapplied_at > :known" if known else "",
        c_known=" AND c.created_at <= :known" if known else "",
        p_known=" AND p.created_at <= :known" if known else "",
        p_unknown=" OR p.reversed_at > :known" if known else "",
        **filters,
    )
    return tx.records(OpenPayment, sql, **_params(day, customer_id, known_at, entities))


def _filters(customer_id: str | None, entities: Collection[str] | None) -> dict[str, str]:
    one = "" if customer_id is None else " AND {}.customer_id = :customer"
    return {
        **{f"of_{t}": one.format(t) for t in ("a", "i", "o", "p")},
        "entities": "" if entities is None else " AND i.legal_entity_id = ANY(:entities)",
    }


def _params(
    day: date, customer_id: str | None, known_at: datetime | None, entities: Collection[str] | None
) -> dict[str, Fact]:
    given: dict[str, Fact] = {
        "customer": customer_id,
        "known": known_at,
        "entities": None if entities is None else sorted(entities),
    }
    return {"day": day, **{name: value for name, value in given.items() if value is not None}}
