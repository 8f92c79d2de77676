"""What a remittance confirmation says, and the record that it was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from jinja2 import Environment
from sqlalchemy import Engine

from models.db.cash.confirmations import entity_of_session, session_facts, switch_of
from models.db.engine import transaction
from models.db.postgres.connection import ThreadConnection
from models.db.tx import Row, Tx
from models.messages.confirmations import confirmation_workflow_id
from models.money import major
from operations.organisations import bootstrap_work

_TEXT = Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True).from_string(  # noqa: S701 - plain text
    """Dear {{ customer }},

thank you for your payment of {{ amount }} {{ currency }} dated {{ payment_date }}\
{% if reference %} (reference {{ reference }}){% endif %}.
We have applied it as follows:

{% for a in applications %}
  Invoice {{ a.external_id }}: {{ a.applied }} {{ a.currency }}, open now {{ a.open }} {{ a.currency }}
{% endfor %}
{% if unapplied %}

{{ unapplied }} {{ currency }} of the payment is on your account.
{% endif %}

{{ organisation }}
Payment {{ payment_id }}
"""
)


def unwanted(conn: ThreadConnection, events: Sequence[Row]) -> frozenset[str]:
    """Of published events, the ids of the sessions' that stay without a confirmation.

    Switching off holds back what has not gone out yet and what comes until it is on again, for ever: nothing is sent late.
    """
    sessions = [e for e in events if e["type"] == "ar.payment.applied"]
    switches = {org: switch_of(conn, org) for org in {e["org_id"] for e in sessions}}
    return frozenset(e["id"] for e in sessions if not _sends(switches[e["org_id"]], e["at"]))


def _sends(switch: Row | None, at: datetime) -> bool:
    return switch is None or not (switch["off"] or (switch["since"] is not None and at < switch["since"]))


@dataclass(frozen=True)
class Draft:
    """`status` is set when nothing is to be sent (any more)."""

    message: EmailMessage | None
    status: str | None
    message_id: str


def draft(engine: Engine, org_id: str, session_id: str) -> Draft:
    """The message of a session, or why there is none."""
    message_id = f"<{session_id}.{org_id}@arflow>"
    with transaction(engine, org_id, durable=False) as tx:
        facts = session_facts(tx, session_id)
    if facts is None:
        return Draft(None, "NO_ADDRESS", message_id)
    if facts["recorded"]:
        return Draft(None, facts["recorded"], message_id)
    if facts["switched_off"] or not facts["address"]:
        return Draft(None, None, "")
    message = EmailMessage(policy=SMTP)
    total = major(facts["amount_minor"], facts["currency_code"])
    message["Subject"] = f"Remittance confirmation: {total} {facts['currency_code']}"
    message["From"] = facts["sender"]
    message["To"] = facts["address"]
    message["Message-ID"] = message_id
    message["Date"] = format_datetime(facts["applied_at"])
    message.set_content(_TEXT.render(**_words(facts)))
    return Draft(message, None, message_id)


def record(engine: Engine, org_id: str, session_id: str, d: Draft) -> str:
    """Keep that it was sent (or why not), with its audit event on the payment."""
    with transaction(engine, org_id) as tx:
        facts = session_facts(tx, session_id)
        if facts is None:
            return "NO_ADDRESS"
        status = "SENT" if d.message is not None else ("SWITCHED_OFF" if facts["switched_off"] else "NO_ADDRESS")
        tx.insert(
            "remittance_confirmations",
            [{"session_id": session_id, "message_id": d.message_id, "status": status, "at": tx.now}],
            suffix="ON CONFLICT DO NOTHING",
        )
        if status == "SENT":
            _say(tx, facts["payment_id"], session_id)
        return status


def _say(tx: Tx, payment_id: str, session_id: str) -> None:
    work = bootstrap_work(tx, "process:ConfirmRemittance", confirmation_workflow_id(session_id))
    work.audit(payment_id, "remittance.confirmed", {"session_id": session_id})
    work.tx.run(
        "UPDATE exceptions SET status = 'resolved', resolved_at = :at, resolved_by = :who, resolution_code = 'SENT' "
        "WHERE org_id = :org AND kind = 'remittance_confirmation' AND subject_id = :s AND status = 'open'",
        at=tx.now,
        who=work.cmd.actor,
        s=session_id,
    )
    work.flush()


def report_undelivered(engine: Engine, org_id: str, session_id: str) -> None:
    """An exception for the AR manager: the confirmation has not gone out for hours."""
    with transaction(engine, org_id) as tx:
        work = bootstrap_work(tx, "process:ConfirmRemittance", confirmation_workflow_id(session_id))
        work.open_exception(
            "remittance_confirmation",
            "MAIL_NOT_DELIVERED",
            session_id,
            owner_role="ar_manager",
            due_in=timedelta(days=1),
            legal_entity_id=entity_of_session(tx, session_id),
        )
        work.flush()


def _words(f: dict[str, object]) -> dict[str, object]:
    currency = str(f["currency_code"])
    applications = [
        {
            "external_id": a["external_id"],
            "applied": major(a["invoice_applied_minor"], a["invoice_currency_code"]),
            "open": major(a["balance_due_minor"], a["invoice_currency_code"]),
            "currency": a["invoice_currency_code"],
        }
        for a in f["applications"]  # type: ignore[attr-defined]  # a list from JSON
    ]
    rest = int(str(f["unapplied_minor"]))
    return {
        "customer": f["customer_name"],
        "amount": major(int(str(f["amount_minor"])), currency),
        "currency": currency,
        "payment_date": f["payment_date"],
        "reference": f["reference"],
        "applications": applications,
        "unapplied": major(rest, currency) if rest else None,
        "organisation": f["organisation"],
        "payment_id": f["payment_id"],
    }
