"""ar_aging as the view shows it: computed at query time, by the rules of `models.db.aging`, inside the view's statement.

Most customers owe in one currency and have nothing dated ahead: for them the aging is a sum over their open invoices
and payments, and never leaves the database as rows. For any other the statement says NULL, and the caller asks
`aging_of`, which knows every case. A property test holds the two to the same figures.
"""

from typing import Final

SHOWN_INVOICES: Final = 50
SHOWN_PAYMENTS: Final = 10

_LATE: Final = "(CURRENT_DATE - i.due_date)"
_OPEN: Final = """i.org_id = %(org)s AND i.customer_id = %(customer)s AND i.balance_due_minor > 0 AND i.voided_at IS NULL
  AND i.issue_date <= CURRENT_DATE AND (%(entities)s::text[] IS NULL OR i.legal_entity_id = ANY(%(entities)s::text[]))"""
_PAYMENT: Final = """p.org_id = %(org)s AND p.customer_id = %(customer)s
  AND (%(entities)s::text[] IS NULL OR p.legal_entity_id = ANY(%(entities)s::text[]))"""

# Amounts of a row of `c` (one currency's sums) in the currency shown: its own, or the ledger's functional figure.
_SUMS: Final = ", ".join(
    f"coalesce(sum(CASE WHEN b.currency_code = s.code THEN b.minor ELSE b.worth END) FILTER (WHERE b.bucket = {n}), 0)"
    f"::bigint AS b{n}"
    for n in range(5)
)
_OWN: Final = ", ".join(f"coalesce(sum(b.minor) FILTER (WHERE b.bucket = {n}), 0)::bigint AS b{n}" for n in range(5))
_FIGURES: Final = """'current_minor', {t}.b0 + {t}.b1, 'days_30_minor', {t}.b2, 'days_60_minor', {t}.b3,
  'days_90plus_minor', {t}.b4,
  'not_due_minor', {t}.b0, 'overdue_1_29_minor', {t}.b1, 'total_minor', {t}.b0 + {t}.b1 + {t}.b2 + {t}.b3 + {t}.b4,
  'unapplied_minor', {m}.unapplied, 'credits_minor', {m}.credits,
  'net_minor', {t}.b0 + {t}.b1 + {t}.b2 + {t}.b3 + {t}.b4 - {m}.unapplied - {m}.credits, 'disputed_minor', {t}.disputed"""

# Everything that takes more than today's balances: dates ahead, and money or books in a currency not shown.
_NOT_PLAIN: Final = """EXISTS (SELECT FROM payment_applications a WHERE a.org_id = %(org)s AND a.customer_id = %(customer)s
      AND a.unapplied_at IS NULL AND a.effective_date > CURRENT_DATE)
  OR EXISTS (SELECT FROM payment_applications a WHERE a.org_id = %(org)s AND a.customer_id = %(customer)s
      AND a.unapplied_at IS NOT NULL AND a.undone_date > CURRENT_DATE)
  OR EXISTS (SELECT FROM invoices i WHERE i.org_id = %(org)s AND i.customer_id = %(customer)s
      AND i.voided_at IS NOT NULL AND i.void_date > CURRENT_DATE)
  OR EXISTS (SELECT FROM payments p WHERE p.org_id = %(org)s AND p.customer_id = %(customer)s
      AND p.status = 'REVERSED' AND p.reversal_date > CURRENT_DATE)
  OR EXISTS (SELECT FROM b, s WHERE b.currency_code <> s.code AND b.functional_currency <> s.code)
  OR EXISTS (SELECT FROM m, s WHERE m.currency_code <> s.code)"""

RECENT_PAYMENTS: Final = f"""(SELECT coalesce(json_agg(json_build_object('id', p.id,
        'href', CASE WHEN %(payments)s THEN '/v1/customer-payments/' || p.id END, 'status', p.status,
        'payment_date', p.payment_date, 'amount_minor', p.amount_minor, 'unapplied_minor', p.amount_minor - p.applied_minor,
        'currency_code', p.currency_code)
        ORDER BY p.id DESC), '[]')
      FROM (SELECT * FROM payments p WHERE {_PAYMENT} ORDER BY p.id DESC LIMIT {SHOWN_PAYMENTS}) p)"""

