"""Payments, their sessions, applications and credits, in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.cash.bank_texts import shown_texts
from models.cash.payment import invoice_status, standing
from models.db.lookups import find, refuse_missing
from models.db.tx import Row, Tx, to_json

LIVE_CURRENCY = """(SELECT CASE WHEN count(DISTINCT a.invoice_currency_code) = 1 THEN min(a.invoice_currency_code) END
  FROM payment_applications a WHERE a.org_id = p.org_id AND a.payment_id = p.id AND a.unapplied_at IS NULL)"""
APPLICATIONS = """(SELECT coalesce(json_agg(json_build_object('id', a.id, 'invoice_id', a.invoice_id,
  'applied_minor', a.applied_minor, 'currency_code', a.currency_code, 'invoice_applied_minor', a.invoice_applied_minor,
  'invoice_currency_code', a.invoice_currency_code, 'fx_rate', a.fx_rate::text, 'credit_id', a.credit_id,
  'applied_at', a.created_at, 'unapplied_at', a.unapplied_at) ORDER BY a.created_at, a.id), '[]')
  FROM payment_applications a WHERE a.org_id = p.org_id AND a.payment_id = p.id)"""
BANK_TEXTS = """(SELECT l.texts FROM statement_lines l WHERE l.org_id = p.org_id AND l.statement_id = p.statement_id
  AND l.line = p.statement_line)"""
SHOWN = f"p.*, {APPLICATIONS} AS applications, {BANK_TEXTS} AS bank_texts"
"""A payment with what its answer shows beside it."""
CLOSED = "(SELECT coalesce(json_agg(c.period), '[]') FROM periods c WHERE c.org_id = :org AND c.status = 'closed')"


def get(tx: Tx, payment_id: str) -> Row:
    """The payment with its applications; 404 or 403 otherwise."""
    sql = f"SELECT {SHOWN} FROM payments p WHERE p.org_id = :org AND p.id = :id"
    return find(tx, "payment", sql, payment_id)


def by_external_id(tx: Tx, external_id: str) -> Row | None:
    sql = f"SELECT {SHOWN} FROM payments p WHERE p.org_id = :org AND p.external_id = :ext"
    return tx.one(sql, ext=external_id)


_LOCK = "SELECT 1 FROM payments WHERE org_id = :org AND id = :id FOR UPDATE"
_LOCKED = f"""SELECT p.*, {CLOSED} AS closed_periods, s.id AS last_session, s.seq AS last_seq, s.body_hash AS last_hash,
    s.command_id AS last_command, s.undone AS last_undone
  FROM payments p LEFT JOIN LATERAL (SELECT * FROM application_sessions s WHERE s.org_id = p.org_id
    AND s.payment_id = p.id ORDER BY s.seq DESC LIMIT 1) s ON true
  WHERE p.org_id = :org AND p.id = :id"""
"""Read after the lock is held: what is beside the payment may have moved while waiting for it."""
_LOCK_INVOICES = "SELECT * FROM invoices WHERE org_id = :org AND id = ANY(:ids) ORDER BY id FOR UPDATE"


_OWED = """SELECT currency_code, sum(balance_due_minor) AS minor FROM invoices WHERE org_id = :org
    AND customer_id = (SELECT p.customer_id FROM payments p WHERE p.org_id = :org AND p.id = :id)
    AND balance_due_minor > 0 AND voided_at IS NULL GROUP BY currency_code"""


@dataclass(frozen=True)
class Locked:
    """A payment and invoices, locked in this order. Of the invoices those that are here: see `require_all`.

    `owed`: what the payment's customer owes on open invoices, in minor units by currency."""

    payment: Row
    invoices: dict[str, Row]
    owed: dict[str, int]


def lock(tx: Tx, payment_id: str) -> Row:
    """The payment, locked, with the closed periods and its latest session beside it."""
    return _payment(tx, payment_id, tx.batch((_LOCK, {"id": payment_id}), (_LOCKED, {"id": payment_id}))[1])


def lock_with_invoices(tx: Tx, payment_id: str, invoice_ids: Sequence[str]) -> Locked:
    """The payment as `lock` has it and the invoices as `lock_invoices` has them, in one round trip."""
    named = {"id": payment_id}
    wanted = {"ids": sorted(set(invoice_ids))}
    _, found, invoices, owed = tx.batch((_LOCK, named), (_LOCKED, named), (_LOCK_INVOICES, wanted), (_OWED, named))
    payment = _payment(tx, payment_id, found)
    return Locked(payment, {r["id"]: r for r in invoices}, {r["currency_code"]: int(r["minor"]) for r in owed})


def _payment(tx: Tx, payment_id: str, found: Sequence[Row]) -> Row:
    return found[0] if found else refuse_missing(tx, "payment", payment_id)


def lock_invoices(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, Row]:
    """The invoices, locked in the order of their ids; 404 INVOICE_NOT_FOUND or 403 for one that is not here."""
    if not invoice_ids:
        return {}
    found = {r["id"]: r for r in tx.all(_LOCK_INVOICES, ids=sorted(set(invoice_ids)))}
    return require_all(tx, invoice_ids, found)


def require_all(tx: Tx, invoice_ids: Sequence[str], found: dict[str, Row]) -> dict[str, Row]:
    """The invoices that were found; 404 INVOICE_NOT_FOUND or 403 for the first that was not."""
    for invoice_id in invoice_ids:
        if invoice_id not in found:
            refuse_missing(tx, "invoice", invoice_id)
    return found


