"""What a remittance confirmation is made of."""

from typing import Any

from models.db.postgres.connection import ThreadConnection
from models.db.tx import Row, Tx

_SWITCH = """SELECT coalesce(settings ->> 'remittance_confirmation', 'send') = 'off' AS off,
    CAST(settings ->> 'remittance_confirmation_since' AS timestamptz) AS since
  FROM organisations WHERE org_id = :org"""


def switch_of(conn: ThreadConnection, org_id: str) -> Row | None:
    """Whether an organisation's confirmations are `off`, else `since` when they are on again."""
    org = {"org": org_id}
    _, found = conn.exchange([("SELECT set_config('arflow.org_id', :org, true)", org), (_SWITCH, org)])
    return found.rows[0] if found.rows else None


def entity_of_session(tx: Tx, session_id: str) -> str | None:
    """The legal entity whose payment the session applied."""
    found: str | None = tx.scalar(
        "SELECT p.legal_entity_id FROM application_sessions s JOIN payments p ON p.org_id = s.org_id AND p.id = s.payment_id "
        "WHERE s.org_id = :org AND s.id = :id",
        id=session_id,
    )
    return found


def session_facts(tx: Tx, session_id: str) -> dict[str, Any] | None:
    """The session with its payment, customer, invoices and address; `recorded` is the status already kept."""
    row = tx.one(
        """SELECT s.id AS session_id, s.created_at AS applied_at, p.id AS payment_id, p.amount_minor, p.currency_code,
             p.payment_date::text, p.reference, p.amount_minor - p.applied_minor AS unapplied_minor, c.name AS customer_name,
             coalesce(c.billing_email, c.email) AS address, o.name AS organisation,
             coalesce(o.settings ->> 'mail_sender', 'accounts-receivable@example.com') AS sender,
             coalesce(o.settings ->> 'remittance_confirmation', 'send') = 'off' AS switched_off,
             (SELECT status FROM remittance_confirmations r WHERE r.org_id = s.org_id AND r.session_id = s.id) AS recorded,
             (SELECT json_agg(json_build_object('external_id', i.external_id, 'invoice_applied_minor', a.invoice_applied_minor,
                'invoice_currency_code', a.invoice_currency_code, 'balance_due_minor', i.balance_due_minor) ORDER BY a.id)
              FROM payment_applications a JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id
              WHERE a.org_id = s.org_id AND a.session_id = s.id) AS applications
           FROM application_sessions s JOIN payments p ON p.org_id = s.org_id AND p.id = s.payment_id
           JOIN customers c ON c.org_id = p.org_id AND c.id = p.customer_id JOIN organisations o ON o.org_id = s.org_id
           WHERE s.org_id = :org AND s.id = :id""",
        id=session_id,
    )
    return None if row is None else dict(row)
