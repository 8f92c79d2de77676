"""What may be under approval, and by whose id it is known."""

from typing import Final, Literal, get_args

ApprovalKind = Literal[
    "customer_change", "import", "credit_note", "write_off", "deduction", "refund", "authority_limits"
]
KINDS: Final = get_args(ApprovalKind)


def moment_of(approval_id: str) -> str:
    """What of an id says when it was made: ids of all kinds are in the order of these."""
    return approval_id.partition("_")[2]
