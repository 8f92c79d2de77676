"""Customer-specific prices: tiers of one item never overlap, so a quantity on a day has at most one price."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from models.checks import invalid

Tier = Mapping[str, Any]
"""A tier in its JSON form; all but item and price may be null or absent."""

_FIRST = date.min.isoformat()
_LAST = date.max.isoformat()


def overlap(one: Tier, other: Tier, default_currency: str | None = None) -> bool:
    """Whether some quantity on some day would fall into both tiers (both ends of a range belong to it)."""
    if one["item"] != other["item"]:
        return False
    if (one.get("currency_code") or default_currency) != (other.get("currency_code") or default_currency):
        return False
    return _days_meet(one, other) and _quantities_meet(one, other)


def check_tiers(tiers: Mapping[str, Tier], default_currency: str | None = None) -> None:
    """Refuse overlapping tiers: PRICING_TIERS_OVERLAP. `tiers` by id or index.

    Sorted by first day within item and currency, so the usual price list of disjoint bands costs n·log n.
    """
    by_item: dict[tuple[str, str | None], list[Tier]] = {}
    for tier in tiers.values():
        by_item.setdefault((tier["item"], tier.get("currency_code") or default_currency), []).append(tier)
    for group in by_item.values():
        group.sort(key=lambda t: (_low(t), t.get("effective_from") or _FIRST))
        neighbours = pairwise(group)
        if all(_high(a) is not None and _high(a) < _low(b) for a, b in neighbours):  # type: ignore[operator]
            continue
        for i, one in enumerate(group):
            if any(overlap(one, other, default_currency) for other in group[i + 1 :]):
                raise invalid("PRICING_TIERS_OVERLAP", "Two pricing tiers of one item overlap in quantity and time.")


def price_of(
    tiers: Mapping[str, Tier],
    *,
    item: str,
    quantity: Decimal,
    day: date,
    currency: str | None,
    default_currency: str | None = None,
) -> tuple[str, Tier] | None:
    """The tier that prices `quantity` of `item` on `day` in `currency`, with its id; None: the standard price holds.

    A tier without a currency of its own is in the customer's, `default_currency`.
    """
    for tier_id, tier in tiers.items():
        if tier["item"] != item or (tier.get("currency_code") or default_currency) != currency:
            continue
        high = _high(tier)
        in_band = _low(tier) <= quantity and (high is None or quantity <= high)
        in_time = (tier.get("effective_from") or _FIRST) <= day.isoformat() <= (tier.get("effective_to") or _LAST)
        if in_band and in_time:
            return tier_id, tier
    return None


def _low(tier: Tier) -> Decimal:
    return Decimal(tier.get("min_quantity") or 0)


def _high(tier: Tier) -> Decimal | None:
    top = tier.get("max_quantity")
    return None if top is None else Decimal(top)


def _quantities_meet(one: Tier, other: Tier) -> bool:
    high_one, high_other = _high(one), _high(other)
    return (high_other is None or _low(one) <= high_other) and (high_one is None or _low(other) <= high_one)


def _days_meet(one: Tier, other: Tier) -> bool:
    return (one.get("effective_from") or _FIRST) <= (other.get("effective_to") or _LAST) and (
        other.get("effective_from") or _FIRST
    ) <= (one.get("effective_to") or _LAST)
