"""What the doors of customers, their changes and approvals take; the customer's own bodies are `bodies` and `patch`."""

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator

from models.answers import JsonObject
from models.checks import moment
from models.customers.approval import Decision
from models.customers.bodies import CreateCustomer, Input, Notes, Reason
from models.customers.change_records import Channel
from models.customers.patch import PatchCustomer
from models.values import Body, Choice, ReasonCode, RecordId, Text


def _as_sent(body: Input) -> JsonObject:
    return body.dump()


_AsSent = PlainSerializer(_as_sent, return_type=dict)
"""Kept as it was sent: what is absent stays absent, which is not the same as null."""
StepNumber = Annotated[int, Field(ge=1, le=100)]


class DeleteMode(StrEnum):
    """Soft deactivates, hard erases."""

    SOFT = "soft"
    HARD = "hard"


class UpdateCustomer(Body):
    """A patch, and the versions of the customer that it is meant for (None: any)."""

    patch: Annotated[PatchCustomer, _AsSent]
    if_match: list[str] | None = None


class DeleteCustomer(Body):
    """A deactivation or an erasure. `force`: erase one with transactions, which keep a pseudonym."""

    mode: Choice[DeleteMode] = DeleteMode.SOFT
    reason_code: ReasonCode | None = None
    force: bool = False


class DecideChange(Body):
    """`step` is the pending one unless given. Rejecting and returning need a reason code."""

    step: StepNumber | None = None
    decision: Choice[Decision]
    reason_code: ReasonCode | None = None
    comment: Text | None = None


class KeptDecision(DecideChange):
    """A decision as it is carried out: how it came; of one that a token proved, which, and of which round."""

    channel: Channel = "api"
    token_id: RecordId | None = None
    round: int | None = None


class SignalledDecision(Input):
    """A decision by signal or update: whoever holds the token decides its step."""

    token: Annotated[str, Field(strict=True)]
    decision: Decision
    reason_code: Reason | None = None
    comment: Notes | None = None


def _in_utc(value: object) -> datetime:
    """The moment, UTC unless it says otherwise; a date's beginning."""
    found = moment(value)
    if not isinstance(found, datetime):
        return datetime.combine(found, time(), UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class DelegateStep(Body):
    """`until`: a moment (UTC unless it says otherwise), or a date to whose end the delegation holds."""

    step: StepNumber
    to_user_id: RecordId
    until: str | None = None

    @field_validator("until")
    @classmethod
    def _a_moment(cls, value: str | None) -> str | None:
        if value is not None:
            moment(value)
        return value

    @property
    def until_moment(self) -> datetime | None:
        """The end of the delegation."""
        if self.until is None:
            return None
        return _in_utc(self.until) + timedelta(days=1 if len(self.until) == 10 else 0)


class WithdrawChange(Body):
    """Why, if one likes to say."""

    reason_code: ReasonCode | None = None


class ResubmitChange(Body):
    """The corrected body: `customer` of a create, `patch` of an update. Without either the change is re-based as it was."""

    customer: Annotated[CreateCustomer, _AsSent] | None = None
    patch: Annotated[PatchCustomer, _AsSent] | None = None


class SetAbsence(Body):
    """From when to when someone is away (RFC 3339, with offset), and who stands in."""

    starts_at: Annotated[datetime, BeforeValidator(_in_utc)]
    ends_at: Annotated[datetime, BeforeValidator(_in_utc)]
    delegate_user_id: RecordId | None = None
