"""The people of the demo organisation, and a caller for each: an HTTP client with the person's token."""

import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from demo.console import Claim

ORG_ID: Final = "org_demo"
ORG_NAME: Final = "Demo organisation"

PEOPLE: Final[dict[str, tuple[str, str]]] = {
    "u_clerk": ("ar_clerk", "AR clerk"),
    "u_manager": ("ar_manager", "AR manager"),
    "u_controller": ("controller", "controller"),
    "u_cfo": ("cfo", "CFO"),
    "u_ae": ("account_executive", "account executive"),
    "u_am": ("account_manager", "account manager"),
    "u_csm": ("customer_success_manager", "customer success manager"),
    "u_auditor": ("auditor", "auditor"),
    "u_ops": ("ops", "operator"),
    "u_bank": ("bank_feed", "bank feed"),
}
"""Person → the role of the token, and what it is called on paper."""

PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Person:
    """Someone who calls the API. Each call names the status it expects; another one ends the demo (see `Claim`)."""

    user: str
    role: str
    title: str
    token: str
    client: httpx2.Client = field(repr=False)

    def get(self, path: str, *, expect: int = 200, **options: Any) -> httpx2.Response:
        return self.call("GET", path, expect=expect, **options)

    def post(self, path: str, json: Any = None, *, expect: int = 200, **options: Any) -> httpx2.Response:
        return self.call("POST", path, expect=expect, json=json, **options)

    def patch(self, path: str, json: Any = None, *, expect: int = 200, **options: Any) -> httpx2.Response:
        return self.call("PATCH", path, expect=expect, json=json, **options)

    def put(self, path: str, json: Any = None, *, expect: int = 200, **options: Any) -> httpx2.Response:
        return self.call("PUT", path, expect=expect, json=json, **options)

    def delete(self, path: str, *, expect: int = 200, **options: Any) -> httpx2.Response:
        return self.call("DELETE", path, expect=expect, **options)

    def call(self, method: str, path: str, *, expect: int, **options: Any) -> httpx2.Response:
        """One request, asked again with its key where a busy machine answers later. ClaimFailed where the answer has
        another status than `expect`."""
        if options.get("json", ...) is None:
            del options["json"]
        answer = self.client.request(method, path, **options)
        until = time.monotonic() + PATIENCE_SECONDS
        while _later(answer) and time.monotonic() < until:
            time.sleep(0.5)
            key = {"Idempotency-Key": k} if (k := answer.headers.get("Idempotency-Key")) else {}
            answer = self.client.request(method, path, **options | {"headers": {**options.get("headers", {}), **key}})
        if answer.status_code != expect:
            raise Claim.failed(f"{method} {path} answers {expect}", f"{answer.status_code} {answer.text[:600]}")
        return answer


def _later(answer: httpx2.Response) -> bool:
    """Whether the work goes on, or could not begin, and the caller is to ask again."""
    under_way = answer.status_code == 202 and answer.headers.get("Location", "").startswith("/v1/operations/")
    return "Retry-After" in answer.headers and (under_way or answer.status_code == 503)


def person(user: str, token: str, base_url: str) -> Person:
    """The caller of one demo person."""
    role, title = PEOPLE[user]
    headers = {"Authorization": f"Bearer {token}"}
    client = httpx2.Client(base_url=base_url, headers=headers, timeout=60, trust_env=False)
    return Person(user, role, title, token, client)
