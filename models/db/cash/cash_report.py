"""Money received and not yet applied, on a day, tied to the accounts that carry it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from models.cash.ledger import Account
from models.cash.open_items import OpenPayment
from models.cash.report_answers import (
    UnappliedCashReportAnswer,
    UnappliedControlAnswer,
    UnappliedPaymentAnswer,
    UnappliedTimingAnswer,
    UnappliedTotalAnswer,
)
from models.db.cash.aging_report import SHOWN_DIFFERENCES
from models.db.cash.ledger_balances import balances, functional_currencies
from models.db.cash.open_items import open_payments
from models.db.tx import Tx

# What the entries made for each payment by the day leave in the two accounts, told from the records and their entry
# dates, not from the entries' lines: it must come to what the ledger says. A reversal undoes at its own date whatever
# the payment's other entries do at theirs, also those dated later.
_POSTED = """
WITH moves AS (
  SELECT f.source_id AS payment_id, f.entry_date, p.functional_amount_minor AS unapplied, 0::bigint AS credits
    FROM (SELECT DISTINCT ON (e.source_id) e.source_id, e.entry_date FROM journal_entries e
           WHERE e.org_id = :org AND e.kind IN ('receipt', 'application') ORDER BY e.source_id, e.id) f
    JOIN payments p ON p.org_id = :org AND p.id = f.source_id
  UNION ALL
  SELECT a.payment_id, a.entry_date, CASE WHEN a.credit_id IS NULL THEN -a.functional_cash_minor ELSE 0 END,
         CASE WHEN a.credit_id IS NULL THEN 0 ELSE -a.functional_cash_minor END
    FROM payment_applications a WHERE a.org_id = :org
  UNION ALL
  SELECT a.payment_id, a.undone_entry_date, a.functional_cash_minor, 0
    FROM payment_applications a WHERE a.org_id = :org AND a.unapplied_at IS NOT NULL
  UNION ALL
  SELECT s.payment_id, e.entry_date, -l.functional_credit_minor, l.functional_credit_minor
    FROM customer_credits c
    JOIN application_sessions s ON s.org_id = c.org_id AND s.payment_id = c.payment_id AND s.credit_id = c.id
    JOIN journal_entries e ON e.org_id = s.org_id AND e.id = s.journal_entry_id
    JOIN journal_lines l ON l.org_id = e.org_id AND l.entry_id = e.id AND l.account = 'customer_credits'
   WHERE c.org_id = :org AND c.kind = 'customer_credit'),
posted AS (
  SELECT m.payment_id, r.entry_date <= :day AS reversed,
         coalesce(sum(m.unapplied) FILTER (WHERE m.entry_date <= :day), 0) AS unapplied, sum(m.unapplied) AS all_unapplied,
         coalesce(sum(m.credits) FILTER (WHERE m.entry_date <= :day), 0) AS credits, sum(m.credits) AS all_credits
    FROM moves m LEFT JOIN journal_entries r ON r.org_id = :org AND r.source_id = m.payment_id AND r.kind = 'reversal'
   GROUP BY m.payment_id, r.entry_date)
