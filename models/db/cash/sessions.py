"""Application sessions, their applications and the credits they make: read and moved."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from models.answers import read_row
from models.cash.answers import InvoiceBalanceAnswer
from models.cash.payment import InvoiceStatus
from models.cash.records import ApplicationSession, CustomerCredit, Payment, PaymentApplication
from models.db.lookups import found
from models.db.tx import Tx

_CREDIT = "SELECT * FROM customer_credits WHERE org_id = :org AND id = :id"
_SESSIONS = "SELECT * FROM application_sessions WHERE org_id = :org"
_APPLICATIONS = "SELECT * FROM payment_applications WHERE org_id = :org"


def get_credit(tx: Tx, credit_id: str, *, lock: bool = False) -> CustomerCredit:
    """The credit; 404 or 403 otherwise."""
    sql = _CREDIT + (" FOR UPDATE" if lock else "")
    return found(tx, "credit", credit_id, tx.record(CustomerCredit, sql, id=credit_id))


def spend_credit(tx: Tx, credit_id: str, *, spent: int, worth: int) -> None:
    """Take from a locked credit, in its currency and in the functional one."""
    tx.later(
        """UPDATE customer_credits SET remaining_minor = remaining_minor - :spent,
             functional_remaining_minor = functional_remaining_minor - :worth WHERE org_id = :org AND id = :id""",
        spent=spent,
        worth=worth,
        id=credit_id,
    )


def follow_unapplied(tx: Tx, p: Payment, held_by_newest: int = 0) -> None:
    """`unapplied_cash` records follow what is left on their payment, the newest holding first."""
    tx.later(
        """UPDATE customer_credits c SET remaining_minor = n.remaining,
             functional_remaining_minor = CASE WHEN n.remaining = 0 THEN 0 ELSE :worth END
           FROM (SELECT id, greatest(0, least(amount_minor, :available - coalesce(sum(amount_minor) OVER (
                   ORDER BY created_at DESC, id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))::bigint AS remaining
                 FROM customer_credits WHERE org_id = :org AND payment_id = :id AND kind = 'unapplied_cash') n
           WHERE c.org_id = :org AND c.id = n.id""",
        available=p.available_minor - held_by_newest,
        worth=p.functional_available_minor,
        id=p.id,
    )


def get_session(tx: Tx, session_id: str) -> ApplicationSession:
    """A session that is there."""
    return found(tx, "session", session_id, tx.record(ApplicationSession, f"{_SESSIONS} AND id = :id", id=session_id))


def session_by_external_id(tx: Tx, payment_id: str, external_id: str) -> ApplicationSession | None:
    """The payment's session of this external_id, which is unique per payment."""
    sql = f"{_SESSIONS} AND payment_id = :id AND external_id = :ext"
    return tx.record(ApplicationSession, sql, id=payment_id, ext=external_id)


def sessions_of(tx: Tx, payment_id: str) -> list[ApplicationSession]:
    """The payment's own sessions, not those of its credits, in the order in which they were made."""
    sql = f"{_SESSIONS} AND payment_id = :id AND credit_used IS NULL ORDER BY seq"
    return tx.records(ApplicationSession, sql, id=payment_id)


@dataclass(frozen=True, slots=True)
class AppliedNow:
    """One application of a session, and its invoice as it stands now."""

    application: PaymentApplication
    invoice: InvoiceBalanceAnswer


def applied_now(tx: Tx, session_id: str) -> list[AppliedNow]:
    """What a session applied, with the invoices as they stand now."""
    rows = tx.all(
        """SELECT a.*, i.status AS invoice_status, i.balance_due_minor FROM payment_applications a
           JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id
           WHERE a.org_id = :org AND a.session_id = :id ORDER BY a.id""",
        id=session_id,
    )
    return [
        AppliedNow(
            read_row(PaymentApplication, r),
            InvoiceBalanceAnswer(
                id=r["invoice_id"],
                status=InvoiceStatus(r["invoice_status"]),
                balance_due_minor=r["balance_due_minor"],
            ),
        )
        for r in rows
    ]


def get_application(tx: Tx, application_id: str) -> PaymentApplication:
    """The application; 404 or 403 otherwise."""
    row = tx.record(PaymentApplication, f"{_APPLICATIONS} AND id = :id", id=application_id)
    return found(tx, "payment_application", application_id, row)


def lock_live_applications(tx: Tx, payment_id: str) -> list[PaymentApplication]:
    """The applications of a locked payment that were not undone, locked."""
    sql = f"{_APPLICATIONS} AND payment_id = :id AND unapplied_at IS NULL ORDER BY invoice_id, id FOR UPDATE"
    return tx.records(PaymentApplication, sql, id=payment_id)


def undo(tx: Tx, applications: Sequence[PaymentApplication], *, on: date, entry_date: date, reason: str) -> None:
    """Mark locked applications as undone on a date, by an entry of another."""
    tx.later(
        """UPDATE payment_applications SET unapplied_at = :at, undone_date = greatest(:day, effective_date),
             undone_entry_date = :entry_day, unapply_reason = :reason WHERE org_id = :org AND id = ANY(:ids)""",
        at=tx.now,
        day=on,
        entry_day=entry_date,
        reason=reason,
        ids=[a.id for a in applications],
    )
    mark_undone(tx, {a.session_id for a in applications})


def mark_undone(tx: Tx, session_ids: Collection[str]) -> None:
    """Something of these sessions is undone: they are no longer what a repeated request asks for."""
    tx.later(
        "UPDATE application_sessions SET undone = true WHERE org_id = :org AND id = ANY(:ids)", ids=sorted(session_ids)
    )