def update_invoices(tx: Tx, changes: Sequence[dict[str, Any]]) -> Sequence[Row]:
    """Move balances: [{id, balance, functional}] are the new balances. Answers id, status, balance_due_minor."""
    if not changes:
        return []
    return tx.all(
        """UPDATE invoices i SET balance_due_minor = n.balance, functional_balance_minor = n.functional,
             version = i.version + 1
           FROM json_to_recordset(CAST(:rows AS json)) AS n(id text, balance bigint, functional bigint)
           WHERE i.org_id = :org AND i.id = n.id RETURNING i.id, i.status, i.balance_due_minor, i.external_id""",
        rows=to_json(list(changes)),
    )


def outstanding(tx: Tx, customer_id: str) -> list[dict[str, Any]]:
    """What the customer owes on open invoices, per currency."""
    rows = tx.all(
        """SELECT currency_code, sum(balance_due_minor) AS minor FROM invoices
           WHERE org_id = :org AND customer_id = :customer AND balance_due_minor > 0 AND voided_at IS NULL
           GROUP BY currency_code ORDER BY currency_code""",
        customer=customer_id,
    )
    return [{"currency_code": r["currency_code"], "minor": int(r["minor"])} for r in rows]


@dataclass(frozen=True)
class Settled:
    """The payment's amounts and status, the invoices, and what the customer owes, as they are after a session."""

    payment: dict[str, Any]
    invoices: dict[str, dict[str, Any]]
    owed: list[dict[str, Any]]


def settle(
    tx: Tx, held: Locked, changes: Sequence[dict[str, Any]], *, applied: int, credit_held: int, worth: int, posted: bool,
    word: str | None,
) -> Settled:  # fmt: skip
    """Move a locked payment and its invoices, in one statement that goes with the commit. `changes` as for
    `update_invoices`. What it answers follows from what was locked; the database computes the same statuses."""
    tx.later(
        """WITH inv AS (UPDATE invoices i SET balance_due_minor = n.balance, functional_balance_minor = n.functional,
               version = i.version + 1
             FROM json_to_recordset(CAST(:rows AS json)) AS n(id text, balance bigint, functional bigint)
             WHERE i.org_id = :org AND i.id = n.id)
           UPDATE payments SET applied_minor = applied_minor + :applied, credit_held_minor = credit_held_minor + :held,
               functional_available_minor = :worth, posted = posted OR :posted, version = version + 1,
               overpayment = CASE WHEN :word = '' THEN overpayment ELSE :word END
             WHERE org_id = :org AND id = :id""",
        rows=to_json(list(changes)),
        applied=applied,
        held=credit_held,
        worth=worth,
        posted=posted,
        word=word or "",
        id=held.payment["id"],
    )
    p = held.payment
    moved = {
        "credit_held_minor": p["credit_held_minor"] + credit_held,
        "functional_available_minor": worth,
        **standing(p["amount_minor"], p["applied_minor"] + applied),
    }
    owed, invoices = dict(held.owed), {}
    for c in changes:
        before = held.invoices[c["id"]]
        owed[before["currency_code"]] -= before["balance_due_minor"] - c["balance"]
        status = invoice_status(before["total_minor"], c["balance"])
        invoices[c["id"]] = {"id": c["id"], "status": status, "balance_due_minor": c["balance"]}
    left = [{"currency_code": c, "minor": minor} for c, minor in sorted(owed.items()) if minor]
    return Settled({**p, **moved}, invoices, left)


def completed_reconciliation(tx: Tx, payment_id: str) -> str | None:
    """The completed bank reconciliation that holds the payment, if any."""
    found: str | None = tx.scalar(
        """SELECT r.id FROM reconciliation_payments rp JOIN reconciliations r ON r.org_id = rp.org_id
             AND r.id = rp.reconciliation_id
           WHERE rp.org_id = :org AND rp.payment_id = :id AND r.status = 'COMPLETED' LIMIT 1""",
        id=payment_id,
    )
    return found


def payment_body(p: Any, applications: Sequence[Any] | None = None) -> dict[str, Any]:
    """The payment as the API shows it."""
    lines = p["applications"] if applications is None else applications
    live = {a["invoice_currency_code"] for a in lines if a["unapplied_at"] is None}
    return {
        "id": p["id"],
        "status": p["status"],
        "external_id": p["external_id"],
        "customer_id": p["customer_id"],
        "legal_entity_id": p["legal_entity_id"],
        "bank_account_id": p["bank_account_id"],
        "payment_date": p["payment_date"].isoformat(),
        "amount_minor": p["amount_minor"],
        "applied_minor": p["applied_minor"],
        "unapplied_minor": p["amount_minor"] - p["applied_minor"],
        "available_minor": p["amount_minor"] - p["applied_minor"] - p["credit_held_minor"],
        "currency_code": p["currency_code"],
        "invoice_currency_code": live.pop() if len(live) == 1 else None,
        "method": p["method"],
        "reference": p["reference"],
        "remittance_text": p["remittance_text"],
        "payer": p["payer"],
        "statement_id": p["statement_id"],
        "statement_line": p["statement_line"],
        "bank_texts": shown_texts(p["bank_texts"]),
        "functional_currency": p["functional_currency"],
        "functional_amount_minor": p["functional_amount_minor"],
        "fx_rate": f"{p['fx_rate']:f}",
        "reversal_date": p["reversal_date"] and p["reversal_date"].isoformat(),
        "reversal_reason": p["reversal_reason"],
        "applications": list(lines),
        "created_at": p["created_at"].isoformat(),
    }
