"""What the view drills into, and what can be done from it: activities, opportunities, escalations."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field
from starlette.responses import Response

from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import UNDER_WAY, Write, write
from models.customer_360.source_records import KINDS, Amount, Currency, Day, Kind, Line, Moment, Word
from models.db import lookups
from models.db.customer_360 import activities, source_records
from models.ids import new_id
from models.values import Body, Choice, ReasonCode, RecordId, Text

router = gated_router("customer 360")
Reader = Annotated[Principal, requires("customers.read")]
Actor = Annotated[Principal, requires("activities.write", RECORD)]


class ActivityType(StrEnum):
    CALL = "call"
    EMAIL = "email"
    MEETING = "meeting"
    NOTE = "note"


class NewActivity(Body):
    """`occurred_at` defaults to now. `notes` is kept as text, whatever it looks like."""

    type: Choice[ActivityType]
    notes: Text
    contact_id: RecordId | None = None
    occurred_at: Moment | None = None


class NewOpportunity(Body):
    """`value_minor` in minor units of `currency_code`."""

    name: Line
    value_minor: Amount
    currency_code: Currency
    stage: Word
    close_date: Day
    external_id: Line | None = None


class Escalation(Body):
    reason_code: ReasonCode
    note: Annotated[Text, Field(min_length=1)] | None = None


@router.post(
    "/v1/customers/{customer_id}/activities", status_code=201,
    responses=refusals("CUSTOMER_NOT_FOUND", "CONTACT_NOT_FOUND", "CONTACT_CUSTOMER_MISMATCH"),
)  # fmt: skip
async def log_activity(
    request: Request, customer_id: str, body: NewActivity, who: Actor, key: IdempotencyKey
) -> Response:
    """Log a call, an e-mail, a meeting or a note on the contact timeline."""
    sent = {**body.model_dump(mode="json"), "customer_id": customer_id}
    w = Write("log_activity", sent, new_id("act"), customer_id, customer_id)
    return await write(request, who, key, w)


@router.get("/v1/customers/{customer_id}/activities", responses=refusals("CUSTOMER_NOT_FOUND"))
def list_activities(
    request: Request, customer_id: str, who: Reader, page: Paging, contact_id: str | None = None
) -> dict[str, Any]:
    """The timeline of the customer, or of one contact; the latest first."""
    after = page.after("activities", datetime, str)
    with reading(request, who) as tx:
        who_sees(who, lookups.customer(tx, customer_id).legal_entity_id)
        rows = activities.timeline(tx, customer_id, contact_id, after, page.fetch)
    return page.answer("activities", rows, key=lambda r: (r["occurred_at"], r["id"]), item=activities.activity_body)


@router.get("/v1/activities/{activity_id}", responses=refusals("ACTIVITY_NOT_FOUND"))
def get_activity(request: Request, activity_id: str, who: Reader) -> dict[str, Any]:
    with reading(request, who) as tx:
        row = activities.get(tx, activity_id)
    who_sees(who, row["legal_entity_id"])
    return activities.activity_body(row)


@router.post(
    "/v1/customers/{customer_id}/opportunities", status_code=201,
    responses=refusals("CUSTOMER_NOT_FOUND", "EXTERNAL_ID_CONFLICT", "STAGE_UNKNOWN"),
)  # fmt: skip
async def create_opportunity(
    request: Request, customer_id: str, body: NewOpportunity, who: Actor, key: IdempotencyKey
) -> Response:
    """Start an opportunity."""
    sent = {**body.model_dump(mode="json"), "customer_id": customer_id}
    return await write(request, who, key, Write("create_opportunity", sent, new_id("opp"), customer_id, customer_id))


@router.post(
    "/v1/cases/{case_id}/escalate",
    responses=refusals("CASE_NOT_FOUND", "CASE_CLOSED", "CASE_ALREADY_ESCALATED") | UNDER_WAY,
)
async def escalate_case(request: Request, case_id: str, body: Escalation, who: Actor, key: IdempotencyKey) -> Response:
    """Put a case on somebody's desk: an owner, a due time, reminders until it is settled."""
    return await write(
        request, who, key,
        Write(
            "escalate_case", body.model_dump(mode="json"), case_id, None, None,
            f"Escalate case {case_id}: {body.reason_code}",
        ),
    )  # fmt: skip


def _drill_through(kind: Kind) -> None:
    code = f"{kind.noun.upper()}_NOT_FOUND"

    @router.get(f"{kind.path}/{{record_id}}", responses=refusals(code), name=f"get_{kind.noun}")
    def get_record(request: Request, record_id: str, who: Reader) -> dict[str, Any]:
        with reading(request, who) as tx:
            row = source_records.get(tx, kind, record_id)
            who_sees(who, row["legal_entity_id"])
            return source_records.record_body(kind, row)

    table = kind.path.removeprefix("/v1/")

    @router.get(
        f"/v1/customers/{{customer_id}}/{table}", responses=refusals("CUSTOMER_NOT_FOUND"), name=f"list_{kind.table}"
    )
    def list_records(request: Request, customer_id: str, who: Reader, page: Paging) -> dict[str, Any]:
        after = page.after(kind.table, str)
        with reading(request, who) as tx:
            who_sees(who, lookups.customer(tx, customer_id).legal_entity_id)
            rows = source_records.listed(tx, kind, customer_id, after[0] if after else None, page.fetch)
        return page.answer(
            kind.table, rows, key=lambda r: (r["id"],), item=lambda r: source_records.record_body(kind, r)
        )


for _kind in KINDS.values():
    _drill_through(_kind)
