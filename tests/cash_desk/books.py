"""Whether one organisation's books are right, computed from the tables by statements of their own.

Nothing here uses the product's SQL or its sums: what an operation keeps (balances, statuses, remainders) is derived
again from the applications, and the ledger's control accounts from the records they stand for.
"""

from collections.abc import Mapping
from datetime import UTC
from itertools import groupby
from typing import Any

import psycopg
from psycopg.rows import dict_row

from models.audit.chain import AuditEvent, breaches

PAYMENTS = """
SELECT p.id, p.status, p.amount_minor, p.applied_minor, p.credit_held_minor, p.reversed_at IS NOT NULL AS reversed,
       p.functional_available_minor AS worth, coalesce(a.applied, 0) AS live, coalesce(c.held, 0) AS held,
       coalesce(a.cash, 0) AS cash, coalesce(c.worth, 0) AS held_worth, p.functional_amount_minor AS functional,
       coalesce(u.named, 0) AS named
  FROM payments p
  LEFT JOIN (SELECT payment_id, sum(applied_minor) AS applied, sum(functional_cash_minor) AS cash
               FROM payment_applications WHERE org_id = %(org)s AND unapplied_at IS NULL GROUP BY 1) a ON a.payment_id = p.id
  LEFT JOIN (SELECT payment_id, sum(remaining_minor) AS held, sum(functional_remaining_minor) AS worth
               FROM customer_credits WHERE org_id = %(org)s AND kind = 'customer_credit' GROUP BY 1) c ON c.payment_id = p.id
  LEFT JOIN (SELECT payment_id, sum(remaining_minor) AS named
               FROM customer_credits WHERE org_id = %(org)s AND kind = 'unapplied_cash' GROUP BY 1) u ON u.payment_id = p.id
 WHERE p.org_id = %(org)s"""

INVOICES = """
SELECT i.id, i.status, i.total_minor, i.balance_due_minor, i.functional_total_minor, i.functional_balance_minor,
       i.voided_at IS NOT NULL AS void, coalesce(a.applied, 0) AS live, coalesce(a.relief, 0) AS relief
  FROM invoices i
  LEFT JOIN (SELECT invoice_id, sum(invoice_applied_minor) AS applied, sum(functional_relief_minor) AS relief
               FROM (SELECT invoice_id, invoice_applied_minor, functional_relief_minor FROM payment_applications
                      WHERE org_id = %(org)s AND unapplied_at IS NULL
                     UNION ALL SELECT invoice_id, amount_minor, functional_minor FROM adjustments
                      WHERE org_id = %(org)s AND undone_at IS NULL
                     UNION ALL SELECT invoice_id, amount_minor, functional_minor FROM write_offs
                      WHERE org_id = %(org)s AND posted_at IS NOT NULL AND reversed_at IS NULL
                     UNION ALL SELECT invoice_id, applied_minor, functional_relief_minor FROM credit_note_applications
                      WHERE org_id = %(org)s AND undone_at IS NULL) r GROUP BY 1) a ON a.invoice_id = i.id
 WHERE i.org_id = %(org)s"""

NOTES = """
SELECT n.id FROM credit_notes n LEFT JOIN (SELECT credit_note_id, sum(applied_minor) AS minor,
         sum(functional_credit_minor) AS worth
    FROM credit_note_applications WHERE org_id = %(org)s AND undone_at IS NULL GROUP BY 1) a ON a.credit_note_id = n.id
 WHERE n.org_id = %(org)s AND (n.voided_at IS NULL
   AND (n.balance_minor <> n.total_minor - coalesce(a.minor, 0)
     OR n.functional_balance_minor <> n.functional_total_minor - coalesce(a.worth, 0))
   OR n.voided_at IS NOT NULL AND (n.balance_minor <> 0 OR a.minor > 0))"""

DEDUCTIONS = """
SELECT coalesce(d.id, i.id) AS id FROM invoices i LEFT JOIN deductions d ON d.org_id = i.org_id AND d.invoice_id = i.id
  LEFT JOIN credit_notes n ON n.org_id = d.org_id AND n.id = d.credit_note_id
 WHERE i.org_id = %(org)s AND (
   i.deducted_minor <> (SELECT coalesce(sum(o.amount_minor), 0) FROM deductions o WHERE o.org_id = i.org_id
                          AND o.invoice_id = i.id AND o.status = 'OPEN')
   OR (d.status = 'OPEN' AND i.balance_due_minor = 0)
   OR (d.status = 'OPEN') <> EXISTS (SELECT FROM exceptions e WHERE e.org_id = d.org_id AND e.subject_id = d.id
                                       AND e.kind = 'deduction' AND e.status = 'open')
   OR (d.status = 'ACCEPTED') <> (n.posted_at IS NOT NULL)
   OR n.total_minor <> d.accepted_minor OR n.invoice_id <> d.invoice_id)"""

