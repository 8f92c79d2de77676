"""What the view drills into, and what can be done from it: activities, opportunities, escalations."""

from datetime import datetime
from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from api.answering import shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, sees_customer, who_sees
from api.write import UNDER_WAY, Write, write
from models.answers import Page
from models.customer_360.answers import ActivityAnswer, EscalatedCaseAnswer, OpportunityAnswer, activity_answer
from models.customer_360.kinds import KINDS, Kind
from models.customer_360.requests import CreateOpportunity, EscalateCase, LogActivity
from models.db.customer_360 import activities, source_records
from models.ids import new_id

router = gated_router("customer 360")
Reader = Annotated[Principal, requires("customers.read")]
Actor = Annotated[Principal, requires("activities.write", RECORD)]


@router.post(
    "/v1/customers/{customer_id}/activities", status_code=201, response_model=ActivityAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND", "CONTACT_NOT_FOUND", "CONTACT_CUSTOMER_MISMATCH"),
)  # fmt: skip
async def log_activity(
    request: Request, customer_id: str, body: LogActivity, who: Actor, key: IdempotencyKey
) -> Response:
    """Log an activity, that is a call, an e-mail, a meeting or a note on the contact timeline."""
    return await write(request, who, key, Write("log_activity", body, new_id("act"), customer_id, customer_id))


@router.get(
    "/v1/customers/{customer_id}/activities",
    response_model=Page[ActivityAnswer],
    responses=refusals("CUSTOMER_NOT_FOUND"),
)
def list_activities(
    request: Request, customer_id: str, who: Reader, page: Paging, contact_id: str | None = None
) -> Response:
    """The activities of the customer, or of one contact, the latest first."""
    after = page.after("activities", datetime, str)
    with reading(request, who) as tx:
        sees_customer(tx, who, customer_id)
        found = activities.timeline(tx, customer_id, contact_id, after, page.fetch)
    return shown(page.of("activities", found, key=lambda a: (a.occurred_at, a.id), item=activity_answer))


@router.get("/v1/activities/{activity_id}", response_model=ActivityAnswer, responses=refusals("ACTIVITY_NOT_FOUND"))
def get_activity(request: Request, activity_id: str, who: Reader) -> Response:
    """One activity of a customer's timeline: a call, an e-mail, a meeting or a note."""
    with reading(request, who) as tx:
        found, legal_entity_id = activities.get(tx, activity_id)
    who_sees(who, legal_entity_id)
    return shown(activity_answer(found))


@router.post(
    "/v1/customers/{customer_id}/opportunities", status_code=201, response_model=OpportunityAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND", "EXTERNAL_ID_CONFLICT", "STAGE_UNKNOWN"),
)  # fmt: skip
async def create_opportunity(
    request: Request, customer_id: str, body: CreateOpportunity, who: Actor, key: IdempotencyKey
) -> Response:
    """Start an opportunity of the customer, which is ours and no source's."""
    return await write(request, who, key, Write("create_opportunity", body, new_id("opp"), customer_id, customer_id))


@router.post(
    "/v1/cases/{case_id}/escalate", response_model=EscalatedCaseAnswer,
    responses=refusals("CASE_NOT_FOUND", "CASE_CLOSED", "CASE_ALREADY_ESCALATED") | UNDER_WAY,
)  # fmt: skip
async def escalate_case(
    request: Request, case_id: str, body: EscalateCase, who: Actor, key: IdempotencyKey
) -> Response:
    """Put a case on somebody's desk: an owner, a due time, reminders until it is settled."""
    return await write(
        request, who, key,
        Write(
            "escalate_case", body, case_id, None, None,
            f"Escalate case {case_id}: {body.reason_code}",
        ),
    )  # fmt: skip


def _drill_through(kind: Kind) -> None:
    missing = refusals(f"{kind.noun.upper()}_NOT_FOUND")

    @router.get(
        f"{kind.path}/{{record_id}}", response_model=kind.answer, responses=missing, name=f"get_{kind.noun}",
        description=f"One of the {kind.plural} of a customer, as its source or arflow itself has it.",
    )  # fmt: skip
    def get_record(request: Request, record_id: str, who: Reader) -> Response:
        with reading(request, who) as tx:
            found, legal_entity_id = source_records.get(tx, kind, record_id)
        who_sees(who, legal_entity_id)
        return shown(found)

    @router.get(
        f"/v1/customers/{{customer_id}}/{kind.path.removeprefix('/v1/')}",
        response_model=kind.page,
        responses=refusals("CUSTOMER_NOT_FOUND"),
        name=f"list_{kind.table}",
        description=f"The customer's {kind.plural}, the newest first; the closed ones too.",
    )
    def list_records(request: Request, customer_id: str, who: Reader, page: Paging) -> Response:
        after = page.after(kind.table, str)
        with reading(request, who) as tx:
            sees_customer(tx, who, customer_id)
            found = source_records.list_records(tx, kind, customer_id, after[0] if after else None, page.fetch)
        return shown(page.of(kind.table, found, key=lambda r: (r.id,), item=lambda r: r))


for _kind in KINDS.values():
    _drill_through(_kind)
