"""Every write of cash application, submitted and executed in this process through the same runner as the API's."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine

from models.access import Principal
from models.cash.statement_requests import as_received
from models.cash.statements import Statement, StatementLine
from models.commands import Answered
from models.db.engine import make_engine, transaction
from models.ids import new_id
from models.messages.statements import StatementInput
from models.values import Body
from operations import registry  # noqa: F401 - registers the operations
from operations.cash.statement_chunks import next_chunk
from operations.commands import Submission, Submitted, submit
from operations.customers.bootstrap import bootstrap_customers
from operations.organisations import create_organisation
from operations.runner import execute, run_now

CLERK = "u_clerk"


@dataclass(frozen=True)
class Done:
    """What a command was answered, its JSON read."""

    body: dict[str, Any]
    status: int
    replayed: bool

    @classmethod
    def of(cls, answered: Answered) -> "Done":
        return cls(json.loads(answered.json), answered.status, answered.replayed)


def new_organisation(database_url: str, name: str = "Proof") -> str:
    """An organisation with its defaults, made as `arflow org create` makes it; its id."""
    org = f"org_{os.urandom(6).hex()}"
    owner = make_engine(database_url, pool_size=1, role=None)
    try:
        with transaction(owner, org) as tx:
            create_organisation(tx, name)
    finally:
        owner.dispose()
    return org


@dataclass
class Desk:
    """One organisation's desk. Ids and keys are made up where none are given; bodies are those of the API's models."""

    engine: Engine
    org: str
    who: Principal = field(init=False)

    def __post_init__(self) -> None:
        self.who = Principal(CLERK, self.org, frozenset({"ar_clerk", "controller"}), None)

    def customer(self, entity: str = "le_us", email: str | None = None, name: str = "Customer") -> str:
        row = {"legal_entity_id": entity, "name": name, "email": email or f"{os.urandom(6).hex()}@example.com"}
        with transaction(self.engine, self.org) as tx:
            return bootstrap_customers(tx, [row])[0]

    def submission(
        self, operation: str, path: str, body: Body | Mapping[str, Any], record: str | None, *, key: str | None = None,
        subject: str | None = None,
    ) -> Submission:  # fmt: skip
        """A request as the API keeps it; without `key` it is one whose caller sent none."""
        return Submission(
            operation=operation, path=path, body=body, idempotency_key=key or new_id("req"), key_given=key is not None,
            request_id=new_id("req"), resource_id=record, subject_id=subject or record,
        )  # fmt: skip

    def later(self, ask: Callable[..., Submission], *args: Any, **fields: Any) -> Callable[[], Done]:
        """A job that asks anew each time that it is done, and carries that out."""
        return lambda: self.run(ask(*args, **fields))

    def run(self, s: Submission) -> Done:
        return Done.of(run_now(self.engine, self.who, s))

    def submit(self, s: Submission) -> Submitted:
        return submit(self.engine, self.who, s)

    def execute(self, command_id: str) -> Done:
        return Done.of(execute(self.engine, self.org, command_id))

    def invoice(self, customer: str, total: int, **more: Any) -> Submission:
        body = {
            "customer_id": customer, "external_id": new_id("ext"), "issue_date": "2025-03-02", "currency_code": "USD",
            "total_minor": total, "tax_minor": 0, "legal_entity_id": None, "due_date": None, "payment_terms": None,
            "lines": [],
        }  # fmt: skip
        key = more.pop("key", None)
        return self.submission("create_invoice", "/v1/invoices", body | more, new_id("invoice"), key=key)

    def payment(self, customer: str, amount: int, **more: Any) -> Submission:
        body = {
            "customer_id": customer, "payment_date": "2025-03-10", "amount_minor": amount, "currency_code": "USD",
            "external_id": new_id("ext"), "legal_entity_id": None, "bank_account_id": None, "method": None,
            "reference": None, "remittance_text": None,
        }  # fmt: skip
        key = more.pop("key", None)
        path = "/v1/customer-payments"
        return self.submission("record_payment", path, body | more, new_id("pay"), key=key, subject=customer)

    def session(self, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """The body of apply: [{invoice_id, applied_minor, …}]."""
        whole = [{"fx_rate": None, "invoice_applied_minor": None} | x for x in lines]
        return {"applications": whole, "overpayment": None, "posting_date": None, "external_id": None} | more

    def apply(
        self, payment: str, lines: list[dict[str, Any]], *, key: str | None = None, credit: bool = False, **more: Any
    ) -> Submission:
        """Apply a payment, or a credit, to [{invoice_id, applied_minor, …}]."""
        body = self.session(lines, **more)
        noun, operation = ("credits", "apply_credit") if credit else ("payments", "apply_payment")
        return self.submission(operation, f"/v1/customer-{noun}/{payment}/apply", body, payment, key=key)

    def unapply(self, application: str, *, key: str | None = None, effective_date: str | None = None) -> Submission:
        body = {"reason_code": "WRONG_MATCH", "note": None, "effective_date": effective_date}
        path = f"/v1/payment-applications/{application}/unapply"
        return self.submission("unapply_application", path, body, application, key=key)

    def undo_adjustment(
        self, adjustment: str, *, key: str | None = None, effective_date: str | None = None
    ) -> Submission:
        body = {"reason_code": "WRONG_MATCH", "note": None, "effective_date": effective_date}
        return self.submission("undo_adjustment", f"/v1/adjustments/{adjustment}/undo", body, adjustment, key=key)

    def reverse(self, payment: str, *, key: str | None = None, reversal_date: str | None = None) -> Submission:
        body = {"reason_code": "RETURNED", "note": None, "reversal_date": reversal_date}
        return self.submission("reverse_payment", f"/v1/customer-payments/{payment}/reverse", body, payment, key=key)

    def credit_note(self, customer: str, total: int, **more: Any) -> Submission:
        body = {
            "customer_id": customer, "external_id": new_id("ext"), "legal_entity_id": None, "issue_date": "2025-03-05",
            "currency_code": "USD", "total_minor": total, "tax_minor": None, "reason_code": "GOODS_RETURNED",
            "invoice_id": None, "note": None,
        }  # fmt: skip
        key = more.pop("key", None)
        return self.submission(
            "create_credit_note", "/v1/credit-notes", body | more, new_id("cn"), key=key, subject=customer
        )

    def settle(
        self, note: str, lines: list[tuple[str, int]], *, key: str | None = None, external_id: str | None = None
    ) -> Submission:
        """Apply a credit note alone."""
        applications = [{"invoice_id": i, "applied_minor": minor} for i, minor in lines]
        body = {"applications": applications, "external_id": external_id}
        return self.submission("apply_credit_note", f"/v1/credit-notes/{note}/apply", body, note, key=key)

    def unsettle(self, application: str, *, key: str | None = None, effective_date: str | None = None) -> Submission:
        body = {"reason_code": "WRONG_INVOICE", "note": None, "effective_date": effective_date}
        path = f"/v1/credit-note-applications/{application}/unapply"
        return self.submission("unapply_credit_note", path, body, application, key=key)

    def void_note(self, note: str, *, key: str | None = None) -> Submission:
        body = {"reason_code": "ISSUED_IN_ERROR", "note": None}
        return self.submission("void_credit_note", f"/v1/credit-notes/{note}/void", body, note, key=key)

    def deduct(self, invoice: str, minor: int, *, key: str | None = None, **more: Any) -> Submission:
        """State a deduction without a payment."""
        body = deduction(invoice, minor) | more
        return self.submission("open_deduction", "/v1/deductions", body, new_id("ded"), key=key, subject=invoice)

    def decide(self, deduction_id: str, decision: str, *, key: str | None = None) -> Submission:
        """Accept or reject a deduction."""
        body = {"decision": decision, "reason_code": "CHECKED", "note": None}
        path = f"/v1/deductions/{deduction_id}/resolve"
        return self.submission("resolve_deduction", path, body, deduction_id, key=key)

    def void(self, invoice: str, *, key: str | None = None) -> Submission:
        body = {"reason_code": "ISSUED_IN_ERROR", "note": None}
        return self.submission("void_invoice", f"/v1/invoices/{invoice}/void", body, invoice, key=key)

    def dispute(self, invoice: str, *, key: str | None = None) -> Submission:
        body = {"reason_code": "SHORT_DELIVERY", "note": None}
        return self.submission("dispute_invoice", f"/v1/invoices/{invoice}/dispute", body, invoice, key=key)

    def assign(self, payment: str, customer: str, *, key: str | None = None) -> Submission:
        path = f"/v1/customer-payments/{payment}/assign"
        return self.submission("assign_payment", path, {"customer_id": customer}, payment, key=key)

    def newest_payment(self) -> str:
        with transaction(self.engine, self.org) as tx:
            return str(
                tx.scalar("SELECT id FROM payments WHERE org_id = :org ORDER BY created_at DESC, id DESC LIMIT 1")
            )

    def draft_reconciliation(
        self, payments: list[str], bank: str = "bank_us", through: str = "2026-01-31", *, key: str | None = None
    ) -> Submission:
        body = {
            "bank_account_id": bank, "through_date": through, "payment_ids": payments, "statement_balance_minor": None,
        }  # fmt: skip
        path = f"/v1/bank-accounts/{bank}/reconciliations"
        return self.submission("draft_reconciliation", path, body, new_id("recon"), key=key)

    def complete(self, recon: str, *, key: str | None = None) -> Submission:
        return self.submission("complete_reconciliation", f"/v1/reconciliations/{recon}/complete", {}, recon, key=key)

    def reopen(self, recon: str, *, key: str | None = None) -> Submission:
        body = {"reason_code": "BANK_ERROR", "note": None}
        return self.submission("reopen_reconciliation", f"/v1/reconciliations/{recon}/reopen", body, recon, key=key)

    def period(self, period: str, verb: str) -> Submission:
        path = f"/v1/periods/{period}/{verb}"
        return self.submission(f"{verb}_period", path, {"reason_code": None}, period, subject=f"period_{period}")

    def settings(self, **settings: Any) -> Submission:
        return self.submission("change_settings", "/v1/settings", settings, self.org)

    def rate(self, base: str, quote: str, on: str, rate: Decimal) -> Submission:
        row = {"base_currency": base, "quote_currency": quote, "rate_date": on, "rate": str(rate), "source": "test"}
        return self.submission("store_rates", "/v1/fx-rates", {"rates": [row]}, self.org)

    def statement(
        self, lines: list[StatementLine], bank: str = "bank_us", content: bytes | None = None
    ) -> StatementInput:
        """Receive a statement of these lines; its chunks are still to be done."""
        read = Statement(None, None, None, None, None, None, None, tuple(lines))
        body = as_received(bank, content or os.urandom(16), None, [read])
        path = f"/v1/bank-accounts/{bank}/statements"
        s = self.submission("receive_statement", path, body, new_id("stmt"))
        return StatementInput(self.org, self.run(s).body["id"])

    def work_off(self, start: StatementInput) -> None:
        """All chunks of a statement."""
        done, total = 0, 1
        while done < total:
            done, total = next_chunk(self.engine, start)


def deduction(invoice: str, minor: int, reason: str = "DAMAGED_GOODS") -> dict[str, Any]:
    """A deduction as it is stated."""
    return {"invoice_id": invoice, "amount_minor": minor, "reason_code": reason, "customer_reason": None, "note": None}


def credit_line(amount: int, text: str, day: str = "2025-03-12", currency: str = "USD", nth: int = 1) -> StatementLine:
    """A receipt; `nth` tells identical lines of one file apart."""
    booked = date.fromisoformat(day)
    return StatementLine(1, booked, booked, amount, currency, "ACME LTD", None, text, occurrence=nth)
