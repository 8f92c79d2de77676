"""What travels through Temporal for a customer change: ids, steps, roles, deadlines. Never a value, never a comment,

but for the comment that an approver types into a signal by hand; the process' history is deleted with its customer.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

CHANGES_QUEUE = "changes"
"""Approval chains have a queue of their own: a batch import never keeps an approver waiting."""
PROCESS = "CustomerChange"
ACT_SIGNAL = "carry"
"""The signal that brings what an update brought, where no worker was there to take it. Histories know it by this name."""


@dataclass
class ChangeInput:
    """`command_id` is the submission to execute first; empty where the change is known and only its process was lost.

    `edition` is that of the process' commands, kept for the life of a run: one begun by an earlier build goes on as it
    began, without a marker in the histories of all that come after (`workflow.patched` would write one in each).
    """

    org_id: str
    change_id: str
    command_id: str = ""
    edition: int = 1


EDITION = 2
"""2: what is about to be carried out is not shown as a step of its own in the search attributes."""


@dataclass
class ActInput:
    """A decision, withdrawal, delegation or resubmission that the API has kept as a command; or, without a command, a
    decision by whoever holds the token, sent by the Temporal CLI or UI."""

    command_id: str = ""
    token: str = ""
    decision: str = ""
    reason_code: str | None = None
    comment: str | None = None


@dataclass
class ActRequest:
    """Which command of which change; an empty command only reads the change's state."""

    org_id: str
    change_id: str
    command_id: str = ""


@dataclass
class ChangeState:
    """Where the change stands. Deadlines are seconds from the moment of reading; None where there is none to keep."""

    known: bool = False
    status: str = ""
    operation: str = ""
    lane: str = ""
    customer_id: str = ""
    round: int = 0
    step: int = 0
    role: str = ""
    since: str = ""
    due_at: str = ""
    remind_in: float | None = None
    escalate_in: float | None = None
    returned: bool = False
    complete: bool = False
    replayed: bool = False


@dataclass
class StepInput:
    """One step of one round, for its reminder or escalation."""

    org_id: str
    change_id: str
    round: int
    step: int


@dataclass
class SignalInput:
    """A decision by signal or update as it came, whatever it is."""

    org_id: str
    change_id: str
    word: Any = None
    channel: Literal["signal", "update"] = "signal"


@dataclass
class SignalResult:
    """`refused` is the reason code of a signal (or update) that changed nothing, `problem` the refusal as it leaves an activity;
    empty in the histories of earlier builds."""

    state: ChangeState = field(default_factory=ChangeState)
    refused: str = ""
    problem: dict[str, Any] = field(default_factory=dict)


@dataclass
class ExecutionResult:
    """The other open changes of a deleted customer, and the finished processes whose histories are to go."""

    state: ChangeState = field(default_factory=ChangeState)
    closed_workflows: list[str] = field(default_factory=list)
    erase_workflows: list[str] = field(default_factory=list)


@dataclass
class EraseInput:
    """Histories to delete once their runs are closed."""

    workflow_ids: list[str]


@dataclass
class ChangeResult:
    """How the process ended: the change's status, or REFUSED where the submission was not accepted."""

    status: str


def change_workflow_id(change_id: str) -> str:
    """One process per change, from its submission to its end."""
    return f"{change_id}/{PROCESS}"


def change_of(workflow_id: str) -> str:
    """The change that a process of that id carries."""
    return workflow_id.split("/", 1)[0]
