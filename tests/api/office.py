"""The finance desk of one organisation on a running stack, seen from outside: HTTP and nothing else."""

import csv
import io
import os
import re
import threading
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2

from tests.stack_fixtures.app import Access
from tests.stack_fixtures.described import description

ROLES = {
    "clerk": "ar_clerk",
    "manager": "ar_manager",
    "controller": "controller",
    "cfo": "cfo",
    "ae": "account_executive",
    "am": "account_manager",
    "csm": "customer_success_manager",
    "auditor": "auditor",
    "ops": "ops",
    "feed": "bank_feed",
}


def ext(prefix: str = "x") -> str:
    """An external_id that nothing else has."""
    return f"{prefix}-{os.urandom(8).hex()}"


def day(before_today: int) -> str:
    """Of today as it is now: a run of the tests may cross midnight."""
    return (datetime.now(UTC).date() - timedelta(days=before_today)).isoformat()


def code(r: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal, which must be a problem document with its headers."""
    assert r.headers["content-type"].startswith("application/problem+json"), (r.status_code, r.text[:300])
    body = r.json()
    assert {"type", "title", "status", "detail", "instance", "code"} <= body.keys()
    assert body["status"] == r.status_code
    assert r.headers["X-Request-Id"]
    return r.status_code, body["code"]


def ok(r: httpx2.Response, status: int = 200) -> Any:
    assert r.status_code == status, (r.status_code, r.text[:600])
    return r.json()


class Office:
    """An organisation with customers; `o.clerk`, `o.controller`, … are HTTP clients of its people."""

    def __init__(self, stack: Access, customers: int = 20) -> None:
        self.stack = stack
        self.org = stack.organisation("Office")
        self._clients: dict[object, httpx2.Client] = {}
        self._lock = threading.Lock()
        self._operations: list[tuple[re.Pattern[str], str, dict]] | None = None
        self._spare = self.make_customers([{} for _ in range(customers)])

    def make_customers(self, rows: list[dict[str, Any]]) -> list[str]:
        """Customers past approval."""
        return self.stack.customers(
            self.org, *({"name": f"Customer {ext()}", "email": f"{ext()}@example.com"} | row for row in rows)
        )

    def customer(self) -> str:
        """A customer that no other test has used."""
        if not self._spare:
            self._spare = self.make_customers([{} for _ in range(20)])
        return self._spare.pop()

    def client(self, who: str, *roles: str, entities: tuple[str, ...] = ()) -> httpx2.Client:
        key = (who, roles, entities)
        with self._lock:
            if key not in self._clients:
                held = roles or (ROLES[who],)
                made = self.stack.client(self.org, f"u_{who}", *held, entities=entities)
                made.event_hooks["response"] = [*made.event_hooks["response"], self._documented]
                self._clients[key] = made
            return self._clients[key]

    def _documented(self, r: httpx2.Response) -> None:
        """A status and a refusal's code that the interface's own description does not name are a fault of it."""
        if self._operations is None:
            paths = description()["paths"]
            rows = [(path, method.upper(), op) for path, ops in paths.items() for method, op in ops.items()]
            rows.sort(key=lambda row: row[0].count("{"))
            self._operations = [(re.compile(re.sub(r"{\w+}", "[^/]+", p) + "$"), m, op) for p, m, op in rows]
        found = (op for rx, m, op in self._operations if m == r.request.method and rx.match(r.request.url.path))
        operation = next(found, None)
        if operation is None:
            return
        said = operation["responses"].get(str(r.status_code))
        assert said is not None, (r.request.method, r.request.url.path, r.status_code, r.read())
        if r.status_code >= 400:
            r.read()
            assert r.json()["code"] in said["description"], (r.request.method, r.request.url.path, r.json()["code"])

    def __getattr__(self, who: str) -> httpx2.Client:
        if who.startswith("_") or who not in ROLES:
            raise AttributeError(who)
        return self.client(who)

    def close(self) -> None:
        for c in self._clients.values():
            c.close()

    # what people do

    def invoice(self, customer_id: str, total: int, **fields: Any) -> dict[str, Any]:
        body = {
            "customer_id": customer_id, "external_id": ext("inv"), "issue_date": day(60), "due_date": day(30),
            "currency_code": "USD", "total_minor": total,
        } | fields  # fmt: skip
        body = {k: v for k, v in body.items() if v is not None}
        return ok(self.clerk.post("/v1/invoices", json=body), 201)

    def payment_body(self, customer_id: str, amount: int, **fields: Any) -> dict[str, Any]:
        return {
            "customer_id": customer_id, "payment_date": day(10), "amount_minor": amount, "currency_code": "USD",
            "external_id": ext("pay"),
        } | fields  # fmt: skip

    def payment(self, customer_id: str, amount: int, **fields: Any) -> dict[str, Any]:
        return ok(self.clerk.post("/v1/customer-payments", json=self.payment_body(customer_id, amount, **fields)), 201)

    def apply(
        self, payment: Any, pairs: list[tuple[Any, int]], *, who: httpx2.Client | None = None, key: str | None = None,
        dry: bool = False, lines: list[dict[str, Any]] | None = None, **fields: Any,
    ) -> httpx2.Response:  # fmt: skip
        """POST …/apply; `payment` may be a credit's id too."""
        record = payment if isinstance(payment, str) else payment["id"]
        noun = "customer-credits" if record.startswith("cred_") else "customer-payments"
        applications = lines or [
            {"invoice_id": i if isinstance(i, str) else i["id"], "applied_minor": minor} for i, minor in pairs
        ]
        return (who or self.clerk).post(
            f"/v1/{noun}/{record}/apply", json={"applications": applications, **fields},
            headers={"Idempotency-Key": key} if key else None, params={"dry_run": "true"} if dry else None,
        )  # fmt: skip

    def reverse(self, payment: Any, **fields: Any) -> httpx2.Response:
        record = payment if isinstance(payment, str) else payment["id"]
        return self.clerk.post(
            f"/v1/customer-payments/{record}/reverse", json={"reason_code": "BOUNCED"} | fields
        )  # fmt: skip

    def unapply(self, application: Any, **fields: Any) -> httpx2.Response:
        record = application if isinstance(application, str) else application["id"]
        return self.clerk.post(
            f"/v1/payment-applications/{record}/unapply", json={"reason_code": "WRONG_INVOICE"} | fields
        )  # fmt: skip

    def rate(self, base: str, quote: str, on: str, rate: Any) -> dict[str, Any]:
        body = {"base_currency": base, "quote_currency": quote, "rate_date": on, "rate": rate}
        return ok(self.controller.post("/v1/fx-rates", json=body), 201)

    # what they look at

    def get(self, record_id: str) -> dict[str, Any]:
        """An invoice, payment, credit, statement or reconciliation as it stands."""
        noun = {
            "invoice": "invoices", "pay": "customer-payments", "cred": "customer-credits", "stmt": "statements",
            "recon": "reconciliations",
        }[record_id.split("_")[0]]  # fmt: skip
        return ok(self.clerk.get(f"/v1/{noun}/{record_id}"))

    def entries(self, source_id: str) -> list[dict[str, Any]]:
        return ok(self.clerk.get("/v1/journal-entries", params={"source_id": source_id, "limit": 200}))["items"]

    def booked(self, source_id: str) -> dict[str, int]:
        """Debit less credit per account over all entries of the record, in the lines' own currency."""
        sums: dict[str, int] = {}
        for e in self.entries(source_id):
            assert sum(x["functional_debit_minor"] - x["functional_credit_minor"] for x in e["lines"]) == 0
            for x in e["lines"]:
                sums[x["account"]] = sums.get(x["account"], 0) + x["debit_minor"] - x["credit_minor"]
        return {account: minor for account, minor in sums.items() if minor}

    def audit(self, subject_id: str) -> list[dict[str, Any]]:
        return ok(self.controller.get("/v1/audit-events", params={"subject_id": subject_id, "limit": 200}))["items"]

    # the bank

    def upload(self, content: bytes, name: str = "s.csv", bank: str = "bank_us", **headers: str) -> httpx2.Response:
        return self.clerk.post(
            f"/v1/bank-accounts/{bank}/statements", files={"file": (name, io.BytesIO(content))}, headers=headers
        )  # fmt: skip

    def statement(self, content: bytes, name: str = "s.csv", bank: str = "bank_us") -> dict[str, Any]:
        """Upload and wait until it is worked off."""
        statement_id = ok(self.upload(content, name, bank), 202)["id"]
        return self.finished(statement_id)

    def finished(self, statement_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while (s := self.get(statement_id))["status"] == "PROCESSING":
            assert time.monotonic() < deadline, s
            time.sleep(0.05)
        return s


def csv_statement(*rows: tuple[Any, ...]) -> bytes:
    """(date, amount, currency, payer, reference, remittance_text) each."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["date", "amount", "currency", "payer", "reference", "remittance_text"])
    writer.writerows(rows)
    return out.getvalue().encode()


def month_of(d: str | date) -> str:
    return str(d)[:7]
