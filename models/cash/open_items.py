"""What was open on a day: invoices with their balances, payments with what was left of them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from models.cash.aging import Funds, bucket, split_funds


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """An invoice with a balance on a day, in its currency and at its issue date's rate in the functional one."""

    id: str
    external_id: str
    customer_id: str
    legal_entity_id: str
    issue_date: date
    due_date: date
    currency_code: str
    functional_currency: str
    fx_rate: Decimal
    total_minor: int
    disputed: bool
    deducted_minor: int = 0
    balance_due_minor: int
    functional_balance_minor: int

    @property
    def disputed_minor(self) -> int:
        """What of the balance was contested: all of it, or what open deductions said."""
        return self.balance_due_minor if self.disputed else min(self.deducted_minor, max(self.balance_due_minor, 0))

    def disputed_part(self, minor: int) -> int:
        """The contested part of the balance where that is said to be `minor`, in whatever currency; rounded down."""
        if self.disputed or not self.disputed_minor:
            return minor if self.disputed else 0
        return minor * self.disputed_minor // self.balance_due_minor

    def days_past_due(self, day: date) -> int:
        """Negative before the due date."""
        return (day - self.due_date).days

    def bucket(self, day: date) -> Literal["current", "days_30", "days_60", "days_90plus"]:
        """The bucket as callers know it: what is less than 30 days over is current."""
        match bucket(self.days_past_due(day)):
            case "days_30_minor":
                return "days_30"
            case "days_60_minor":
                return "days_60"
            case "days_90plus_minor":
                return "days_90plus"
        return "current"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSum:
    """Open invoices of one customer, entity, currency and bucket (its place in BUCKETS) together."""

    legal_entity_id: str
    customer_id: str
    currency_code: str
    bucket: int
    minor: int
    functional_minor: int
    disputed_minor: int
    functional_disputed_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPayment:
    """A payment of which something was left on a day: `left_*`, of which `credits_*` in customer credits; `*_worth` in
    the functional currency."""

    id: str
    external_id: str
    customer_id: str | None
    legal_entity_id: str
    payment_date: date
    amount_minor: int
    currency_code: str
    functional_currency: str
    left_minor: int
    left_worth: int
    credits_minor: int
    credits_worth: int

    @property
    def funds(self) -> Funds:
        """What was left, divided between credits and what was unapplied."""
        return split_funds(self.left_minor, self.left_worth, self.credits_minor, self.credits_worth)
