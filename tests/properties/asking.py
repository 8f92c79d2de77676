"""How the machine asks: a write once or again, what it expects of the answer, and how it looks things up."""

from typing import Any

import psycopg
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import Engine

from models.errors import Refusal
from models.ids import new_id
from operations.commands import Submission
from tests.cash_desk.desk import Desk, Done

APPLYING: set[str | None] = {
    None, "OVERPAYMENT_REQUIRES_CREDIT", "APPLIED_EXCEEDS_PAYMENT", "APPLIED_EXCEEDS_BALANCE", "APPLIED_TOO_SMALL",
    "INVOICE_VOID", "INVOICE_CUSTOMER_MISMATCH", "LEGAL_ENTITY_MISMATCH", "MIXED_INVOICE_CURRENCIES",
    "DISCOUNT_NOT_EARNED", "APPROVAL_REQUIRED",
}  # fmt: skip


class Asking(RuleBasedStateMachine):
    """A desk of one organisation, the owner's connection to look at it, and every keyed write that succeeded."""

    def __init__(self, engine: Engine, owner: "psycopg.Connection[dict]", org: str) -> None:
        super().__init__()
        self.desk, self.owner, self.org = Desk(engine, org), owner, org
        self.done: list[tuple[Submission, Done]] = []

    def _write(self, s: Submission, mode: str, expected: set[str | None]) -> Done | None:
        """Do it, once or again; `expected` are the codes it may be refused with, {None} or nothing: it may not."""
        key = new_id("key") if mode.startswith("key") else None
        s = self.desk.submission(s.operation, s.path, s.body, s.resource_id, key=key, subject=s.subject_id)
        codes = expected or {None}
        before = self._size()
        first = self._answer(s)
        if isinstance(first, Refusal):
            assert first.code in codes, f"refused with {first.code} ({first.detail}), expected {codes}"
            assert self._size() == before, f"{first.code} left something behind"
            if mode.endswith("again"):
                self._refused(s, {first.code})
            return None
        if first.replayed and not s.key_given:  # the words of the latest session, once more: answered as they were
            assert self._size() == before, "what was asked before was posted again"
            return first
        assert None in codes, f"not refused with {codes}: {first.body}"
        self._told_what_is_kept(first.body)
        self._again(s, first, mode)
        if key:
            self.done.append((s, first))
        return first

    def _told_what_is_kept(self, told: dict[str, Any]) -> None:
        """The balances and statuses that a session answers are those in the records."""
        if "available_minor" not in told or "session_id" not in told:
            return
        p = self._rows("SELECT * FROM payments WHERE org_id = %s AND id = %s", self.org, told["payment_id"])[0]
        left = p["amount_minor"] - p["applied_minor"]
        assert (told["status"], told["unapplied_minor"]) == (p["status"], left)
        assert told["available_minor"] == left - p["credit_held_minor"]
        for i in told["invoices"]:
            sql = "SELECT id, status, balance_due_minor FROM invoices WHERE org_id = %s AND id = %s"
            assert i == dict(self._rows(sql, self.org, i["id"])[0])
        owed = self._rows(
            """SELECT currency_code, sum(balance_due_minor) AS minor FROM invoices WHERE org_id = %s
               AND customer_id = %s AND balance_due_minor > 0 AND voided_at IS NULL GROUP BY 1 ORDER BY 1""",
            self.org, p["customer_id"],
        )  # fmt: skip
        assert told["outstanding_balances"] == [dict(r) for r in owed]

    def _again(self, s: Submission, first: Done, mode: str) -> None:
        """A retry at once: with its key always the same answer; without one where docs/api.md, section 3, says so."""
        known = s.operation in ("record_payment", "create_invoice", "apply_payment", "apply_credit")
        if not mode.endswith("again") or (mode.startswith("no key") and not known):
            return
        after = self._size()
        if s.key_given:
            again = self.desk.run(s)
            assert again.body == first.body
        else:
            record = new_id("pay") if s.operation == "record_payment" else new_id("invoice")
            resource = record if s.operation in ("record_payment", "create_invoice") else s.resource_id
            again = self.desk.run(self.desk.submission(s.operation, s.path, s.body, resource, subject=s.subject_id))
            same = "id" if "id" in first.body else "session_id"
            assert again.body[same] == first.body[same]
        assert again.replayed
        assert self._size() == after, "a retry posted something"

    def _refused(self, s: Submission, codes: set[str | None]) -> None:
        before = self._size()
        answer = self._answer(s)
        assert isinstance(answer, Refusal), f"not refused: {answer.body}"
        assert answer.code in codes
        assert self._size() == before

    def _answer(self, s: Submission) -> Done | Refusal:
        try:
            return self.desk.run(s)
        except Refusal as refusal:
            return refusal

    def _expected(
        self, p: Any, available: int, chosen: list[Any], lines: list[Any], more: dict[str, Any]
    ) -> set[str | None]:
        """The order of refusals (docs/api.md, section 3, Apply); across currencies any of them, or none."""
        month = (more.get("posting_date") or "")[:7]
        for wrong, code in (
            (p["reversed_at"], "PAYMENT_REVERSED"),
            (p["customer_id"] is None, "CUSTOMER_UNASSIGNED"),
            (any(i["status"] == "VOID" for i in chosen), "INVOICE_VOID"),
            (any(i["customer_id"] != p["customer_id"] for i in chosen), "INVOICE_CUSTOMER_MISMATCH"),
            (any(i["legal_entity_id"] != p["legal_entity_id"] for i in chosen), "LEGAL_ENTITY_MISMATCH"),
            (len({i["currency_code"] for i in chosen}) > 1, "MIXED_INVOICE_CURRENCIES"),
            (month in self._closed(), "PERIOD_CLOSED"),
        ):
            if wrong:
                return {code}
        if any(i["currency_code"] != p["currency_code"] for i in chosen):
            return APPLYING
        total = sum(x["applied_minor"] for x in lines)
        beside = [sum(a["amount_minor"] for a in x.get("adjustments", [])) for x in lines]
        payable = [i["balance_due_minor"] - less for i, less in zip(chosen, beside, strict=True)]
        if available > sum(max(0, due) for due in payable) and not (more["overpayment"] or p["overpayment"]):
            return {"OVERPAYMENT_REQUIRES_CREDIT"}
        if total > available:
            return {"APPLIED_EXCEEDS_PAYMENT"}
        if any(x["applied_minor"] > due for x, due in zip(lines, payable, strict=True)):
            return {"APPLIED_EXCEEDS_BALANCE"}
        kinds = {a["kind"] for x in lines for a in x.get("adjustments", [])}
        refusals = {"discount": "DISCOUNT_NOT_EARNED", "write_off": "APPROVAL_REQUIRED"}
        return {None, *(refusals[kind] for kind in kinds & refusals.keys())}

    def _invoices_for(self, p: Any, which: list[int]) -> list[Any]:
        """Mostly the customer's own open ones; now and then any."""
        sql = "SELECT * FROM invoices WHERE org_id = %s AND (customer_id = %s OR %s) ORDER BY balance_due_minor = 0, id DESC"
        rows = self._rows(sql, self.org, p["customer_id"], bool(which and which[0] % 7 == 6))
        return list({r["id"]: r for r in (self._one(rows, k) for k in which)}.values()) if rows else []

    @staticmethod
    def _lines(chosen: list[Any], available: int, how: str, currency: str, own_rate: bool) -> list[dict[str, Any]]:
        lines = []
        for i in chosen:
            foreign = i["currency_code"] != currency
            due = i["balance_due_minor"]
            amount = {
                "fits": min(due, available // len(chosen)), "balance": due, "half": due // 2, "one": 1,
                "all": available // len(chosen), "one more": available + 1,
            }[how]  # fmt: skip
            line: dict[str, Any] = {"invoice_id": i["id"], "applied_minor": max(1, amount)}
            if foreign and own_rate:
                line |= {"applied_minor": max(1, available // len(chosen)), "invoice_applied_minor": max(1, due)}
            lines.append(line)
        return lines

    @staticmethod
    def _beside(lines: list[dict[str, Any]], chosen: list[Any], how: str, kinds: list[str]) -> None:
        """Let something settle the invoices beside the money: a cent, what the money leaves, half of it, too much."""
        for line, i in zip(lines, chosen, strict=True):
            left = i["balance_due_minor"] - line.get("invoice_applied_minor", line["applied_minor"])
            amount = {"cent": 1, "rest": left, "half": left // 2, "too much": left + 1}.get(how, 0)
            if amount < 1:
                continue
            parts = [amount] if amount < 2 else [amount - amount // 3, amount // 3]
            line["adjustments"] = [
                {"kind": kind, "amount_minor": part, "reason_code": "SETTLED", "note": "CIS-1"}
                for kind, part in zip(kinds, parts, strict=False)
                if part
            ]

    def _rows(self, sql: str, *params: Any) -> list[Any]:
        rows = self.owner.execute(sql, params).fetchall()
        self.owner.rollback()
        return rows

    def _any(self, table: str, n: int) -> Any:
        rows = self._rows(f"SELECT * FROM {table} WHERE org_id = %s ORDER BY created_at DESC, id", self.org)
        return self._one(rows, n) if rows else None

    @staticmethod
    def _one(rows: list[Any], n: int) -> Any:
        return rows[n % len(rows)]

    def _live(self, column: str, value: str) -> int:
        sql = f"""SELECT coalesce(sum(applied_minor), 0) AS n FROM payment_applications
            WHERE org_id = %s AND {column} = %s AND unapplied_at IS NULL"""
        return int(self._rows(sql, self.org, value)[0]["n"])

    def _closed(self) -> set[str]:
        sql = "SELECT period FROM periods WHERE org_id = %s AND status = 'closed'"
        return {r["period"] for r in self._rows(sql, self.org)}

    def _count(self, table: str) -> int:
        return int(self._rows(f"SELECT count(*) AS n FROM {table} WHERE org_id = %s", self.org)[0]["n"])

    def _size(self) -> tuple[int, ...]:
        """How much was ever written, refusals aside."""
        tables = ("journal_lines", "payments", "invoices", "application_sessions", "adjustments", "outbox_events")
        counts = ", ".join(f"(SELECT count(*) FROM {t} WHERE org_id = %(org)s) AS {t}" for t in tables)
        rows = self.owner.execute(f"SELECT {counts}", {"org": self.org}).fetchall()
        self.owner.rollback()
        return tuple(rows[0].values())
