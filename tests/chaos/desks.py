"""What lies on people's desks: deductions, credit notes and write-offs that wait for somebody, and for the clock."""

from dataclasses import dataclass
from typing import Any

from models.ids import new_id
from tests.cash_desk.books import opened
from tests.chaos.test_killed_processes import wait_for
from tests.customers.desk import Desk, ok

ISSUED = "2026-01-05"
SOON = "40 seconds"


@dataclass
class OnDesks:
    """One of each, left open."""

    desk: Desk
    invoice: str
    untouched: str
    """A deduction that nobody decides: the next one is asked when it is due."""
    accepted: str
    """A deduction that was accepted beyond authority."""
    approvals: dict[str, str]
    """By kind."""
    credit_note: str
    overdue: str
    """An approval of a write-off that nobody decides."""

    @classmethod
    def left(cls, desk: Desk, payer: str, url: str) -> "OnDesks":
        """Each on its desk, with a process of its own; what nobody decides is due soon."""
        clerk, manager = desk("u_clerk"), desk("u_manager")
        body = {"customer_id": payer, "external_id": new_id("e"), "issue_date": ISSUED, "currency_code": "USD",
                "total_minor": 9_000_00}  # fmt: skip
        invoice = str(ok(clerk.post("/v1/invoices", json=body), 201)["id"])

        def deduction(minor: int) -> str:
            said = {"invoice_id": invoice, "amount_minor": minor, "reason_code": "DAMAGED_GOODS"}
            return str(ok(clerk.post("/v1/deductions", json=said), 201)["id"])

        def written_off(minor: int) -> str:
            said = {"invoice_id": invoice, "amount_minor": minor, "reason_code": "UNCOLLECTIBLE"}
            return str(ok(clerk.post("/v1/write-offs", json=said), 202)["approval_id"])

        untouched, accepted = deduction(10_00), deduction(2_000_00)
        decided = {"decision": "accept", "reason_code": "AGREED"}
        above = ok(manager.post(f"/v1/deductions/{accepted}/resolve", json=decided), 202)["approval_id"]
        note = ok(clerk.post("/v1/credit-notes", json=body | {
            "external_id": new_id("e"), "total_minor": 500_00, "reason_code": "GOODS_RETURNED"}), 202)  # fmt: skip
        made = cls(
            desk, invoice, untouched, accepted,
            {"deduction": str(above), "credit_note": str(note["approval_id"]), "write_off": written_off(600_00)},
            str(note["id"]), written_off(700_00),
        )  # fmt: skip
        made._due_soon(url)
        return made

    def _due_soon(self, url: str) -> None:
        with opened(url) as c:
            for table, column, key in (
                ("deductions", "id", self.untouched),
                ("approval_steps", "approval_id", self.overdue),
            ):
                done = c.execute(
                    f"UPDATE {table} SET remind_at = clock_timestamp() + interval '{SOON}' / 2, due_at = clock_timestamp() + "
                    f"interval '{SOON}' WHERE {column} = %s AND due_at IS NOT NULL",
                    (key,),
                )
                assert done.rowcount == 1, table

    def goes_on(self) -> None:
        """What nobody decides goes to the next one; what somebody decides is carried out, once."""
        self._approved("deduction", "u_controller")
        self._approved("credit_note", "u_manager")
        self._approved("write_off", "u_manager", "u_controller")
        clerk = self.desk("u_clerk")
        accepted = ok(clerk.get(f"/v1/deductions/{self.accepted}"))
        assert accepted["status"] == "ACCEPTED"
        assert ok(clerk.get(f"/v1/credit-notes/{self.credit_note}"))["status"] == "OPEN"
        for path, count in (("write-offs", 1), ("credit-notes", 1)):
            found: list[dict[str, Any]] = ok(clerk.get(f"/v1/{path}", params={"invoice_id": self.invoice}))["items"]
            assert len([f for f in found if f["status"] not in ("PENDING_APPROVAL", "REJECTED")]) == count, found
        assert ok(clerk.get(f"/v1/invoices/{self.invoice}"))["balance_due_minor"] == 9_000_00 - 2_000_00 - 600_00
        wait_for(
            lambda: ok(clerk.get(f"/v1/deductions/{self.untouched}"))["owner_role"] == "controller", 150,
            lambda: "a deduction is due, and nobody else was asked",
        )  # fmt: skip
        wait_for(self._escalated, 150, lambda: "an approval is due, and nobody else was asked")

    def _approved(self, kind: str, *people: str) -> None:
        for who in people:
            path = f"/v1/approvals/{self.approvals[kind]}/decisions"
            done = ok(self.desk(who).post(path, json={"decision": "approve"}))
        assert done["status"] == "APPROVED", done

    def _escalated(self) -> bool:
        found = ok(self.desk("u_controller").get("/v1/exceptions", params={"status": "open", "limit": 200}))["items"]
        return self.overdue in {e["subject_id"] for e in found if e["reason_code"] == "APPROVAL_OVERDUE"}
