"""People of one organisation and what they do with customers, over HTTP."""

import os
from typing import Any

import httpx2

from models.ids import new_id
from tests.stack_fixtures.app import Access

ROLES = {
    "u_clerk": ("ar_clerk",),
    "u_manager": ("ar_manager",),
    "u_manager2": ("ar_manager",),
    "u_plain": ("manager",),
    "u_controller": ("controller",),
    "u_controller2": ("controller",),
    "u_cfo": ("cfo",),
    "u_ae": ("account_executive",),
    "u_auditor": ("auditor",),
    "u_ops": ("ops",),
    "u_all": ("ar_manager", "controller", "cfo"),
}


def fresh(prefix: str = "a") -> str:
    """An address that no other customer has."""
    return f"{prefix}{os.urandom(6).hex()}@example.com"


class Desk:
    """An organisation on a running stack."""

    def __init__(self, stack: Access, org: str, *, patient: bool = True) -> None:
        self.stack, self.org, self.patient = stack, org, patient
        self._clients: dict[object, httpx2.Client] = {}

    def __call__(self, user: str, *roles: str, entities: tuple[str, ...] = ()) -> httpx2.Client:
        """The person's client; `roles` where they differ from the usual ones."""
        key = (user, roles, entities)
        if key not in self._clients:
            held = roles or ROLES[user]
            self._clients[key] = self.stack.client(self.org, user, *held, entities=entities, patient=self.patient)
        return self._clients[key]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def body(self, **fields: Any) -> dict[str, Any]:
        email = fields.pop("email", None) or fresh()
        return {"name": f"Customer {email[:13]}", "email": email, "legal_entity_id": "le_us"} | fields

    def submit(self, by: str = "u_clerk", **fields: Any) -> dict[str, Any]:
        body, key = self.body(**fields), {"Idempotency-Key": new_id("key")}
        for _ in range(12):  # a worker that comes back from the dead may take longer than an answer waits
            said = ok(self(by).post("/v1/customers", json=body, headers=key), 202)
            if said["status"] != "SUBMITTED":
                return said
        raise AssertionError(said)

    def decide(self, change: dict[str, Any] | str, by: str, decision: str = "approve", **more: Any) -> httpx2.Response:
        change_id = change if isinstance(change, str) else change["change_id"]
        return self(by).post(f"/v1/customer-changes/{change_id}/decisions", json={"decision": decision} | more)

    def approve(self, change: dict[str, Any], *people: str) -> dict[str, Any]:
        """Approve by these people, by the usual two otherwise; the change afterwards."""
        for who in people or ("u_manager", "u_controller"):
            done = ok(self.decide(change, who))
        return done

    def customer(self, **fields: Any) -> str:
        """A new, approved customer's id."""
        change = self.submit(**fields)
        assert self.approve(change)["status"] == "APPROVED"
        return change["customer_id"]

    def patch(self, customer_id: str, by: str = "u_clerk", **fields: Any) -> dict[str, Any]:
        return ok(self(by).patch(f"/v1/customers/{customer_id}", json=fields), 202)

    def read(self, customer_id: str, by: str = "u_clerk", **query: Any) -> dict[str, Any]:
        return ok(self(by).get(f"/v1/customers/{customer_id}", params=query))

    def change(self, change: dict[str, Any] | str, by: str = "u_clerk") -> dict[str, Any]:
        change_id = change if isinstance(change, str) else change["change_id"]
        return ok(self(by).get(f"/v1/customer-changes/{change_id}"))

    def inbox(self, by: str, **query: Any) -> list[str]:
        asked: dict[str, Any] = {"status": "pending", "awaiting": "me", "limit": 200}
        found = ok(self(by).get("/v1/customer-changes", params=asked | query))
        return [c["id"] for c in found["items"]]


def ok(response: httpx2.Response, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, f"{response.status_code} {response.text}"
    return response.json()


def refused(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response.json().get("code")) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    return response.json()


def field_codes(response: httpx2.Response) -> dict[str, str]:
    body = refused(response, 422, "VALIDATION_FAILED")
    return {e["loc"]: e["code"] for e in body["errors"]}
