"""What is answered of source records, of the timeline, of escalations and of connections. Amounts in minor units."""

from collections.abc import Sequence
from datetime import date, datetime

from models.answers import answer
from models.customer_360.records import Activity, ActivityType, Escalation, LockedCase, SourceConnection


@answer
class SourceRecordAnswer:
    """What every record of a source has. `source`: `arflow` for those written to us, else the connection's name."""

    id: str
    href: str
    customer_id: str
    source: str
    external_id: str
    created_at: datetime
    updated_at: datetime


@answer
class OpportunityAnswer(SourceRecordAnswer):
    """An opportunity; `closed` ones count as pipeline no more."""

    name: str
    value_minor: int
    currency_code: str
    stage: str
    close_date: date
    closed: bool


@answer
class QuoteAnswer(SourceRecordAnswer):
    """An offer."""

    name: str | None
    value_minor: int | None
    currency_code: str | None
    status: str
    expiry_date: date | None
    closed: bool


@answer
class OrderAnswer(SourceRecordAnswer):
    """An order."""

    value_minor: int | None
    currency_code: str | None
    status: str
    ship_date: date | None
    order_date: date | None
    closed: bool


@answer
class CaseAnswer(SourceRecordAnswer):
    """A case, with what its source last said of its service level."""

    subject: str
    priority: str
    status: str
    sla_status: str | None
    sla_due_at: datetime | None
    closed: bool


@answer
class ContractAnswer(SourceRecordAnswer):
    """A contract or subscription; its notice window begins on `notice_from`."""

    name: str | None
    status: str
    renewal_date: date
    notice_days: int
    notice_from: date
    arr_minor: int
    mrr_minor: int
    currency_code: str
    owner_user: str | None
    closed: bool


@answer
class NpsResponseAnswer(SourceRecordAnswer):
    """An answer to a survey."""

    score: int
    surveyed_at: datetime
    contact_id: str | None


@answer
class UpsertedAnswer:
    """How many records were written, and their ids in the order in which they were sent."""

    upserted: int
    ids: Sequence[str]


@answer
class ActivityAnswer:
    """An entry of the contact timeline. `notes` is text, never markup."""

    id: str
    href: str
    customer_id: str
    type: ActivityType
    notes: str
    contact_id: str | None
    occurred_at: datetime
    logged_by: str
    created_at: datetime
    source: str
    external_id: str | None


def activity_answer(a: Activity) -> ActivityAnswer:
    return ActivityAnswer(
        id=a.id,
        href=f"/v1/activities/{a.id}",
        customer_id=a.customer_id,
        type=a.type,
        notes=a.notes,
        contact_id=a.contact_id,
        occurred_at=a.occurred_at,
        logged_by=a.logged_by,
        created_at=a.created_at,
        source=a.source,
        external_id=a.external_id,
    )


@answer
class EscalationAnswer:
    """On whose desk a case lies, why, and until when."""

    id: str
    reason_code: str
    note: str | None
    owner_role: str
    escalated_by: str
    escalated_at: datetime
    due_at: datetime


@answer
class EscalatedCaseAnswer:
    """A case that was escalated; `status` is its source's word."""

    id: str
    href: str
    status: str
    escalated: bool
    escalation: EscalationAnswer


def escalated_case_answer(case: LockedCase, e: Escalation) -> EscalatedCaseAnswer:
    return EscalatedCaseAnswer(
        id=case.id,
        href=f"/v1/cases/{case.id}",
        status=case.status,
        escalated=True,
        escalation=EscalationAnswer(
            id=e.id,
            reason_code=e.reason_code,
            note=e.note,
            owner_role=e.owner_role,
            escalated_by=e.escalated_by,
            escalated_at=e.escalated_at,
            due_at=e.due_at,
        ),
    )


@answer
class SourceConnectionAnswer:
    """An external system of the organisation, and the panels that it serves."""

    name: str
    kind: str
    base_url: str
    credential: str | None
    panels: Sequence[str]
    timeout_ms: int
    max_concurrent: int
    enabled: bool
    updated_by: str
    updated_at: datetime


def source_connection_answer(c: SourceConnection) -> SourceConnectionAnswer:
    return SourceConnectionAnswer(
        name=c.name,
        kind=c.kind,
        base_url=c.base_url,
        credential=c.credential,
        panels=c.panels,
        timeout_ms=c.timeout_ms,
        max_concurrent=c.max_concurrent,
        enabled=c.enabled,
        updated_by=c.updated_by,
        updated_at=c.updated_at,
    )
