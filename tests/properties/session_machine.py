"""Whole sessions among everything else that happens at the desk: documents, the money, and lines of every kind at once."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.cash_desk.desk import deduction
from tests.properties.cash_machine import CURRENCIES, amounts, days, modes, pick, words
from tests.properties.credit_note_machine import IN_SESSIONS
from tests.properties.deduction_machine import DeskWithDeductions

ADJUSTING = ("bank_fee", "tax_withheld", "write_off", "discount")
beside = st.lists(st.sampled_from(ADJUSTING), max_size=3, unique=True)
lots = st.lists(st.tuples(amounts, st.sampled_from((1, 2, 2, 3)), beside), min_size=1, max_size=4)
"""Of each invoice its total, what part of it is settled by money, and what beside the money settles some of the rest."""
received = st.sampled_from(("all", "all", "all", "short", "over"))


class DeskOfSessions(DeskWithDeductions):
    """The same desk, where most of what comes is applied, by lines of every kind."""

    @rule(
        who=pick, currency=st.sampled_from(CURRENCIES), on=st.tuples(days, days, days), invoices=lots,
        credited=st.one_of(st.none(), amounts), short=st.booleans(), money=received, word=words, mode=modes,
    )  # fmt: skip
    def session(
        self, who: int, currency: str, on: tuple[str, str, str], invoices: list[tuple[int, int, list[str]]], credited: int | None,
        short: bool, money: str, word: str | None, mode: str,
    ) -> None:  # fmt: skip
        """Some invoices and perhaps a credit note, the money for them, and the session that settles them."""
        customer = self._one(self.customers, who)
        own: dict[str, Any] = {"currency_code": currency}
        issued, noted, paid_on = on
        lines: list[dict[str, Any]] = []
        netted: list[dict[str, Any]] = []
        left = 0
        for total, part, kinds in invoices:
            made = self.desk.run(
                self.desk.invoice(customer, total, tax_minor=total // 7, issue_date=issued, **own)
            ).body
            paid = max(1, total // part)
            each = (total - paid) // (2 * max(1, len(kinds)))
            adjusted = [
                {"kind": k, "amount_minor": each, "reason_code": "SETTLED", "note": "CIS-1"} for k in kinds if each
            ]
            lines.append({"invoice_id": made["id"], "applied_minor": paid, "adjustments": adjusted})
            left = total - paid - each * len(adjusted)
        if credited is not None and left:
            minor = max(1, min(credited, left))
            note = self.desk.run(
                self.desk.credit_note(customer, minor, tax_minor=minor // 7, issue_date=noted, **own)
            ).body
            netted = [{"credit_note_id": note["id"], "invoice_id": lines[-1]["invoice_id"], "applied_minor": minor}]
            left -= minor
        stated = [deduction(lines[-1]["invoice_id"], left)] if short and left else []
        total = sum(line["applied_minor"] for line in lines)
        amount = max(1, {"all": total, "short": total // 2, "over": total + 7}[money])
        p = self.desk.run(self.desk.payment(customer, amount, payment_date=paid_on, **own)).body
        s = self.desk.apply(p["id"], lines, overpayment=word, credit_notes=netted, deductions=stated)
        self._write(s, mode, IN_SESSIONS if money != "all" or _limited(lines) else set())

    # As often as there are names for it: else one step in thirty would be a session.
    a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = a9 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = b8 = b9 = session
    c1 = c2 = c3 = c4 = c5 = c6 = c7 = c8 = session


def _limited(lines: list[dict[str, Any]]) -> bool:
    """Whether something is given that terms or authority may refuse."""
    return any(a["kind"] in ("discount", "write_off") for line in lines for a in line["adjustments"])
