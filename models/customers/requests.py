"""What the doors of customers, their changes and approvals take; the customer's own bodies are `bodies` and `patch`."""

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, PlainSerializer, field_validator

from models.answers import JsonObject
from models.checks import invalid
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


class DelegateStep(Body):
    """`until`: a moment (UTC unless it says otherwise), or a date to whose end the delegation holds."""

    step: StepNumber
    to_user_id: RecordId
    until: str | None = None

    @field_validator("until")
    @classmethod
    def _a_moment(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                datetime.fromisoformat(value)
        except ValueError:
            raise invalid("FIELD_TYPE", "A date or a time as in RFC 3339.") from None
        return value

    @property
    def until_moment(self) -> datetime | None:
        """The end of the delegation."""
        if self.until is None:
            return None
        if len(self.until) == 10:
            return datetime.combine(datetime.fromisoformat(self.until).date(), time(), UTC) + timedelta(days=1)
        return _utc(datetime.fromisoformat(self.until))


class WithdrawChange(Body):
    """Why, if one likes to say."""

    reason_code: ReasonCode | None = None


class ResubmitChange(Body):
    """The corrected body: `customer` of a create, `patch` of an update. Without either the change is re-based as it was."""

    customer: Annotated[CreateCustomer, _AsSent] | None = None
    patch: Annotated[PatchCustomer, _AsSent] | None = None


class SetAbsence(Body):
    """From when to when someone is away (RFC 3339, with offset), and who stands in."""

    starts_at: Annotated[datetime, Field(strict=False)]
    ends_at: Annotated[datetime, Field(strict=False)]
    delegate_user_id: RecordId | None = None

    @field_validator("starts_at", "ends_at")
    @classmethod
    def _in_utc(cls, moment: datetime) -> datetime:
        return _utc(moment)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
