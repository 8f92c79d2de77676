"""Credit notes among everything else that happens at the desk: issued, applied alone and in sessions, undone, voided."""

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from models.ids import new_id
from tests.properties.asking import APPLYING
from tests.properties.cash_machine import CURRENCIES, CashDesk, amounts, days, modes, pick, seldom, shares, words

USED_UP = ("VOID", "REJECTED", "PENDING_APPROVAL")
IN_SESSIONS = APPLYING | {
    "PAYMENT_REVERSED", "CUSTOMER_UNASSIGNED", "CREDIT_NOTE_NOT_OPEN", "CREDIT_NOTE_CURRENCY_MISMATCH",
    "APPLIED_EXCEEDS_CREDIT",
}  # fmt: skip


class DeskWithNotes(CashDesk):
    """The same desk, where invoices are taken back too."""

    @rule(who=pick, total=amounts, currency=st.sampled_from(CURRENCIES), day=days, mode=modes)
    def credit(self, who: int, total: int, currency: str, day: str, mode: str) -> None:
        s = self.desk.credit_note(
            self._one(self.customers, who), total, currency_code=currency, issue_date=day, tax_minor=total // 7
        )
        self._write(s, mode, set())

    @rule(n=pick, which=st.lists(pick, min_size=1, max_size=3), how=shares, mode=modes, external=st.booleans())
    def settle(self, n: int, which: list[int], how: str, mode: str, external: bool) -> None:
        note = self._any("credit_notes", n)
        if note is None:
            return
        chosen = self._invoices_for(note, which)
        lines = [
            (x["invoice_id"], x["applied_minor"]) for x in self._lines(chosen, note["balance_minor"], how, "", False)
        ]
        if lines:
            s = self.desk.settle(note["id"], lines, external_id=new_id("ext") if external else None)
            self._write(s, mode, {self._refusal(note, chosen, lines)})

    def _refusal(self, note: Any, chosen: list[Any], lines: list[tuple[str, int]]) -> str | None:
        """The order of refusals (docs/api.md, section 3, Credit notes)."""
        left = note["balance_minor"]
        for wrong, code in (
            (note["status"] in USED_UP, "CREDIT_NOTE_NOT_OPEN"),
            (any(i["status"] == "VOID" for i in chosen), "INVOICE_VOID"),
            (any(i["customer_id"] != note["customer_id"] for i in chosen), "INVOICE_CUSTOMER_MISMATCH"),
            (any(i["legal_entity_id"] != note["legal_entity_id"] for i in chosen), "LEGAL_ENTITY_MISMATCH"),
            (any(i["currency_code"] != note["currency_code"] for i in chosen), "CREDIT_NOTE_CURRENCY_MISMATCH"),
            (sum(minor for _, minor in lines) > left and self._beyond(left, chosen, lines), "APPLIED_EXCEEDS_CREDIT"),
            (
                any(x > i["balance_due_minor"] for (_, x), i in zip(lines, chosen, strict=True)),
                "APPLIED_EXCEEDS_BALANCE",
            ),
        ):
            if wrong:
                return code
        return None

    @staticmethod
    def _beyond(left: int, chosen: list[Any], lines: list[tuple[str, int]]) -> bool:
        """Whether a line asks for more than the lines before it have left: what an invoice cannot take they leave."""
        for (_, minor), i in zip(lines, chosen, strict=True):
            if minor > left:
                return True
            left -= min(minor, i["balance_due_minor"])
        return False

    @rule(
        n=pick, note=pick, which=st.lists(pick, min_size=1, max_size=2), where=pick, how=shares, word=words, mode=modes,
        part=st.integers(1, 4),
    )  # fmt: skip
    def net_in_a_session(
        self, n: int, note: int, which: list[int], where: int, how: str, word: str | None, mode: str, part: int
    ) -> None:
        p, credited = self._any("payments", n), self._any("credit_notes", note)
        if p is None or credited is None:
            return
        chosen, invoices = self._invoices_for(p, which), self._invoices_for(credited, [where])
        if not invoices:
            return
        lines = self._lines(chosen, p["amount_minor"] - p["applied_minor"], how, p["currency_code"], False)
        netted = [
            {"credit_note_id": credited["id"], "invoice_id": invoices[0]["id"],
             "applied_minor": max(1, credited["balance_minor"] // part)}
        ]  # fmt: skip
        s = self.desk.apply(p["id"], lines, overpayment=word, credit_notes=netted)
        self._write(s, mode, IN_SESSIONS)

    @rule(n=pick, mode=modes, later=st.integers(0, 60))
    def unsettle(self, n: int, mode: str, later: int) -> None:
        a = self._any("credit_note_applications", n)
        if a is None:
            return
        day: date = a["effective_date"] + timedelta(later)
        expected = "APPLICATION_UNAPPLIED" if a["undone_at"] else None
        self._write(self.desk.unsettle(a["id"], effective_date=day.isoformat()), mode, {expected})

    @rule(n=pick, mode=modes, really=seldom)
    def void_note(self, n: int, mode: str, really: bool) -> None:
        note = self._any("credit_notes", n)
        if note and (really or note["status"] != "OPEN"):
            expected = None if note["status"] == "OPEN" else "CREDIT_NOTE_HAS_APPLICATIONS"
            expected = "CREDIT_NOTE_NOT_OPEN" if note["status"] in USED_UP else expected
            self._write(self.desk.void_note(note["id"]), mode, {expected})

    def _live(self, column: str, value: str) -> int:
        """What notes settle of an invoice is applied to it too."""
        found = super()._live(column, value)
        if column != "invoice_id":
            return found
        sql = """SELECT coalesce(sum(applied_minor), 0) AS n FROM credit_note_applications
            WHERE org_id = %s AND invoice_id = %s AND undone_at IS NULL"""
        return found + int(self._rows(sql, self.org, value)[0]["n"])
