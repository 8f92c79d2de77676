"""Invoices: issued (DR accounts_receivable, CR revenue and tax_payable), voided, disputed."""

from datetime import date, timedelta
from typing import Any

from models.cash.ledger import Account, JournalEntry, reversing
from models.cash.periods import entry_date
from models.cash.references import reference_key
from models.db import lookups
from models.db.cash import payments, rates
from models.db.cash.invoices import GET, invoice_body
from models.db.cash.journal import entries_of
from models.db.tx import Row
from models.errors import FieldError, Refusal
from models.ids import new_id
from models.money import convert
from operations.cash.credit_limits import credit_warnings
from operations.runner import untyped_operation
from operations.work import Outcome, Work, entry_mark

DEFAULT_TERMS = "NET30"
LOCK = "SELECT * FROM invoices WHERE org_id = :org AND id = :id FOR UPDATE"
_BUSINESS_FIELDS = (
    "customer_id", "legal_entity_id", "issue_date", "due_date", "payment_terms", "currency_code", "total_minor",
    "tax_minor", "lines",
)  # fmt: skip

_CUSTOMER = f"SELECT *, {payments.CLOSED} AS closed_periods FROM customers WHERE org_id = :org AND id = :id"


@untyped_operation("create_invoice")
def create_invoice(work: Work) -> Outcome[Any]:
    """Issue an invoice. Once per external_id, for ever."""
    b = work.cmd.body
    known = work.tx.one("SELECT * FROM invoices WHERE org_id = :org AND external_id = :ext", ext=b["external_id"])
    if known is not None:
        return _replay(work, known, b)
    customer = lookups.find(work.tx, "customer", _CUSTOMER, b["customer_id"])
    entity = lookups.legal_entity(work.tx, b.get("legal_entity_id") or customer["legal_entity_id"])
    work.require_entity(entity["id"])
    if customer["status"] != "active":
        raise Refusal("CUSTOMER_INACTIVE", f"Customer {customer['id']} is inactive: no new invoices.")
    row = _row(work, b, customer, entity)
    entry = _entry(row, customer)
    work.post(entry)
    made = work.tx.insert("invoices", [row], returning="*")[0]
    facts = {k: row[k] for k in ("customer_id", "legal_entity_id", "currency_code", "total_minor", "tax_minor")}
    facts |= {"issue_date": str(row["issue_date"]), "due_date": str(row["due_date"])}
    work.audit(row["id"], "invoice.issued", {"after": facts, "entries": entry_mark(entry)})
    return Outcome(invoice_body(made) | {"warnings": credit_warnings(work, customer, entity)}, 201)


@untyped_operation("void_invoice")
def void_invoice(work: Work) -> Outcome[Any]:
    """Void an invoice that nothing is applied to; its entry is reversed."""
    i = _locked(work)
    if i["status"] == "VOID":
        raise Refusal("INVOICE_VOID", f"Invoice {i['id']} is void already.")
    if i["balance_due_minor"] != i["total_minor"]:
        raise Refusal("INVOICE_HAS_APPLICATIONS", f"Payments are applied to invoice {i['id']}: unapply them first.")
    day = max(work.now.date(), i["issue_date"])
    closed = work.tx.scalar(f"SELECT {payments.CLOSED}")
    entry = JournalEntry(
        new_id("je"), entry_date(day, closed), "void", i["id"], i["legal_entity_id"], i["functional_currency"]
    )
    work.post(reversing(entries_of(work.tx, i["id"]), entry))
    work.tx.later(
        """UPDATE invoices SET voided_at = :at, void_date = :day, void_reason = :reason, balance_due_minor = 0,
             functional_balance_minor = 0, version = version + 1 WHERE org_id = :org AND id = :id""",
        at=work.now,
        day=day,
        reason=work.cmd.body["reason_code"],
        id=i["id"],
    )
    if i["disputed_at"] is not None:
        end_dispute(work, i["id"], work.cmd.body["reason_code"])
    said = {"before": {"status": i["status"]}, "after": {"status": "VOID"}, "entries": entry_mark(entry)}
    return _changed(work, i["id"], "invoice.voided", said)


