"""Random work at a cash application desk, every step checked against the books.

The machine knows the rules of docs/api.md a second time, as simply as they can be said (`_expected`): for sessions in one
currency it foretells the refusal, or that there is none. Everything else is held by `books.wrong_in` after each step.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import Engine

from models.ids import new_id
from tests.cash_desk.books import wrong_in
from tests.cash_desk.desk import credit_line
from tests.properties.asking import APPLYING, Asking

MONTHS = ("2025-01", "2025-02", "2025-03", "2025-04")
FIRST = date(2025, 1, 1)
CURRENCIES = ("USD", "USD", "USD", "GBP", "JPY", "KWD")
RATES = {"GBP": "1.2713", "JPY": "0.006671", "KWD": "3.2447", "EUR": "1.0837"}  # USD per unit, in the first week

pick = st.integers(0, 10_000)
amounts = st.one_of(st.integers(1, 40), st.integers(1, 500_000))
days = st.integers(0, 118).map(lambda n: (FIRST + timedelta(n)).isoformat())
modes = st.sampled_from(("key", "key again", "no key", "no key again"))
words = st.sampled_from((None, None, "customer_credit", "unapplied"))
shares = st.sampled_from(("fits", "fits", "fits", "half", "one", "balance", "all", "one more"))
kinds = st.lists(st.sampled_from(("bank_fee", "tax_withheld", "write_off", "discount")), min_size=2, max_size=2)
sides = st.sampled_from(("cent", "rest", "rest", "half", "too much"))
seldom = st.integers(0, 5).map(
    lambda n: n == 5
)  # what ends a record's life: else nothing lives long enough to be applied


class CashDesk(Asking):
    """What may happen to invoices and payments of one organisation, in any order."""

    def __init__(self, engine: Engine, owner: "psycopg.Connection[dict]", org: str) -> None:
        super().__init__(engine, owner, org)
        self.customers: list[str] = []
        self.files: list[Any] = []

    # -- the desk is set up ------------------------------------------------------------------------------------------

    @initialize(at_receipt=st.booleans())
    def open_the_desk(self, at_receipt: bool) -> None:
        self.customers = [self.desk.customer(e) for e in ("le_us", "le_us", "le_uk")]
        rows = [
            {
                "base_currency": currency, "quote_currency": "USD", "rate_date": str(FIRST + timedelta(7 * week)),
                "rate": str(Decimal(rate) * (100 + week % 5) / 100), "source": "test",
            }
            for currency, rate in RATES.items() for week in range(19)
        ]  # fmt: skip
        self.desk.run(self.desk.submission("store_rates", "/v1/fx-rates", {"rates": rows}, self.org))
        if at_receipt:
            self.desk.run(self.desk.settings(receipt_posting="at_receipt"))

        for _ in range(3):
            self.desk.run(self.desk.invoice(self.customers[0], 1000))
            self.desk.run(self.desk.payment(self.customers[0], 900))

    # -- invoices and payments ---------------------------------------------------------------------------------------

    @rule(who=pick, total=amounts, currency=st.sampled_from(CURRENCIES), day=days, mode=modes)
    def issue(self, who: int, total: int, currency: str, day: str, mode: str) -> None:
        s = self.desk.invoice(
            self._one(self.customers, who), total, currency_code=currency, issue_date=day, tax_minor=total // 7
        )
        self._write(s, mode, set())

    @rule(who=pick, amount=amounts, currency=st.sampled_from(CURRENCIES), day=days, mode=modes)
    def record(self, who: int, amount: int, currency: str, day: str, mode: str) -> None:
        s = self.desk.payment(self._one(self.customers, who), amount, currency_code=currency, payment_date=day)
        self._write(s, mode, set())

    @rule(n=pick, mode=modes, really=seldom)
    def void(self, n: int, mode: str, really: bool) -> None:
        invoice = self._any("invoices", n)
        if invoice and (really or invoice["status"] != "OPEN"):
            applied = self._live("invoice_id", invoice["id"])
            expected = (
                "INVOICE_VOID" if invoice["status"] == "VOID" else "INVOICE_HAS_APPLICATIONS" if applied else None
            )
            self._write(self.desk.void(invoice["id"]), mode, {expected})

    # -- applying ----------------------------------------------------------------------------------------------------

    @rule(
        n=pick, which=st.lists(pick, max_size=3), how=shares, word=words, mode=modes, external=st.booleans(),
        month=st.sampled_from((None, None, None, *MONTHS)), own_rate=st.booleans(),
    )  # fmt: skip
    def apply(
        self, n: int, which: list[int], how: str, word: str | None, mode: str, external: bool, month: str | None,
        own_rate: bool,
    ) -> None:  # fmt: skip
        self._apply(n, which, how, word, mode, external, month, own_rate)

    def _apply(
        self, n: int, which: list[int], how: str, word: str | None, mode: str, external: bool, month: str | None,
        own_rate: bool, beside: tuple[str, list[str]] | None = None,
    ) -> None:  # fmt: skip
        p = self._any("payments", n)
        if p is None:
            return
        held = "SELECT remaining_minor FROM customer_credits WHERE org_id = %s AND payment_id = %s AND kind = %s"
        credits = self._rows(held, self.org, p["id"], "customer_credit")
        available = p["amount_minor"] - self._live("payment_id", p["id"]) - sum(c["remaining_minor"] for c in credits)
        if p["reversed_at"]:
            available = 0
        chosen = self._invoices_for(p, which)
        lines = self._lines(chosen, available, how, p["currency_code"], own_rate)
        if not lines and word is None:
            return
        if beside is not None:
            self._beside(lines, chosen, *beside)
        more: dict[str, Any] = {"overpayment": word}
        more |= {"posting_date": f"{month}-28"} if month else {}
        more |= {"external_id": new_id("ext")} if external else {}
        expected = self._expected(p, available, chosen, lines, more)
        self._write(self.desk.apply(p["id"], lines, **more), mode, expected)

    @rule(n=pick, which=st.lists(pick, min_size=1, max_size=2), how=shares, word=words, mode=modes)
    def apply_simply(self, n: int, which: list[int], how: str, word: str | None, mode: str) -> None:
        self._apply(n, which, how, word, mode, False, None, False)

    @rule(
        n=pick, which=st.lists(pick, min_size=1, max_size=2), how=st.sampled_from(("fits", "half", "one")), word=words,
        mode=modes, side=sides, of=kinds,
    )  # fmt: skip
    def settle_by_several_lines(
        self, n: int, which: list[int], how: str, word: str | None, mode: str, side: str, of: list[str]
    ) -> None:
        self._apply(n, which, how, word, mode, False, None, False, (side, of))

    @rule(n=pick, mode=modes, later=st.integers(0, 60))
    def undo_adjustment(self, n: int, mode: str, later: int) -> None:
        a = self._any("adjustments", n)
        if a is None:
            return
        p = self._rows("SELECT * FROM payments WHERE org_id = %s AND id = %s", self.org, a["payment_id"])[0]
        expected = "PAYMENT_REVERSED" if p["reversed_at"] else "ADJUSTMENT_UNDONE" if a["undone_at"] else None
        day = (p["payment_date"] + timedelta(later)).isoformat()
        self._write(self.desk.undo_adjustment(a["id"], effective_date=day), mode, {expected})

    @rule(n=pick, which=st.lists(pick, min_size=1, max_size=2), how=shares, mode=modes, own_rate=st.booleans())
    def spend_credit(self, n: int, which: list[int], how: str, mode: str, own_rate: bool) -> None:
        c = self._any("customer_credits", n)
        if c is None:
            return
        p = self._rows("SELECT * FROM payments WHERE org_id = %s AND id = %s", self.org, c["payment_id"])[0]
        chosen = self._invoices_for(p, which)
        lines = self._lines(chosen, c["remaining_minor"], how, c["currency_code"], own_rate)
        if lines:
            allowed = APPLYING | {"PAYMENT_REVERSED"} - {"OVERPAYMENT_REQUIRES_CREDIT"}
            self._write(self.desk.apply(c["id"], lines, credit=True), mode, allowed)

    # -- undoing -----------------------------------------------------------------------------------------------------

    @rule(n=pick, mode=modes, later=st.integers(0, 60))
    def unapply(self, n: int, mode: str, later: int) -> None:
        a = self._any("payment_applications", n)
        if a is None:
            return
        p = self._rows("SELECT * FROM payments WHERE org_id = %s AND id = %s", self.org, a["payment_id"])[0]
        expected = "PAYMENT_REVERSED" if p["reversed_at"] else "APPLICATION_UNAPPLIED" if a["unapplied_at"] else None
        day = (p["payment_date"] + timedelta(later)).isoformat()
        self._write(self.desk.unapply(a["id"], effective_date=day), mode, {expected})

    @rule(n=pick, mode=modes, later=st.integers(0, 60), really=seldom)
    def reverse(self, n: int, mode: str, later: int, really: bool) -> None:
        p = self._any("payments", n)
        if p is None or not (really or p["applied_minor"]):
            return
        sql = """SELECT 1 FROM reconciliation_payments rp JOIN reconciliations r ON r.org_id = rp.org_id
            AND r.id = rp.reconciliation_id AND r.status = 'COMPLETED' WHERE rp.org_id = %s AND rp.payment_id = %s"""
        reconciled = self._rows(sql, self.org, p["id"])
        expected = "PAYMENT_REVERSED" if p["reversed_at"] else "RECONCILIATION_COMPLETE" if reconciled else None
        day = (p["payment_date"] + timedelta(later)).isoformat()
        self._write(self.desk.reverse(p["id"], reversal_date=day), mode, {expected})

    # -- the bank and the calendar -----------------------------------------------------------------------------------

    @rule(n=st.lists(pick, min_size=1, max_size=3), complete=st.booleans())
    def reconcile(self, n: list[int], complete: bool) -> None:
        sql = "SELECT id FROM payments WHERE org_id = %s AND bank_account_id = 'bank_us' ORDER BY id"
        ours = self._rows(sql, self.org)
        if not ours:
            return
        chosen = sorted({self._one(ours, k)["id"] for k in n})
        made = self._write(
            self.desk.draft_reconciliation(chosen), "no key", {None, "PAYMENT_REVERSED", "RECONCILIATION_COMPLETE"}
        )
        if made and complete:
            self._write(self.desk.complete(made.body["id"]), "key again", set())

    @rule(n=pick, verb=st.sampled_from(("complete", "reopen")), mode=modes)
    def move_reconciliation(self, n: int, verb: str, mode: str) -> None:
        if recon := self._any("reconciliations", n):
            complete = recon["status"] == "COMPLETED"
            if verb == "reopen":
                self._write(self.desk.reopen(recon["id"]), mode, {None if complete else "RECONCILIATION_NOT_COMPLETE"})
            else:
                allowed: set[str | None] = {"RECONCILIATION_COMPLETE"}
                if not complete:
                    allowed |= {"PAYMENT_REVERSED", None}
                self._write(self.desk.complete(recon["id"]), mode, allowed)

    @rule(month=st.sampled_from(MONTHS), n=pick)
    def open_or_close_a_month(self, month: str, n: int) -> None:
        verb = "reopen" if month in self._closed() else "close"
        if verb == "close" and n % 3:
            return
        assert not self.desk.run(self.desk.period(month, verb)).replayed
        before = self._size()
        assert self.desk.run(self.desk.period(month, verb)).replayed, "what is so already is not done again"
        assert self._size() == before

    @rule(
        lines=st.lists(st.tuples(pick, shares, st.integers(1, 900), days), min_size=1, max_size=4),
        again=st.booleans(), apart=st.booleans(),
    )  # fmt: skip
    def statement(self, lines: list[tuple[int, str, int, str]], again: bool, apart: bool) -> None:
        read, nth = [], len(self.files)
        for n, (k, how, other, day) in enumerate(lines, 1):
            invoice = self._any("invoices", k)
            if invoice is None or how == "one more":
                read.append(credit_line(other, f"no word of what for {nth}", day, nth=n))
                continue
            due = invoice["balance_due_minor"]
            amount = {"half": due // 2, "one": 1, "all": due + other}.get(how, due) or other
            read.append(credit_line(amount, f"invoice {invoice['external_id']} {nth}", day, nth=n))
        content = new_id("file").encode()
        before = self._count("payments")
        start = self.desk.statement(read, content=content)
        if not apart:
            self.desk.work_off(start)
            assert self._count("payments") + self._left_to_a_person(start.statement_id) == before + len(read)
        self.files.append((read, content, start))
        if again:
            assert self.desk.statement(read, content=content) == start, "the same file is the same statement"
            self.desk.work_off(start)
            assert self._count("payments") + self._left_to_a_person(start.statement_id) == before + len(read)

    def _left_to_a_person(self, statement: str) -> int:
        """The lines that may be payments which were recorded by hand: each has one of its amount, which no bank line is."""
        sql = """SELECT l.amount_minor, (SELECT count(*) FROM payments p WHERE p.org_id = l.org_id
              AND p.amount_minor = l.amount_minor AND p.statement_id IS NULL) AS by_hand
            FROM statement_lines l WHERE l.org_id = %s AND l.statement_id = %s AND l.status = 'POSSIBLE_DUPLICATE'"""
        lines = self._rows(sql, self.org, statement)
        assert all(line["by_hand"] for line in lines), lines
        return len(lines)

    @precondition(lambda self: self.files)
    @rule(n=pick)
    def same_lines_in_another_file(self, n: int) -> None:
        read, _, start = self._one(self.files, n)
        self.desk.work_off(start)
        before = self._count("payments")
        self.desk.work_off(self.desk.statement(read))
        assert self._count("payments") == before, "a line recorded before is not recorded again"

    @rule(n=pick, who=pick, mode=modes, anybody=seldom)
    def assign(self, n: int, who: int, mode: str, anybody: bool) -> None:
        sql = "SELECT * FROM payments WHERE org_id = %s AND (customer_id IS NULL OR %s) ORDER BY created_at DESC, id"
        if rows := self._rows(sql, self.org, anybody):
            p = self._one(rows, n)
            customer = self._one(self.customers, who)
            sessions = self._rows(
                "SELECT 1 FROM application_sessions WHERE org_id = %s AND payment_id = %s", self.org, p["id"]
            )
            expected: str | None = None
            if p["reversed_at"]:
                expected = "PAYMENT_REVERSED"
            elif p["customer_id"] not in (None, customer) and sessions:
                expected = "CUSTOMER_ALREADY_ASSIGNED"
            path, body = f"/v1/customer-payments/{p['id']}/assign", {"customer_id": customer}
            self._write(self.desk.submission("assign_payment", path, body, p["id"]), mode, {expected})

    # -- asking again ------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.done)
    @rule(n=pick)
    def ask_again(self, n: int) -> None:
        """Whatever happened since: the same key and body get the first answer, and nothing is posted."""
        s, first = self._one(self.done, n)
        before = self._size()
        again = self.desk.run(s)
        assert (again.body, again.status, again.replayed) == (first.body, first.status, True)
        assert self._size() == before

    @precondition(lambda self: self.done)
    @rule(n=pick)
    def another_body_under_the_key(self, n: int) -> None:
        s, _ = self._one(self.done, n)
        other = self.desk.submission(
            s.operation, s.path, s.body | {"note": "other"}, s.resource_id, key=s.idempotency_key
        )
        self._refused(other, {"IDEMPOTENCY_KEY_CONFLICT"})

    @invariant()
    def the_books_are_right(self) -> None:
        wrong = wrong_in(self.owner, self.org, sequential=True)
        assert wrong == [], "\n".join(wrong)
