"""What somebody asks for, held against the limits: within them, or a chain of those above."""

from collections.abc import Iterable

from models.approvals.approval import Authority, RoleLimit
from models.authority import RANKS, AuthorityKind, AuthorityLimits, highest


def beyond(
    limits: AuthorityLimits, kind: AuthorityKind, functional_minor: int, roles: Iterable[str], given_minor: int = 0
) -> Authority | None:
    """The chain for an amount that a person of these roles may not give alone, with the limits that it begins with; None
    within them. `given_minor`: what the person gave of it before, which counts as one with it."""
    role = highest(roles)
    own = limits.of(kind, role)
    if own.covers(given_minor + functional_minor):
        return None
    # Whoever has the last word already asks another one who has it.
    above = limits.chain(kind, given_minor + functional_minor, role) or RANKS[-1:]
    return Authority(
        version=limits.version,
        functional_minor=functional_minor,
        given_minor=given_minor,
        submitter=RoleLimit(role=role or "", limit_minor=own.limit_minor),
        steps=tuple(RoleLimit(role=r, limit_minor=limits.of(kind, r).limit_minor) for r in above),
    )


def roles_of(authority: Authority) -> tuple[str, ...]:
    """The roles of its chain, in order."""
    return tuple(step.role for step in authority.steps)