ENTRIES = """
SELECT e.id, count(l.*) AS lines, coalesce(sum(l.functional_debit_minor - l.functional_credit_minor), 0) AS off
  FROM journal_entries e LEFT JOIN journal_lines l ON l.org_id = e.org_id AND l.entry_id = e.id
 WHERE e.org_id = %(org)s GROUP BY e.id HAVING count(l.*) < 2
    OR coalesce(sum(l.functional_debit_minor - l.functional_credit_minor), 0) <> 0"""

# Per legal entity: what the ledger says of an account, and what the records behind it say.
ACCOUNTS = """
WITH ledger AS (
  SELECT e.legal_entity_id AS le, l.account, sum(l.functional_debit_minor - l.functional_credit_minor) AS minor
    FROM journal_lines l JOIN journal_entries e ON e.org_id = l.org_id AND e.id = l.entry_id
   WHERE l.org_id = %(org)s GROUP BY 1, 2),
records AS (
  SELECT le, 'accounts_receivable' AS account, sum(minor) AS minor FROM (
    SELECT legal_entity_id AS le, functional_balance_minor AS minor FROM invoices
     WHERE org_id = %(org)s AND voided_at IS NULL
    UNION ALL SELECT legal_entity_id, -functional_balance_minor FROM credit_notes
     WHERE org_id = %(org)s AND posted_at IS NOT NULL AND voided_at IS NULL) o GROUP BY 1
  UNION ALL SELECT legal_entity_id, 'cash', sum(functional_amount_minor)
    FROM payments WHERE org_id = %(org)s AND posted AND reversed_at IS NULL GROUP BY 1
  UNION ALL SELECT legal_entity_id, 'unapplied_cash', -sum(functional_available_minor)
    FROM payments WHERE org_id = %(org)s AND posted AND reversed_at IS NULL GROUP BY 1
  UNION ALL SELECT legal_entity_id, 'customer_credits', -sum(functional_remaining_minor)
    FROM customer_credits WHERE org_id = %(org)s AND kind = 'customer_credit' GROUP BY 1)
SELECT coalesce(l.le, r.le) AS le, coalesce(l.account, r.account) AS account, coalesce(l.minor, 0) AS ledger,
       coalesce(r.minor, 0) AS records
  FROM (SELECT * FROM ledger WHERE account IN ('accounts_receivable', 'cash', 'unapplied_cash', 'customer_credits')) l
  FULL JOIN records r ON r.le = l.le AND r.account = l.account
 WHERE coalesce(l.minor, 0) <> coalesce(r.minor, 0)"""

# Each invoice's receivable and each bank account's cash, line by line: sums per account hide errors that cancel out.
RECEIVABLE_PER_INVOICE = """
SELECT i.id, i.functional_balance_minor AS balance, coalesce(l.minor, 0) AS ledger, i.balance_due_minor AS due,
       coalesce(l.own, 0) AS own
  FROM invoices i LEFT JOIN (SELECT invoice_id, sum(functional_debit_minor - functional_credit_minor) AS minor,
         sum(debit_minor - credit_minor) AS own
    FROM journal_lines WHERE org_id = %(org)s AND account = 'accounts_receivable' GROUP BY 1) l ON l.invoice_id = i.id
  LEFT JOIN (SELECT invoice_id, sum(functional_credit_minor) AS worth, sum(applied_minor) AS minor
    FROM credit_note_applications WHERE org_id = %(org)s AND undone_at IS NULL GROUP BY 1) c ON c.invoice_id = i.id
 WHERE i.org_id = %(org)s AND (i.functional_balance_minor + coalesce(c.worth, 0) <> coalesce(l.minor, 0)
   OR i.balance_due_minor + coalesce(c.minor, 0) <> coalesce(l.own, 0))"""

