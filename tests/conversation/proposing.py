"""Proposals made, confirmed and carried out by the operations themselves, as one person; no assistant, no process."""

import json
from dataclasses import dataclass
from typing import Any

from models.access import Principal
from models.commands import Answered
from models.conversation.proposals import COMMIT_PATH
from models.ids import new_id
from operations.commands import Submission
from operations.runner import run_now
from tests.books import Books


@dataclass(frozen=True)
class Proposing:
    """A person at their books. `of`: what a proposal is, as the row that keeps it."""

    books: Books
    who: Principal

    def make(self, operation: str, record_id: str | None, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        asked = {"operation": operation, "record_id": record_id, "body": body, **more}
        return self.books.do("proposal.make", record_id or self.books.org, asked, self.who)

    def application(self, minor: int = 1000, currency: str = "USD", **more: Any) -> dict[str, Any]:
        """A proposal to pay an invoice of that amount."""
        invoice, payment = self.open_items(minor, currency)
        return self.make(
            "apply_payment", payment, {"applications": [{"invoice_id": invoice, "applied_minor": minor}]}, **more
        )

    def open_items(self, minor: int, currency: str = "USD") -> tuple[str, str]:
        """An invoice, and a payment of as much."""
        entity = "le_uk" if currency == "GBP" else "le_us"
        customer = self.books.customer()
        fields = {"currency": currency, "legal_entity_id": entity}
        invoice = self.books.invoice(customer, minor, "2026-01-01", **fields)
        return invoice, self.books.pay(customer, minor, "2026-01-02", **fields)

    def act(self, act: str, proposal: dict[str, Any], **body: Any) -> dict[str, Any]:
        return self.books.do(f"proposal.{act}", proposal["proposal_id"], body, self.who)

    def confirmed(self, proposal: dict[str, Any]) -> dict[str, Any]:
        """The same, after a yes in the assistant's dialogue."""
        self.act("confirm", proposal, by="elicitation")
        return proposal

    def commit(self, proposal: dict[str, Any], record_id: str | None = None) -> Answered:
        kept = self.of(proposal)
        path = COMMIT_PATH.format(kept["id"])
        record = record_id or kept["record_id"]
        s = Submission(
            kept["operation"],
            path,
            kept["body"],
            "commit",
            True,
            new_id("req"),
            record,
            record,
            command_id=new_id("cmd"),
        )
        return run_now(self.books.engine, self.who, s)

    def of(self, proposal: dict[str, Any]) -> dict[str, Any]:
        sql = "SELECT * FROM proposals WHERE org_id = :org AND id = %(id)s"
        (kept,) = self.books.sql(sql, id=proposal["proposal_id"])
        return kept

    def trail(self, subject: str) -> list[dict[str, Any]]:
        """What is said of a record: action, actor, reason and payload."""
        sql = "SELECT action, actor, reason_code, payload FROM audit_events WHERE org_id = :org AND subject_id = %(id)s"
        rows = self.books.sql(sql + " ORDER BY seq", id=subject)
        return [row | {"payload": json.loads(row["payload"])} for row in rows]

    def settings(self, **fields: Any) -> None:
        self.books.do("change_settings", self.books.org, fields)
