"""Payments, their sessions, applications and credits, in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from models.db.engine import Tx, to_json
from models.db.lookups import find, refuse_missing

LIVE_CURRENCY = """(SELECT CASE WHEN count(DISTINCT a.invoice_currency_code) = 1 THEN min(a.invoice_currency_code) END
  FROM payment_applications a WHERE a.org_id = p.org_id AND a.payment_id = p.id AND a.unapplied_at IS NULL)"""
APPLICATIONS = """(SELECT coalesce(json_agg(json_build_object('id', a.id, 'invoice_id', a.invoice_id,
  'applied_minor', a.applied_minor, 'currency_code', a.currency_code, 'invoice_applied_minor', a.invoice_applied_minor,
  'invoice_currency_code', a.invoice_currency_code, 'fx_rate', a.fx_rate::text, 'credit_id', a.credit_id,
  'applied_at', a.created_at, 'unapplied_at', a.unapplied_at) ORDER BY a.created_at, a.id), '[]')
  FROM payment_applications a WHERE a.org_id = p.org_id AND a.payment_id = p.id)"""
CLOSED = "(SELECT coalesce(json_agg(c.period), '[]') FROM periods c WHERE c.org_id = :org AND c.status = 'closed')"


def get(tx: Tx, payment_id: str) -> RowMapping:
    """The payment with its applications; 404 or 403 otherwise."""
    sql = f"SELECT p.*, {APPLICATIONS} AS applications FROM payments p WHERE p.org_id = :org AND p.id = :id"
    return find(tx, "payment", sql, payment_id)


def by_external_id(tx: Tx, external_id: str) -> RowMapping | None:
    sql = f"SELECT p.*, {APPLICATIONS} AS applications FROM payments p WHERE p.org_id = :org AND p.external_id = :ext"
    return tx.one(sql, ext=external_id)


def lock(tx: Tx, payment_id: str) -> RowMapping:
    """The payment, locked, with the closed periods and its latest session beside it."""
    sql = f"""SELECT p.*, {CLOSED} AS closed_periods, s.id AS last_session, s.seq AS last_seq, s.body_hash AS last_hash,
        s.command_id AS last_command, s.undone AS last_undone
      FROM payments p LEFT JOIN LATERAL (SELECT * FROM application_sessions s WHERE s.org_id = p.org_id
        AND s.payment_id = p.id ORDER BY s.seq DESC LIMIT 1) s ON true
      WHERE p.org_id = :org AND p.id = :id FOR UPDATE OF p"""
    found = find(tx, "payment", sql, payment_id)
    if found["version"] == 1:
        return found
    # The lateral part was read before the lock was held: read again what may have moved while waiting.
    return find(tx, "payment", sql, payment_id)


def lock_invoices(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, RowMapping]:
    """The invoices, locked in the order of their ids; 404 INVOICE_NOT_FOUND or 403 for one that is not here."""
    if not invoice_ids:
        return {}
    rows = tx.all(
        "SELECT * FROM invoices WHERE org_id = :org AND id = ANY(:ids) ORDER BY id FOR UPDATE",
        ids=sorted(set(invoice_ids)),
    )
    found = {r["id"]: r for r in rows}
    for invoice_id in invoice_ids:
        if invoice_id not in found:
            refuse_missing(tx, "invoice", invoice_id)
    return found


def update_invoices(tx: Tx, changes: Sequence[dict[str, Any]]) -> Sequence[RowMapping]:
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

    payment: RowMapping
    invoices: dict[str, dict[str, Any]]
    owed: list[dict[str, Any]]


def settle(
    tx: Tx, payment_id: str, customer_id: str, changes: Sequence[dict[str, Any]], *, applied: int, held: int, worth: int,
    posted: bool, word: str | None, relieved: Mapping[str, int],
) -> Settled:  # fmt: skip
    """Move a payment and its invoices in one statement. `changes` as for `update_invoices`; `relieved` is what each
    currency's open balance falls by (the sums are read before the change)."""
    row = tx.one(
        """WITH inv AS (UPDATE invoices i SET balance_due_minor = n.balance, functional_balance_minor = n.functional,
               version = i.version + 1
             FROM json_to_recordset(CAST(:rows AS json)) AS n(id text, balance bigint, functional bigint)
             WHERE i.org_id = :org AND i.id = n.id RETURNING i.id, i.status, i.balance_due_minor),
           pay AS (UPDATE payments SET applied_minor = applied_minor + :applied, credit_held_minor = credit_held_minor + :held,
               functional_available_minor = :worth, posted = posted OR :posted, version = version + 1,
               overpayment = CASE WHEN :word = '' THEN overpayment ELSE :word END
             WHERE org_id = :org AND id = :id RETURNING id, amount_minor, applied_minor, credit_held_minor, status,
               functional_available_minor)
           SELECT pay.*, (SELECT coalesce(json_agg(inv), '[]') FROM inv) AS invoices,
             (SELECT coalesce(json_object_agg(o.currency_code, o.minor), '{}') FROM (SELECT currency_code,
                sum(balance_due_minor) AS minor FROM invoices WHERE org_id = :org AND customer_id = :customer
                AND balance_due_minor > 0 AND voided_at IS NULL GROUP BY currency_code) o) AS owed FROM pay""",
        rows=to_json(list(changes)),
        applied=applied,
        held=held,
        worth=worth,
        posted=posted,
        word=word or "",
        id=payment_id,
        customer=customer_id,
    )
    assert row is not None
    left = {c: minor - relieved.get(c, 0) for c, minor in sorted(row["owed"].items())}
    owed = [{"currency_code": c, "minor": minor} for c, minor in left.items() if minor]
    return Settled(row, {i["id"]: i for i in row["invoices"]}, owed)


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
        "functional_currency": p["functional_currency"],
        "functional_amount_minor": p["functional_amount_minor"],
        "fx_rate": f"{p['fx_rate']:f}",
        "reversal_date": p["reversal_date"] and p["reversal_date"].isoformat(),
        "reversal_reason": p["reversal_reason"],
        "applications": list(lines),
        "created_at": p["created_at"].isoformat(),
    }