# What was given without money stands on its account and, for its tax, beside what the invoice itself owes of tax.
GIVEN = """
WITH given AS (
  SELECT invoice_id, account, sum(worth) AS worth FROM (
  SELECT invoice_id, CASE kind WHEN 'discount' THEN 'sales_discounts' WHEN 'bank_fee' THEN 'bank_fees' ELSE kind END AS account,
         functional_minor - functional_tax_minor AS worth
    FROM adjustments WHERE org_id = %(org)s AND undone_at IS NULL
  UNION ALL SELECT invoice_id, 'write_off', functional_minor FROM write_offs
   WHERE org_id = %(org)s AND posted_at IS NOT NULL AND reversed_at IS NULL) g GROUP BY 1, 2),
carried AS (
  SELECT invoice_id, account, sum(functional_debit_minor - functional_credit_minor) AS worth FROM journal_lines
   WHERE org_id = %(org)s AND account IN ('sales_discounts', 'write_off', 'bank_fees', 'tax_withheld') GROUP BY 1, 2)
SELECT invoice_id || ' ' || account AS id FROM given g FULL JOIN carried c USING (invoice_id, account)
 WHERE coalesce(g.worth, 0) <> coalesce(c.worth, 0)
UNION ALL SELECT d.id FROM adjustments d JOIN payment_applications a ON a.org_id = d.org_id AND a.id = d.application_id
 WHERE d.org_id = %(org)s AND (d.invoice_id <> a.invoice_id OR d.payment_id <> a.payment_id
    OR (d.undone_at IS NULL AND a.unapplied_at IS NOT NULL))
UNION ALL SELECT d.id FROM (SELECT invoice_id AS id, sum(tax_minor) AS tax, sum(amount_minor) AS minor FROM adjustments
    WHERE org_id = %(org)s AND kind = 'discount' AND undone_at IS NULL GROUP BY 1) d
  JOIN invoices i ON i.org_id = %(org)s AND i.id = d.id WHERE d.tax > i.tax_minor OR d.minor > i.total_minor"""

CLOSED = """
SELECT e.id FROM journal_entries e JOIN periods p ON p.org_id = e.org_id AND p.status = 'closed'
   AND p.period = to_char(e.entry_date, 'YYYY-MM')
 WHERE e.org_id = %(org)s AND e.created_at > p.changed_at"""

UNPOSTED_IN_CLOSED = """
SELECT p.id FROM payments p JOIN periods c ON c.org_id = p.org_id AND c.status = 'closed'
   AND c.period = to_char(p.payment_date, 'YYYY-MM')
 WHERE p.org_id = %(org)s AND NOT p.posted AND p.reversed_at IS NULL AND p.created_at < c.changed_at"""

RECONCILED_TWICE = """
SELECT rp.payment_id AS id FROM reconciliation_payments rp JOIN reconciliations r ON r.org_id = rp.org_id
   AND r.id = rp.reconciliation_id AND r.status = 'COMPLETED' JOIN payments p ON p.org_id = rp.org_id AND p.id = rp.payment_id
 WHERE rp.org_id = %(org)s GROUP BY 1 HAVING count(*) > 1 OR bool_or(p.reversed_at IS NOT NULL) OR NOT bool_and(p.posted)"""

# Every posting tells of itself: one audit event and one outbox event per session, every entry named in the trail.
UNTOLD = """
SELECT s.id FROM application_sessions s
 WHERE s.org_id = %(org)s AND (
   (SELECT count(*) FROM outbox_events o WHERE o.org_id = s.org_id AND o.type = 'ar.payment.applied'
       AND o.data->>'session_id' = s.id) <> 1
   OR (SELECT count(*) FROM audit_events a WHERE a.org_id = s.org_id AND a.subject_id = s.payment_id
       AND a.action = 'payment.applied' AND a.payload::jsonb->>'session_id' = s.id) <> 1)
UNION ALL SELECT p.id FROM payments p
 WHERE p.org_id = %(org)s AND (SELECT count(*) FROM outbox_events o WHERE o.org_id = p.org_id AND o.subject = p.id
   AND o.type = 'ar.payment.received') <> 1
UNION ALL SELECT e.id FROM journal_entries e WHERE e.org_id = %(org)s AND NOT EXISTS (
   SELECT FROM audit_events a, jsonb_array_elements(a.payload::jsonb->'entries') m
    WHERE a.org_id = e.org_id AND m->>'id' = e.id AND m->>'digest' = e.digest)"""


def wrong(database_url: str, org: str, *, sequential: bool = False) -> list[str]:
    """Everything that is wrong with the organisation's books and trail; empty when all is right.

    `sequential`: the writes came one after the other, so times of writing say what was closed when.
    """
    with opened(database_url) as c:
        return wrong_in(c, org, sequential=sequential)