AGING: Final = f"""
WITH b AS MATERIALIZED (
  SELECT i.currency_code, i.functional_currency,
    CASE WHEN CURRENT_DATE <= i.due_date THEN 0 WHEN {_LATE} < 30 THEN 1 WHEN {_LATE} < 60 THEN 2 WHEN {_LATE} < 90 THEN 3
      ELSE 4 END AS bucket,
    sum(i.balance_due_minor)::bigint AS minor, sum(i.functional_balance_minor)::bigint AS worth, count(*) AS n,
    coalesce(sum(i.balance_due_minor) FILTER (WHERE i.disputed_at IS NOT NULL), 0)::bigint AS disputed,
    coalesce(sum(i.functional_balance_minor) FILTER (WHERE i.disputed_at IS NOT NULL), 0)::bigint AS disputed_worth
  FROM invoices i WHERE {_OPEN} GROUP BY 1, 2, 3),
m AS MATERIALIZED (
  SELECT p.currency_code, sum(p.amount_minor - p.applied_minor - p.credit_held_minor)::bigint AS unapplied,
    sum(p.credit_held_minor)::bigint AS credits
  FROM payments p WHERE {_PAYMENT} AND p.status IN ('UNAPPLIED', 'PARTIALLY_APPLIED')
    AND p.payment_date <= CURRENT_DATE GROUP BY 1),
s AS MATERIALIZED (
  SELECT CASE WHEN count(DISTINCT b.currency_code) = 1 THEN min(b.currency_code)
    ELSE (SELECT e.functional_currency FROM legal_entities e WHERE e.org_id = %(org)s AND e.id = c.legal_entity_id)
    END AS code FROM b),
t AS (SELECT {_SUMS},
    coalesce(sum(CASE WHEN b.currency_code = s.code THEN b.disputed ELSE b.disputed_worth END), 0)::bigint AS disputed,
    coalesce(sum(b.n), 0)::bigint AS n
  FROM s LEFT JOIN b ON true),
own AS (SELECT b.currency_code, {_OWN},
    sum(b.disputed)::bigint AS disputed FROM b GROUP BY 1),
every AS (SELECT coalesce(o.currency_code, m.currency_code) AS currency_code,
    {", ".join(f"coalesce(o.b{n}, 0) AS b{n}" for n in range(5))}, coalesce(o.disputed, 0) AS disputed,
    coalesce(m.unapplied, 0) AS unapplied, coalesce(m.credits, 0) AS credits
  FROM own o FULL JOIN m ON m.currency_code = o.currency_code)
SELECT CASE WHEN {_NOT_PLAIN} THEN NULL ELSE json_build_object(
    'customer_id', c.id, 'as_of', CURRENT_DATE, 'known_at', NULL, 'currency_code', s.code, {_FIGURES.format(t="t", m="money")},
    'invoices', (SELECT coalesce(json_agg(json_build_object('id', i.id, 'href', '/v1/invoices/' || i.id,
        'external_id', i.external_id, 'legal_entity_id', i.legal_entity_id, 'status', i.status, 'issue_date', i.issue_date,
        'due_date', i.due_date,
        'days_past_due', greatest({_LATE}, 0), 'bucket', CASE WHEN {_LATE} < 30 THEN 'current'
          WHEN {_LATE} < 60 THEN 'days_30' WHEN {_LATE} < 90 THEN 'days_60' ELSE 'days_90plus' END,
        'currency_code', i.currency_code, 'total_minor', i.total_minor, 'balance_due_minor', i.balance_due_minor,
        'functional_currency', i.functional_currency, 'functional_balance_minor', i.functional_balance_minor,
        'disputed', i.disputed_at IS NOT NULL) ORDER BY i.due_date, i.issue_date, i.id), '[]')
      FROM (SELECT * FROM invoices i WHERE {_OPEN} ORDER BY i.due_date, i.issue_date, i.id LIMIT {SHOWN_INVOICES}) i),
    'by_currency', (SELECT coalesce(json_agg(json_build_object('currency_code', e.currency_code, {_FIGURES.format(t="e", m="e")})
      ORDER BY e.currency_code), '[]') FROM every e),
    'recent_payments', {RECENT_PAYMENTS}
  )::text END AS data, t.n AS total
FROM s CROSS JOIN t CROSS JOIN LATERAL (
  SELECT coalesce(sum(m.unapplied), 0)::bigint AS unapplied, coalesce(sum(m.credits), 0)::bigint AS credits FROM m) money"""
