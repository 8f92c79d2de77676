"""One chunk of a bank statement: up to 200 lines recorded, matched, posted, in one transaction with its cursor.

The rules and the writers are those of a single payment (operations.cash.payments, operations.cash.applications); here their
rows are gathered and written together, so a chunk takes as many statements as one payment does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from psycopg import errors as pg
from sqlalchemy import Engine

from models.answers import JsonObject, read_row
from models.cash.allocation import Plan, Request, plan
from models.cash.bank_texts import references_in
from models.cash.matching import Credit, InvoiceBook, Match, MatchKind, match_credit
from models.cash.matching import OpenInvoice as NamedInvoice
from models.cash.periods import entry_date
from models.cash.records import ApplicationSession, Invoice, Payment, PaymentApplication
from models.cash.references import reference_key
from models.db import lookups
from models.db.attempts import attempts
from models.db.cash import payments, rates, statements
from models.db.cash.payments import BalanceChange
from models.db.master_data import settings_of
from models.db.refused import RACES
from models.db.tx import Row, Tx
from models.errors import Refusal
from models.ids import new_id
from models.keys import name_key
from models.master_data.records import BankAccount, LegalEntity
from models.messages.statements import StatementInput, statement_workflow_id
from models.money import INT64_MAX, convert
from operations.cash import applications
from operations.cash.line_credits import credit_of, texts_of
from operations.cash.payers import payers_of
from operations.cash.payments import audit_receipt, post_receipt_entry, refuse_too_far_ahead
from operations.cash.session_funds import balance_changes, funds_of, payment_after
from operations.commands import body_hash, own_command
from operations.work import Work

CHUNK = 200
CLERKS_TIME = timedelta(days=2)


@dataclass
class Gathered:
    """The rows of a chunk, waiting to be written."""

    payments: dict[str, Payment] = field(default_factory=dict)
    sessions: list[ApplicationSession] = field(default_factory=list)
    applications: list[PaymentApplication] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    invoices: dict[str, BalanceChange] = field(default_factory=dict)


def next_chunk(engine: Engine, start: StatementInput) -> tuple[int, int]:
    """Work the next lines off; answers (lines done, lines in all). Raises STATEMENT_NOT_FOUND.

    A chunk that is refused for good, by a rule or by the database, is done line by line: only the line that cannot be
    recorded is left to a person.
    """
    try:
        return _tried(engine, start, partial(_chunk, size=CHUNK))
    except Refusal as refusal:
        if refusal.code in _GONE:
            raise
    for _ in range(CHUNK):
        try:
            done, total = _tried(engine, start, partial(_chunk, size=1))
        except Refusal as refusal:
            done, total = _tried(engine, start, partial(_leave_line, code=refusal.code))
        if done >= total:
            break
    return done, total


_GONE: Final = frozenset({"STATEMENT_NOT_FOUND", "ORG_CONTEXT_MISMATCH"})


def _tried(
    engine: Engine, start: StatementInput, do: Callable[[Tx, StatementInput], tuple[int, int]]
) -> tuple[int, int]:
    """One transaction. Raises Refusal, also for what the database refuses."""
    for attempt in attempts(engine, start.org_id, again=(*RACES, pg.LockNotAvailable)):
        with attempt as tx:
            done = do(tx, start)
    return done


def _leave_line(tx: Tx, start: StatementInput, *, code: str) -> tuple[int, int]:
    """The next line as FAILED, and an exception that says why."""
    return _chunk(tx, start, size=1, failed=code)


def _chunk(tx: Tx, start: StatementInput, *, size: int, failed: str | None = None) -> tuple[int, int]:
    s = lookups.find(
        tx, "statement",
        "SELECT *, pg_advisory_xact_lock_shared(hashtextextended('periods:' || :org, 0)) FROM statements "
        "WHERE org_id = :org AND id = :id FOR UPDATE",
        start.statement_id,
    )  # fmt: skip
    if s["status"] != "PROCESSING":
        return s["lines_total"], s["lines_total"]
    bank = lookups.bank_account(tx, s["bank_account_id"])
    entity = lookups.legal_entity(tx, bank.legal_entity_id)
    lines = statements.pending_lines(tx, s["id"], size)
    cmd = own_command(
        "statement_chunk", actor=start.actor, request_id=start.request_id,
        workflow_id=statement_workflow_id(s["id"]), resource_id=s["id"],
    )  # fmt: skip
    work = Work(tx, replace(cmd, id=f"{s['id']}/chunk"))
    chunk = Chunk(work, s, bank, entity)
    done = chunk.run(lines) if failed is None else chunk.leave(lines, failed)
    finished = len(lines) < size or s["lines_done"] + len(lines) >= s["lines_total"]
    tx.later(
        """UPDATE statements SET lines_done = CASE WHEN :finished THEN lines_total ELSE lines_done + :n END,
             status = CASE WHEN :finished THEN 'COMPLETED' ELSE status END,
             completed_at = CASE WHEN :finished THEN CAST(:at AS timestamptz) END WHERE org_id = :org AND id = :id""",
        n=len(lines),
        finished=finished,
        at=tx.now,
        id=s["id"],
    )
    work.audit(s["id"], "statement.completed" if finished else "statement.progressed", done)
    work.flush()
    return (s["lines_total"] if finished else s["lines_done"] + len(lines)), s["lines_total"]


class Chunk:
    """The lines of one transaction and what becomes of them."""

    def __init__(self, work: Work, statement: Row, bank: BankAccount, entity: LegalEntity) -> None:
        self.work, self.statement, self.bank, self.entity = work, statement, bank, entity
        self.rows = Gathered()
        self.closed: list[str] = work.tx.scalar(f"SELECT {payments.CLOSED}")
        settings = settings_of(work.tx)
        self.at_receipt, self.horizon = settings.posts_at_receipt, settings.payment_date_horizon_days
        self.rates: dict[tuple[str, Any], Decimal | None] = {}
        self.open: dict[str, Invoice] = {}

    def run(self, lines: Any) -> dict[str, int]:
        """Record and apply; answers the counts."""
        if not lines:
            return {"lines": 0}
        tx = self.work.tx
        known = self._known(lines)
        payers = payers_of(tx, [x["payer"] for x in lines])
        credits = {x["line"]: credit_of(x, self.bank.legal_entity_id, payers) for x in lines}
        keys = {reference_key(r) for c in credits.values() for r in c.references()}
        named = statements.named_invoices(tx, list(keys)) if keys else []
        self.open = {r["id"]: read_row(Invoice, r) for r in named}
        book = InvoiceBook([_named(r) for r in named])
        left: list[Any] = []
        for x in lines:
            if x["line"] in known:
                self._line(x, "DUPLICATE", known[x["line"]], "LINE_RECORDED_BEFORE")
                continue
            matched = match_credit(credits[x["line"]], book)
            try:
                payment = self._payment(x, matched.customer_id)
            except Refusal as r:
                self._line(x, "FAILED", None, r.code)
                self._exception(x, r.code, x["external_id"])
                continue
            if matched.kind is MatchKind.NONE:
                left.append((x, payment, matched))
                self._leave(payment)
                continue
            book.claim(matched)
            self._apply(payment, matched)
            self._line(x, "APPLIED", payment.id, None)
        self._suggest(left, book, credits)
        self._write()
        counts = {"lines": len(lines), "recorded": len(self.rows.payments), "unmatched": len(left)}
        return counts | {"applied": len(self.rows.sessions)}

    def leave(self, lines: Any, code: str) -> dict[str, int]:
        """Record nothing of these lines: they cannot be, and a person is told why; answers the counts."""
        for x in lines:
            self._line(x, "FAILED", None, code)
            self._exception(x, code, x["external_id"])
        statements.settle_lines(self.work.tx, self.rows.lines)
        return {"lines": len(lines), "failed": len(lines)}

    def _known(self, lines: Any) -> dict[int, str]:
        """The payments that lines became before, by line; also those of builds that read the lines otherwise."""
        names = {x["line"]: [n for n in (x["external_id"], x["external_id_before"]) if n] for x in lines}
        sql = "SELECT external_id, id FROM payments WHERE org_id = :org AND external_id = ANY(:ids)"
        rows = self.work.tx.all(sql, ids=sorted({name for both in names.values() for name in both}))
        found = {r["external_id"]: r["id"] for r in rows}
        return {line: found[name] for line, both in names.items() for name in reversed(both) if name in found}

    def _rate(self, currency: str, day: Any) -> Decimal:
        if (currency, day) not in self.rates:
            self.rates[currency, day] = rates.rate(self.work.tx, currency, self.entity.functional_currency, day)
        found = self.rates[currency, day]
        if found is None:
            raise Refusal("FX_RATE_MISSING", f"No rate from {currency} serves {day}.")
        return found

    def _payment(self, x: Any, customer_id: str | None) -> Payment:
        """The line as a payment, not yet written. Refusals PAYMENT_DATE_IN_FUTURE, FX_RATE_MISSING."""
        day, currency, functional = x["booking_date"], x["currency_code"], self.entity.functional_currency
        refuse_too_far_ahead(day, self.work.now.date(), self.horizon)
        rate = self._rate(currency, day)
        worth = convert(x["amount_minor"], rate, currency, functional)
        if worth > INT64_MAX:
            raise Refusal("VALIDATION_FAILED", "The amount exceeds int64 minor units of the functional currency.")
        payment = Payment(
            id=new_id("pay"),
            external_id=x["external_id"],
            customer_id=customer_id,
            legal_entity_id=self.entity.id,
            bank_account_id=self.bank.id,
            payment_date=day,
            amount_minor=x["amount_minor"],
            currency_code=currency,
            fx_rate=rate,
            functional_currency=functional,
            functional_amount_minor=worth,
            functional_available_minor=worth,
            method="bank_statement",
            reference=statements.shown_reference(x),
            remittance_text=x["remittance_text"],
            payer=x["payer"],
            statement_id=self.statement["id"],
            statement_line=x["line"],
            body={},
            created_at=self.work.now,
        )
        self.rows.payments[payment.id] = payment
        return payment

    def _leave(self, payment: Payment) -> None:
        """A payment that no invoice takes yet: recorded, and posted where the setting says at receipt."""
        entries = []
        if self.at_receipt:
            entries.append(post_receipt_entry(self.work, payment, self.closed))
            self.rows.payments[payment.id] = replace(payment, posted=True)
        audit_receipt(self.work, payment, entries)

    def _apply(self, payment: Payment, matched: Match) -> None:
        """One application session, by the same rules and writers as a clerk's."""
        audit_receipt(self.work, payment, [])
        decided = self._plan(payment, matched)
        day = entry_date(payment.payment_date, self.closed)
        session_id = new_id("sess")
        entry = applications.session_entry(payment, None, decided, day, None)
        if entry is not None:
            self.work.post(entry)
        rows = applications.application_rows(self.work, payment, session_id, None, decided, day)
        self.rows.applications += rows
        body: JsonObject = {
            "applications": [{"invoice_id": i, "applied_minor": n} for i, n in matched.allocations],
            "statement_line": payment.statement_line,
        }
        session = ApplicationSession(
            id=session_id,
            payment_id=payment.id,
            seq=1,
            credit_used=None,
            credit_id=None,
            external_id=None,
            body_hash=body_hash(body),
            body=body,
            command_id=self.work.cmd.id,
            journal_entry_id=entry.id if entry else None,
            created_at=self.work.now,
        )
        self.rows.sessions.append(session)
        for change in balance_changes(decided):
            self.rows.invoices[change.id] = change
            self.open[change.id] = replace(
                self.open[change.id], balance_due_minor=change.balance, functional_balance_minor=change.functional
            )
        after = replace(payment_after(payment, decided, None, None, None), version=2)
        self.rows.payments[payment.id] = after
        applications.record_session(self.work, applications.Booked(payment, after, session, decided, rows, entry))

    def _plan(self, payment: Payment, matched: Match) -> Plan:
        invoices = {i: applications.open_invoice(self.open[i]) for i, _ in matched.allocations}
        requests = [Request(i, n) for i, n in matched.allocations]
        return plan(
            funds_of(payment, str(payment.customer_id), None), requests, invoices, Decimal(1), overpayment_named=False
        )

    def _suggest(self, left: list[Any], book: InvoiceBook, credits: dict[int, Credit]) -> None:
        """What is left becomes an exception of the clerk's, with what a person may want to pick."""
        asked = [
            {
                "line": x["line"], "amount": x["amount_minor"], "currency": x["currency_code"],
                "entity": self.entity.id, "payer_key": name_key(x["payer"]) if x["payer"] else "",
            }
            for x, _, _ in left
        ]  # fmt: skip
        likely = statements.likely_invoices(self.work.tx, asked) if asked else {}
        for x, payment, matched in left:
            others = [_named(r) for r in likely.get(x["line"], [])]
            again = match_credit(credits[x["line"]], book, others) if others else matched
            suggestions = [s.as_dict() for s in again.suggestions]
            self._line(x, "UNMATCHED", payment.id, str(matched.reason_code), suggestions)
            self._exception(x, str(matched.reason_code), payment.id)

    def _line(
        self, x: Any, status: str, payment_id: str | None, reason: str | None, suggestions: list[Any] | None = None
    ) -> None:
        self.rows.lines.append(
            {
                "statement_id": self.statement["id"], "line": x["line"], "status": status, "reason_code": reason,
                "payment_id": payment_id, "suggestions": suggestions or [],
            }
        )  # fmt: skip

    def _exception(self, x: Any, reason: str, subject: str) -> None:
        self.work.open_exception(
            "unmatched_payment", reason, subject, owner_role="ar_clerk", due_in=CLERKS_TIME,
            legal_entity_id=self.entity.id,
            detail={
                "statement_id": self.statement["id"],
                "line": x["line"],
                "references": references_in(texts_of(x)),
            },
        )  # fmt: skip

    def _write(self) -> None:
        tx, rows = self.work.tx, self.rows
        tx.insert("payments", list(rows.payments.values()))
        tx.insert("application_sessions", rows.sessions)
        tx.insert("payment_applications", rows.applications)
        payments.move_balances(tx, [rows.invoices[i] for i in sorted(rows.invoices)])
        statements.settle_lines(tx, rows.lines)


def _named(r: Any) -> NamedInvoice:
    return NamedInvoice(
        r["id"], r["external_id"], r["customer_id"], r["legal_entity_id"], r["currency_code"], r["balance_due_minor"],
        r["due_date"],
    )  # fmt: skip
