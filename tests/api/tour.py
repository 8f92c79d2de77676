"""One walk through every operation of the API, by which the examples of its description are made and kept true."""

import csv
import io
import time
from contextlib import ExitStack
from typing import Any

from tests.api.asking import Examples
from tests.api.tour_beside import Beside

ROLES = {
    "u_clerk": "ar_clerk", "u_manager": "ar_manager", "u_manager2": "ar_manager", "u_controller": "controller",
    "u_cfo": "cfo", "u_ae": "account_executive", "u_ops": "ops", "u_auditor": "auditor",
}  # fmt: skip
CUSTOMER = {
    "name": "Harbour Coffee Roasters", "email": "payables@harbour.example", "legal_entity_id": "le_us",
    "external_id": "crm-4711", "tax_id": "US 12-3456789", "customer_type": "wholesale", "credit_limit": "100000.00",
    "payment_terms": "NET45", "currency_code": "USD", "revenue_account": "revenue",
    "addresses": [{"type": "billing", "lines": ["1 Quay Street"], "city": "Boston", "region": "MA", "postal_code": "02110",
                   "country": "US"}],
    "pricing_tiers": [{"item": "BEANS-1KG", "price": "9.50", "min_quantity": 1, "max_quantity": 99}],
    "tax_profiles": [{"tax_code": "EXEMPT", "certificate_number": "MA-001", "certificate_expires_on": "2031-01-31"}],
    "dimensions": [{"type": "department", "code": "SALES"}],
    "contacts": [{"name": "Ann Lee", "email": "ann@harbour.example", "role": "Accounts payable"}],
    "entity_overrides": [{"legal_entity_id": "le_uk", "credit_limit": "80000.00", "credit_limit_currency": "EUR"}],
    "metadata": {"crm": {"segment": "B"}},
}  # fmt: skip


