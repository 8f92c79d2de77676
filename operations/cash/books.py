"""The books' own settings: rates, periods, settings, master data. Direct writes by a controller, each audited."""

from datetime import date
from decimal import Decimal
from typing import Any

from models.answers import read_row
from models.cash.periods import last_day
from models.cash.records import LockedPayment, Payment
from models.db import lookups
from models.db.cash.books import DEFAULTS
from models.db.cash.payments import CLOSED
from models.db.tx import to_json
from models.errors import FieldError, Refusal
from operations.cash.payments import post_receipt
from operations.runner import untyped_operation
from operations.work import Outcome, Work, entry_mark


@untyped_operation("store_rates")
def store_rates(work: Work) -> Outcome[Any]:
    """Store exchange rates by date. A rate stored again for the same day replaces it; the trail keeps both."""
    rows = [
        {
            "base": r["base_currency"], "quote": r["quote_currency"], "rate_date": r["rate_date"],
            "rate": str(Decimal(r["rate"])), "source": r["source"], "recorded_by": work.cmd.actor, "recorded_at": work.now,
        }
        for r in work.cmd.body["rates"]
    ]  # fmt: skip
    before = work.tx.all(
        """SELECT f.base, f.quote, f.rate_date::text, f.rate::text, f.source FROM fx_rates f
           JOIN json_to_recordset(CAST(:rows AS json)) AS n(base text, quote text, rate_date date)
             ON n.base = f.base AND n.quote = f.quote AND n.rate_date = f.rate_date WHERE f.org_id = :org""",
        rows=to_json(rows),
    )
    work.tx.insert(
        "fx_rates", rows,
        suffix="ON CONFLICT (org_id, base, quote, rate_date) DO UPDATE SET rate = excluded.rate, source = excluded.source, "
        "recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by",
    )  # fmt: skip
    after = [{k: str(r[k]) for k in ("base", "quote", "rate_date", "rate", "source")} for r in rows]
    work.audit(work.tx.org_id, "rates.stored", {"before": [dict(b) for b in before], "after": after})
    if work.cmd.body.get("rates") and len(rows) == 1:
        return Outcome({**work.cmd.body["rates"][0], "recorded_at": work.now.isoformat()}, 201)
    return Outcome({"stored": len(rows)})


@untyped_operation("close_period")
def close_period(work: Work) -> Outcome[Any]:
    """Close a month: receipts not yet in the books are posted first, then nothing is posted into it any more."""
    period = str(work.cmd.resource_id)
    return _set_period(work, period, "closed")


@untyped_operation("reopen_period")
def reopen_period(work: Work) -> Outcome[Any]:
    return _set_period(work, str(work.cmd.resource_id), "open")


def _set_period(work: Work, period: str, status: str) -> Outcome[Any]:
    """Nobody posts meanwhile: the runner holds the organisation's periods alone for these two operations."""
    row = work.tx.one("SELECT * FROM periods WHERE org_id = :org AND period = :p", p=period)
    current = row["status"] if row else "open"
    if current == status:  # whoever asks for what is already so has got it
        return Outcome({"period": period, "status": status, "receipts_posted": 0}, replayed=True)
    entries = _post_receipts_of(work, period) if status == "closed" else []
    work.tx.insert(
        "periods", [{"period": period, "status": status, "changed_at": work.now, "changed_by": work.cmd.actor}],
        suffix="ON CONFLICT (org_id, period) DO UPDATE SET status = excluded.status, changed_at = excluded.changed_at, "
        "changed_by = excluded.changed_by",
    )  # fmt: skip
    said = {"period": period, "before": current, "after": status, "receipts_posted": len(entries)}
    work.audit(
        f"period_{period}",
        f"period.{status}",
        said | {"entries": entries},
        reason_code=work.cmd.body.get("reason_code"),
    )
    return Outcome({"period": period, "status": status, "receipts_posted": len(entries)})


