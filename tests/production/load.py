"""Load through the proxy: people who pay, decide and read, and who repeat with their key what was not answered."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import httpx2

from models.ids import new_id
from tests.production.database import Span

PATIENCE = 480.0
PAUSE = 0.3
TODAY = "2026-01-15"
AMOUNT = 700
LATER = (202, 502, 503, 504)
"""What a caller is told to repeat: it is not there yet, or a part is away."""


class Answered(Protocol):
    """Something whose last answer came at `answered`."""

    answered: float


T = TypeVar("T", bound=Answered)


class Gone(Exception):
    """What the request names is not there: a restore has taken it away."""


@dataclass
class Told:
    """What callers were told: everything answered since then is to be sent again. None: nothing was lost."""

    since: float | None = None


@dataclass
class Caller:
    """One caller, on one connection. `seen`: every status there was, or what broke off; `odd`: answers that nobody should get."""

    base_url: str
    token: str
    told: Told = field(default_factory=Told)
    seen: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    tries: list[str] = field(default_factory=list)
    """Of the request that is under way, or was the latest: what each was answered, and after how long."""

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        self._http = httpx2.Client(base_url=self.base_url, headers=headers, timeout=30, trust_env=False)

    def sign_in(self, token: str) -> None:
        """From now on with this token."""
        self._http.headers["Authorization"] = f"Bearer {token}"

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
        if answer.status_code >= 400 and answer.status_code not in LATER and not self._lost(path, answer):
            self.odd.append(f"{method} {path}: {answer.status_code} {answer.text[:600]}")
        return answer

    def _lost(self, path: str, answer: httpx2.Response) -> bool:
        """Whether the answer is what somebody gets who leads on from what a restore has taken away: a record that is gone, a
        decision that was another's turn again."""
        expected = (404, 403, 409) if path.endswith("/decisions") else (404,)
        return self.told.since is not None and answer.status_code in expected

    def _saw(self, what: str, began: float) -> None:
        self.seen[what] += 1
        self.tries.append(f"{what} after {time.monotonic() - began:.1f} s")

    def post(
        self, path: str, body: Mapping[str, Any], key: str = "", *, waits_for_people: bool = False
    ) -> dict[str, Any]:
        """Until it is answered, under one key. `waits_for_people`: 202 with an id is the answer. Gone, where it cannot be."""
        self.tries = []
        key, deadline = key or new_id("key"), time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self.once("POST", path, body, key)
            if answer is not None and answer.status_code < 300:
                operation = answer.headers.get("Location", "").startswith("/v1/operations/")
                if answer.status_code != 202 or (waits_for_people and not operation):
                    return dict(answer.json())
            if answer is not None and self._lost(path, answer):
                raise Gone(f"{path}: {answer.text[:200]}")
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
class Sent:
    """An invoice and the payment of it, as they are sent, and sent again: the same external ids, the same keys."""

    customer: str
    together: bool
    """Whether payment and application are one request."""
    name: str = field(default_factory=lambda: new_id("ext"))
    keys: Sequence[str] = field(default_factory=lambda: [new_id("key") for _ in range(3)])
    payment: str = ""
    answered: float = 0.0

    def carry_out(self, caller: Caller, into: "Paid") -> None:
        """From the beginning, until it is answered whole."""
        own = {"customer_id": self.customer, "currency_code": "USD", "external_id": self.name}
        invoice = caller.post("/v1/invoices", own | {"issue_date": TODAY, "total_minor": AMOUNT}, self.keys[0])["id"]
        received = own | {"payment_date": TODAY, "amount_minor": AMOUNT}
        apply = {"applications": [{"invoice_id": invoice, "applied_minor": AMOUNT}]}
        more = {"apply": apply} if self.together else {}
        self.payment = str(timed(caller, "/v1/customer-payments", received | more, into, self.keys[1])["id"])
        if not self.together:
            timed(caller, f"/v1/customer-payments/{self.payment}/apply", apply, into, self.keys[2])
        self.answered = time.monotonic()


