"""People who write off, credit and decide in an organisation of their own, with a customer who owes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2

from models.ids import new_id
from tests.customers.desk import Desk, ok
from tests.stack_fixtures.app import AppStack

TODAY = datetime.now(UTC).date().isoformat()


class Ledger(Desk):
    """People who write off."""

    def __init__(self, stack: AppStack) -> None:
        super().__init__(stack, stack.organisation("Write-offs"))
        self.payer = self.customer()

    def invoice(self, total: int, **more: Any) -> str:
        body = {"customer_id": self.payer, "external_id": new_id("ext"), "issue_date": "2026-01-05",
                "payment_terms": "NET30", "currency_code": "USD", "total_minor": total}  # fmt: skip
        return str(ok(self("u_clerk").post("/v1/invoices", json=body | more), 201)["id"])

    def write_off(
        self, invoice: str, by: str = "u_clerk", amount: int | None = None, key: str | None = None, **more: Any
    ) -> httpx2.Response:
        body = {"invoice_id": invoice, "reason_code": "SMALL_BALANCE"} | more
        body |= {} if amount is None else {"amount_minor": amount}
        return self(by).post("/v1/write-offs", json=body, headers={"Idempotency-Key": key} if key else {})

    def approve_as(self, approval: str, user: str, decision: str = "approve", **more: Any) -> httpx2.Response:
        return self(user).post(f"/v1/approvals/{approval}/decisions", json={"decision": decision, **more})

    def balance(self, invoice: str) -> tuple[str, int]:
        found = ok(self("u_clerk").get(f"/v1/invoices/{invoice}"))
        return found["status"], found["balance_due_minor"]

    def entries(self, source: str) -> list[dict[str, Any]]:
        return list(ok(self("u_clerk").get("/v1/journal-entries", params={"source_id": source}))["items"])


def verified(stack: AppStack) -> Iterator[Ledger]:
    """A ledger to work with, whose books and trail hold at the end. Of this organisation alone: other tests alter rows of theirs
    behind the product's back, in the same database."""
    made = Ledger(stack)
    yield made
    made.close()
    done = stack.arflow("verify", "--org", made.org, check=False)
    assert done.returncode == 0, [line for line in done.stdout.splitlines() if "  ok  " not in line]
