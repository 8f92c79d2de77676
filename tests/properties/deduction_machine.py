"""Deductions among everything else that happens at the desk: stated alone and in sessions, accepted, rejected, withdrawn."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.cash_desk.desk import deduction
from tests.properties.cash_machine import modes, pick, shares, words
from tests.properties.credit_note_machine import IN_SESSIONS, DeskWithNotes

minors = st.sampled_from(("one", "half", "rest", "rest", "one more"))
once = st.sampled_from(("key", "key again"))


class DeskWithDeductions(DeskWithNotes):
    """The same desk, where customers pay short."""

    @rule(n=pick, how=minors, mode=modes)
    def deduct(self, n: int, how: str, mode: str) -> None:
        i = self._any("invoices", n)
        if i is None:
            return
        free = max(i["balance_due_minor"] - i["deducted_minor"], 0)
        minor = self._minor(free, how)
        expected = None
        if i["status"] == "VOID":
            expected = "INVOICE_VOID"
        elif i["balance_due_minor"] == 0:
            expected = "INVOICE_NOT_OPEN"
        elif minor > free:
            expected = "APPLIED_EXCEEDS_BALANCE"
        if not mode.startswith("key") and self._stated_already(i["id"], minor):
            expected = None  # told again, whatever has become of the balance
        self._write(self.desk.deduct(i["id"], minor), mode, {expected})

    @rule(
        n=pick, which=st.lists(pick, min_size=1, max_size=2), where=pick, how=shares, word=words, mode=modes, of=minors
    )
    def pay_short(
        self, n: int, which: list[int], where: int, how: str, word: str | None, mode: str, of: str
    ) -> None:  # fmt: skip
        p = self._any("payments", n)
        if p is None:
            return
        chosen, named = self._invoices_for(p, which), self._invoices_for(p, [where])
        if not named:
            return
        lines = self._lines(chosen, p["amount_minor"] - p["applied_minor"], how, p["currency_code"], False)
        i = named[0]
        said = [deduction(i["id"], self._minor(max(i["balance_due_minor"] - i["deducted_minor"], 0), of))]
        s = self.desk.apply(p["id"], lines, overpayment=word, deductions=said)
        self._write(s, mode, IN_SESSIONS | {"INVOICE_NOT_OPEN"})

    @rule(n=pick, decision=st.sampled_from(("accept", "accept", "reject")), mode=once)
    def decide(self, n: int, decision: str, mode: str) -> None:
        d = self._any("deductions", n)
        if d is None:
            return
        expected = "DEDUCTION_AWAITS_APPROVAL" if d["asked_at"] else None
        expected = expected if d["status"] == "OPEN" else "DEDUCTION_CLOSED"
        done = self._write(self.desk.decide(d["id"], decision), mode, {expected})
        if done and decision == "accept" and done.status == 200:
            i: Any = self._rows("SELECT * FROM invoices WHERE org_id = %s AND id = %s", self.org, d["invoice_id"])[0]
            assert done.body["invoices"][0]["balance_due_minor"] == i["balance_due_minor"]

    def _stated_already(self, invoice: str, minor: int) -> bool:
        """Whether the latest of the invoice's deductions that were stated without a payment is open, and is just this."""
        sql = """SELECT status, amount_minor FROM deductions WHERE org_id = %s AND invoice_id = %s AND payment_id IS NULL
            ORDER BY id DESC LIMIT 1"""
        return [tuple(row.values()) for row in self._rows(sql, self.org, invoice)] == [("OPEN", minor)]

    @staticmethod
    def _minor(free: int, how: str) -> int:
        return max(1, {"one": 1, "half": free // 2, "rest": free, "one more": free + 1}[how])
