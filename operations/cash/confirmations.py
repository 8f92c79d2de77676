"""What a remittance confirmation says, and the record that it was sent."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from jinja2 import Environment
from sqlalchemy import Engine

from models.db.cash import confirmations
from models.db.engine import transaction
from models.db.master_data import settings_of
from models.db.postgres.connection import ThreadConnection
from models.messages.confirmations import confirmation_workflow_id
from models.money import spelt
from models.outbox import OutboxEvent
from operations.organisations import bootstrap_work

_TEXT = Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True).from_string(  # noqa: S701 - plain text
    """Dear {{ s.customer_name }},

thank you for your payment of {{ spelt(s.amount_minor, s.currency_code) }} dated {{ s.payment_date }}\
{% if s.reference %} (reference {{ s.reference }}){% endif %}.
We have applied it as follows:

{% for i in s.invoices %}
  Invoice {{ i.external_id }}{% if i.customer_name %} of {{ i.customer_name }}{% endif %}: \
{{ spelt(i.invoice_applied_minor, i.invoice_currency_code) }}\
{% for n in i.credit_notes %} and {{ spelt(n.applied_minor, i.invoice_currency_code) }} by credit note {{ n.external_id }}\
{% endfor %}\
{% if i.adjusted_minor %} and {{ spelt(i.adjusted_minor, i.invoice_currency_code) }} settled without payment{% endif %}, \
open now {{ spelt(i.balance_due_minor, i.invoice_currency_code) }}\
{% if i.disputed_minor %}, of which disputed {{ spelt(i.disputed_minor, i.invoice_currency_code) }}{% endif +%}
{% for d in i.deductions %}
    Left out: {{ spelt(d.amount_minor, i.invoice_currency_code) }} ({{ d.reason }})
{% endfor %}
{% endfor %}
{% if s.is_disputed %}

What is disputed stays due until we have looked into it; you will hear from us.
{% endif %}
{% if s.unapplied_minor %}

{{ spelt(s.unapplied_minor, s.currency_code) }} of the payment is on your account.
{% endif %}

{{ s.organisation }}
Payment {{ s.payment_id }}
"""
)


def unwanted(conn: ThreadConnection, events: Sequence[OutboxEvent]) -> frozenset[str]:
    """Of published events, the ids of the sessions' that stay without a confirmation.

    Switching off holds back what has not gone out yet and what comes until it is on again, for ever: nothing is sent late.
    """
    sessions = [e for e in events if e.type == "ar.payment.applied"]
    settings = {org: confirmations.settings_of(conn, org) for org in {e.org_id for e in sessions}}
    return frozenset(e.id for e in sessions if not settings[e.org_id].confirms(e.at))


@dataclass(frozen=True)
class Draft:
    """`status` is set when nothing is to be sent (any more)."""

    message: EmailMessage | None
    status: str | None
    message_id: str


def is_there(engine: Engine, org_id: str, session_id: str) -> bool:
    """Whether the session is in the books; it is not where these were restored to an earlier moment."""
    with transaction(engine, org_id, durable=False) as tx:
        return confirmations.has_session(tx, session_id)


@contextmanager
def alone(engine: Engine, org_id: str, session_id: str) -> Iterator[bool]:
    """Whether this is the only one who sends it, for as long as it takes. A try that was given up may still be talking to a slow
    mail server when the next one begins; a process that is killed lets go."""
    with transaction(engine, org_id, durable=False) as tx:
        yield confirmations.try_sending(tx, session_id)


def draft(engine: Engine, org_id: str, session_id: str) -> Draft:
    """The message of a session, or why there is none."""
    message_id = f"<{session_id}.{org_id}@arflow>"
    with transaction(engine, org_id, durable=False) as tx:
        session, settings = confirmations.applied_session(tx, session_id), settings_of(tx)
    if session is None:
        return Draft(None, "NO_ADDRESS", message_id)
    if session.recorded:
        return Draft(None, session.recorded, message_id)
    if settings.is_silent or not session.address:
        return Draft(None, None, "")
    message = EmailMessage(policy=SMTP)
    total = spelt(session.amount_minor, session.currency_code)
    message["Subject"] = f"Remittance confirmation: {total}"
    message["From"] = settings.mail_sender
    message["To"] = session.address
    message["Message-ID"] = message_id
    message["Date"] = format_datetime(session.applied_at)
    message.set_content(_TEXT.render(s=session, spelt=spelt))
    return Draft(message, None, message_id)


def record(engine: Engine, org_id: str, session_id: str, d: Draft) -> str:
    """Keep that it was sent (or why not), with its audit event on the payment."""
    with transaction(engine, org_id) as tx:
        session = confirmations.applied_session(tx, session_id)
        if session is None:
            return "NO_ADDRESS"
        status = "SENT" if d.message is not None else ("SWITCHED_OFF" if settings_of(tx).is_silent else "NO_ADDRESS")
        confirmations.keep_outcome(tx, session_id, d.message_id, status)
        if status == "SENT":
            work = bootstrap_work(tx, "process:ConfirmRemittance", confirmation_workflow_id(session_id))
            work.audit(session.payment_id, "remittance.confirmed", {"session_id": session_id})
            confirmations.resolve_undelivered(tx, session_id, who=work.cmd.actor)
            work.flush()
        return status


def report_undelivered(engine: Engine, org_id: str, session_id: str, failing_with: str | None) -> None:
    """An exception for the AR manager: the confirmation does not go out; what it fails with."""
    with transaction(engine, org_id) as tx:
        work = bootstrap_work(tx, "process:ConfirmRemittance", confirmation_workflow_id(session_id))
        session = confirmations.applied_session(tx, session_id)
        work.open_exception(
            "remittance_confirmation",
            "MAIL_NOT_DELIVERED",
            session_id,
            owner_role="ar_manager",
            due_in=timedelta(days=1),
            legal_entity_id=session.legal_entity_id if session else None,
            detail={"error": failing_with} if failing_with else None,
        )
        work.flush()
