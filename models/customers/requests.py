"""What the doors of customers, their changes and approvals take; the customer's own bodies are `bodies` and `patch`."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from models import checks
from models.answers import JsonObject
from models.customers.bodies import CreateCustomer, Input
from models.customers.patch import PatchCustomer
from models.values import Body, Choice, ReasonCode, RecordId


def _as_sent(body: Input) -> JsonObject:
    return body.dump()


_AsSent = PlainSerializer(_as_sent, return_type=dict)
"""Kept as it was sent: what is absent stays absent, which is not the same as null."""


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


class ResubmitChange(Body):
    """The corrected body: `customer` of a create, `patch` of an update. Without either the change is re-based as it was."""

    customer: Annotated[CreateCustomer, _AsSent] | None = None
    patch: Annotated[PatchCustomer, _AsSent] | None = None


class SetAbsence(Body):
    """From when to when someone is away (RFC 3339, with offset), and who stands in."""

    starts_at: Annotated[datetime, BeforeValidator(checks.utc)]
    ends_at: Annotated[datetime, BeforeValidator(checks.utc)]
    delegate_user_id: RecordId | None = None