def opened(database_url: str) -> "psycopg.Connection[dict]":
    """A connection of the schema's owner that answers dicts."""
    connection = psycopg.connect(database_url, row_factory=dict_row, options="-c timezone=UTC")
    # All reads of a transaction see one state: a confirmation that is recorded between two of them is no fault.
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def wrong_in(c: "psycopg.Connection[dict]", org: str, *, sequential: bool = False) -> list[str]:
    """As `wrong`, on an open connection."""
    scope = {"org": org}
    found = [f"{p['id']}: {say}" for p in c.execute(PAYMENTS, scope) for say in _payment(p)]
    found += [f"{i['id']}: {say}" for i in c.execute(INVOICES, scope) for say in _invoice(i)]
    found += [f"{e['id']}: {e['lines']} lines, off by {e['off']}" for e in c.execute(ENTRIES, scope)]
    found += [f"{a['le']} {a['account']}: {a['ledger']}, records {a['records']}" for a in c.execute(ACCOUNTS, scope)]
    found += [
        f"{r['id']}: {r['balance']} ({r['due']}) open, ledger {r['ledger']} ({r['own']})"
        for r in c.execute(RECEIVABLE_PER_INVOICE, scope)
    ]
    periods = ((CLOSED, "posted into a closed period"), (UNPOSTED_IN_CLOSED, "not in the books of its closed period"))
    always = (
        (RECONCILED_TWICE, "reconciled twice, reversed, or not posted though reconciled"),
        (UNTOLD, "not told exactly once"),
        (NOTES, "what is left of it is not what it has not settled"),
        (DEDUCTIONS, "what is deducted is not what the invoice says, or lies on no desk"),
        (GIVEN, "what was given for it without money is not what the books carry"),
    )
    for sql, say in always + (periods if sequential else ()):
        found += [f"{r['id']}: {say}" for r in c.execute(sql, scope)]
    found += _chains(c, org)
    c.rollback()
    return found


def _payment(p: dict) -> list[str]:
    found = []
    if p["live"] > p["amount_minor"] or p["live"] + p["held"] > p["amount_minor"]:
        found.append(f"over-applied: {p['live']} and {p['held']} held of {p['amount_minor']}")
    if p["applied_minor"] != p["live"] or p["credit_held_minor"] != p["held"]:
        found.append(f"applied {p['applied_minor']}/{p['live']}, held {p['credit_held_minor']}/{p['held']}")
    if not p["reversed"] and p["worth"] + p["cash"] + p["held_worth"] != p["functional"]:
        found.append(f"functional parts {p['worth']} + {p['cash']} + {p['held_worth']} are not {p['functional']}")
    if p["reversed"] and (p["live"] or p["held"] or p["worth"]):
        found.append("reversed, but something is left")
    if p["live"] + p["held"] == p["amount_minor"] and p["worth"]:
        found.append(f"used up, but {p['worth']} of its worth is left")
    if not p["held"] and p["held_worth"]:
        found.append(f"nothing held in credits, but {p['held_worth']} of its worth")
    if p["named"] > p["amount_minor"] - p["live"] - p["held"]:
        found.append(f"credits name {p['named']} of unapplied cash that is not there")
    if (expected := payment_status(p["reversed"], p["live"], p["amount_minor"])) != p["status"]:
        found.append(f"status {p['status']}, not {expected}")
    return found


def _invoice(i: dict) -> list[str]:
    found = []
    due = 0 if i["void"] else i["total_minor"] - i["live"]
    worth = 0 if i["void"] else i["functional_total_minor"] - i["relief"]
    if i["void"] and i["live"]:
        found.append("void with applications")
    if (i["balance_due_minor"], i["functional_balance_minor"]) != (due, worth):
        found.append(f"balance {i['balance_due_minor']}/{due}, functional {i['functional_balance_minor']}/{worth}")
    if due == 0 and worth != 0:
        found.append(f"settled, but {worth} of the functional balance is left")
    if (expected := invoice_status(i["void"], due, i["total_minor"])) != i["status"]:
        found.append(f"status {i['status']}, not {expected}")
    return found


def payment_status(reversed_: bool, applied: int, amount: int) -> str:
    """The lifecycle of docs/api.md, section 3."""
    if reversed_:
        return "REVERSED"
    if applied == 0:
        return "UNAPPLIED"
    return "FULLY_APPLIED" if applied == amount else "PARTIALLY_APPLIED"


def invoice_status(void: bool, balance: int, total: int) -> str:
    if void:
        return "VOID"
    if balance == total:
        return "OPEN"
    return "PAID" if balance == 0 else "PARTIALLY_PAID"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items()}


def _chains(c: "psycopg.Connection[dict]", org: str) -> list[str]:
    heads = {
        r["subject_id"]: (r["seq"], bytes(r["hash"]))
        for r in c.execute("SELECT subject_id, seq, hash FROM audit_heads WHERE org_id = %s", (org,))
    }
    columns = ", ".join(AuditEvent.__dataclass_fields__)
    rows = c.execute(
        f"SELECT {columns} FROM audit_events WHERE org_id = %s ORDER BY subject_id, seq", (org,)
    ).fetchall()
    events = [AuditEvent(**_plain(r)) for r in rows]
    assert all(e.at.tzinfo is not None and e.at.utcoffset() == UTC.utcoffset(None) for e in events)
    found, seen = [], set()
    for subject, chain in groupby(events, key=lambda e: e.subject_id):
        seen.add(subject)
        found += breaches(chain, heads.get(subject))
    return found + [f"{s}: a head without events" for s in heads.keys() - seen]
