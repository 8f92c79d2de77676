"""The process that confirms a remittance to the customer: ids only, the address is read when the mail is written."""

from dataclasses import dataclass


@dataclass
class ConfirmationInput:
    """`first_try_in_place`: false only in runs that were started before there was such a try. `failing_with`: the kind of
    the last failure, where a person is told that it does not go out."""

    org_id: str
    session_id: str
    first_try_in_place: bool = False
    failing_with: str | None = None


@dataclass
class ConfirmationResult:
    """`status`: SENT, NO_ADDRESS, or SWITCHED_OFF by the organisation's setting."""

    status: str


def confirmation_workflow_id(session_id: str) -> str:
    return f"{session_id}/ConfirmRemittance"
