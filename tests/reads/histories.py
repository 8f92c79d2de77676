"""Random histories of a customer's account, and its aging computed the slow and plain way.

`History` drives the operations and keeps beside them what it asked for. `History.aging` then knows nothing of SQL:
it goes through every invoice, payment and application and asks of each whether it counted on the day, and whether it
had been recorded by the moment.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from models.errors import Refusal
from tests.books import Books, today

CURRENCIES = ("USD", "GBP", "JPY")
START = date(2026, 1, 1)


@dataclass
class Item:
    id: str
    currency: str
    minor: int
    day: date
    due: date
    step: int
    end: date | None = None  # void date, reversal date
    end_step: int | None = None
    disputes: list[tuple[int, bool]] = field(default_factory=list)


@dataclass
class Applied:
    id: str
    invoice: Item
    payment: Item
    minor: int
    invoice_minor: int
    credit: str | None
    step: int
    undone: date | None = None
    undone_step: int | None = None


@dataclass
class Credit:
    id: str
    payment: Item
    minor: int
    step: int


class History:
    """One customer's account with random things happening to it."""

    def __init__(self, books: Books, seed: int) -> None:
        self.books, self.random = books, random.Random(seed)
        self.customer = books.customer(f"Customer {seed}")
        for n in range(0, 200, 5):
            books.rate("GBP", "USD", START + timedelta(n), f"1.2{n % 7}")
            books.rate("JPY", "USD", START + timedelta(n), f"0.006{n % 9 + 1}")
        self.invoices: list[Item] = []
        self.payments: list[Item] = []
        self.applied: list[Applied] = []
        self.credits: list[Credit] = []
        self.moments: list[datetime] = [books.moment()]
        self.refused: list[str] = []

    @property
    def step(self) -> int:
        return len(self.moments)

    def run(self, steps: int) -> None:
        things = [self.issue] * 4 + [self.pay] * 4 + [self.apply] * 7 + [self.unapply] * 2
        things += [self.spend] * 2 + [self.reverse, self.void, self.dispute]
        for _ in range(steps):
            try:
                self.random.choice(things)()
            except Refusal as r:
                self.refused.append(r.code)
            except IndexError:  # nothing to choose from yet
                pass
            self.moments.append(self.books.moment())

    def day(self, earliest: date = START) -> date:
        return earliest + timedelta(self.random.randrange(0, 120))

    def issue(self) -> None:
        day, minor, currency = self.day(), self.random.randrange(1, 100_000), self.random.choice(CURRENCIES)
        due = day + timedelta(self.random.choice((0, 14, 30, 60)))
        invoice = self.books.invoice(self.customer, minor, day, due, currency)
        self.invoices.append(Item(invoice, currency, minor, day, due, self.step))

    def pay(self) -> None:
        day, minor, currency = self.day(), self.random.randrange(1, 100_000), self.random.choice(CURRENCIES)
        payment = self.books.pay(self.customer, minor, day, currency)
        self.payments.append(Item(payment, currency, minor, day, day, self.step))

    def apply(self) -> None:
        payment = self.random.choice(self.payments)
        currency = self.random.choice((payment.currency, payment.currency, self.random.choice(CURRENCIES)))
        open_ones = [i for i in self.invoices if i.currency == currency and i.end is None]
        chosen = self.random.sample(open_ones, min(len(open_ones), self.random.randrange(0, 4)))
        lines = [(i.id, self.part(min(i.minor, payment.minor // len(chosen)))) for i in chosen]
        word = self.random.choice(("unapplied", "customer_credit", None))
        answer = self.books.apply(payment.id, *lines, overpayment=word)
        self.took(answer, payment, None)
        if answer.get("credit_id") and word == "customer_credit":
            body = self.books.get(f"/v1/customer-credits/{answer['credit_id']}")
            self.credits.append(Credit(body["id"], payment, body["amount_minor"], self.step))

    def part(self, most: int) -> int:
        """All of it, or some of it."""
        return max(self.random.choice((most, self.random.randrange(0, most + 1))), 1)

    def spend(self) -> None:
        credit = self.random.choice(self.credits)
        invoice = self.random.choice([i for i in self.invoices if i.currency == credit.payment.currency])
        answer = self.books.spend(credit.id, (invoice.id, self.part(min(credit.minor, invoice.minor))))
        self.took(answer, credit.payment, credit.id)

    def took(self, answer: dict[str, Any], payment: Item, credit: str | None) -> None:
        of = {i.id: i for i in self.invoices}
        for a in answer["applications"]:
            made = (of[a["invoice_id"]], payment, a["applied_minor"], a["invoice_applied_minor"], credit, self.step)
            self.applied.append(Applied(a["id"], *made))

    def unapply(self) -> None:
        a = self.random.choice([a for a in self.applied if a.undone is None])
        day = self.day(a.payment.day)
        self.books.unapply(a.id, day)
        a.undone, a.undone_step = day, self.step

    def reverse(self) -> None:
        payment = self.random.choice(self.payments)
        day = self.day(payment.day)
        self.books.reverse(payment.id, day)
        payment.end, payment.end_step = day, self.step
        for a in self.applied:
            if a.payment is payment and a.undone is None:
                a.undone, a.undone_step = day, self.step

    def void(self) -> None:
        invoice = self.random.choice(self.invoices)
        self.books.void(invoice.id)
        invoice.end, invoice.end_step = max(today(), invoice.day), self.step

    def dispute(self) -> None:
        invoice = self.random.choice(self.invoices)
        disputed = bool(invoice.disputes and invoice.disputes[-1][1])
        self.books.do("resolve_dispute" if disputed else "dispute_invoice", invoice.id, {"reason_code": "X"})
        invoice.disputes.append((self.step, not disputed))

    def aging(self, day: date, step: int) -> dict[str, dict[str, int]]:
        """By currency, untranslated: what was open on `day`, from what had been recorded after `step` steps."""
        found: dict[str, dict[str, int]] = {}

        def add(currency: str, name: str, minor: int) -> None:
            of = found.setdefault(currency, {})
            of[name] = of.get(name, 0) + minor

        def ended(thing: Item) -> bool:
            return thing.end is not None and thing.end_step is not None and thing.end_step <= step and thing.end <= day

        known = [a for a in self.applied if a.step <= step]
        counted = [
            a for a in known
            if max(a.payment.day, a.invoice.day) <= day
            and not (a.undone is not None and a.undone_step is not None and a.undone_step <= step and a.undone <= day)
        ]  # fmt: skip
        for i in self.invoices:
            if i.step > step or i.day > day or ended(i):
                continue
            left = i.minor - sum(a.invoice_minor for a in counted if a.invoice is i)
            late = (day - i.due).days
            name = (
                "current_minor" if late < 30 else "days_30_minor" if late < 60
                else "days_60_minor" if late < 90 else "days_90plus_minor"
            )  # fmt: skip
            add(i.currency, name, left)
            said = [disputed for at, disputed in i.disputes if at <= step]
            if said and said[-1] and day >= today():
                add(i.currency, "disputed_minor", left)
        for p in self.payments:
            if p.step > step or p.day > day or ended(p):
                continue
            left = p.minor - sum(a.minor for a in counted if a.payment is p)
            spent = sum(
                a.minor for a in known
                if a.payment is p and a.credit is not None and max(a.payment.day, a.invoice.day) <= day
            )  # fmt: skip
            held = sum(c.minor for c in self.credits if c.payment is p and c.step <= step) - spent
            held = max(min(held, left), 0)
            add(p.currency, "credits_minor", held)
            add(p.currency, "unapplied_minor", left - held)
        return {c: {n: m for n, m in of.items() if m} for c, of in found.items() if any(of.values())}