def _post_receipts_of(work: Work, period: str) -> list[dict[str, str]]:
    rows = work.tx.all(
        f"""SELECT p.*, {CLOSED} AS closed_periods FROM payments p WHERE p.org_id = :org AND NOT p.posted
            AND p.reversed_at IS NULL AND p.payment_date BETWEEN :first AND :last ORDER BY p.id FOR UPDATE OF p""",
        first=date.fromisoformat(f"{period}-01"),
        last=last_day(period),
    )
    marks: list[dict[str, str]] = []
    for p in rows:
        entry = post_receipt(work, LockedPayment(read_row(Payment, p), frozenset(p["closed_periods"]), None))
        marks += entry_mark(entry)
        work.audit(
            p["id"], "payment.receipt_posted", {"because": f"period {period} closes", "entries": entry_mark(entry)}
        )
    return marks


@untyped_operation("change_settings")
def change_settings(work: Work) -> Outcome[Any]:
    """Change the organisation's settings; null takes one back to its default."""
    before = work.tx.scalar("SELECT settings FROM organisations WHERE org_id = :org FOR UPDATE")
    after = {k: v for k, v in {**before, **work.cmd.body}.items() if v is not None}
    if _silent(before) and not _silent(after):
        after["remittance_confirmation_since"] = work.now.isoformat()  # what was posted meanwhile stays unconfirmed
    work.tx.later("UPDATE organisations SET settings = CAST(:s AS jsonb) WHERE org_id = :org", s=to_json(after))
    work.audit(work.tx.org_id, "settings.changed", {"before": before, "after": after})
    return Outcome(DEFAULTS | after)


def _silent(settings: dict[str, Any]) -> bool:
    return settings.get("remittance_confirmation") == "off"


@untyped_operation("create_legal_entity")
def create_legal_entity(work: Work) -> Outcome[Any]:
    b = work.cmd.body
    _new(work, "legal_entities", b["id"])
    work.tx.insert("legal_entities", [{**b, "created_at": work.now}])
    work.audit(work.tx.org_id, "legal_entity.created", {"after": b})
    return Outcome(b, 201)


@untyped_operation("create_bank_account")
def create_bank_account(work: Work) -> Outcome[Any]:
    b = work.cmd.body
    lookups.legal_entity(work.tx, b["legal_entity_id"])
    work.require_entity(b["legal_entity_id"])
    _new(work, "bank_accounts", b["id"])
    work.tx.insert("bank_accounts", [{**b, "created_at": work.now}])
    work.audit(work.tx.org_id, "bank_account.created", {"after": b})
    return Outcome(b, 201)


@untyped_operation("set_payment_terms")
def set_payment_terms(work: Work) -> Outcome[Any]:
    b = work.cmd.body
    work.tx.insert("payment_terms", [b], suffix="ON CONFLICT (org_id, code) DO UPDATE SET days = excluded.days")
    work.audit(work.tx.org_id, "payment_terms.set", {"after": b})
    return Outcome(b, 201)


@untyped_operation("create_account")
def create_account(work: Work) -> Outcome[Any]:
    b = work.cmd.body
    if work.tx.scalar(
        "SELECT 1 FROM accounts WHERE org_id = :org AND (key = :key OR code = :code)", key=b["key"], code=b["code"]
    ):
        raise Refusal("ALREADY_EXISTS", f"Account {b['key']} or number {b['code']} exists already.")
    work.tx.insert("accounts", [b])
    work.audit(work.tx.org_id, "account.created", {"after": b})
    return Outcome(b, 201)


@untyped_operation("create_dimension")
def create_dimension(work: Work) -> Outcome[Any]:
    """A value of an analytical dimension, such as department SALES."""
    b = work.cmd.body
    if work.tx.scalar(
        "SELECT 1 FROM dimensions WHERE org_id = :org AND type = :type AND code = :code", type=b["type"], code=b["code"]
    ):
        raise Refusal("ALREADY_EXISTS", f"Dimension {b['type']} {b['code']} exists already.")
    work.tx.insert("dimensions", [{**b, "created_at": work.now}])
    work.audit(work.tx.org_id, "dimension.created", {"after": b})
    return Outcome(b, 201)


def _new(work: Work, table: str, record_id: str) -> None:
    if work.tx.scalar(f"SELECT 1 FROM {table} WHERE org_id = :org AND id = :id", id=record_id):
        wrong = f"{record_id} exists already."
        raise Refusal("ALREADY_EXISTS", wrong, errors=[FieldError("/id", "ALREADY_EXISTS", wrong)])
