"""What lowers an invoice's balance beside the money that pays it: kinds, records, and the rules of the early-payment discount.

Amounts are minor units of the invoice's currency; `functional_*` of the legal entity's functional currency.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from models.cash.ledger import Account
from models.money import share


class AdjustmentKind(StrEnum):
    """Why an invoice owes less than it did, though no money came for it."""

    DISCOUNT = "discount"
    WRITE_OFF = "write_off"
    BANK_FEE = "bank_fee"
    TAX_WITHHELD = "tax_withheld"


ACCOUNTS: Final[Mapping[AdjustmentKind, Account]] = MappingProxyType(
    {
        AdjustmentKind.DISCOUNT: Account.SALES_DISCOUNTS,
        AdjustmentKind.WRITE_OFF: Account.WRITE_OFF,
        AdjustmentKind.BANK_FEE: Account.BANK_FEES,
        AdjustmentKind.TAX_WITHHELD: Account.TAX_WITHHELD,
    }
)
"""Where each kind is debited."""

PAID_FOR_THE_CUSTOMER: Final = frozenset({AdjustmentKind.BANK_FEE, AdjustmentKind.TAX_WITHHELD})
"""What left the customer's hands though it never reached ours: it counts as paid where a discount is earned by paying."""


PERCENT_DIGITS: Final = 6
"""How finely a percentage of discount is said."""


class AdjustmentStatus(StrEnum):
    POSTED = "POSTED"
    UNDONE = "UNDONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A part of an invoice that an application settled without money. `tax_minor`: the part of it that comes off the tax
    payable; `authorised_minor`: what of it, in the functional currency, was given on the authority of `created_by`;
    `effective_date`: from when aging counts it."""

    id: str
    application_id: str
    session_id: str
    payment_id: str
    invoice_id: str
    customer_id: str
    legal_entity_id: str
    kind: AdjustmentKind
    amount_minor: int
    tax_minor: int
    currency_code: str
    functional_minor: int
    functional_tax_minor: int
    functional_currency: str
    authorised_minor: int
    reason_code: str
    note: str | None
    effective_date: date
    entry_date: date
    created_at: datetime
    created_by: str
    undone_at: datetime | None = None
    undone_date: date | None = None
    undone_entry_date: date | None = None
    undo_reason: str | None = None

    @property
    def status(self) -> AdjustmentStatus:
        """The database computes the same."""
        return AdjustmentStatus.POSTED if self.undone_at is None else AdjustmentStatus.UNDONE


@dataclass(frozen=True, slots=True)
class AskedAdjustment:
    """What the invoice is to owe less beside the money, in its currency."""

    kind: AdjustmentKind
    amount_minor: int
    reason_code: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedAdjustment:
    """An adjustment as decided. functional_minor: what leaves receivables with it; the tax: what of it comes off the tax."""

    asked: AskedAdjustment
    functional_minor: int
    tax_minor: int = 0
    functional_tax_minor: int = 0
    authorised_minor: int = 0


def planned(asked: Sequence[AskedAdjustment], open_minor: int, worth: int) -> tuple[PlannedAdjustment, ...]:
    """Adjustments of an invoice with so much open, each at its share of what the receivable is carried at (`worth`): what
    settles the invoice takes all that is left of it, so that no cent stays behind."""
    found: list[PlannedAdjustment] = []
    for one in asked:
        part = share(worth, one.amount_minor, open_minor)
        found.append(PlannedAdjustment(one, part))
        open_minor, worth = open_minor - one.amount_minor, worth - part
    return tuple(found)


@dataclass(frozen=True, slots=True)
class DiscountTerms:
    """What an invoice grants to whoever pays early: `percent` of it, for money that came by `until`."""

    percent: Decimal
    until: date


def earned_discount(
    terms: DiscountTerms | None, paid_minor: int, paid_on: date, total_minor: int, taken_minor: int
) -> int:
    """What a payment of so much may take off an invoice: paid * d / (1 - d), half-even, and with what was taken before
    never more than the invoice's total * d."""
    if terms is None or paid_on > terms.until:
        return 0
    d, whole = int(terms.percent * 10**PERCENT_DIGITS), 100 * 10**PERCENT_DIGITS
    at_most = share(total_minor, d, whole) - taken_minor
    return max(0, min(share(paid_minor, d, whole - d), at_most))


def tax_of_discount(
    discount_minor: int, taken_minor: int, tax_taken_minor: int, total_minor: int, tax_minor: int
) -> int:
    """The tax in a discount, after the discounts and their tax that were taken before: so that all discounts of an invoice
    together carry the tax that one of their sum would, and the whole invoice its whole tax."""
    whole = share(tax_minor, taken_minor + discount_minor, total_minor)
    return max(0, min(whole - tax_taken_minor, discount_minor))


def by_application(adjustments: Iterable[Adjustment]) -> Mapping[str, Sequence[Adjustment]]:
    """Adjustments by the application that they stand beside."""
    found: dict[str, list[Adjustment]] = {}
    for a in adjustments:
        found.setdefault(a.application_id, []).append(a)
    return found
