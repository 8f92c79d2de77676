"""The process that confirms a remittance to the customer: ids only, the address is read when the mail is written."""

from dataclasses import dataclass


@dataclass
class ConfirmationInput:
    """`first_try_in_place`: false only in runs that were started before there was such a try."""

    org_id: str
    session_id: str
    first_try_in_place: bool = False


@dataclass
class ConfirmationResult:
    """`status`: SENT, NO_ADDRESS, or SWITCHED_OFF by the organisation's setting."""

    status: str


def confirmation_workflow_id(session_id: str) -> str:
    return f"{session_id}/ConfirmRemittance"