@untyped_operation("dispute_invoice")
def dispute_invoice(work: Work) -> Outcome[Any]:
    """Mark an invoice as disputed; its balance stays, aging shows it apart."""
    i = _locked(work)
    if i["status"] in ("VOID", "PAID"):
        raise Refusal("INVOICE_NOT_OPEN", f"Invoice {i['id']} is {i['status']}.")
    if i["disputed_at"] is not None:
        raise Refusal("INVOICE_DISPUTED", f"Invoice {i['id']} is disputed already.")
    reason = work.cmd.body["reason_code"]
    work.tx.later(
        "UPDATE invoices SET disputed_at = :at, dispute_reason = :reason, version = version + 1 "
        "WHERE org_id = :org AND id = :id",
        at=work.now,
        reason=reason,
        id=i["id"],
    )
    work.open_exception(
        "invoice_dispute", reason, i["id"], owner_role="ar_manager", due_in=timedelta(days=5),
        legal_entity_id=i["legal_entity_id"], detail={"customer_id": i["customer_id"]},
    )  # fmt: skip
    return _changed(work, i["id"], "invoice.disputed", {"before": {"disputed": False}, "after": {"disputed": True}})


@untyped_operation("resolve_dispute")
def resolve_dispute(work: Work) -> Outcome[Any]:
    i = _locked(work)
    if i["disputed_at"] is None:
        raise Refusal("INVOICE_NOT_DISPUTED", f"Invoice {i['id']} is not disputed.")
    end_dispute(work, i["id"], work.cmd.body["reason_code"])
    return Outcome(invoice_body(lookups.find(work.tx, "invoice", GET, i["id"])))


def end_dispute(work: Work, invoice_id: str, code: str) -> None:
    """The locked invoice is no longer disputed; its exception is resolved."""
    work.tx.later(
        "UPDATE invoices SET disputed_at = NULL, dispute_reason = NULL, version = version + 1 "
        "WHERE org_id = :org AND id = :id",
        id=invoice_id,
    )
    work.tx.later(
        "UPDATE exceptions SET status = 'resolved', resolved_at = :at, resolved_by = :who, resolution_code = :code "
        "WHERE org_id = :org AND subject_id = :id AND kind = 'invoice_dispute' AND status = 'open'",
        at=work.now,
        who=work.cmd.actor,
        code=code,
        id=invoice_id,
    )
    said = {"before": {"disputed": True}, "after": {"disputed": False}, "note": work.cmd.body.get("note")}
    work.audit(invoice_id, "invoice.dispute_resolved", said, reason_code=code)


def _row(work: Work, b: dict[str, Any], customer: Row, entity: Row) -> dict[str, Any]:
    issued = date.fromisoformat(b["issue_date"])
    own = lookups.entity_override(work.tx, customer["id"], entity["id"])
    agreed = own.get("payment_terms") or customer["payment_terms"] or DEFAULT_TERMS
    terms = b.get("payment_terms") or (None if b.get("due_date") else agreed)
    days = _days(work, terms) if terms else 0
    due = date.fromisoformat(b["due_date"]) if b.get("due_date") else issued + timedelta(days=days)
    functional = entity["functional_currency"]
    rate = rates.required_rate(work.tx, b["currency_code"], functional, issued)
    worth = convert(b["total_minor"], rate, b["currency_code"], functional)
    return {
        "id": work.cmd.resource_id or new_id("invoice"),
        "customer_id": customer["id"],
        "legal_entity_id": entity["id"],
        "external_id": b["external_id"],
        "reference_key": reference_key(b["external_id"]),
        "issue_date": issued,
        "due_date": due,
        "payment_terms": terms,
        "currency_code": b["currency_code"],
        "total_minor": b["total_minor"],
        "tax_minor": b.get("tax_minor") or 0,
        "balance_due_minor": b["total_minor"],
        "fx_rate": rate,
        "functional_currency": functional,
        "functional_total_minor": worth,
        "functional_balance_minor": worth,
        "lines": b.get("lines") or [],
        "version": 1,
        "created_at": work.now,
    }


