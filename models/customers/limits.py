"""Credit limits before and after a change: an amount with the currency that it is in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from models.customers.records import CustomerDetails, OverrideRecord
from models.money import amount_text


@dataclass(frozen=True, slots=True)
class Limit:
    """A credit limit in units of its currency; None: there is none."""

    amount: Decimal | None
    currency: str

    def __str__(self) -> str:
        if self.amount is None:
            return "none"
        whole, point, rest = amount_text(self.amount, self.currency).partition(".")
        return f"{int(whole):,}{point}{rest} {self.currency}"


@dataclass(frozen=True, slots=True)
class LimitChange:
    """What becomes of the limit of the master, or (`entity`) of what one legal entity sees."""

    entity: str | None
    before: Limit
    after: Limit

    @property
    def is_by_currency_alone(self) -> bool:
        """Whether the number stays and its currency does not: 5,000 USD and 5,000 JPY are two limits."""
        return self.after.amount is not None and self.before.amount == self.after.amount


def changed_limits(
    before: CustomerDetails, after: CustomerDetails, functional: Mapping[str, str]
) -> Iterator[LimitChange]:
    """The limits that a change makes others. `functional`: the currencies of legal entities, in which limits are that name
    none."""
    home = functional[after.legal_entity_id]
    pairs: list[tuple[str | None, Limit, Limit]] = [(None, _of_master(before, home), _of_master(after, home))]
    for seen_by, override in after.entity_overrides.items():
        was = before.entity_overrides.get(seen_by, OverrideRecord())
        pairs.append((seen_by, _of(was, functional[seen_by]), _of(override, functional[seen_by])))
    for entity, old, new in pairs:
        if new.amount is not None and new != old:
            yield LimitChange(entity, old, new)


def _of_master(customer: CustomerDetails, home: str) -> Limit:
    return Limit(customer.credit_limit, customer.currency_code or home)


def _of(override: OverrideRecord, home: str) -> Limit:
    return Limit(override.credit_limit, override.credit_limit_currency or home)
