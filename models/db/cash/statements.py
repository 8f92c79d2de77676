"""Bank statements and their lines."""

from collections.abc import Collection, Sequence
from typing import Any

from models.cash.bank_texts import shown_texts
from models.db.cash.payment_reads import entity_filter
from models.db.tx import Row, Tx, to_json

COUNTS = """SELECT count(*) FILTER (WHERE payment_id IS NOT NULL AND status <> 'DUPLICATE') AS recorded,
    count(*) FILTER (WHERE status = 'APPLIED') AS applied, count(*) FILTER (WHERE status = 'UNMATCHED') AS unmatched,
    count(*) FILTER (WHERE status = 'DUPLICATE') AS duplicates, count(*) FILTER (WHERE status = 'FAILED') AS failed,
    count(*) FILTER (WHERE status = 'IGNORED') AS ignored
  FROM statement_lines WHERE org_id = :org AND statement_id = :id"""


def pending_lines(tx: Tx, statement_id: str, limit: int) -> Sequence[Row]:
    return tx.all(
        "SELECT * FROM statement_lines WHERE org_id = :org AND statement_id = :id AND status = 'PENDING' ORDER BY line LIMIT :n",
        id=statement_id,
        n=limit,
    )


def settle_lines(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Write what became of lines: [{statement_id, line, status, reason_code, payment_id, suggestions}]."""
    tx.run(
        """UPDATE statement_lines l SET status = n.status, reason_code = n.reason_code, payment_id = n.payment_id,
             suggestions = n.suggestions
           FROM json_to_recordset(CAST(:rows AS json)) AS n(statement_id text, line int, status text, reason_code text,
             payment_id text, suggestions jsonb)
           WHERE l.org_id = :org AND l.statement_id = n.statement_id AND l.line = n.line""",
        rows=to_json(list(rows)),
    )


def named_invoices(tx: Tx, keys: Sequence[str]) -> Sequence[Row]:
    """Invoices whose id or external_id is among the reference keys, locked in the order of their ids."""
    return tx.all(
        """SELECT * FROM invoices WHERE org_id = :org AND voided_at IS NULL AND id IN (
             SELECT id FROM invoices WHERE org_id = :org AND reference_key = ANY(:keys)
             UNION SELECT id FROM invoices WHERE org_id = :org AND id = ANY(:keys))
           ORDER BY id FOR UPDATE""",
        keys=sorted(keys),
    )


def likely_invoices(tx: Tx, lines: Sequence[dict[str, Any]], per_line: int = 5) -> dict[int, list[Row]]:
    """For lines that found no invoice: open ones of a customer of the payer's name, and of the same amount and currency.

    The payer's come first, and among them those of the amount.
    """
    rows = tx.all(
        """SELECT n.line AS for_line, f.* FROM json_to_recordset(CAST(:rows AS json)) AS n(line int, amount bigint,
             currency text, entity text, payer_key text)
           CROSS JOIN LATERAL (SELECT DISTINCT ON (u.id) u.* FROM (
             (SELECT true AS of_payer, i.* FROM customers c JOIN invoices i ON i.org_id = c.org_id AND i.customer_id = c.id
              WHERE c.org_id = :org AND c.name_key = n.payer_key AND n.payer_key <> '' AND i.balance_due_minor > 0
                AND i.voided_at IS NULL AND i.legal_entity_id = n.entity
              ORDER BY i.balance_due_minor <> n.amount, i.due_date, i.id LIMIT :n)
             UNION ALL
             (SELECT false AS of_payer, i.* FROM invoices i WHERE i.org_id = :org AND i.balance_due_minor = n.amount
                AND i.voided_at IS NULL AND i.balance_due_minor > 0 AND i.currency_code = n.currency
                AND i.legal_entity_id = n.entity
              ORDER BY i.due_date, i.id LIMIT :n)) u ORDER BY u.id, u.of_payer DESC) f
           ORDER BY n.line, f.of_payer DESC, f.balance_due_minor <> n.amount, f.due_date, f.id""",
        rows=to_json(list(lines)),
        n=per_line,
    )
    found: dict[int, list[Row]] = {}
    for r in rows:
        found.setdefault(r["for_line"], []).append(r)
    return found


def statement_body(s: Any, counts: Any = None, lines: Sequence[Any] | None = None) -> dict[str, Any]:
    """The statement as the API shows it."""
    shown = (
        "id",
        "status",
        "bank_account_id",
        "lines_total",
        "lines_done",
        "warnings",
        "opening_minor",
        "closing_minor",
    )
    body = {k: s[k] for k in shown}
    body |= {
        "workflow_id": f"{s['id']}/ImportStatement",
        "created_at": s["created_at"].isoformat(),
        "failure": s["failure"],
    }
    if counts is not None:
        body |= dict(counts)
    if lines is not None:
        body["lines"] = [line_body(x) for x in lines]
    return body


def line_body(x: Any) -> dict[str, Any]:
    shown = (
        "line", "payment_id", "status", "reason_code", "suggestions", "amount_minor", "currency_code", "payer",
        "remittance_text", "structured_references",
    )  # fmt: skip
    return {k: x[k] for k in shown} | {
        "booking_date": x["booking_date"].isoformat(),
        "value_date": x["value_date"] and x["value_date"].isoformat(),
        "reference": shown_reference(x),
        "bank_reference": x["bank_ref"],
        "bank_texts": shown_texts(x["texts"]),
    }


def shown_reference(x: Any) -> str | None:
    """The payer's own reference; where there is none, the first that the remittance names."""
    return x["reference"] or next(iter(x["structured_references"]), None)


def list_statements(tx: Tx, entities: Collection[str] | None, after: str | None, limit: int) -> Sequence[Row]:
    where, params = entity_filter(entities, "b.legal_entity_id")
    if after:
        where += " AND s.id < :after"
        params["after"] = after
    return tx.all(
        f"""SELECT s.* FROM statements s JOIN bank_accounts b ON b.org_id = s.org_id AND b.id = s.bank_account_id
            WHERE s.org_id = :org{where} ORDER BY s.id DESC LIMIT :n""",
        **params,
        n=limit,
    )
