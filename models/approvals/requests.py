"""What people may ask of whatever is under approval: decide, delegate, withdraw."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import ConfigDict, Field, field_validator

from models import checks
from models.approvals.chain import Decision
from models.approvals.records import Channel
from models.values import Body, Choice, ReasonCode, RecordId, Text

StepNumber = Annotated[int, Field(ge=1, le=100)]


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


class SignalledDecision(Body):
    """A decision by signal or update: whoever holds the token decides its step."""

    model_config = ConfigDict(strict=False)

    token: Annotated[str, Field(strict=True)]
    decision: Decision
    reason_code: ReasonCode | None = None
    comment: Text | None = None


class DelegateStep(Body):
    """`until`: a moment (UTC unless it says otherwise), or a date to whose end the delegation holds."""

    step: StepNumber
    to_user_id: RecordId
    until: str | None = None

    @field_validator("until")
    @classmethod
    def _a_moment(cls, value: str | None) -> str | None:
        if value is not None:
            checks.moment(value)
        return value

    @property
    def until_moment(self) -> datetime | None:
        """The end of the delegation."""
        if self.until is None:
            return None
        return checks.utc(self.until) + timedelta(days=1 if len(self.until) == 10 else 0)


class ResubmitApproval(Body):
    """What was corrected, if one likes to say."""

    comment: Text | None = None


class WithdrawChange(Body):
    """Why, if one likes to say."""

    reason_code: ReasonCode | None = None
