"""What every process that posts is started with, and what it ends with: ids only."""

from dataclasses import dataclass


@dataclass
class CommandInput:
    """`command_id` names the request kept in PostgreSQL; `summary` is shown in the Temporal UI (ids and counts)."""

    org_id: str
    command_id: str
    summary: str = ""


@dataclass
class CommandResult:
    """`replayed`: the answer is an earlier one's. The answer itself is in the command's record; of it, only the record's
    `status` travels, for whoever looks at the run, and the payment it is about, for whoever looks for the run."""

    command_id: str
    replayed: bool = False
    status: str = ""
    payment_id: str = ""


POSTING_QUEUE = "posting"
"""Polled by the worker inside each API process (eager start) and by `arflow worker`."""
PROCESS_QUEUE = "processes"
"""Everything that takes its time: statements, confirmations, chains of approval."""


def posting_workflow_id(process: str, record_id: str, command_id: str) -> str:
    """One run per command; the record's id in front, so that the UI lists a payment's processes side by side."""
    return f"{record_id}/{process}/{command_id.removeprefix('cmd_')}"


def command_of(workflow_id: str) -> str:
    """The command that a posting's workflow carries."""
    return f"cmd_{workflow_id.rpartition('/')[2]}"
