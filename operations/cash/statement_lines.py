"""What becomes of the lines of a chunk: recorded as payments, applied where they name their invoices, or left to a person.

The rules and the writers are those of a single payment (operations.cash.payments, operations.cash.applications).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from models.answers import JsonObject
from models.cash.allocation import Plan, Request, plan
from models.cash.matching import Credit, InvoiceBook, Match, MatchKind, OpenInvoice, match_credit
from models.cash.periods import entry_date
from models.cash.records import ApplicationSession, Invoice, Payment
from models.cash.references import reference_key
from models.cash.statement_records import BankStatement, BankStatementLine, LineStatus
from models.db.cash import invoices, rates, statements
from models.db.cash.statements import UnplacedLine
from models.db.master_data import settings_of
from models.db.tx import Tx
from models.errors import Refusal
from models.ids import new_id
from models.keys import name_key
from models.master_data.records import BankAccount, LegalEntity
from models.money import INT64_MAX, convert
from operations.cash import applications
from operations.cash.chunk_rows import ChunkRows
from operations.cash.payers import paid_for, payers_of
from operations.cash.payments import audit_receipt, post_receipt_entry, refuse_too_far_ahead
from operations.cash.session_funds import balance_changes, funds_of, payment_after
from operations.commands import body_hash
from operations.work import Work


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A line that was recorded and found no invoice."""

    line: BankStatementLine
    credit: Credit
    payment: Payment
    matched: Match


