"""An organisation's books for tests: writes through the operations, reads through the API, on a real PostgreSQL.

No Temporal: `Books` runs the same operations that the processes run, in this thread.
"""

import asyncio
import json
import os
import time
from datetime import UTC, date, datetime
from typing import Any

import httpx2
from fastapi import FastAPI
from psycopg.rows import dict_row

from api.app import create_app
from api.tokens import mint_dev_token
from models.access import Principal
from models.db.engine import make_engine, transaction
from models.ids import new_id
from operations import registry
from operations.commands import Submission
from operations.customers.bootstrap import bootstrap_customers
from operations.organisations import create_organisation
from operations.runner import run_now
from settings import Settings

__all__ = ["Books", "registry"]
SECRET = "a development secret that is long enough for HS512 as well, by far"


class Api:
    """Requests to the API (its shell, gate and routes) in this process, as one person."""

    def __init__(self, app: FastAPI, token: str) -> None:
        self.app, self.headers = app, {"Authorization": f"Bearer {token}"}

    def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        async def ask() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://arflow.test") as client:
                headers = self.headers | options.pop("headers", {})
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx2.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: dict[str, Any] | None = None, **options: Any) -> httpx2.Response:
        return self.request("POST", path, json=body or {}, **options)


class Books:
    """One organisation with its defaults. `owner_url` is the database owner's."""

    def __init__(self, owner_url: str, org: str | None = None) -> None:
        self.owner_url = owner_url
        self.org = org or f"org_{os.urandom(6).hex()}"
        self.engine = make_engine(owner_url, pool_size=4)
        self.owner = make_engine(owner_url, pool_size=1, role=None)
        self.who = Principal("u_clerk", self.org, frozenset({"ar_clerk"}))
        with transaction(self.owner, self.org) as tx:
            create_organisation(tx, "Test")
        self._app: FastAPI | None = None

    def close(self) -> None:
        self.engine.dispose()
        self.owner.dispose()

    # Writes

    def do(self, operation: str, record_id: str, body: dict[str, Any], who: Principal | None = None) -> dict[str, Any]:
        """One operation as a command; its answer."""
        key = new_id("cmd")
        s = Submission(operation, f"/test/{operation}", body, key, True, new_id("req"), record_id, record_id)
        found: dict[str, Any] = json.loads(run_now(self.engine, who or self.who, s).json)
        return found

    def customer(self, name: str = "Customer", entity: str = "le_us", **fields: Any) -> str:
        row = {"name": name, "email": f"{os.urandom(6).hex()}@example.com", "legal_entity_id": entity, **fields}
        with transaction(self.engine, self.org) as tx:
            return bootstrap_customers(tx, [row])[0]

    def invoice(
        self, customer: str, total: int, issued: str | date, due: str | date | None = None, currency: str = "USD",
        **fields: Any,
    ) -> str:  # fmt: skip
        body = {
            "customer_id": customer, "external_id": os.urandom(8).hex(), "issue_date": str(issued),
            "due_date": None if due is None else str(due), "currency_code": currency, "total_minor": total, **fields,
        }  # fmt: skip
        return str(self.do("create_invoice", new_id("invoice"), body)["id"])

    def pay(self, customer: str, amount: int, on: str | date, currency: str = "USD", **fields: Any) -> str:
        body = {
            "customer_id": customer, "external_id": os.urandom(8).hex(), "payment_date": str(on),
            "amount_minor": amount, "currency_code": currency, **fields,
        }  # fmt: skip
        return str(self.do("record_payment", new_id("pay"), body)["id"])

    def apply(self, payment: str, *lines: tuple[str, int], overpayment: str | None = None, **f: Any) -> dict[str, Any]:
        applications = [{"invoice_id": i, "applied_minor": m, **f.pop("line", {})} for i, m in lines]
        return self.do("apply_payment", payment, {"applications": applications, "overpayment": overpayment, **f})

    def spend(self, credit: str, *lines: tuple[str, int]) -> dict[str, Any]:
        applications = [{"invoice_id": i, "applied_minor": m} for i, m in lines]
        return self.do("apply_credit", credit, {"applications": applications})

    def unapply(self, application: str, on: str | date | None = None) -> dict[str, Any]:
        body = {"reason_code": "WRONG_MATCH", "effective_date": None if on is None else str(on)}
        return self.do("unapply_application", application, body)

    def reverse(self, payment: str, on: str | date | None = None) -> dict[str, Any]:
        body = {"reason_code": "BOUNCED", "reversal_date": None if on is None else str(on)}
        return self.do("reverse_payment", payment, body)

    def void(self, invoice: str) -> dict[str, Any]:
        return self.do("void_invoice", invoice, {"reason_code": "ISSUED_IN_ERROR"})

    def rate(self, base: str, quote: str, on: str | date, rate: str) -> None:
        with transaction(self.engine, self.org) as tx:
            row = {"base": base, "quote": quote, "rate_date": str(on), "rate": rate, "source": "test"}
            tx.insert("fx_rates", [row | {"recorded_at": tx.now, "recorded_by": "u_controller"}])

    def close_period(self, period: str) -> None:
        """Mark a month as closed, without what closing does to unposted receipts."""
        with transaction(self.engine, self.org) as tx:
            tx.insert("periods", [{"period": period, "status": "closed", "changed_by": "u_x", "changed_at": tx.now}])

    # Reads

    def api(self, *roles: str, user: str = "u_controller", entities: tuple[str, ...] = ()) -> Api:
        """The API on this database, without Temporal."""
        if self._app is None:
            self._app = create_app(Settings(dev_token_secret=SECRET))
            self._app.state.engine = self.engine
        token = mint_dev_token(Settings(dev_token_secret=SECRET), self.org, user, roles or ("controller",), entities)
        return Api(self._app, token)

    def get(self, path: str, *roles: str, **params: Any) -> dict[str, Any]:
        """The answer's JSON, which must be 200."""
        answer = self.api(*roles).get(path, params={k: v for k, v in params.items() if v is not None})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def aging(self, customer: str, **params: Any) -> dict[str, Any]:
        return self.get(f"/v1/customers/{customer}/ar-aging", **params)

    def moment(self) -> datetime:
        """The database's time, after everything recorded so far and before everything recorded later."""
        with transaction(self.engine, self.org) as tx:
            return tx.now

    def sql(self, statement: str, **params: Any) -> list[dict[str, Any]]:
        """As the owner of the database, who may do anything; `:org` is given."""
        with transaction(self.owner, self.org) as tx:
            cursor = tx.connection().cursor(row_factory=dict_row)
            cursor.execute(statement.replace(":org", f"'{self.org}'"), params or None)
            return cursor.fetchall() if cursor.description else []

    def wait_for_locks(self, many: int) -> None:
        """Until so many sessions of the database wait for one."""
        asked = """SELECT count(*) AS n FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'"""
        deadline = time.monotonic() + 20
        while self.sql(asked)[0]["n"] < many:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def today() -> date:
    return datetime.now(UTC).date()
