"""Load through the proxy: people who pay, decide and read, and who repeat with their key what was not answered."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from models.ids import new_id
from tests.cash_desk.books import opened
from tests.production.servers import Span

PATIENCE = 240.0
PAUSE = 0.3
TODAY = "2026-01-15"
AMOUNT = 700
LATER = (202, 502, 503, 504)
"""What a caller is told to repeat: it is not there yet, or a part is away."""


@dataclass
class Caller:
    """One caller, on one connection. `seen`: every status there was, or what broke off; `odd`: answers that nobody should get."""

    base_url: str
    token: str
    seen: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    not_taken: list[str] = field(default_factory=list)
    """Where Temporal did not take a process in time: on a machine that is too busy for it."""
    tries: list[str] = field(default_factory=list)
    """Of the request that is under way, or was the latest: what each was answered, and after how long."""

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        self._http = httpx2.Client(base_url=self.base_url, headers=headers, timeout=30, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def once(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, key: str = ""
    ) -> httpx2.Response | None:
        """One request; None where there was no answer."""
        began = time.monotonic()
        try:
            answer = self._http.request(method, path, json=body, headers={"Idempotency-Key": key} if key else {})
        except httpx2.HTTPError as error:
            self._saw(type(error).__name__, began)
            return None
        self._saw(str(answer.status_code), began)
        if answer.status_code == 503 and "is kept; ask again" in answer.text:
            self.not_taken.append(f"{method} {path}")
        if answer.status_code >= 400 and answer.status_code not in LATER:
            self.odd.append(f"{method} {path}: {answer.status_code} {answer.text[:600]}")
        return answer

    def _saw(self, what: str, began: float) -> None:
        self.seen[what] += 1
        self.tries.append(f"{what} after {time.monotonic() - began:.1f} s")

    def post(self, path: str, body: Mapping[str, Any], *, waits_for_people: bool = False) -> dict[str, Any]:
        """Until it is answered, under one key. `waits_for_people`: 202 with an id is the answer."""
        self.tries = []
        key, deadline = new_id("key"), time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self.once("POST", path, body, key)
            if answer is not None and answer.status_code < 300:
                operation = answer.headers.get("Location", "").startswith("/v1/operations/")
                if answer.status_code != 202 or (waits_for_people and not operation):
                    return dict(answer.json())
            assert answer is None or answer.status_code in LATER, self.odd[-1]
            time.sleep(PAUSE)
        raise AssertionError(f"{path} was not answered in {PATIENCE} s: {self.seen}")

    def get(self, path: str) -> dict[str, Any]:
        """Until it is answered."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self.once("GET", path)
            if answer is not None and answer.status_code == 200:
                return dict(answer.json())
            time.sleep(PAUSE)
        raise AssertionError(f"{path} was not answered in {PATIENCE} s: {self.seen}")


@dataclass
class Paid:
    """What one payer has done: payments by id, and how long each answer was waited for."""

    payments: list[str] = field(default_factory=list)
    waits: list[Span] = field(default_factory=list)
    tries: dict[Span, list[str]] = field(default_factory=dict)
    """Of those that were not answered at once."""


def pay(over: threading.Event, caller: Caller, customer: str, into: Paid, rest: float = 0.1) -> None:
    """Every other payment recorded and applied in one call, the others in two."""
    while not over.is_set():
        own = {"customer_id": customer, "currency_code": "USD"}
        dated = own | {"external_id": new_id("ext"), "issue_date": TODAY, "total_minor": AMOUNT}
        invoice = caller.post("/v1/invoices", dated)["id"]
        received = own | {"external_id": new_id("ext"), "payment_date": TODAY, "amount_minor": AMOUNT}
        apply = {"applications": [{"invoice_id": invoice, "applied_minor": AMOUNT}]}
        together = len(into.payments) % 2 == 0
        payment = timed(caller, "/v1/customer-payments", received | ({"apply": apply} if together else {}), into)
        if not together:
            timed(caller, f"/v1/customer-payments/{payment['id']}/apply", apply, into)
        into.payments.append(str(payment["id"]))
        time.sleep(rest)


def timed(caller: Caller, path: str, body: Mapping[str, Any], into: Paid) -> dict[str, Any]:
    began = time.monotonic()
    answer = caller.post(path, body)
    span = began, time.monotonic()
    into.waits.append(span)
    if len(caller.tries) > 1:
        into.tries[span] = caller.tries
    return answer


@dataclass
class Read:
    """What somebody saw who only reads: from when to when each took, and its status; None: no answer."""

    answers: list[tuple[Span, int | None]] = field(default_factory=list)


def read(over: threading.Event, caller: Caller, into: Read) -> None:
    """The open invoices, again and again; nothing is repeated."""
    while not over.wait(0.2):
        began = time.monotonic()
        answer = caller.once("GET", "/v1/invoices?status=open&limit=5")
        into.answers.append(((began, time.monotonic()), None if answer is None else answer.status_code))


def submitted(clerk: Caller) -> str:
    """The id of a change that makes a customer."""
    unique = new_id("x")
    body = {"name": f"Customer {unique}", "email": f"{unique}@example.com", "legal_entity_id": "le_us"}
    return str(clerk.post("/v1/customers", body, waits_for_people=True)["change_id"])


def submit(over: threading.Event, clerk: Caller, deciders: Sequence[Caller], into: list[dict[str, Any]]) -> None:
    """Changes of customers, each decided by everybody in turn."""
    while not over.is_set():
        change = submitted(clerk)
        for decider in deciders:
            said = decider.post(
                f"/v1/customer-changes/{change}/decisions", {"decision": "approve"}, waits_for_people=True
            )
        into.append({"change_id": change, "status": said["status"]})
        over.wait(1)


def without(span: Span, away: Sequence[Span]) -> float:
    """How long it was, less what PostgreSQL was away of it."""
    begin, end = span
    return end - begin - sum(max(0.0, min(end, until) - max(begin, since)) for since, until in away)


def touches(span: Span, away: Sequence[Span], after: float = 0.0) -> bool:
    """Whether PostgreSQL was away in it, or came back less than `after` seconds before."""
    return any(span[0] <= until + after and span[1] >= since for since, until in away)


def each_once(url: str, org: str, payer: str, payments: Sequence[str]) -> None:
    """Exactly these payments are in the books, each applied and posted once."""
    with opened(url) as c:
        rows = c.execute(
            """SELECT p.id, p.status, (SELECT count(*) FROM payment_applications a WHERE a.org_id = p.org_id
                 AND a.payment_id = p.id) AS applications, (SELECT count(*) FROM journal_entries e
                 WHERE e.org_id = p.org_id AND e.source_id = p.id) AS entries
               FROM payments p WHERE p.org_id = %s AND p.customer_id = %s""",
            (org, payer),
        ).fetchall()
    assert Counter(r["id"] for r in rows) == Counter(payments)
    assert {(r["status"], r["applications"], r["entries"]) for r in rows} == {("FULLY_APPLIED", 1, 1)}
