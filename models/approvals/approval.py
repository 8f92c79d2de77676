"""An approval of its own (`apr_*`): of a document or of figures that somebody may not decide alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.answers import JsonObject, WarningAnswer
from models.approvals.kinds import KINDS, ApprovalKind
from models.approvals.records import Lane, UnderApproval


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleLimit:
    """Up to which amount (minor units of the functional currency) a role may decide alone; None: any."""

    role: str
    limit_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The limits that a chain began with, and keeps: the amount in the functional currency, the submitter's limit, and that of
    each step's role, in their order. `version` is that of the organisation's limits; `given_minor`: what the submitter had given
    alone before, which is one amount with it."""

    version: int
    functional_minor: int
    given_minor: int = 0
    submitter: RoleLimit
    steps: Sequence[RoleLimit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks approval for. `summary` has no names; `href` leads to the record. The steps are of these roles, in
    this order; `authority`: the limits from which they follow, where they follow from any. `request`: what is to be carried
    out, where no record of its own says it."""

    kind: ApprovalKind
    subject_id: str
    summary: str
    href: str
    roles: tuple[str, ...]
    customer_id: str | None = None
    legal_entity_id: str | None = None
    amount_minor: int | None = None
    currency_code: str | None = None
    reason_code: str | None = None
    warnings: Sequence[WarningAnswer] = ()
    authority: Authority | None = None
    request: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(UnderApproval):
    """What was asked for, and how far its chain is. `command_id`: of the request that asked."""

    kind: ApprovalKind
    subject_id: str
    customer_id: str | None
    summary: str
    href: str
    amount_minor: int | None
    currency_code: str | None
    reason_code: str | None
    authority: Authority | None
    request: JsonObject | None
    command_id: str

    @property
    def lane(self) -> Lane:
        """Its kind's risk."""
        return "red" if KINDS[self.kind].red else "yellow"

    @property
    def about(self) -> str:
        """Its kind."""
        return self.kind

    @property
    def whose(self) -> str:
        """Its customer; empty where it is about none."""
        return self.customer_id or ""
