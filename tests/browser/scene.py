"""A customer as an account executive meets it before a call: something in every panel, some of it urgent."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.customers.desk import Desk, ok
from tests.stack_fixtures.app import AppStack

USD = {"currency_code": "USD"}


def day(offset: int) -> str:
    return str((datetime.now(UTC) + timedelta(days=offset)).date())


RECORDS: dict[str, list[dict[str, Any]]] = {
    "opportunities": [
        {"name": "50 more seats", "value_minor": 4_200_000, **USD, "stage": "Negotiation", "close_date": day(20)},
        {"name": "Analytics add-on", "value_minor": 1_150_000, **USD, "stage": "Discovery", "close_date": day(-4)},
    ],
    "quotes": [{"name": "Q-1044", "status": "sent", "expiry_date": day(12), "value_minor": 3_900_000, **USD}],
    "orders": [
        {"status": "shipped", "ship_date": day(-2), "order_date": day(-6), "value_minor": 219_900, **USD},
        {"status": "delivered", "ship_date": day(-40), "order_date": day(-44), "value_minor": 78_050, **USD},
    ],
    "cases": [
        {"subject": "Export fails at month end", "priority": "urgent", "status": "open", "sla_status": "at_risk"},
        {"subject": "Wrong address on invoices", "priority": "low", "status": "waiting", "sla_status": "on_track"},
    ],
    "contracts": [
        {"name": "Support", "renewal_date": day(-6), "arr_minor": 1_800_000, **USD, "owner_user": "u_am"},
        {"name": "Platform, 200 seats", "renewal_date": day(30), "arr_minor": 12_000_000, **USD},
        {"name": "Archive", "renewal_date": day(200), "mrr_minor": 45_000, **USD},
    ],
    "nps_responses": [{"score": 6, "surveyed_at": day(-10)}],
}


class Scene:
    """An organisation, its people, and one customer."""

    def __init__(self, stack: AppStack, database_url: str) -> None:
        self.stack, self.database_url = stack, database_url
        self.people = Desk(stack, stack.organisation())
        self.customer = self.people.customer(
            name="Northwind Traders GmbH & Co. KG", contacts=[{"name": "Ann Lee", "email": "ann@example.com"}]
        )
        self.path = f"/customers/{self.customer}/360"

    def fill(self) -> None:
        for kind, records in RECORDS.items():
            said = [{"external_id": f"{kind}-{n}", "customer_id": self.customer, **r} for n, r in enumerate(records)]
            ok(self.people("u_ops").put(f"/v1/sources/{kind}", json={"records": said}))
        clerk = self.people("u_clerk")
        for n, (total, due) in enumerate(
            [(650_000, 20), (240_000, -12), (180_000, -45), (75_000, -70), (310_000, -130)]
        ):
            invoice = {"customer_id": self.customer, "external_id": f"INV-{1000 + n}", "issue_date": day(due - 30),
                       "due_date": day(due), **USD, "total_minor": total}  # fmt: skip
            ok(clerk.post("/v1/invoices", json=invoice), 201)
        payment = {
            "customer_id": self.customer,
            "payment_date": day(-3),
            "amount_minor": 120_000,
            **USD,
            "external_id": "P-1",
        }
        ok(clerk.post("/v1/customer-payments", json=payment), 201)
        self.log("Call about the renewal: wants the price held for two years. Send the proposal by Friday.")

    def log(self, notes: str, kind: str = "call") -> None:
        body = {"type": kind, "notes": notes}
        ok(self.people("u_ae").post(f"/v1/customers/{self.customer}/activities", json=body), 201)

    def token(self, user: str = "u_ae", role: str = "account_executive", org: str | None = None) -> str:
        return self.stack.token(org or self.people.org, user, role)

    def panels(self) -> dict[str, Any]:
        found: dict[str, Any] = ok(self.people("u_ae").get(f"/v1{self.path}"))["panels"]
        return found