class Tour(Beside):
    """Books and customers, cash and bank, then what stands beside them, then the end."""

    def walk(self) -> Examples:
        with ExitStack() as clients:
            self.people = {u: clients.enter_context(self.stack.client(self.org, u, role)) for u, role in ROLES.items()}
            for part in (self.books, self.customers, self.cash, self.bank, self.crediting, self.deducting, self.proposing,
                         self.undoing, self.reports, self.desks, self.around, self.webhooks, self.imports,
                         self.leaving):  # fmt: skip
                part()
        return self.seen

    # the parts

    def books(self) -> None:
        write = ("u_controller", "POST")
        self.ask(
            *write,
            "/v1/legal-entities",
            {"id": "le_de", "name": "Germany", "functional_currency": "EUR", "discount_tax": "adjust"},
        )
        self.ask("u_controller", "GET", "/v1/legal-entities/le_us")
        self.ask("u_controller", "PATCH", "/v1/legal-entities/le_us", {"discount_tax": "keep"})
        account = {"id": "bank_de", "legal_entity_id": "le_de", "currency_code": "EUR", "name": "Berlin"}
        self.ask(*write, "/v1/bank-accounts", account)
        self.ask("u_controller", "GET", "/v1/bank-accounts/bank_us")
        self.ask("u_controller", "PATCH", "/v1/bank-accounts/bank_us", {"bic": "BOFAUS3NXXX"})
        self.ask(
            *write,
            "/v1/payment-terms",
            {"code": "2-10-NET90", "days": 90, "discount_percent": "2", "discount_days": 10},
        )
        self.ask(*write, "/v1/accounts", {"key": "services", "code": "4100", "name": "Services", "kind": "revenue"})
        self.ask(*write, "/v1/dimensions", {"type": "department", "code": "SALES", "name": "Sales"})
        rates = [
            {"base_currency": "GBP", "quote_currency": "USD", "rate_date": self.day(n), "rate": r, "source": "treasury"}
            for n, r in ((40, "1.2500"), (10, "1.3000"))
        ]
        self.ask(*write, "/v1/fx-rates", rates[0])
        self.ask("u_controller", "PUT", "/v1/fx-rates", {"rates": rates})
        self.ask("u_controller", "PATCH", "/v1/settings", {"payment_date_horizon_days": 14})
        self.ask(*write, "/v1/periods/2012-01/close", {"reason_code": "MONTH_END"})
        self.ask(*write, "/v1/periods/2012-01/reopen", {"reason_code": "LATE_INVOICE"})
        for noun in (
            "legal-entities",
            "bank-accounts",
            "payment-terms",
            "accounts",
            "dimensions",
            "fx-rates",
            "periods",
        ):
            self.ask("u_clerk", "GET", f"/v1/{noun}")
        self.ask("u_clerk", "GET", "/v1/settings")

    def customers(self) -> None:
        steps = [{"role": "ar_manager", "remind_after_seconds": 14400, "escalate_after_seconds": 28800, "fallback": "cfo"},
                 {"role": "controller"}]  # fmt: skip
        rule = {"credit_limit_above": "250000", "step": {"role": "cfo"}}
        soon = {"role": "ar_manager", "remind_after_seconds": 7200, "escalate_after_seconds": 14400}
        policy = {"operations": {"update": {"steps": steps, "rules": [rule]}}, "deadlines": {"write_off": [soon]}}
        self.ask("u_controller", "PUT", "/v1/approval-policies", policy)
        self.ask("u_controller", "GET", "/v1/approval-policies")
        away = {"starts_at": f"{self.day(-30)}T00:00:00Z", "ends_at": f"{self.day(-40)}T00:00:00Z",
                "delegate_user_id": "u_manager2"}  # fmt: skip
        self.ask("u_manager", "PUT", "/v1/out-of-office", away)
        self.ask("u_manager", "GET", "/v1/out-of-office")
        self.ask("u_manager", "DELETE", "/v1/out-of-office")
        made = self.ask("u_clerk", "POST", "/v1/customers", CUSTOMER)
        change, self.customer = f"/v1/customer-changes/{made['change_id']}", made["customer_id"]
        self.ask("u_manager", "GET", "/v1/customer-changes?status=pending&awaiting=me")
        self.ask(
            "u_manager", "POST", f"{change}/delegate", {"step": 1, "to_user_id": "u_manager2", "until": self.day(-7)}
        )
        self.ask("u_manager", "GET", f"{change}/approval-token")
        self.ask("u_manager", "GET", "/v1/approvals?awaiting=me")
        door = f"/v1/approvals/{made['change_id']}"
        self.ask("u_auditor", "GET", door)
        self.ask("u_manager", "POST", f"{door}/delegate", {"step": 1, "to_user_id": "u_manager2"})
        self.ask("u_manager2", "GET", f"{door}/approval-token")
        said = {"decision": "return", "reason_code": "LIMIT_TOO_HIGH", "comment": "half of it would do"}
        self.people["u_manager"].post(f"{change}/decisions", json=said).raise_for_status()
        corrected = {"customer": CUSTOMER | {"credit_limit": "50000.00"}}
        self.ask("u_clerk", "POST", f"{change}/resubmit", corrected)
        self.decide(made["change_id"])
        self.ask("u_auditor", "GET", change)
        self.ask("u_auditor", "GET", f"{change}/evidence")
        here = f"/v1/customers/{self.customer}"
        record = self.ask("u_clerk", "GET", here)
        patch = {
            "credit_limit": "60000.00", "notes": None,
            "addresses": [{"action": "update", "id": record["addresses"][0]["id"], "city": "Salem"}],
            "contacts": [{"action": "add", "name": "Bo Ek", "email": "bo@harbour.example"}],
            "tax_profiles": [{"action": "delete", "id": record["tax_profiles"][0]["id"]}],
        }  # fmt: skip
        self.decide(self.ask("u_clerk", "PATCH", here, patch)["change_id"])
        again = self.people["u_clerk"].patch(here, json={"phone": "+1 617 555 0100"}).json()["change_id"]
        self.ask("u_clerk", "POST", f"/v1/customer-changes/{again}/withdraw", {"reason_code": "NOT_NEEDED"})
        terms, fax = (
            self.people["u_clerk"].patch(here, json=asked).json()["change_id"]
            for asked in ({"payment_terms": "NET30"}, {"website": "https://harbour.example"})
        )
        approval = {"decision": "approve", "comment": "as agreed with sales"}
        self.ask("u_manager", "POST", f"/v1/approvals/{terms}/decisions", approval)
        self.ask("u_manager", "POST", "/v1/approvals:decide", {"decisions": [{"approval_id": fax, **approval}]})
        self.ask("u_clerk", "POST", f"/v1/approvals/{fax}/withdraw", {"reason_code": "NOT_NEEDED"})
        self.ask("u_clerk", "GET", "/v1/customers?status=active&q=harbour")
        self.ask("u_clerk", "GET", f"{here}/contacts")
        self.ask("u_ae", "GET", f"{here}/price?item=BEANS-1KG&quantity=20")

    def writing_off(self) -> None:
        """An old balance given up by the clerk and reversed; a larger one, which others decide."""
        small = {
            "invoice_id": self.invoice("INV-37", 5_00),
            "reason_code": "SMALL_BALANCE",
            "note": "0.37 since spring",
        }
        done = self.ask("u_clerk", "POST", "/v1/write-offs", small)
        self.ask("u_clerk", "GET", f"/v1/write-offs/{done['id']}")
        self.ask("u_clerk", "GET", f"/v1/write-offs?customer_id={self.customer}")
        self.ask("u_clerk", "POST", f"/v1/write-offs/{done['id']}/reverse", {"reason_code": "PAID_AFTER_ALL"})
        large = {"invoice_id": self.invoice("INV-480", 480_00), "reason_code": "INSOLVENT"}
        door = f"/v1/approvals/{self.ask('u_clerk', 'POST', '/v1/write-offs', large)['approval_id']}"
        said = {"decision": "return", "reason_code": "NO_EVIDENCE", "comment": "where is the letter?"}
        self.people["u_manager"].post(f"{door}/decisions", json=said).raise_for_status()
        self.ask("u_clerk", "POST", f"{door}/resubmit", {"comment": "attached to the invoice"})
        self.ask("u_auditor", "GET", f"{door}/evidence")
        self.people["u_clerk"].post(f"{door}/withdraw").raise_for_status()
        limit = {"kind": "bank_fee", "role": "ar_clerk", "limit_minor": 60_00}
        asked = self.ask("u_controller", "PUT", "/v1/authority-limits", {"limits": [limit], "version": 0})
        self.people["u_controller"].post(f"/v1/approvals/{asked['approval_id']}/withdraw").raise_for_status()

    def invoice(self, name: str, total: int, currency: str = "USD") -> str:
        body = {
            "customer_id": self.customer, "external_id": name, "issue_date": self.day(40), "due_date": self.day(10),
            "currency_code": currency, "total_minor": total, "tax_minor": total // 10,
            "lines": [{"description": "Coffee beans, 1 kg", "quantity": "10", "amount_minor": total}],
        }  # fmt: skip
        return str(self.ask("u_clerk", "POST", "/v1/invoices", body)["id"])

    def apply(self, source: str, *lines: tuple[str, int], **more: Any) -> Any:
        noun = "customer-credits" if source.startswith("cred_") else "customer-payments"
        applications = [{"invoice_id": i, "applied_minor": minor} for i, minor in lines]
        return self.ask("u_clerk", "POST", f"/v1/{noun}/{source}/apply", {"applications": applications, **more})

    def cash(self) -> None:
        first, second, third, void = (self.invoice(f"INV-{n}", 100_00 * n) for n in (1, 2, 3, 4))
        body = {"customer_id": self.customer, "external_id": "INV-5", "issue_date": self.day(40), "currency_code": "USD",
                "total_minor": 5000}  # fmt: skip
        self.ask("u_clerk", "POST", "/v1/invoices:batch", {"invoices": [body]})
        self.ask(
            "u_clerk", "POST", f"/v1/invoices/{void}/dispute", {"reason_code": "SHORT_DELIVERY", "note": "two missing"}
        )
        self.ask("u_clerk", "POST", f"/v1/invoices/{void}/resolve-dispute", {"reason_code": "AGREED"})
        self.ask("u_clerk", "POST", f"/v1/invoices/{void}/void", {"reason_code": "ISSUED_IN_ERROR"})
        self.paid = self.payment("P-1", 450_00)
        fee = {
            "kind": "bank_fee",
            "amount_minor": 15_00,
            "reason_code": "WIRE_FEE",
            "note": "taken by the payer's bank",
        }
        lines = [
            {"invoice_id": first, "applied_minor": 100_00}, {"invoice_id": second, "applied_minor": 200_00},
            {"invoice_id": third, "applied_minor": 105_00, "adjustments": [fee]},
        ]  # fmt: skip
        path = f"/v1/customer-payments/{self.paid}/apply"
        done = self.ask("u_clerk", "POST", path, {"applications": lines, "external_id": "S-1"})
        self.entry, self.fee = done["journal_entry_id"], done["adjustments"][0]["id"]
        self.ask("u_clerk", "GET", f"/v1/invoices/{third}")
        self.ask("u_clerk", "GET", f"/v1/customer-payments/{self.paid}")
        self.over = self.payment("P-2", 300_00)
        held = self.apply(self.over, (third, 180_00), overpayment="customer_credit")
        fifth = self.invoice("INV-6", 90_00)
        self.spent = self.apply(held["credit_id"], (fifth, 90_00))["applications"][0]["id"]
        self.ask("u_clerk", "GET", f"/v1/customer-credits/{held['credit_id']}")
        session = {"applications": [{"invoice_id": self.invoice("INV-8", 60_00), "applied_minor": 60_00}]}
        at_once = {"customer_id": self.customer, "payment_date": self.day(9), "amount_minor": 60_00,
                   "currency_code": "USD", "external_id": "P-4", "apply": session}  # fmt: skip
        self.ask("u_clerk", "POST", "/v1/customer-payments:batch", {"payments": [at_once]})
        for noun in ("invoices", "customer-payments", "customer-credits"):
            self.ask("u_clerk", "GET", f"/v1/{noun}?customer_id={self.customer}")
        self.ask("u_clerk", "GET", f"/v1/journal-entries?source_id={self.paid}")
        self.ask("u_clerk", "GET", f"/v1/journal-entries/{self.entry}")
        run = self.people["u_clerk"].post("/v1/customer-payments", json={
            "customer_id": self.customer, "payment_date": self.day(9), "amount_minor": 5, "currency_code": "USD",
            "external_id": "P-3"}).headers["X-Workflow-Id"]  # fmt: skip
        self.ask("u_clerk", "GET", f"/v1/operations/{run}")

    def bank(self) -> None:
        self.invoice("INV-7", 70_00)
        out = io.StringIO()
        csv.writer(out).writerows([
            ["date", "amount", "currency", "payer", "reference", "remittance_text"],
            [self.day(5), "70.00", "USD", "Harbour", "4711", "invoice INV-7"],
            [self.day(5), "12.34", "USD", "Somebody", "4712", "thank you"],
            [self.day(5), "23.45", "USD", "Harbour", "4713", "as telephoned"],
        ])  # fmt: skip
        cheque = self.payment("CHQ-9", 23_45)
        upload = {"file": ("statement.csv", out.getvalue().encode(), "text/csv")}
        said = self.ask("u_clerk", "POST", "/v1/bank-accounts/bank_us/statements", files=upload)
        statement = self.wait("u_clerk", f"/v1/statements/{said['id']}", "COMPLETED")
        formats = "/v1/bank-accounts/bank_us/statement-formats"
        described = {
            "name": "chase", "date_format": "MM/DD/YYYY", "decimal": ".",
            "columns": {"date": "Posting Date", "amount": "Amount", "balance": "Balance", "remittance_text": ["Description"]},
        }  # fmt: skip
        self.ask("u_controller", "POST", formats, described)
        self.ask("u_clerk", "GET", formats)
        self.ask("u_clerk", "GET", f"{formats}/chase")
        self.ask("u_clerk", "GET", "/v1/statements")
        self.ask("u_clerk", "POST", f"/v1/statements/{said['id']}/lines/2/retry", {})
        self.ask("u_clerk", "POST", f"/v1/statements/{said['id']}/lines/3/link", {"payment_id": cheque})
        unknown = statement["lines"][1]["payment_id"]
        self.ask("u_clerk", "POST", f"/v1/customer-payments/{unknown}/assign", {"customer_id": self.customer})
        body = {"through_date": self.day(0), "payment_ids": [self.paid], "statement_balance_minor": 450_00}
        drafted = self.ask("u_clerk", "POST", "/v1/bank-accounts/bank_us/reconciliations", body)
        here = f"/v1/reconciliations/{drafted['id']}"
        self.ask("u_clerk", "GET", here)
        self.ask("u_clerk", "GET", "/v1/reconciliations")
        loose = {"through_date": self.day(0), "payment_ids": [self.over]}
        other = self.people["u_clerk"].post("/v1/bank-accounts/bank_us/reconciliations", json=loose).json()["id"]
        self.ask("u_clerk", "POST", f"/v1/reconciliations/{other}/complete", {})
        self.ask("u_controller", "POST", f"/v1/reconciliations/{other}/reopen", {"reason_code": "BANK_ERROR"})

    def crediting(self) -> None:
        """A manager takes back a part of an invoice, applies it, and thinks better of it."""
        invoice = self.invoice("INV-9", 70_00)
        body = {
            "customer_id": self.customer, "external_id": "CN-1", "issue_date": self.day(8), "currency_code": "USD",
            "total_minor": 30_00, "reason_code": "GOODS_RETURNED", "invoice_id": invoice, "note": "a sack was wet",
        }  # fmt: skip
        note = self.ask("u_manager", "POST", "/v1/credit-notes", body)["id"]
        line = {"applications": [{"invoice_id": invoice, "applied_minor": 30_00}], "external_id": "CN-1/1"}
        done = self.ask("u_manager", "POST", f"/v1/credit-notes/{note}/apply", line)
        self.ask("u_clerk", "GET", f"/v1/credit-notes/{note}")
        self.ask("u_clerk", "GET", f"/v1/credit-notes?customer_id={self.customer}")
        wrong = {"reason_code": "WRONG_INVOICE", "note": "meant for another one"}
        undone = f"/v1/credit-note-applications/{done['applications'][0]['id']}/unapply"
        self.ask("u_manager", "POST", undone, wrong)
        self.ask("u_manager", "POST", f"/v1/credit-notes/{note}/void", {"reason_code": "ISSUED_IN_ERROR"})

    def deducting(self) -> None:
        """A customer pays short: one deduction is accepted by the manager, one rejected by the clerk."""
        invoice = self.invoice("INV-11", 90_00)
        said = {"invoice_id": invoice, "amount_minor": 12_00, "reason_code": "DAMAGED_GOODS",
                "customer_reason": "one pallet arrived wet", "note": "photos asked for"}  # fmt: skip
        made = self.ask("u_clerk", "POST", "/v1/deductions", said)["id"]
        self.ask("u_clerk", "GET", f"/v1/deductions/{made}")
        self.ask("u_clerk", "GET", "/v1/deductions?status=open")
        agreed = {"decision": "accept", "reason_code": "CARRIER_AGREED", "note": "the carrier pays for it"}
        self.ask("u_manager", "POST", f"/v1/deductions/{made}/resolve", agreed)

    def proposing(self) -> None:
        """What an assistant proposes: one the person declines, one she carries out."""
        invoice = self.invoice("INV-10", 20_00)
        body = {
            "customer_id": self.customer, "external_id": "P-10", "payment_date": self.day(9), "amount_minor": 20_00,
            "currency_code": "USD",
        }  # fmt: skip
        payment = self.ask("u_clerk", "POST", "/v1/customer-payments", body)["id"]
        session = {"applications": [{"invoice_id": invoice, "applied_minor": 20_00}]}
        asked = {"operation": "apply_payment", "record_id": payment, "body": session}
        first, second = (self.ask("u_clerk", "POST", "/v1/proposals", asked)["proposal_id"] for _ in range(2))
        self.ask("u_clerk", "GET", f"/v1/proposals/{first}")
        self.ask("u_clerk", "POST", f"/v1/proposals/{first}/decline", {"reason_code": "NOT_NOW"})
        self.ask("u_clerk", "POST", f"/v1/proposals/{second}/commit", {})

    def undoing(self) -> None:
        wrong = {"reason_code": "WRONG_INVOICE", "note": "meant for another one"}
        self.ask("u_clerk", "POST", f"/v1/payment-applications/{self.spent}/unapply", wrong)
        self.ask("u_clerk", "GET", "/v1/authority-limits")
        self.ask("u_clerk", "GET", f"/v1/adjustments?customer_id={self.customer}")
        self.writing_off()
        self.ask("u_clerk", "GET", f"/v1/adjustments/{self.fee}")
        paid_back = {"reason_code": "FEE_REFUNDED", "note": "the bank gave it back"}
        self.ask("u_clerk", "POST", f"/v1/adjustments/{self.fee}/undo", paid_back)
        bounced = {"reason_code": "CHEQUE_BOUNCED", "reversal_date": self.day(1)}
        self.ask("u_clerk", "POST", f"/v1/customer-payments/{self.over}/reverse", bounced)

    def reports(self) -> None:
        self.ask("u_clerk", "GET", f"/v1/customers/{self.customer}/ar-aging")
        for name in (
            "ar-aging",
            "trial-balance",
            "unapplied-cash",
            f"ar-roll-forward?from={self.day(60)}&to={self.day(0)}",
        ):
            self.ask("u_controller", "GET", f"/v1/reports/{name}")
        self.ask("u_auditor", "GET", f"/v1/audit-events?subject_id={self.paid}")
        deadline = time.monotonic() + 120
        while not self.people["u_ops"].get("/v1/events").json()["items"]:
            assert time.monotonic() < deadline, "no event was published"
            time.sleep(0.1)
        self.ask("u_ops", "GET", "/v1/events")
        for path in ("/healthz", "/readyz"):
            self.ask("u_ops", "GET", path)

    def desks(self) -> None:
        (first, *_) = self.ask("u_controller", "GET", "/v1/exceptions?status=open")["items"]
        here = f"/v1/exceptions/{first['id']}"
        self.ask("u_controller", "POST", f"{here}/assign", {"owner_user": "u_manager", "note": "please call them"})
        self.ask("u_controller", "GET", here)
        self.ask("u_manager", "POST", f"{here}/resolve", {"resolution_code": "CLARIFIED", "note": "called"})

    def leaving(self) -> None:
        here = f"/v1/customers/{self.customer}"
        self.decide(self.ask("u_clerk", "DELETE", f"{here}?reason_code=CLOSED_DOWN")["change_id"])
        self.ask("u_clerk", "POST", f"{here}/reactivate", {})
