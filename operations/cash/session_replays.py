"""An application session asked for again: by its external_id, or by a body like the latest session's."""

from decimal import Decimal
from typing import Any

from models.db.cash import payments
from models.db.tx import Row
from models.errors import Refusal
from operations.commands import body_hash
from operations.work import Outcome, Work


def by_external_id(work: Work, payment_id: str, credit_id: str | None = None) -> Outcome[Any] | None:
    """A session with this external_id on this payment: its result as things stand now, or 409 naming the fields.

    `credit_id`: the customer credit that is asked to pay."""
    external_id = work.cmd.body.get("external_id")
    if not external_id:
        return None
    sql = "SELECT * FROM application_sessions WHERE org_id = :org AND payment_id = :id AND external_id = :ext"
    s = work.tx.one(sql, id=payment_id, ext=external_id)
    if s is None:
        return None
    mine, theirs = _business_fields(work.cmd.body), _business_fields(s["body"])
    fields = [f for f in mine if mine[f] != theirs[f]] + ([] if s["credit_used"] == credit_id else ["credit_id"])
    if fields:
        raise Refusal(
            "EXTERNAL_ID_CONFLICT",
            f"external_id was used for another session of this payment; different: {', '.join(fields)}.",
            fields=fields,
        )
    p = payments.get(work.tx, payment_id)
    work.require_entity(p["legal_entity_id"])
    return Outcome(_current(work, p, s), replayed=True)


def _business_fields(b: dict[str, Any]) -> dict[str, Any]:
    """What two sessions under one external_id must have in common; "0.80" and 0.8 are one rate."""
    lines = [line | {"fx_rate": line["fx_rate"] and Decimal(line["fx_rate"])} for line in b["applications"]]
    return {"applications": lines, "overpayment": b.get("overpayment"), "posting_date": b.get("posting_date")}


def same_as_latest(work: Work, p: Row) -> Outcome[Any] | None:
    """Without a key of the caller's: a body identical to the latest session's answers that session's result."""
    if work.cmd.key_given or work.cmd.body.get("external_id") or work.dry_run:
        return None
    if (
        p["last_session"] is None
        or p["last_undone"]
        or p["reversed_at"] is not None
        or p["last_hash"] != session_hash(work)
    ):
        return None
    first = work.tx.scalar("SELECT response FROM commands WHERE org_id = :org AND id = :id", id=p["last_command"])
    if first is None:
        s = work.tx.one("SELECT * FROM application_sessions WHERE org_id = :org AND id = :id", id=p["last_session"])
        assert s is not None
        first = _current(work, payments.get(work.tx, p["id"]), s)
    return Outcome(first, replayed=True)


def _current(work: Work, p: Row, s: Row) -> dict[str, Any]:
    """A session's answer with the payment and the invoices as they stand now."""
    rows = work.tx.all(
        """SELECT a.*, i.status AS invoice_status, i.balance_due_minor FROM payment_applications a
           JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id
           WHERE a.org_id = :org AND a.session_id = :id ORDER BY a.id""",
        id=s["id"],
    )
    answer = {
        "payment_id": p["id"],
        "session_id": s["id"],
        "applied_count": len(rows),
        "unapplied_minor": p["amount_minor"] - p["applied_minor"],
        "available_minor": p["amount_minor"] - p["applied_minor"] - p["credit_held_minor"],
        "status": p["status"],
        "journal_entry_id": s["journal_entry_id"],
        "applications": [
            {**application_body(dict(a)), "unapplied_at": a["unapplied_at"] and a["unapplied_at"].isoformat()}
            for a in rows
        ],
        "invoices": [
            {"id": a["invoice_id"], "status": a["invoice_status"], "balance_due_minor": a["balance_due_minor"]}
            for a in rows
        ],
        "outstanding_balances": payments.outstanding(work.tx, p["customer_id"]),
    }
    return answer | ({"credit_id": s["credit_id"]} if s["credit_id"] else {})


def session_hash(work: Work) -> str:
    """What makes two sessions the same: the operation, the record and the body without its external_id."""
    same = {k: v for k, v in work.cmd.body.items() if k != "external_id"}
    return body_hash({"operation": work.cmd.operation, "record": work.cmd.resource_id, **same})


def application_body(a: dict[str, Any]) -> dict[str, Any]:
    shown = ("id", "invoice_id", "applied_minor", "currency_code", "invoice_applied_minor", "invoice_currency_code")
    return {**{k: a[k] for k in shown}, "fx_rate": f"{a['fx_rate']:f}", "unapplied_at": None}
