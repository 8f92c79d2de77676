"""Asking the API as a person of an organisation, and keeping how each operation was asked and answered."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2

from api.app import ROUTERS
from tests.stack_fixtures.app import Access

MOST = 1
"""So many items of a list are shown."""
UNTOLD = {
    "token": "apt_01m81ffsemeb2923yw8xdjevwz.SGVyZSBzdGFuZHMgYSBzaWduYXR1cmU",
    "secret": "whsec_SGVyZSBzdGFuZHMgYSBzZWNyZXQ=",
}

Examples = dict[str, dict[str, Any]]
"""Operation ("POST /v1/invoices") → {"request"?, "status", "answer"?}: the first time it was asked successfully."""


class Asking:
    """Asks, and keeps the first success of each operation."""

    def __init__(self, stack: Access) -> None:
        self.stack, self.seen = stack, Examples()
        self.carried: dict[str, str] = {}  # by the operation: the process of its first success
        self.org = stack.organisation("Tour")
        self.people: dict[str, httpx2.Client] = {}
        self.customer = ""
        self.today = datetime.now(UTC).date()

    def day(self, before: int) -> str:
        return (self.today - timedelta(days=before)).isoformat()

    def ask(self, who: str, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The answer's JSON (text where it is none); anything but a success ends the tour."""
        if body is not None:
            options["json"] = body
        response = self.people[who].request(method, path, **options)
        assert response.is_success, f"{method} {path} -> {response.status_code} {response.text}"
        is_json = response.headers.get("content-type", "").startswith("application/json")
        answer = response.json() if is_json else response.text
        example: dict[str, Any] = {"status": response.status_code}
        if body is not None:
            example["request"] = body
        if is_json:
            example["answer"] = shortened(answer)
        name = f"{method} {template(method, path.partition('?')[0])}"
        self.seen.setdefault(name, example)
        if carried := response.headers.get("X-Workflow-Id"):
            self.carried.setdefault(name, carried)
        return answer

    def decide(self, change: str, *people: str) -> Any:
        for who in people or ("u_manager", "u_controller"):
            said = {"decision": "approve", "comment": "checked"}
            decided = self.ask(who, "POST", f"/v1/customer-changes/{change}/decisions", said)
        return decided

    def payment(self, name: str, amount: int, currency: str = "USD") -> str:
        body = {
            "customer_id": self.customer, "payment_date": self.day(10), "amount_minor": amount,
            "currency_code": currency, "external_id": name, "method": "wire", "reference": "R-1",
        }  # fmt: skip
        return str(self.ask("u_clerk", "POST", "/v1/customer-payments", body)["id"])

    def wait(self, who: str, path: str, *until: str, field: str = "status") -> Any:
        deadline = time.monotonic() + 120
        while (found := self.people[who].get(path).json())[field] not in until:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return self.ask(who, "GET", path)


def template(method: str, path: str) -> str:
    """The path as the API describes it: `/v1/invoices/{invoice_id}`."""
    scope = {"type": "http", "method": method, "path": path}
    for route in (r for router in ROUTERS for r in router.routes):
        if route.matches(scope)[0].value == 2:
            return str(getattr(route, "path_format", ""))
    raise AssertionError(f"no route for {method} {path}")


def shortened(value: Any, key: str = "") -> Any:
    """With the first items of long lists, and without what nobody should know."""
    if isinstance(value, dict):
        return {k: shortened(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [shortened(v) for v in value[:MOST]]
    return UNTOLD.get(key, value) if isinstance(value, str) else value


_AN_ID: Final = re.compile(r"^[a-z]+_[0-9a-hjkmnp-tv-z]{26}$")


def shape(value: Any) -> Any:
    """What it has, not what it says: fields by name, items of a list as one. None: may be anything."""
    if isinstance(value, dict):
        return {_AN_ID.sub("…", k): shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(v) for v in value[:1]]
    return None if value is None else "…"


def differs(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two shapes differ; what is null or an empty list on one side may be anything on the other."""
    if one in (None, []) or other in (None, []):
        return []
    if type(one) is not type(other):
        return [at]
    if isinstance(one, dict):
        lost = [f"{at}/{k}" for k in one.keys() ^ other.keys()]
        return lost + [d for k in one.keys() & other.keys() for d in differs(one[k], other[k], f"{at}/{k}")]
    return differs(one[0], other[0], f"{at}/0") if isinstance(one, list) else []