@dataclass
class Paid:
    """What one payer has done, and how long each answer was waited for."""

    sent: list[Sent] = field(default_factory=list)
    waits: list[Span] = field(default_factory=list)
    tries: dict[Span, list[str]] = field(default_factory=dict)
    """Of those that were not answered at once."""
    repeated: int = 0

    @property
    def payments(self) -> list[str]:
        """Their ids."""
        return [one.payment for one in self.sent]


def pay(over: threading.Event, caller: Caller, customer: str, into: Paid, rest: float = 0.1) -> None:
    """Every other payment recorded and applied in one call, the others in two. What was lost is sent again, once that is told."""
    again: float | None = None
    while True:
        if caller.told.since != again:
            again = caller.told.since
            for one in lost(into.sent, again):
                until_there(one.carry_out, caller, into)
                into.repeated += 1
        if over.is_set():
            return
        one = Sent(customer, together=len(into.sent) % 2 == 0)
        until_there(one.carry_out, caller, into)
        into.sent.append(one)
        time.sleep(rest)


def lost(sent: Sequence[T], since: float | None) -> list[T]:
    """What is to be sent again."""
    return [one for one in sent if since is not None and one.answered >= since]


def until_there(carry_out: Callable[..., None], *given: object) -> None:
    """From the beginning again, where what it leads on from is lost."""
    for _ in range(5):
        with suppress(Gone):
            return carry_out(*given)
    raise AssertionError(f"what was just made is gone: {given}")


def timed(caller: Caller, path: str, body: Mapping[str, Any], into: Paid, key: str) -> dict[str, Any]:
    began = time.monotonic()
    answer = caller.post(path, body, key)
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


def submitted(clerk: Caller, key: str = "") -> str:
    """The id of a change that makes a customer; the same one under the same key."""
    unique = key or new_id("key")
    body = {"name": f"Customer {unique}", "email": f"{unique}@example.com", "legal_entity_id": "le_us"}
    return str(clerk.post("/v1/customers", body, unique, waits_for_people=True)["change_id"])


@dataclass
class Change:
    """Of a customer, decided by everybody in turn."""

    key: str = field(default_factory=lambda: new_id("key"))
    answered: float = 0.0
    id: str = ""
    status: str = ""

    def carry_out(self, clerk: Caller, deciders: Sequence[Caller]) -> None:
        """From the beginning, until it is decided."""
        self.id = submitted(clerk, self.key)
        for decider in deciders:
            path = f"/v1/customer-changes/{self.id}/decisions"
            self.status = str(decider.post(path, {"decision": "approve"}, waits_for_people=True)["status"])
        self.answered = time.monotonic()


def submit(over: threading.Event, clerk: Caller, deciders: Sequence[Caller], into: list[Change]) -> None:
    """One change after the other. What was lost is submitted and decided again, once that is told."""
    again: float | None = None
    while True:
        if clerk.told.since != again:
            again = clerk.told.since
            for change in lost(into, again):
                until_there(change.carry_out, clerk, deciders)
        if over.is_set():
            return
        change = Change()
        until_there(change.carry_out, clerk, deciders)
        into.append(change)
        over.wait(1)


@dataclass
class Followed:
    """The events that somebody has read who goes on from a cursor, in their order."""

    ids: list[str] = field(default_factory=list)
    cursor: str = ""


def follow(over: threading.Event, caller: Caller, into: Followed) -> None:
    """Every event as it comes, on from where it was left; until there is none more."""
    while True:
        last = over.is_set()
        page = caller.get(f"/v1/events?limit=200{into.cursor}")
        into.ids += [e["id"] for e in page["items"]]
        into.cursor = f"&cursor={page['resume_cursor']}"
        if not page["items"]:
            if last:
                return
            over.wait(2)
