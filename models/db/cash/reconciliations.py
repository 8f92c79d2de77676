"""Bank reconciliations, read; and what the books say a bank account holds."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from models.cash.periods import entry_date
from models.db.cash.payment_reads import entity_filter
from models.db.cash.payments import CLOSED
from models.db.tx import Row, Tx


def payments_of(tx: Tx, recon_id: str) -> Sequence[Row]:
    sql = "SELECT payment_id FROM reconciliation_payments WHERE org_id = :org AND reconciliation_id = :id ORDER BY payment_id"
    return tx.all(sql, id=recon_id)


def book_balance(tx: Tx, bank_id: str, through: date, recon_id: str) -> int:
    """The ledger's balance of the bank account through that date, with the reconciliation's unposted receipts as they
    would be booked (a receipt of a closed month belongs to the next open one).

    In the account's own currency: where that is the entity's functional currency, the functional amounts (so foreign
    receipts count at their rate), else the lines in the account's currency.
    """
    posted = tx.scalar(
        """SELECT coalesce(sum(CASE WHEN le.functional_currency = b.currency_code
                THEN l.functional_debit_minor - l.functional_credit_minor
                WHEN l.currency_code = b.currency_code THEN l.debit_minor - l.credit_minor ELSE 0 END), 0)
           FROM bank_accounts b JOIN legal_entities le ON le.org_id = b.org_id AND le.id = b.legal_entity_id
           JOIN journal_lines l ON l.org_id = b.org_id AND l.account = 'cash' AND l.bank_account_id = b.id
           JOIN journal_entries e ON e.org_id = l.org_id AND e.id = l.entry_id AND e.entry_date <= :through
           WHERE b.org_id = :org AND b.id = :bank""",
        bank=bank_id,
        through=through,
    )
    unposted = tx.all(
        """SELECT p.payment_date, CASE WHEN p.functional_currency = b.currency_code THEN p.functional_amount_minor
                WHEN p.currency_code = b.currency_code THEN p.amount_minor ELSE 0 END AS minor
           FROM payments p JOIN reconciliation_payments rp ON rp.org_id = p.org_id AND rp.payment_id = p.id
           JOIN bank_accounts b ON b.org_id = p.org_id AND b.id = p.bank_account_id
           WHERE p.org_id = :org AND rp.reconciliation_id = :recon AND NOT p.posted AND p.reversed_at IS NULL""",
        recon=recon_id,
    )
    closed = tx.scalar(f"SELECT {CLOSED}") if unposted else []
    booked = [int(r["minor"]) for r in unposted if entry_date(r["payment_date"], closed) <= through]
    return int(posted) + sum(booked)


def reconciliation_body(tx: Tx, r: Any, bank_id: str, currency_code: str) -> dict[str, Any]:
    """The reconciliation as the API shows it. difference = statement balance less book balance."""
    balance = book_balance(tx, bank_id, r["through_date"], r["id"])
    stated = r["statement_balance_minor"]
    shown = ("id", "status", "bank_account_id", "statement_balance_minor", "created_by", "completed_by", "reopened_by")
    return {
        **{k: r[k] for k in shown},
        "through_date": r["through_date"].isoformat(),
        "currency_code": currency_code,
        "book_balance_minor": balance,
        "difference_minor": None if stated is None else stated - balance,
        "payment_ids": [p["payment_id"] for p in payments_of(tx, r["id"])],
        "reopen_reason": r["reopen_reason"],
        "created_at": r["created_at"].isoformat(),
        "completed_at": r["completed_at"] and r["completed_at"].isoformat(),
        "reopened_at": r["reopened_at"] and r["reopened_at"].isoformat(),
    }


def list_reconciliations(
    tx: Tx, entities: Collection[str] | None, bank_account_id: str | None, after: str | None, limit: int
) -> Sequence[Row]:
    where, params = entity_filter(entities, "b.legal_entity_id")
    if bank_account_id:
        where += " AND r.bank_account_id = :bank"
        params["bank"] = bank_account_id
    if after:
        where += " AND r.id < :after"
        params["after"] = after
    return tx.all(
        f"""SELECT r.*, b.currency_code, b.legal_entity_id FROM reconciliations r
            JOIN bank_accounts b ON b.org_id = r.org_id AND b.id = r.bank_account_id
            WHERE r.org_id = :org{where} ORDER BY r.id DESC LIMIT :n""",
        **params,
        n=limit,
    )
