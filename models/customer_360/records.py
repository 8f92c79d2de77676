"""What is kept of a customer beside the books: records of sources, the timeline, escalations, connections.

Field names are the columns'. Amounts in minor units of the currency beside them; times in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What a source says of one record, as we keep it. `external_id` is its id there."""

    external_id: str
    customer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity(SourceFacts):
    """`closed`: it counts as pipeline no more."""

    name: str
    value_minor: int
    currency_code: str
    stage: str
    close_date: date
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote(SourceFacts):
    """An offer, until its `expiry_date`."""

    name: str | None
    value_minor: int | None
    currency_code: str | None
    status: str
    expiry_date: date | None
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(SourceFacts):
    """`recent_on`: the day that it is listed by; the day we first heard of it where it has no date of its own."""

    value_minor: int | None
    currency_code: str | None
    status: str
    ship_date: date | None
    order_date: date | None
    recent_on: date
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(SourceFacts):
    """`priority_rank`: 1 is the most urgent. `sla_due_at` decides over what the source says in `sla_status`."""

    subject: str
    priority: str
    priority_rank: int
    status: str
    sla_status: str | None
    sla_due_at: datetime | None
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(SourceFacts):
    """A contract or subscription. Its notice window begins `notice_days` before `renewal_date`."""

    name: str | None
    status: str
    renewal_date: date
    notice_days: int
    arr_minor: int
    mrr_minor: int
    currency_code: str
    owner_user: str | None
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NpsResponse(SourceFacts):
    """An answer to a survey."""

    score: int
    surveyed_at: datetime
    contact_id: str | None


class ActivityType(StrEnum):
    CALL = "call"
    EMAIL = "email"
    MEETING = "meeting"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardActivity(SourceFacts):
    """What a source says of a call, an e-mail, a meeting or a note. `notes` is text, never markup."""

    type: ActivityType
    notes: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """An entry of the contact timeline. `notes` is text, never markup. `external_id`: its id at its source, where it has one."""

    id: str
    customer_id: str
    type: ActivityType
    notes: str
    contact_id: str | None
    occurred_at: datetime
    logged_by: str
    created_at: datetime
    source: str = "arflow"
    external_id: str | None = None


class EscalationStatus(StrEnum):
    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """A case on somebody's desk. `reminded_at` is null again once the next owner is asked."""

    id: str
    case_id: str
    customer_id: str
    reason_code: str
    note: str | None
    status: EscalationStatus
    owner_role: str
    escalated_by: str
    escalated_at: datetime
    remind_at: datetime
    due_at: datetime
    reminded_at: datetime | None = None
    overdue_at: datetime | None = None
    resolved_at: datetime | None = None
    command_id: str
    workflow_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedEscalation(Escalation):
    """An escalation, and whether its case has been closed meanwhile."""

    case_closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedCase:
    """A case about to be escalated, with its customer's legal entity and its open escalation."""

    id: str
    customer_id: str
    legal_entity_id: str
    priority: str
    priority_rank: int
    status: str
    closed: bool
    escalation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalAtRisk:
    """An active contract in its notice window, or past its renewal date."""

    id: str
    customer_id: str
    legal_entity_id: str
    renewal_date: date
    arr_minor: int
    currency_code: str
    owner_user: str | None

    def is_missed(self, today: date) -> bool:
        """Whether its renewal date has passed."""
        return self.renewal_date < today


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConnection:
    """An external system of the organisation. `credential` names a secret; it is not the secret."""

    name: str
    kind: str
    base_url: str
    credential: str | None
    panels: Sequence[str]
    timeout_ms: int
    max_concurrent: int
    enabled: bool
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelSnapshot:
    """When a source last answered for a customer's panel (`as_of`), when it was last asked, and what went wrong since."""

    source: str
    as_of: datetime | None
    attempted_at: datetime
    failures: int
    error_code: str | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCustomer:
    """A customer's id at a source, and the currency where the source names none."""

    source_customer_id: str
    currency_code: str
