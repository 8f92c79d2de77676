"""What a remittance confirmation is made of, and how it ended."""

from typing import Final

from models.cash.remittance import AppliedSession
from models.db.disputed import DISPUTED_MINOR
from models.db.master_data import read_settings
from models.db.postgres.connection import ThreadConnection
from models.db.postgres.statements import ACT_AS
from models.db.tx import Tx
from models.facts import Facts
from models.master_data.records import OrganisationSettings

_SETTINGS: Final = "SELECT settings FROM organisations WHERE org_id = :org"
_SESSION: Final = f"""SELECT s.id AS session_id, s.created_at AS applied_at, p.id AS payment_id, p.legal_entity_id,
    p.amount_minor, p.currency_code, p.payment_date, p.reference,
    p.amount_minor - p.applied_minor AS unapplied_minor, c.name AS customer_name,
    coalesce(c.billing_email, c.email) AS address, o.name AS organisation,
    (SELECT status FROM remittance_confirmations r WHERE r.org_id = s.org_id AND r.session_id = s.id) AS recorded,
    (SELECT coalesce(json_agg(json_build_object('external_id', i.external_id,
       'invoice_applied_minor', coalesce(x.applied, 0), 'adjusted_minor', coalesce(x.adjusted, 0),
       'invoice_currency_code', i.currency_code, 'balance_due_minor', i.balance_due_minor,
       'disputed_minor', {DISPUTED_MINOR},
       'customer_name', (SELECT o.name FROM customers o
          WHERE o.org_id = i.org_id AND o.id = i.customer_id AND o.id <> p.customer_id),
       'credit_notes', coalesce(x.notes, '[]'), 'deductions', coalesce(x.deductions, '[]')) ORDER BY x.paid, i.id), '[]')
     FROM (SELECT invoice_id, min(at) FILTER (WHERE applied IS NOT NULL) AS paid, sum(applied) AS applied,
             sum(adjusted) AS adjusted,
             json_agg(note ORDER BY at) FILTER (WHERE note IS NOT NULL) AS notes,
             json_agg(deduction ORDER BY at) FILTER (WHERE deduction IS NOT NULL) AS deductions
       FROM (SELECT a.invoice_id, a.id AS at, a.invoice_applied_minor AS applied,
               (SELECT sum(j.amount_minor) FROM adjustments j WHERE j.org_id = a.org_id AND j.application_id = a.id) AS adjusted,
               NULL::json AS note, NULL::json AS deduction
             FROM payment_applications a WHERE a.org_id = s.org_id AND a.session_id = s.id
           UNION ALL SELECT c.invoice_id, c.id, NULL, NULL,
               json_build_object('external_id', n.external_id, 'applied_minor', c.applied_minor), NULL
             FROM credit_note_applications c JOIN credit_notes n ON n.org_id = c.org_id AND n.id = c.credit_note_id
             WHERE c.org_id = s.org_id AND c.payment_id = s.payment_id AND c.session_id = s.id
           UNION ALL SELECT d.invoice_id, d.id, NULL, NULL, NULL,
               json_build_object('amount_minor', d.amount_minor, 'reason', coalesce(d.customer_reason, d.reason_code))
             FROM deductions d WHERE d.org_id = s.org_id AND d.payment_id = s.payment_id AND d.session_id = s.id) lines
       GROUP BY invoice_id) x
     JOIN invoices i ON i.org_id = s.org_id AND i.id = x.invoice_id) AS invoices
  FROM application_sessions s JOIN payments p ON p.org_id = s.org_id AND p.id = s.payment_id
  JOIN customers c ON c.org_id = p.org_id AND c.id = p.customer_id JOIN organisations o ON o.org_id = s.org_id
  WHERE s.org_id = :org AND s.id = :id"""


def try_sending(tx: Tx, session_id: str) -> bool:
    """Whether nobody else is just then sending it; held until the transaction ends, however that ends."""
    sql = "SELECT pg_try_advisory_xact_lock(hashtextextended('confirmation:' || :org || ':' || :id, 0)) AS mine"
    return bool(tx.all(sql, id=session_id)[0]["mine"])


def settings_of(conn: ThreadConnection, org_id: str) -> OrganisationSettings:
    """An organisation's settings, for whoever goes through many organisations."""
    org = {"org": org_id}
    _, found = conn.exchange([(ACT_AS, org), (_SETTINGS, org)])
    return read_settings(found[0]["settings"] if found else {})


def applied_session(tx: Tx, session_id: str) -> AppliedSession | None:
    """The session; None where it, or the payment's customer, is not there."""
    return tx.record(AppliedSession, _SESSION, id=session_id)


def has_session(tx: Tx, session_id: str) -> bool:
    """Whether there is such a session."""
    return (
        tx.one("SELECT 1 AS there FROM application_sessions WHERE org_id = :org AND id = :id", id=session_id)
        is not None
    )


def keep_outcome(tx: Tx, session_id: str, message_id: str, status: str) -> None:
    """How the confirmation of a session ended: the first outcome is kept."""
    row: Facts = {"session_id": session_id, "message_id": message_id, "status": status, "at": tx.now}
    tx.insert("remittance_confirmations", [row], suffix="ON CONFLICT DO NOTHING")


def resolve_undelivered(tx: Tx, session_id: str, *, who: str) -> None:
    """Nobody needs to look after it any more: it was sent."""
    tx.later(
        "UPDATE exceptions SET status = 'resolved', resolved_at = :at, resolved_by = :who, resolution_code = 'SENT' "
        "WHERE org_id = :org AND kind = 'remittance_confirmation' AND subject_id = :s AND status = 'open'",
        at=tx.now,
        who=who,
        s=session_id,
    )
