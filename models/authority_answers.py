"""What is answered of authority limits."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from models.answers import WarningAnswer, answer
from models.approvals.chain import ChangeStatus
from models.authority import RANKS, AuthorityKind, AuthorityLimits


@answer
class AuthorityLimitAnswer:
    """What one role may give away of one kind: `limit_minor` of the legal entity's functional currency, null for any amount;
    in an application session also at most `percent` of the invoice, where there is one."""

    kind: AuthorityKind
    role: str
    limit_minor: int | None
    percent: Decimal | None


@answer
class AuthorityLimitsAnswer:
    """The limits in force. `version` 0: as shipped."""

    version: int
    limits: Sequence[AuthorityLimitAnswer]
    updated_at: datetime | None
    updated_by: str | None


def authority_limits_answer(a: AuthorityLimits) -> AuthorityLimitsAnswer:
    """By kind, and by role from the lowest to the highest."""
    return AuthorityLimitsAnswer(
        version=a.version,
        limits=[
            AuthorityLimitAnswer(kind=kind, role=role, limit_minor=limit.limit_minor, percent=limit.percent)
            for kind in AuthorityKind
            for role in RANKS
            for limit in (a.of(kind, role),)
        ],
        updated_at=a.updated_at,
        updated_by=a.updated_by,
    )


@answer
class AuthorityChangeAnswer:
    """A change of the limits that was asked for: it holds when its approval has been carried out. `version`: of the limits
    that hold until then; `limits`: those that are to hold; `warnings`: whom its approval lacks."""

    id: str
    approval_id: str
    workflow_id: str
    status: ChangeStatus
    version: int
    limits: Sequence[AuthorityLimitAnswer]
    warnings: Sequence[WarningAnswer]