class Chunk:
    """The lines of one transaction and what becomes of them."""

    def __init__(self, work: Work, statement: BankStatement, bank: BankAccount, entity: LegalEntity) -> None:
        self.work, self.statement, self.bank, self.entity = work, statement, bank, entity
        self.rows = ChunkRows(work, entity.id)
        self.closed = invoices.closed_periods(work.tx)
        settings = settings_of(work.tx)
        self.at_receipt, self.horizon = settings.posts_at_receipt, settings.payment_date_horizon_days
        self.rates: dict[tuple[str, date], Decimal | None] = {}
        self.invoices: dict[str, Invoice] = {}

    def run(self, lines: Sequence[BankStatementLine]) -> Mapping[str, int]:
        """Record and apply; answers the counts."""
        if not lines:
            return {"lines": 0}
        recorded = self._recorded_before(lines)
        credits = credits_of(self.work.tx, self.bank, lines)
        book = self._book(credits.values())
        unplaced: list[Unplaced] = []
        for x in lines:
            if x.line in recorded:
                self.rows.settle(x, LineStatus.DUPLICATE, recorded[x.line], "LINE_RECORDED_BEFORE")
                continue
            matched = match_credit(credits[x.line], book)
            try:
                payment = self._payment(x, matched.customer_id)
            except Refusal as refusal:
                self.rows.fail(x, refusal.code)
                continue
            if matched.kind is MatchKind.NONE:
                unplaced.append(Unplaced(x, credits[x.line], payment, matched))
                self._leave_unapplied(payment)
                continue
            book.claim(matched)
            self._apply(payment, matched)
            self.rows.settle(x, LineStatus.APPLIED, payment.id)
        self._suggest(unplaced, book)
        self.rows.write()
        counts = {"lines": len(lines), "recorded": len(self.rows.payments), "unmatched": len(unplaced)}
        return counts | {"applied": len(self.rows.sessions)}

    def leave(self, lines: Sequence[BankStatementLine], code: str) -> Mapping[str, int]:
        """Record nothing of these lines: they cannot be, and a person is told why; answers the counts."""
        for x in lines:
            self.rows.fail(x, code)
        self.rows.write()
        return {"lines": len(lines), "failed": len(lines)}

    def _recorded_before(self, lines: Sequence[BankStatementLine]) -> dict[int, str]:
        """The payments that lines became before, by line; also those of builds that read the lines otherwise."""
        names = {x.line: [n for n in (x.external_id, x.external_id_before) if n] for x in lines}
        found = statements.recorded_before(self.work.tx, (name for both in names.values() for name in both))
        return {line: found[name] for line, both in names.items() for name in reversed(both) if name in found}

    def _book(self, credits: Iterable[Credit]) -> InvoiceBook:
        """The invoices that the lines may name, locked."""
        keys = {reference_key(reference) for credit in credits for reference in credit.references()}
        self.invoices = {i.id: i for i in statements.named_invoices(self.work.tx, keys)}
        return InvoiceBook([as_named(i) for i in self.invoices.values()])

    def _rate(self, currency: str, day: date) -> Decimal:
        if (currency, day) not in self.rates:
            self.rates[currency, day] = rates.rate(self.work.tx, currency, self.entity.functional_currency, day)
        found = self.rates[currency, day]
        if found is None:
            raise Refusal("FX_RATE_MISSING", f"No rate from {currency} serves {day}.")
        return found

    def _payment(self, x: BankStatementLine, customer_id: str | None) -> Payment:
        """The line as a payment, not yet written. Refusals PAYMENT_DATE_IN_FUTURE, FX_RATE_MISSING."""
        refuse_too_far_ahead(x.booking_date, self.work.now.date(), self.horizon)
        rate = self._rate(x.currency_code, x.booking_date)
        worth = convert(x.amount_minor, rate, x.currency_code, self.entity.functional_currency)
        if worth > INT64_MAX:
            raise Refusal("VALIDATION_FAILED", "The amount exceeds int64 minor units of the functional currency.")
        payment = Payment(
            id=new_id("pay"),
            external_id=x.external_id,
            customer_id=customer_id,
            legal_entity_id=self.entity.id,
            bank_account_id=self.bank.id,
            payment_date=x.booking_date,
            amount_minor=x.amount_minor,
            currency_code=x.currency_code,
            fx_rate=rate,
            functional_currency=self.entity.functional_currency,
            functional_amount_minor=worth,
            functional_available_minor=worth,
            method="bank_statement",
            reference=x.shown_reference,
            remittance_text=x.remittance_text,
            payer=x.payer,
            statement_id=self.statement.id,
            statement_line=x.line,
            body={},
            created_at=self.work.now,
        )
        self.rows.payments[payment.id] = payment
        return payment

    def _leave_unapplied(self, payment: Payment) -> None:
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
        entry = applications.session_entry(payment, None, decided, day, None)
        if entry is not None:
            self.work.post(entry)
        session = self._session(payment, matched, entry.id if entry else None)
        applied = applications.application_rows(self.work, payment, session.id, None, decided, day)
        self.rows.sessions.append(session)
        self.rows.applications += applied
        for change in balance_changes(decided):
            self.rows.balances[change.id] = change
            self.invoices[change.id] = replace(
                self.invoices[change.id], balance_due_minor=change.balance, functional_balance_minor=change.functional
            )
        after = replace(payment_after(payment, decided, None, None, None), version=2)
        self.rows.payments[payment.id] = after
        applications.record_session(self.work, applications.Booked(payment, after, session, decided, applied, entry))

    def _session(self, payment: Payment, matched: Match, entry_id: str | None) -> ApplicationSession:
        body: JsonObject = {
            "applications": [{"invoice_id": i, "applied_minor": n} for i, n in matched.allocations],
            "statement_line": payment.statement_line,
        }
        return ApplicationSession(
            id=new_id("sess"),
            payment_id=payment.id,
            seq=1,
            credit_used=None,
            credit_id=None,
            external_id=None,
            body_hash=body_hash(body),
            body=body,
            command_id=self.work.cmd.id,
            journal_entry_id=entry_id,
            created_at=self.work.now,
        )

    def _plan(self, payment: Payment, matched: Match) -> Plan:
        selected = {i: applications.open_invoice(self.invoices[i]) for i, _ in matched.allocations}
        requests = [Request(i, n) for i, n in matched.allocations]
        return plan(
            funds_of(payment, str(payment.customer_id), None), requests, selected, Decimal(1), overpayment_named=False
        )

    def _suggest(self, unplaced: Sequence[Unplaced], book: InvoiceBook) -> None:
        """What found no invoice becomes an exception of the clerk's, with what a person may want to pick."""
        likely = statements.likely_invoices(self.work.tx, [self._wanted(u.line) for u in unplaced])
        for u in unplaced:
            others = likely.get(u.line.line, ())
            suggestions = (match_credit(u.credit, book, others) if others else u.matched).suggestions
            reason = str(u.matched.reason_code)
            self.rows.settle(u.line, LineStatus.UNMATCHED, u.payment.id, reason, suggestions)
            self.rows.ask_a_person(u.line, reason, u.payment.id)

    def _wanted(self, x: BankStatementLine) -> UnplacedLine:
        payer_key = name_key(x.payer) if x.payer else ""
        return UnplacedLine(x.line, x.amount_minor, x.currency_code, self.entity.id, payer_key, x.booking_date)


def credits_of(tx: Tx, bank: BankAccount, lines: Sequence[BankStatementLine]) -> dict[int, Credit]:
    """The lines as the matching rule sees them, by their numbers."""
    named = payers_of(tx, [x.payer for x in lines])
    payers = {x.line: named.get(x.payer or "", frozenset()) for x in lines}
    paid = paid_for(tx, [(payer, x.booking_date) for x in lines for payer in payers[x.line]])
    return {
        x.line: Credit(
            x.amount_minor, x.currency_code, bank.legal_entity_id, texts=tuple(x.texts), payers=payers[x.line],
            pays_for={payer: paid.get((payer, x.booking_date), frozenset()) for payer in payers[x.line]},
        )
        for x in lines
    }  # fmt: skip


def as_named(i: Invoice) -> OpenInvoice:
    """An invoice as the matching rule sees it."""
    return OpenInvoice(
        i.id, i.external_id, i.customer_id, i.legal_entity_id, i.currency_code, i.balance_due_minor, i.due_date
    )
