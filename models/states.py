"""Every state of every record: who ends it if its process, its worker or its server is gone.

A state that nobody ends would be waited in for ever. tests/reads/test_every_state.py holds this against the schema and against
the list of open work; `docs/what-is-open.md` is written from it.
"""

from collections.abc import Mapping
from typing import Final

END: Final = "an end: nothing is waited for"
A_PERSON: Final = "a person, whenever they want; nothing is promised by then"
PROCESS: Final = "its process: begun again by the sweep wherever it has none"
APPROVAL: Final = "its approval's process (`approvals`)"
SOURCE: Final = "the external system that it comes from"
DERIVED: Final = "follows from its amounts; nothing to wait for"

STATES: Final[Mapping[str, Mapping[str, str]]] = {
    "commands": {"pending": PROCESS, "done": END, "refused": END},
    "customer_changes": {
        "PENDING_APPROVAL": PROCESS + "; decided by a person, with reminder and escalation",
        "FAILED": PROCESS + "; re-based or withdrawn by its submitter, who has an exception",
        "APPROVED": END,
        "REJECTED": END,
        "WITHDRAWN": END,
    },
    "customer_change_steps": {
        "WAITING": "the step before it",
        "PENDING": "its change's process: reminder and escalation",
        "APPROVED": END,
        "REJECTED": END,
        "SKIPPED": END,
    },
    "approvals": {
        "PENDING_APPROVAL": PROCESS + "; decided by a person, with reminder and escalation",
        "FAILED": PROCESS + "; withdrawn by its submitter, who has an exception",
        "APPROVED": END,
        "REJECTED": END,
        "WITHDRAWN": END,
    },
    "approval_steps": {
        "WAITING": "the step before it",
        "PENDING": "its approval's process: reminder and escalation",
        "APPROVED": END,
        "REJECTED": END,
        "SKIPPED": END,
    },
    "write_offs": {
        "PENDING_APPROVAL": APPROVAL,
        "FAILED": APPROVAL,
        "POSTED": END,
        "REVERSED": END,
        "REJECTED": END,
        "WITHDRAWN": END,
    },
    "customer_imports": {
        "STAGING": PROCESS,
        "VALIDATING": PROCESS,
        "AWAITING_REVIEW": PROCESS + "; decided by a person, an exception when it is late",
        "EXECUTING": PROCESS,
        "PAUSED": PROCESS + "; resumed or cancelled by a person",
        "VALIDATED": END,
        "COMPLETED": END,
        "COMPLETED_WITH_ERRORS": END,
        "STOPPED": END,
        "REJECTED": END,
        "CANCELLED": END,
        "FAILED": END,
    },
    "statements": {"PROCESSING": PROCESS, "COMPLETED": END, "FAILED": END},
    "statement_lines": {
        "PENDING": "its statement's process",
        "APPLIED": END,
        "DUPLICATE": END,
        "FAILED": "a person: an exception, and the same file again works it again",
        "IGNORED": END,
        "UNMATCHED": "a person: an exception with suggestions",
        "POSSIBLE_DUPLICATE": "a person, who links it or says that it is another payment: an exception",
        "LINKED": END,
    },
    "case_escalations": {"OPEN": PROCESS + "; reminder, next owner, closing", "RESOLVED": END},
    "webhook_deliveries": {"PENDING": PROCESS + "; given up after its last attempt", "DELIVERED": END, "FAILED": END,
                           "CANCELLED": END},
    "webhook_endpoints": {"enabled": A_PERSON, "disabled": A_PERSON, "deleted": END},
    "remittance_confirmations": {"SENT": END, "NO_ADDRESS": END, "SWITCHED_OFF": END},
    "credit_notes": {
        "PENDING_APPROVAL": "decided by a person, with reminder and escalation",
        "OPEN": DERIVED,
        "PARTIALLY_APPLIED": DERIVED,
        "APPLIED": DERIVED,
        "VOID": END,
        "REJECTED": END,
    },
    "deductions": {
        "OPEN": PROCESS + "; decided by its owner, with reminder and escalation",
        "ACCEPTED": END,
        "REJECTED": END,
        "WITHDRAWN": END,
    },
    "credit_note_applications": {"POSTED": DERIVED, "UNDONE": END},
    "reconciliations": {"DRAFT": A_PERSON, "COMPLETED": END, "REOPENED": A_PERSON},
    "exceptions": {"open": "its owner; late ones are counted by `/readyz?verbose`", "resolved": END},
    "proposals": {
        "OPEN": "its person, whenever they want; no longer committed after a day",
        "COMMITTED": END,
        "DECLINED": END,
        "STALE": END,
    },
    "periods": {"open": A_PERSON, "closed": A_PERSON},
    "customers": {"active": A_PERSON, "inactive": A_PERSON},
    "cases": {"*": SOURCE},
    "contracts": {"*": SOURCE},
    "orders": {"*": SOURCE},
    "quotes": {"*": SOURCE},
    "invoices": {"OPEN": DERIVED, "PARTIALLY_PAID": DERIVED, "PAID": DERIVED, "VOID": END},
    "payments": {"UNAPPLIED": DERIVED, "PARTIALLY_APPLIED": DERIVED, "FULLY_APPLIED": DERIVED, "REVERSED": END},
    "customer_credits": {"OPEN": DERIVED, "USED": DERIVED, "WITHDRAWN": END},
    "adjustments": {"POSTED": END, "UNDONE": END},
}  # fmt: skip
"""By table and state; `*` where the words are somebody else's."""
