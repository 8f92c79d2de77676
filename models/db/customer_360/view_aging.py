"""ar_aging as the view shows it: computed at query time, by the rules of `models.db.cash.aging`, inside the view's statement.

Most customers owe in one currency and have nothing dated ahead: for them the aging is a sum over their open invoices
and payments, and never leaves the database as rows. For any other the statement says NULL, and the caller asks
`aging_of`, which knows every case. A property test holds the two to the same figures.
"""

from typing import Final

from models.db.disputed import DISPUTED_MINOR
from models.db.reliefs import DATED_AHEAD

SHOWN_INVOICES: Final = 50
SHOWN_PAYMENTS: Final = 10

_LATE: Final = "CURRENT_DATE - i.due_date"
_OPEN: Final = """i.org_id = :org AND i.customer_id = :customer AND i.balance_due_minor > 0 AND i.voided_at IS NULL
  AND i.issue_date <= CURRENT_DATE AND (:entities::text[] IS NULL OR i.legal_entity_id = ANY(:entities::text[]))"""
_PAYMENT: Final = """p.org_id = :org AND p.customer_id = :customer
  AND (:entities::text[] IS NULL OR p.legal_entity_id = ANY(:entities::text[]))"""


def _sum(when: str) -> str:
    return f"coalesce(sum(i.balance_due_minor) FILTER (WHERE {when}), 0)"


_FIGURES: Final = """'current_minor', a.b0 + a.b1, 'days_30_minor', a.b2, 'days_60_minor', a.b3, 'days_90plus_minor', a.b4,
  'not_due_minor', a.b0, 'overdue_1_29_minor', a.b1, 'total_minor', a.b0 + a.b1 + a.b2 + a.b3 + a.b4,
  'unapplied_minor', m.unapplied, 'credits_minor', m.credits, 'credit_notes_minor', 0,
  'net_minor', a.b0 + a.b1 + a.b2 + a.b3 + a.b4 - m.unapplied - m.credits, 'disputed_minor', a.disputed"""

# Everything that takes more than today's balances: several currencies, dates ahead, and open credit notes.
_NOT_PLAIN: Final = f"""a.one_currency <> a.another_currency OR m.one_currency <> m.another_currency OR m.ahead
  OR m.one_currency <> coalesce(a.one_currency, e.functional_currency)
  OR EXISTS (SELECT FROM {DATED_AHEAD} x WHERE x.org_id = :org AND x.customer_id = :customer
      AND (x.effective_date > CURRENT_DATE OR x.undone_date > CURRENT_DATE))
  OR EXISTS (SELECT FROM invoices x WHERE x.org_id = :org AND x.customer_id = :customer
      AND x.voided_at IS NOT NULL AND x.void_date > CURRENT_DATE)
  OR EXISTS (SELECT FROM credit_notes x WHERE x.org_id = :org AND x.customer_id = :customer
      AND (x.balance_minor > 0 OR x.void_date > CURRENT_DATE))"""

_LEFT: Final = "p.status <> 'REVERSED' AND p.payment_date <= CURRENT_DATE"

RECENT_PAYMENTS: Final = f"""(SELECT coalesce(json_agg(shown ORDER BY p.id DESC), '[]')
      FROM (SELECT * FROM payments p WHERE {_PAYMENT} ORDER BY p.id DESC LIMIT {SHOWN_PAYMENTS}) p
      CROSS JOIN LATERAL (SELECT p.id, :payments::text || p.id AS href, p.status, p.payment_date, p.amount_minor,
        p.amount_minor - p.applied_minor AS unapplied_minor, p.currency_code) shown)"""

_INVOICES: Final = f"""(SELECT coalesce(json_agg(shown ORDER BY i.due_date, i.issue_date, i.id), '[]')
      FROM (SELECT * FROM invoices i WHERE {_OPEN} ORDER BY i.due_date, i.issue_date, i.id LIMIT {SHOWN_INVOICES}) i
      CROSS JOIN LATERAL (SELECT i.id, :invoices::text || i.id AS href, i.external_id, i.legal_entity_id, i.status,
        i.issue_date, i.due_date, greatest({_LATE}, 0) AS days_past_due, CASE WHEN {_LATE} < 30 THEN 'current'
          WHEN {_LATE} < 60 THEN 'days_30' WHEN {_LATE} < 90 THEN 'days_60' ELSE 'days_90plus' END AS bucket,
        i.currency_code, i.total_minor, i.balance_due_minor, i.functional_currency, i.functional_balance_minor,
        i.disputed_at IS NOT NULL AS disputed, {DISPUTED_MINOR} AS disputed_minor) shown)"""

AGING: Final = f"""SELECT CASE WHEN {_NOT_PLAIN} THEN NULL ELSE json_build_object(
    'customer_id', c.id, 'as_of', CURRENT_DATE, 'known_at', NULL,
    'currency_code', coalesce(a.one_currency, e.functional_currency), {_FIGURES}, 'invoices', {_INVOICES},
    'by_currency', CASE WHEN a.one_currency IS NULL AND m.one_currency IS NULL THEN '[]'::json
      ELSE json_build_array(json_build_object('currency_code', coalesce(a.one_currency, m.one_currency), {_FIGURES})) END,
    'recent_payments', {RECENT_PAYMENTS})::text END AS data, a.n > {SHOWN_INVOICES} AS more
  FROM legal_entities e,
    (SELECT min(i.currency_code) AS one_currency, max(i.currency_code) AS another_currency, count(*) AS n,
       {_sum(f"{_LATE} <= 0")} AS b0, {_sum(f"{_LATE} BETWEEN 1 AND 29")} AS b1, {_sum(f"{_LATE} BETWEEN 30 AND 59")} AS b2,
       {_sum(f"{_LATE} BETWEEN 60 AND 89")} AS b3, {_sum(f"{_LATE} >= 90")} AS b4,
       coalesce(sum({DISPUTED_MINOR}), 0) AS disputed
     FROM invoices i WHERE {_OPEN}) a,
    (SELECT min(p.currency_code) FILTER (WHERE {_LEFT}) AS one_currency,
       max(p.currency_code) FILTER (WHERE {_LEFT}) AS another_currency,
       coalesce(sum(p.amount_minor - p.applied_minor - p.credit_held_minor) FILTER (WHERE {_LEFT}), 0) AS unapplied,
       coalesce(sum(p.credit_held_minor) FILTER (WHERE {_LEFT}), 0) AS credits,
       coalesce(bool_or(p.reversal_date > CURRENT_DATE), false) AS ahead
     FROM payments p WHERE {_PAYMENT} AND p.status <> 'FULLY_APPLIED') m
  WHERE e.org_id = :org AND e.id = c.legal_entity_id"""
