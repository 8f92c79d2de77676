"""Messages and workflow ids of the processes behind the 360 view: ids and times only."""

from dataclasses import dataclass
from datetime import datetime

REFRESH_QUEUE = "refresh"
"""Asking external systems, apart from everything else: a slow one holds up nothing but its like."""


@dataclass
class EscalationInput:
    """The escalation of one command, or by its id."""

    org_id: str
    command_id: str = ""
    escalation_id: str = ""


@dataclass
class EscalationTimes:
    """Where an escalation stands. `open` False: there is nothing to watch any more. `next_in`: the seconds to the next of these
    times, by the clock that they are of."""

    escalation_id: str
    open: bool
    remind_at: datetime | None = None
    due_at: datetime | None = None
    next_in: float | None = None


@dataclass
class PanelRefresh:
    """`since`: the caller saw the panel at this time; a snapshot taken later is fresh enough."""

    org_id: str
    customer_id: str
    panel: str
    since: datetime | None = None


@dataclass
class PanelRefreshed:
    """`error_code` None: the snapshot is fresh."""

    panel: str
    error_code: str | None = None
    records: int = 0


def watch_workflow_id(case_id: str, escalation_id: str) -> str:
    return f"{case_id}/WatchEscalation/{escalation_id}"


def refresh_workflow_id(customer_id: str, panel: str) -> str:
    """One refresh per customer and panel at a time: a second start joins the first."""
    return f"{customer_id}/RefreshPanel/{panel}"
