"""What a person may take off an invoice beside the money: what its terms grant, and what his authority covers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from models.authority import AuthorityKind, AuthorityLimits
from models.cash.adjustments import (
    PAID_FOR_THE_CUSTOMER,
    AdjustmentKind,
    DiscountTerms,
    PlannedAdjustment,
    earned_discount,
    tax_of_discount,
)
from models.cash.allocation import Allocation
from models.errors import Refusal
from models.money import share, spelt

_AUTHORITY: Final[Mapping[AdjustmentKind, AuthorityKind]] = {
    AdjustmentKind.DISCOUNT: AuthorityKind.DISCOUNT,
    AdjustmentKind.WRITE_OFF: AuthorityKind.WRITE_OFF,
    AdjustmentKind.BANK_FEE: AuthorityKind.BANK_FEE,
}
"""What each kind needs authority of. Tax that was withheld is paid, to the tax office: it needs its certificate instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """An invoice as it stands: its terms, its tax where discounts come off it (else 0), the discounts that it has, and what
    the caller has given away on it before, by kind, in the functional currency."""

    total_minor: int
    functional_total_minor: int
    functional_currency: str
    terms: DiscountTerms | None
    tax_minor: int
    discount_minor: int = 0
    discount_tax_minor: int = 0
    given: Mapping[AdjustmentKind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who settles: the highest of his roles that has limits, None where none has, and the organisation's limits."""

    role: str | None
    limits: AuthorityLimits


def settled(a: Allocation, granted: Granted, paid_on: date, caller: Caller) -> Allocation:
    """The allocation with the tax of its discounts and what of its adjustments needs authority.

    DISCOUNT_NOT_EARNED, APPROVAL_REQUIRED where the caller's limit does not cover it: all of one kind on one invoice, also
    what he gave before, is one amount, so that nobody gives more by giving it in parts."""
    paid = a.invoice_applied_minor + sum(
        x.asked.amount_minor for x in a.adjustments if x.asked.kind in PAID_FOR_THE_CUSTOMER
    )
    earned = earned_discount(granted.terms, paid, paid_on, granted.total_minor, granted.discount_minor)
    left, taken, tax_taken = earned, granted.discount_minor, granted.discount_tax_minor
    done: list[PlannedAdjustment] = []
    for x in a.adjustments:
        kind, amount = x.asked.kind, x.asked.amount_minor
        if kind is AdjustmentKind.DISCOUNT:
            tax = tax_of_discount(amount, taken, tax_taken, granted.total_minor, granted.tax_minor)
            beyond = max(0, amount - left)
            left, taken, tax_taken = left - (amount - beyond), taken + amount, tax_taken + tax
            tax_worth = share(x.functional_minor, tax, amount)
            needs = share(x.functional_minor, beyond, amount)
            x = replace(x, tax_minor=tax, functional_tax_minor=tax_worth, authorised_minor=needs)
        elif kind in _AUTHORITY:
            x = replace(x, authorised_minor=x.functional_minor)
        done.append(x)
    for kind in dict.fromkeys(x.asked.kind for x in done if x.authorised_minor):
        _refuse_beyond(kind, a, done, granted, caller, earned)
    return replace(a, adjustments=tuple(done))


def _refuse_beyond(
    kind: AdjustmentKind, a: Allocation, planned: list[PlannedAdjustment], granted: Granted, caller: Caller, earned: int
) -> None:  # fmt: skip
    authority = _AUTHORITY[kind]
    needed = granted.given.get(kind, 0) + sum(x.authorised_minor for x in planned if x.asked.kind is kind)
    limit = caller.limits.of(authority, caller.role).in_session(granted.functional_total_minor)
    if limit.covers(needed):
        return
    code, home = a.invoice.currency_code, granted.functional_currency
    role = caller.limits.first_covering(authority, needed, granted.functional_total_minor)
    if kind is AdjustmentKind.DISCOUNT:
        asked = sum(x.asked.amount_minor for x in planned if x.asked.kind is kind)
        raise Refusal(
            "DISCOUNT_NOT_EARNED",
            f"Invoice {a.invoice.id} grants a discount of {spelt(earned, code)} for this, {spelt(asked, code)} is asked for; "
            f"more is up to {role or 'nobody alone'}.",
            allowed_minor=earned,
            invoice_id=a.invoice.id,
            limit_minor=limit.limit_minor,
            role=role,
        )
    raise Refusal(
        "APPROVAL_REQUIRED",
        f"A {kind.replace('_', ' ')} of {spelt(needed, home)} on invoice {a.invoice.id} is beyond your limit of "
        f"{spelt(limit.limit_minor or 0, home)}: it is up to {role or 'nobody alone'}.",
        kind=str(authority),
        amount_minor=needed,
        invoice_id=a.invoice.id,
        limit_minor=limit.limit_minor,
        role=role,
    )
