"""What becomes of the lines of a chunk: recorded as payments, applied where they name their invoices, or left to a person.

The rules and the writers are those of a single payment (operations.cash.payments, operations.cash.applications).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from models.answers import JsonObject
from models.cash.allocation import Plan, Request, plan
from models.cash.loose_references import loose_keys
from models.cash.matching import Credit, InvoiceBook, Match, MatchKind, match_credit
from models.cash.periods import entry_date
from models.cash.records import ApplicationSession, Invoice, Payment
from models.cash.references import reference_key
from models.cash.statement_records import BankStatement, BankStatementLine, LineStatus
from models.db.cash import invoices, rates, statements
from models.db.cash.similar_invoices import similar_invoices
from models.db.cash.statements import UnplacedLine
from models.db.master_data import settings_of
from models.errors import Refusal
from models.ids import new_id
from models.keys import name_key
from models.master_data.records import BankAccount, LegalEntity
from models.money import INT64_MAX, convert
from operations.cash import applications
from operations.cash.chunk_rows import ChunkRows
from operations.cash.deductions import withdraw_settled
from operations.cash.line_credits import as_named, credits_of, waited_for
from operations.cash.line_details import add_details
from operations.cash.line_identity import by_hand, recognise
from operations.cash.line_matching import match_again
from operations.cash.payments import audit_receipt, post_receipt_entry, refuse_too_far_ahead
from operations.cash.session_funds import balance_changes, funds_of, payment_after
from operations.cash.session_trail import Booked, record_session
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
        self.told_again: list[tuple[BankStatementLine, BankStatementLine]] = []

    def run(self, lines: Sequence[BankStatementLine], *, another_payment: bool = False) -> Mapping[str, int]:
        """Record and apply; answers the counts. `another_payment`: a person says that they are no payments recorded before
        by hand, nor other lines in other words."""
        if not lines:
            return {"lines": 0}
        fresh = self._not_recorded(lines, another_payment)
        credits = credits_of(self.work.tx, self.bank, fresh)
        book = self._book(credits.values())
        unplaced: list[Unplaced] = []
        for x in fresh:
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
        self._add_details()
        counts = {"lines": len(lines), "recorded": len(self.rows.payments), "unmatched": len(unplaced)}
        return counts | {"applied": len(self.rows.sessions)}

    def _not_recorded(self, lines: Sequence[BankStatementLine], another_payment: bool) -> list[BankStatementLine]:
        """Those of the lines that become payments now. What is recorded already says so; what may be waits for a person."""
        known = recognise(self.work.tx, self.statement.id, self.bank.id, lines)
        fresh = [x for x in lines if x.line not in known.duplicates]
        waiting = {} if another_payment else known.doubtful | by_hand(self.work.tx, self.bank.id, fresh)
        for x in lines:
            if (duplicate := known.duplicates.get(x.line)) is not None:
                self.rows.settle(x, LineStatus.DUPLICATE, duplicate.payment_id, duplicate.reason)
                if duplicate.said_before is not None:
                    self.told_again.append((duplicate.said_before, x))
            elif x.line in waiting:
                self.rows.wait(x, list(dict.fromkeys((*known.doubtful.get(x.line, ()), *waiting[x.line]))))
        return [x for x in fresh if x.line not in waiting]

    def _add_details(self) -> None:
        """What a later file adds to a line is kept with it, and the line is matched again by all that is said now."""
        for x in add_details(self.work, self.told_again):
            if x.status is LineStatus.UNMATCHED and x.payment_id is not None:
                match_again(self.work, self.bank, x, x.payment_id)

    def leave(self, lines: Sequence[BankStatementLine], code: str) -> Mapping[str, int]:
        """Record nothing of these lines: they cannot be, and a person is told why; answers the counts."""
        for x in lines:
            self.rows.fail(x, code)
        self.rows.write()
        return {"lines": len(lines), "failed": len(lines)}

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
        changes = balance_changes(decided)
        withdraw_settled(self.work, self.invoices, changes)
        self.rows.balances.update({change.id: change for change in changes})
        after = payment_after(payment, decided, None, None, None, version=2)
        self.rows.payments[payment.id] = after
        record_session(self.work, Booked(payment, after, session, decided, applied, entry))

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
        selected = {i: applications.open_invoice(self._as_it_stands(i)) for i, _ in matched.allocations}
        requests = [Request(i, n) for i, n in matched.allocations]
        return plan(
            funds_of(payment, str(payment.customer_id), None), requests, selected, Decimal(1), overpayment_named=False
        )

    def _as_it_stands(self, invoice_id: str) -> Invoice:
        """The invoice with what earlier lines of the chunk have left open of it."""
        invoice, change = self.invoices[invoice_id], self.rows.balances.get(invoice_id)
        if change is None:
            return invoice
        return replace(invoice, balance_due_minor=change.balance, functional_balance_minor=change.functional)

    def _suggest(self, unplaced: Sequence[Unplaced], book: InvoiceBook) -> None:
        """What found no invoice becomes an exception of the clerk's, with what a person may want to pick."""
        likely = statements.likely_invoices(self.work.tx, [self._wanted(u.line) for u in unplaced])
        said = {u.line.line: loose_keys(u.credit.bank_texts) for u in unplaced}
        similar = similar_invoices(self.work.tx, self.entity.id, said)
        for u in unplaced:
            others, alike = likely.get(u.line.line, ()), similar.get(u.line.line, ())
            suggestions = (match_credit(u.credit, book, others, alike) if others or alike else u.matched).suggestions
            reason = str(u.matched.reason_code)
            waiting = waited_for(u.credit)
            self.rows.settle(u.line, LineStatus.UNMATCHED, u.payment.id, reason, suggestions, waiting_for=waiting)
            self.rows.ask_a_person(u.line, reason, u.payment.id)

    def _wanted(self, x: BankStatementLine) -> UnplacedLine:
        payer_key = name_key(x.payer) if x.payer else ""
        return UnplacedLine(x.line, x.amount_minor, x.currency_code, self.entity.id, payer_key, x.booking_date)
