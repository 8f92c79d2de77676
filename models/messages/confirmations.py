"""The process that confirms a remittance to the customer: ids only, the address is read when the mail is written."""

from dataclasses import dataclass


@dataclass
class ConfirmationInput:
    org_id: str
    session_id: str


@dataclass
class ConfirmationResult:
    """`status`: SENT, NO_ADDRESS, or SWITCHED_OFF by the organisation's setting."""

    status: str


def confirmation_workflow_id(session_id: str) -> str:
    return f"{session_id}/ConfirmRemittance"
