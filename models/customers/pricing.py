"""Customer-specific prices: tiers of one item never overlap, so a quantity on a day has at most one price."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Protocol, TypeVar

from models.checks import invalid


class Tier(Protocol):
    """When a price holds: see `models.customers.records.PricingTierRecord`."""

    @property
    def item(self) -> str: ...
    @property
    def currency_code(self) -> str | None: ...
    @property
    def min_quantity(self) -> Decimal | None: ...
    @property
    def max_quantity(self) -> Decimal | None: ...
    @property
    def effective_from(self) -> date | None: ...
    @property
    def effective_to(self) -> date | None: ...


T = TypeVar("T", bound=Tier)


def overlap(one: Tier, other: Tier, default_currency: str | None = None) -> bool:
    """Whether some quantity on some day would fall into both tiers (both ends of a range belong to it)."""
    if one.item != other.item:
        return False
    if (one.currency_code or default_currency) != (other.currency_code or default_currency):
        return False
    return _days_meet(one, other) and _quantities_meet(one, other)


def check_tiers(tiers: Iterable[Tier], default_currency: str | None = None) -> None:
    """Refuse overlapping tiers: PRICING_TIERS_OVERLAP.

    Sorted by first day within item and currency, so the usual price list of disjoint bands costs n·log n.
    """
    by_item: dict[tuple[str, str | None], list[Tier]] = {}
    for tier in tiers:
        by_item.setdefault((tier.item, tier.currency_code or default_currency), []).append(tier)
    for group in by_item.values():
        group.sort(key=lambda t: (_low(t), _first(t)))
        if all(a.max_quantity is not None and a.max_quantity < _low(b) for a, b in pairwise(group)):
            continue
        for i, one in enumerate(group):
            if any(overlap(one, other, default_currency) for other in group[i + 1 :]):
                raise invalid("PRICING_TIERS_OVERLAP", "Two pricing tiers of one item overlap in quantity and time.")


def price_of(
    tiers: Mapping[str, T],
    *,
    item: str,
    quantity: Decimal,
    day: date,
    currency: str | None,
    default_currency: str | None = None,
) -> tuple[str, T] | None:
    """The tier that prices `quantity` of `item` on `day` in `currency`, with its id; None: the standard price holds.

    A tier without a currency of its own is in the customer's, `default_currency`.
    """
    for tier_id, tier in tiers.items():
        if tier.item != item or (tier.currency_code or default_currency) != currency:
            continue
        in_band = _low(tier) <= quantity and (tier.max_quantity is None or quantity <= tier.max_quantity)
        if in_band and _first(tier) <= day <= _last(tier):
            return tier_id, tier
    return None


def _low(tier: Tier) -> Decimal:
    return tier.min_quantity or Decimal(0)


def _first(tier: Tier) -> date:
    return tier.effective_from or date.min


def _last(tier: Tier) -> date:
    return tier.effective_to or date.max


def _quantities_meet(one: Tier, other: Tier) -> bool:
    high_one, high_other = one.max_quantity, other.max_quantity
    return (high_other is None or _low(one) <= high_other) and (high_one is None or _low(other) <= high_one)


def _days_meet(one: Tier, other: Tier) -> bool:
    return _first(one) <= _last(other) and _first(other) <= _last(one)
