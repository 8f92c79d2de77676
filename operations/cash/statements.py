"""A bank statement arrives: kept with its lines, once per file, before any of it is posted."""

import hashlib
from typing import Any

from models.cash.statements import Statement, StatementLine, line_external_id, line_external_id_before
from models.db import lookups
from models.db.cash.statements import statement_body
from operations import carried
from operations.runner import untyped_operation
from operations.work import Outcome, Work

RETURNED = "RECEIPT_RETURNED"


def statement_input(
    bank_account_id: str, content: bytes, filename: str | None, read: list[Statement]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the operation needs: the facts of the file, and its lines numbered through. Pure."""
    lines = [
        {
            "line": n,
            "booking_date": x.booking_date.isoformat(),
            "value_date": x.value_date.isoformat(),
            "amount_minor": x.amount_minor,
            "currency_code": x.currency_code,
            "payer": x.payer,
            "reference": x.reference,
            "remittance_text": x.remittance_text,
            "structured_references": list(x.structured_references),
            "bank_ref": x.bank_ref,
            "texts": [text.as_json() for text in x.all_texts],
            "external_id": line_external_id(bank_account_id, x),
            "external_id_before": line_external_id_before(bank_account_id, x),
            "status": "PENDING" if x.is_receipt else "IGNORED",
            "reason_code": _why_ignored(x),
        }
        for n, x in enumerate((line for s in read for line in s.lines), 1)
    ]
    facts = {
        "bank_account_id": bank_account_id,
        "file_hash": hashlib.sha256(content).hexdigest(),
        "file_name": filename,
        "opening_minor": read[0].opening_minor if read else None,
        "closing_minor": read[-1].closing_minor if read else None,
        "warnings": [{"code": w.code, "detail": w.detail} for s in read for w in s.warnings],
    }
    return facts, lines


def _why_ignored(x: StatementLine) -> str | None:
    """A reversing credit is our own payment given back; a reversing debit takes back what a customer had paid."""
    if x.is_receipt:
        return None
    if x.amount_minor > 0:
        return "REVERSAL"
    return RETURNED if x.reversal else "NOT_A_CREDIT"


@untyped_operation("receive_statement", carried.Statement())
def receive_statement(work: Work) -> Outcome[Any]:
    """Keep the statement and its lines. The same file for the same account again is the same statement."""
    b = work.cmd.body
    bank = lookups.bank_account(work.tx, b["bank_account_id"])
    work.require_entity(bank.legal_entity_id)
    known = work.tx.one(
        "SELECT * FROM statements WHERE org_id = :org AND bank_account_id = :bank AND file_hash = :hash AND status <> 'FAILED'",
        bank=bank.id,
        hash=b["file_hash"],
    )
    if known is not None:
        return Outcome(statement_body(known), 202, replayed=True)
    statement_id = str(work.cmd.resource_id)
    facts = {k: v for k, v in b.items() if k != "lines"}
    row = {
        "id": statement_id, **facts, "status": "PROCESSING", "lines_total": len(b["lines"]), "lines_done": 0,
        "created_at": work.now, "created_by": work.cmd.actor,
    }  # fmt: skip
    work.tx.insert("statements", [row])
    work.tx.insert("statement_lines", [{"statement_id": statement_id, **x, "suggestions": []} for x in b["lines"]])
    said = {
        "bank_account_id": bank.id,
        "file_hash": b["file_hash"],
        "lines": len(b["lines"]),
        "warnings": b["warnings"],
    }
    work.audit(statement_id, "statement.received", {"after": said})
    for warning in b["warnings"]:
        work.open_exception(
            "bank_statement", warning["code"], statement_id, owner_role="ar_clerk",
            legal_entity_id=bank.legal_entity_id, detail=warning,
        )  # fmt: skip
    returned = [x["line"] for x in b["lines"] if x["reason_code"] == RETURNED]
    if returned:  # a person finds the payment and reverses it
        work.open_exception(
            "bank_statement", RETURNED, statement_id, owner_role="ar_clerk",
            legal_entity_id=bank.legal_entity_id, detail={"lines": returned},
        )  # fmt: skip
    made = lookups.find(work.tx, "statement", "SELECT * FROM statements WHERE org_id = :org AND id = :id", statement_id)
    return Outcome(statement_body(made), 202)
