"""The part of the tour round what stands beside the books: the 360 view's sources, webhooks, imports."""

import json
import time
from typing import Any

from tests.api.asking import Asking


class Beside(Asking):
    """Its customer has been made, and has paid something."""

    def around(self) -> None:
        """What the 360 view shows."""
        here = f"/v1/customers/{self.customer}"
        records: dict[str, dict[str, Any]] = {
            "opportunities": {"name": "Third roastery", "value_minor": 5_000_000, "currency_code": "USD",
                              "stage": "negotiation", "close_date": self.day(-60)},
            "quotes": {"status": "sent", "expiry_date": self.day(-30)},
            "orders": {"status": "shipped", "ship_date": self.day(3)},
            "cases": {"subject": "Beans arrived wet", "priority": "high", "status": "open", "sla_status": "at_risk"},
            "contracts": {"renewal_date": self.day(-90), "arr_minor": 1_200_000, "mrr_minor": 100_000, "currency_code": "USD"},
            "nps_responses": {"score": 9, "surveyed_at": f"{self.day(20)}T00:00:00Z"},
        }  # fmt: skip
        for kind, fields in records.items():
            record = {"external_id": f"crm-{kind}-1", "customer_id": self.customer, **fields}
            self.ask("u_ops", "PUT", f"/v1/sources/{kind}", {"records": [record]})
            noun = kind.replace("_", "-")
            found = self.ask("u_ae", "GET", f"{here}/{noun}")["items"]
            self.ask("u_ae", "GET", f"/v1/{noun}/{found[0]['id']}")
            if kind == "cases":
                self.ask("u_ae", "POST", f"/v1/cases/{found[0]['id']}/escalate", {"reason_code": "CUSTOMER_WAITS"})
        logged = self.ask("u_ae", "POST", f"{here}/activities", {"type": "call", "notes": "Asked about the wet beans."})
        self.ask("u_ae", "GET", f"/v1/activities/{logged['id']}")
        self.ask("u_ae", "GET", f"{here}/activities")
        won = {"name": "Fourth roastery", "value_minor": 100, "currency_code": "USD", "stage": "prospecting",
               "close_date": self.day(-9)}  # fmt: skip
        self.ask("u_ae", "POST", f"{here}/opportunities", won)
        for path in ("360", "360/panels/cases", "360/snapshot", "360/invoices", "360/payments"):
            self.ask("u_ae", "GET", f"{here}/{path}")
        for noun in ("invoices", "payments"):
            (shown, *_) = self.people["u_ae"].get(f"{here}/360/{noun}").json()["items"]
            self.ask("u_ae", "GET", f"{here}/360/{noun}/{shown['id']}")
        crm = {"kind": "salesforce", "base_url": "https://harbour.my.salesforce.com", "credential": "crm",
               "panels": ["opportunities"], "enabled": False}  # fmt: skip
        self.ask("u_ops", "PUT", "/v1/source-connections/crm", crm)
        self.ask("u_ops", "GET", "/v1/source-connections/crm")
        self.ask("u_ops", "GET", "/v1/source-connections")

    def webhooks(self) -> None:
        url = "/v1/webhook-endpoints"
        # Nothing listens there: the delivery fails, and can be looked at.
        made = self.ask("u_ops", "POST", url, {"url": "https://127.0.0.1:9/arflow", "event_types": ["ar.payment.received"],
                                               "description": "our ERP"})  # fmt: skip
        here = f"{url}/{made['id']}"
        self.ask("u_ops", "PATCH", here, {"description": "our ERP, production"})
        self.ask("u_ops", "GET", here)
        self.ask("u_ops", "GET", url)
        self.payment("P-9", 1)
        deadline = time.monotonic() + 120
        while not (sent := self.people["u_ops"].get("/v1/webhook-deliveries").json()["items"]):
            assert time.monotonic() < deadline, "no delivery was made"
            time.sleep(0.1)
        self.ask("u_ops", "GET", "/v1/webhook-deliveries")
        self.ask("u_ops", "GET", f"/v1/webhook-deliveries/{sent[0]['id']}")
        self.ask("u_ops", "POST", f"/v1/webhook-deliveries/{sent[0]['id']}/replay")
        self.ask("u_ops", "POST", f"{here}/rotate-secret")
        self.ask("u_ops", "DELETE", here)

    def imports(self) -> None:
        url = "/v1/customer-imports"
        mapping = {"source": "csv", "mapping": {"Firm": "name", "Mail": "email"}}
        self.ask("u_clerk", "PUT", f"{url}/mappings/firms", mapping)
        self.ask("u_clerk", "GET", f"{url}/mappings")
        self.ask("u_clerk", "GET", f"{url}/presets")

        def sent(name: str, rows: int) -> str:
            content = (
                "name,email\n" + "".join(f"{name} {n},{name}{n}@example.com\n" for n in range(rows)) + "Nobody,none\n"
            )
            options = {"source": "csv", "legal_entity_id": "le_us", "batch_size": 1}
            answer = self.ask("u_clerk", "POST", url, files={"file": ("customers.csv", content.encode(), "text/csv")},
                              data={"options": json.dumps(options)})  # fmt: skip
            here = f"{url}/{answer['id']}"
            self.wait("u_clerk", here, "AWAITING_REVIEW")
            return here

        approval = {"decision": "approve", "comment": "as agreed with sales"}
        self.ask("u_clerk", "POST", f"{sent('Cancelled', rows=1)}/cancel", {})
        large = sent("Grower", rows=12_000)  # enough to be paused in the middle, however busy the machine is
        self.ask("u_manager", "POST", f"{large}/decisions", approval)
        self.ask("u_clerk", "POST", f"{large}/pause", {})
        self.wait("u_clerk", large, "PAUSED")
        self.ask("u_clerk", "POST", f"{large}/resume", {})
        self.ask("u_clerk", "POST", f"{large}/cancel", {})
        here = sent("Roaster", rows=40)
        self.ask("u_manager", "POST", f"{here}/decisions", approval)
        self.wait("u_clerk", here, "COMPLETED_WITH_ERRORS")
        self.ask("u_clerk", "GET", f"{here}/rows?outcome=error")
        self.ask("u_clerk", "GET", f"{here}/report.csv")
        self.ask("u_clerk", "GET", f"{here}/events")
        self.ask("u_clerk", "GET", url)
