"""The clerk's desk in the walk: a customer of this walk, invoices dated today, and the moves that every step is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from demo.console import Narrator
from demo.context import Demo
from demo.people import Person
from models.money import major, spelt


def money(minor: int, currency: str = "USD") -> str:
    """For people: "1,234.56 USD"."""
    return spelt(minor, currency)


@dataclass
class Desk:
    """One customer's invoices and payments. Invoices and payments are called by name ("A", "cheque"); `ctx.new` makes
    their external ids unique to this walk."""

    ctx: Demo
    customer_id: str
    customer: str
    invoice_ids: dict[str, str] = field(default_factory=dict)

    @property
    def tell(self) -> Narrator:
        return self.ctx.tell

    def raise_invoices(self, totals: Mapping[str, int], currency: str = "USD", **fields: Any) -> httpx2.Response:
        """Issue invoices dated today in one batch: name → total in minor units; `fields` are those of each."""
        items = [self._invoice(name, total, currency) | fields for name, total in totals.items()]
        answer = self.ctx.clerk.post("/v1/invoices:batch", {"invoices": items})
        for name, item in zip(totals, answer.json()["items"], strict=True):
            self.tell.require(f"invoice {name} is issued", item["status"] == "created", item)
            self.invoice_ids[name] = item["invoice"]["id"]
        return answer

    def _invoice(self, name: str, total: int, currency: str) -> dict[str, Any]:
        return {
            "customer_id": self.customer_id,
            "external_id": self.ctx.new(f"INV-{name}"),
            "issue_date": self.ctx.today.isoformat(),
            "payment_terms": "NET30",
            "currency_code": currency,
            "total_minor": total,
        }

    def payment_body(self, name: str, amount: int, currency: str = "USD") -> dict[str, Any]:
        return {
            "customer_id": self.customer_id,
            "external_id": self.ctx.new(f"PAY-{name}"),
            "payment_date": self.ctx.today.isoformat(),
            "amount_minor": amount,
            "currency_code": currency,
        }

    def receive(self, name: str, amount: int, currency: str = "USD") -> str:
        """The bank feed reports a payment; its id."""
        answer = self.ctx.bank.post("/v1/customer-payments", self.payment_body(name, amount, currency), expect=201)
        payment_id: str = answer.json()["id"]
        self.tell.require("a new payment is UNAPPLIED", answer.json()["status"] == "UNAPPLIED", answer.text)
        self.tell.happened(f"The bank feed reports {money(amount, currency)}: {payment_id}")
        return payment_id

    def apply(
        self, source_id: str, lines: Mapping[str, int], *, expect: int = 200, key: str | None = None, **more: Any
    ) -> httpx2.Response:
        """Apply a payment, or a credit, to invoices: name → minor units of the payment's currency."""
        noun = "customer-credits" if source_id.startswith("cred_") else "customer-payments"
        applications = [{"invoice_id": self.invoice_ids[n], "applied_minor": minor} for n, minor in lines.items()]
        headers = {"Idempotency-Key": key} if key else {}
        body = {"applications": applications, **more}
        return self.ctx.clerk.post(f"/v1/{noun}/{source_id}/apply", body, expect=expect, headers=headers)

    def invoice(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ctx.clerk.get(f"/v1/invoices/{self.invoice_ids[name]}").json()
        return found

    def payment(self, payment_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ctx.clerk.get(f"/v1/customer-payments/{payment_id}").json()
        return found

    def entries(self, source_id: str) -> list[dict[str, Any]]:
        """The journal entries that were made for a payment, in the order of posting."""
        found: list[dict[str, Any]] = self.ctx.clerk.get(f"/v1/journal-entries?source_id={source_id}").json()["items"]
        return found

    def show_entry(self, entry: Mapping[str, Any]) -> None:
        """A journal entry in a line, in the functional currency; its two sides must be equal."""
        lines = entry["lines"]
        debit, credit = (sum(x[f"functional_{side}_minor"] for x in lines) for side in ("debit", "credit"))
        self.tell.require("the entry balances", debit == credit, entry)
        debits_first = sorted(lines, key=lambda x: not x["functional_debit_minor"])
        said = "  ".join(_side(x) for x in debits_first)
        self.tell.quoted("posted", said)

    def owed(self) -> int:
        """What the customer owes today, gross of credits."""
        aging = self.aging()
        return int(sum(aging[b] for b in ("current_minor", "days_30_minor", "days_60_minor", "days_90plus_minor")))

    def aging(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ctx.clerk.get(f"/v1/customers/{self.customer_id}/ar-aging").json()
        return found

    def refused(self, who: Person, path: str, body: Any, status: int, code: str) -> dict[str, Any]:
        """A request that must be refused with this code; the problem."""
        answer = who.post(path, body, expect=status)
        problem: dict[str, Any] = answer.json()
        self.tell.same(f"{status} {code}", problem["code"], code)
        self.tell.quoted("says", problem["detail"])
        self.tell.see_run(answer.headers.get("X-Workflow-Id"))
        return problem

    def refused_get(self, who: Person, path: str, status: int, code: str) -> None:
        """A question that this person may not ask."""
        problem = who.get(path, expect=status).json()
        self.tell.same(f"{status} {code} for the {who.title}", problem["code"], code)


def amounts(entry: Mapping[str, Any]) -> dict[str, int]:
    """Account → debits less credits of an entry, in the functional currency."""
    found: dict[str, int] = {}
    for line in entry["lines"]:
        moved = line["functional_debit_minor"] - line["functional_credit_minor"]
        found[line["account"]] = found.get(line["account"], 0) + moved
    return found


def _side(line: Mapping[str, Any]) -> str:
    side = "debit" if line["functional_debit_minor"] else "credit"
    return f"{side[0].upper()}R {line['account']} {major(line[f'functional_{side}_minor'], 'USD')}"