SELECT * FROM (
  SELECT p.id, p.external_id, p.legal_entity_id,
         m.unapplied - CASE WHEN m.reversed THEN m.all_unapplied ELSE 0 END AS unapplied,
         m.credits - CASE WHEN m.reversed THEN m.all_credits ELSE 0 END AS credits
    FROM posted m JOIN payments p ON p.org_id = :org AND p.id = m.payment_id
   WHERE p.legal_entity_id = ANY(:entities)) x WHERE unapplied <> 0 OR credits <> 0"""


@dataclass(frozen=True, slots=True)
class _Posted:
    """What the entries of a payment leave in the two accounts, in the functional currency."""

    id: str
    external_id: str
    legal_entity_id: str
    unapplied: int
    credits: int


def unapplied_cash_report(tx: Tx, as_of: date, entities: Collection[str] | None) -> UnappliedCashReportAnswer:
    """Each payment with money left, unapplied or in customer credits.

    `control`, per entity and account: ledger = report + timing differences + difference, which must be 0. A receipt
    that no entry carries yet is a timing difference of kind `not_posted`.
    """
    currencies = functional_currencies(tx, entities)
    payments = open_payments(tx, as_of, entities=entities)
    names = _names(tx, {p.customer_id for p in payments if p.customer_id is not None})
    items = [_item(p, names.get(p.customer_id or ""), as_of) for p in payments]
    totals = []
    for entity, code in currencies.items():
        own = [i for i in items if i.legal_entity_id == entity]
        totals.append(
            UnappliedTotalAnswer(
                legal_entity_id=entity,
                currency_code=code,
                unapplied_minor=sum(i.functional_unapplied_minor for i in own),
                credits_minor=sum(i.functional_credits_minor for i in own),
            )
        )
    posted = {p.id: p for p in tx.records(_Posted, _POSTED, day=as_of, entities=list(currencies))}
    control = [
        *_control(Account.UNAPPLIED_CASH, balances(tx, as_of, Account.UNAPPLIED_CASH), posted, items, totals),
        *_control(Account.CUSTOMER_CREDITS, balances(tx, as_of, Account.CUSTOMER_CREDITS), posted, items, totals),
    ]
    return UnappliedCashReportAnswer(as_of=as_of, items=items, totals=totals, control=control)


def _names(tx: Tx, customer_ids: Collection[str]) -> dict[str, str]:
    sql = "SELECT id, name FROM customers WHERE org_id = :org AND id = ANY(:ids)"
    return tx.pairs(sql, ids=sorted(customer_ids))


def _item(p: OpenPayment, customer_name: str | None, as_of: date) -> UnappliedPaymentAnswer:
    left = p.funds
    return UnappliedPaymentAnswer(
        payment_id=p.id,
        external_id=p.external_id,
        customer_id=p.customer_id,
        customer_name=customer_name,
        legal_entity_id=p.legal_entity_id,
        payment_date=p.payment_date,
        age_days=(as_of - p.payment_date).days,
        currency_code=p.currency_code,
        amount_minor=p.amount_minor,
        unapplied_minor=left.unapplied_minor,
        credits_minor=left.credits_minor,
        functional_currency=p.functional_currency,
        functional_unapplied_minor=left.functional_unapplied_minor,
        functional_credits_minor=left.functional_credits_minor,
    )


def _control(
    account: Account, ledger: Mapping[str, int], posted: Mapping[str, _Posted],
    items: Sequence[UnappliedPaymentAnswer], totals: Sequence[UnappliedTotalAnswer],
) -> list[UnappliedControlAnswer]:  # fmt: skip
    """One of the two accounts, per legal entity."""
    credits = account is Account.CUSTOMER_CREDITS
    timing: dict[str, list[UnappliedTimingAnswer]] = {}
    reported = {i.payment_id: i for i in items}
    for payment_id in sorted(posted.keys() | reported.keys()):
        p, i = posted.get(payment_id), reported.get(payment_id)
        in_ledger = 0 if p is None else (p.credits if credits else p.unapplied)
        in_report = 0 if i is None else (i.functional_credits_minor if credits else i.functional_unapplied_minor)
        at = p or i
        if in_ledger != in_report and at is not None:
            timing.setdefault(at.legal_entity_id, []).append(
                UnappliedTimingAnswer(
                    kind="not_posted" if p is None else "entry_date", payment_id=payment_id, minor=in_ledger - in_report
                )
            )
    control = []
    for t in totals:
        differences, carried = timing.get(t.legal_entity_id, []), -ledger.get(t.legal_entity_id, 0)
        moved, shown = sum(d.minor for d in differences), t.credits_minor if credits else t.unapplied_minor
        control.append(
            UnappliedControlAnswer(
                legal_entity_id=t.legal_entity_id,
                currency_code=t.currency_code,
                account=account,
                ledger_minor=carried,
                report_minor=shown,
                timing_minor=moved,
                timing_count=len(differences),
                timing_differences=differences[:SHOWN_DIFFERENCES],
                difference_minor=carried - shown - moved,
            )
        )
    return control
