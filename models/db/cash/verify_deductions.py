"""The invariants of deductions: what invoices say of them, and what each is about."""

from models.db.streaming import stream
from models.db.tx import Tx
from models.verification import Finding

_INVOICES = """SELECT i.id, i.deducted_minor, coalesce(d.minor, 0) AS minor FROM invoices i
  LEFT JOIN (SELECT invoice_id, sum(amount_minor) AS minor FROM deductions WHERE org_id = :org AND status = 'OPEN' GROUP BY 1) d
    ON d.invoice_id = i.id
  WHERE i.org_id = :org AND i.deducted_minor <> coalesce(d.minor, 0) ORDER BY i.id"""
_MISFITS = """SELECT d.id, d.invoice_id FROM deductions d JOIN invoices i ON i.org_id = d.org_id AND i.id = d.invoice_id
  WHERE d.org_id = :org AND (d.customer_id <> i.customer_id OR d.legal_entity_id <> i.legal_entity_id
    OR d.currency_code <> i.currency_code OR d.amount_minor > i.total_minor) ORDER BY d.id"""
_NEEDLESS = """SELECT d.id, i.id AS invoice_id FROM deductions d JOIN invoices i ON i.org_id = d.org_id AND i.id = d.invoice_id
  WHERE d.org_id = :org AND d.status = 'OPEN' AND i.balance_due_minor = 0 ORDER BY d.id"""
_UNCREDITED = """SELECT d.id, d.credit_note_id FROM deductions d
  LEFT JOIN credit_notes n ON n.org_id = d.org_id AND n.id = d.credit_note_id
  WHERE d.org_id = :org AND d.status = 'ACCEPTED' AND (n.posted_at IS NULL OR n.total_minor <> d.accepted_minor
    OR n.invoice_id IS DISTINCT FROM d.invoice_id) ORDER BY d.id"""


def check_deductions(tx: Tx) -> Finding:
    """Invoices say the sum of their open ones; none is open of what owes nothing; what was accepted was credited."""
    found = Finding("deductions", f"{tx.scalar('SELECT count(*) FROM deductions WHERE org_id = :org')} deductions")
    found.breach_each(stream(tx, _INVOICES), "{id}: says {deducted_minor} deducted, its open deductions are {minor}")
    found.breach_each(stream(tx, _MISFITS), "{id}: the deduction does not fit {invoice_id}")
    found.breach_each(stream(tx, _NEEDLESS), "{id}: open, though {invoice_id} owes nothing")
    found.breach_each(stream(tx, _UNCREDITED), "{id}: accepted, but {credit_note_id} does not credit it")
    return found
