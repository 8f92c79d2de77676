"""What a person may give away of what is owed, by kind and role; and who is asked beyond that.

A limit is in minor units of the legal entity's functional currency; None: any amount. A write-off in an application session
is also limited to a part of the invoice. The roles stand in the order in which they are asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from models.access import AR_CLERK, AR_MANAGER, CFO, CONTROLLER

RANKS: Final = (AR_CLERK, AR_MANAGER, CONTROLLER, CFO)
"""The roles that have limits, the lowest first."""


class AuthorityKind(StrEnum):
    """What is given away."""

    WRITE_OFF = "write_off"
    BANK_FEE = "bank_fee"
    CREDIT_NOTE = "credit_note"
    DEDUCTION = "deduction"
    DISCOUNT = "discount"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Limit:
    """How much one role may give away of one kind. `percent`: of the invoice, in an application session."""

    limit_minor: int | None
    percent: Decimal | None = None

    def covers(self, functional_minor: int) -> bool:
        """Whether the amount is within it; outside a session."""
        return self.limit_minor is None or functional_minor <= self.limit_minor

    def in_session(self, invoice_functional_minor: int) -> "Limit":
        """What is left of it for one invoice of a session: never more than the percentage of the invoice."""
        if self.percent is None:
            return self
        part = int(invoice_functional_minor * self.percent / 100)
        return Limit(part if self.limit_minor is None else min(part, self.limit_minor))


NOTHING: Final = Limit(0)
Limits = Mapping[AuthorityKind, Mapping[str, Limit]]


def _limits(
    clerk: Limit | int | None, manager: int | None, controller: int | None, cfo: int | None
) -> Mapping[str, Limit]:
    given = (clerk, manager, controller, cfo)
    return MappingProxyType(
        {role: x if isinstance(x, Limit) else Limit(x) for role, x in zip(RANKS, given, strict=True)}
    )


SHIPPED: Final[Limits] = MappingProxyType(
    {
        AuthorityKind.WRITE_OFF: _limits(Limit(5_00, Decimal(1)), 500_00, 10_000_00, None),
        AuthorityKind.BANK_FEE: _limits(50_00, 500_00, None, None),
        AuthorityKind.CREDIT_NOTE: _limits(0, 1_000_00, 25_000_00, None),
        AuthorityKind.DEDUCTION: _limits(0, 1_000_00, 25_000_00, None),
        AuthorityKind.DISCOUNT: _limits(0, 100_00, 1_000_00, None),
        AuthorityKind.REFUND: _limits(0, 0, 0, 0),
    }
)
"""What every organisation begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityLimits:
    """An organisation's limits, at a version; 0: as shipped, nobody has changed them."""

    limits: Limits = field(default_factory=lambda: SHIPPED)
    version: int = 0
    updated_at: datetime | None = None
    updated_by: str | None = None

    def of(self, kind: AuthorityKind, role: str | None) -> Limit:
        """A role's limit; nothing for a role that has none."""
        return self.limits[kind].get(role or "", NOTHING)

    def first_covering(
        self, kind: AuthorityKind, functional_minor: int, invoice_functional_minor: int | None = None
    ) -> str | None:
        """The lowest role whose limit covers the amount, None where none does: alone, or in a session, of an invoice of so
        much."""
        for role in RANKS:
            limit = self.of(kind, role)
            if invoice_functional_minor is not None:
                limit = limit.in_session(invoice_functional_minor)
            if limit.covers(functional_minor):
                return role
        return None

    def chain(self, kind: AuthorityKind, functional_minor: int, role: str | None) -> tuple[str, ...]:
        """The roles above the submitter's, in order, up to the first whose limit covers the amount; to the last where none
        does. Nobody where the submitter's own does."""
        if self.of(kind, role).covers(functional_minor):
            return ()
        above = RANKS[RANKS.index(role) + 1 :] if role in RANKS else RANKS[1:]
        chain: list[str] = []
        for one in above:
            chain.append(one)
            if self.of(kind, one).covers(functional_minor):
                break
        return tuple(chain)


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit that is to be another one."""

    kind: AuthorityKind
    role: str
    before: Limit
    after: Limit


def changed(limits: Limits, asked: Iterable[tuple[AuthorityKind, str, Limit]]) -> tuple[Limits, list[LimitChange]]:
    """The limits with what is asked for in place of what they say, and what differs by that."""
    after = {kind: dict(of) for kind, of in limits.items()}
    changes: list[LimitChange] = []
    for kind, role, limit in asked:
        before = after[kind].get(role, NOTHING)
        after[kind][role] = limit
        if before != limit:
            changes.append(LimitChange(kind, role, before, limit))
    return after, changes


def out_of_order(limits: Limits) -> tuple[AuthorityKind, str] | None:
    """The first role that may give away less than one below it; None where none does."""
    for kind, of in limits.items():
        highest_yet: int | None = 0
        for role in RANKS:
            limit = of.get(role, NOTHING).limit_minor
            if limit is not None and (highest_yet is None or limit < highest_yet):
                return kind, role
            highest_yet = limit
    return None


def highest(roles: Iterable[str]) -> str | None:
    """Of a person's roles the highest that has limits."""
    held = set(roles)
    return next((role for role in reversed(RANKS) if role in held), None)