def _days(work: Work, terms: str) -> int:
    days = work.tx.scalar("SELECT days FROM payment_terms WHERE org_id = :org AND code = :code", code=terms)
    if days is None:
        wrong = f"There are no payment terms {terms}."
        raise Refusal(
            "PAYMENT_TERMS_UNKNOWN", wrong, errors=[FieldError("/payment_terms", "PAYMENT_TERMS_UNKNOWN", wrong)]
        )
    return int(days)


def _entry(row: dict[str, Any], customer: Row) -> JournalEntry:
    functional, currency = row["functional_currency"], row["currency_code"]
    day = entry_date(row["issue_date"], customer["closed_periods"])
    entry = JournalEntry(new_id("je"), day, "invoice", row["id"], row["legal_entity_id"], functional)
    worth, tax = row["functional_total_minor"], row["tax_minor"]
    tax_worth = convert(tax, row["fx_rate"], currency, functional)
    tags = {"customer_id": row["customer_id"], "invoice_id": row["id"]}
    entry.debit(Account.ACCOUNTS_RECEIVABLE, row["total_minor"], currency, worth, **tags)
    revenue = customer["revenue_account"] or Account.REVENUE
    entry.credit(revenue, row["total_minor"] - tax, currency, worth - tax_worth, **tags)
    entry.credit(Account.TAX_PAYABLE, tax, currency, tax_worth, **tags)
    return entry


def _locked(work: Work) -> Row:
    i = lookups.find(work.tx, "invoice", LOCK, str(work.cmd.resource_id))
    work.require_entity(i["legal_entity_id"])
    return i


def _changed(work: Work, invoice_id: str, action: str, said: dict[str, Any]) -> Outcome[Any]:
    work.audit(invoice_id, action, said | {"note": work.cmd.body.get("note")}, reason_code=work.cmd.body["reason_code"])
    return Outcome(invoice_body(lookups.find(work.tx, "invoice", GET, invoice_id)))


def _replay(work: Work, known: Row, b: dict[str, Any]) -> Outcome[Any]:
    """The current record for the same business fields (after defaults), 409 naming the fields otherwise."""
    work.require_entity(known["legal_entity_id"])
    kept = {f: known[f] for f in _BUSINESS_FIELDS}
    kept |= {"issue_date": known["issue_date"].isoformat(), "due_date": known["due_date"].isoformat()}
    given = {f: b.get(f) for f in _BUSINESS_FIELDS} | {
        "tax_minor": b.get("tax_minor") or 0,
        "lines": b.get("lines") or [],
    }
    given |= _defaults(work, known, b)
    differing = [f for f in _BUSINESS_FIELDS if given[f] != kept[f]]
    if differing:
        raise Refusal(
            "EXTERNAL_ID_CONFLICT",
            f"external_id was used for another invoice ({known['id']}); different: {', '.join(differing)}.",
            fields=differing,
            id=known["id"],
        )
    return Outcome(invoice_body(known) | {"warnings": []}, 201, replayed=True)


def _defaults(work: Work, known: Row, b: dict[str, Any]) -> dict[str, Any]:
    """Entity, terms and due date that the body comes to. Terms once taken stay taken, though the customer's have changed."""
    customer = work.tx.one(
        "SELECT legal_entity_id, payment_terms FROM customers WHERE org_id = :org AND id = :id", id=known["customer_id"]
    )
    entity = b.get("legal_entity_id") or (customer or known)["legal_entity_id"]
    terms = (
        b.get("payment_terms") or known["payment_terms"] or (customer and customer["payment_terms"]) or DEFAULT_TERMS
    )
    due = b.get("due_date")
    if due is None and terms == known["payment_terms"]:
        due = known["due_date"].isoformat()
    elif due is None:
        days = work.tx.scalar("SELECT days FROM payment_terms WHERE org_id = :org AND code = :code", code=terms)
        due = days is not None and (date.fromisoformat(b["issue_date"]) + timedelta(days=days)).isoformat()
    # An invoice with a due date of its own took no terms: only terms that are said now differ from that.
    said = b.get("payment_terms") or known["payment_terms"]
    return {"legal_entity_id": entity, "due_date": due, "payment_terms": said}
