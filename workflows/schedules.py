"""What happens by the clock: schedules, made once per namespace by whichever worker comes first."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)

from models.messages.changes import CHANGES_QUEUE
from models.messages.commands import PROCESS_QUEUE
from models.messages.customer_360 import REFRESH_QUEUE
from models.messages.imports import IMPORT_QUEUE
from models.messages.retention import PruneInput
from models.retention import PERIODS

_SKIP: Final = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=5))


def _pruning(minute: int, table: str, days: int) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            "PruneRecords",
            PruneInput(table, days),
            id=f"PruneRecords/{table}",
            task_queue=PROCESS_QUEUE,
            static_summary=f"Take away {table} that need not be kept any longer",
        ),
        spec=ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(2)], minute=[ScheduleRange(minute)])]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1)),
    )


SCHEDULES: Final[Mapping[str, Schedule]] = {
    **{
        f"prune-{table.replace('_', '-')}": _pruning(5 * n, table, days)
        for n, (table, days) in enumerate(PERIODS.items())
    },
    "refresh-hot-set": Schedule(
        action=ScheduleActionStartWorkflow(
            "RefreshHotSet",
            id="RefreshHotSet",
            task_queue=REFRESH_QUEUE,
            static_summary="Refresh the panels of customers that were looked at lately",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(minutes=1))]),
        policy=_SKIP,
    ),
    "seal-trails": Schedule(
        action=ScheduleActionStartWorkflow(
            "SealTrails",
            id="SealTrails",
            task_queue=PROCESS_QUEUE,
            static_summary="Seal the heads of all audit chains",
        ),
        spec=ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(0)], minute=[ScheduleRange(30)])]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1)),
    ),
    "prune-imports": Schedule(
        action=ScheduleActionStartWorkflow(
            "PruneImports",
            id="PruneImports",
            task_queue=IMPORT_QUEUE,
            static_summary="Take away what imports need not keep any longer",
        ),
        spec=ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(1)], minute=[ScheduleRange(15)])]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1)),
    ),
    "keep-rates": Schedule(
        action=ScheduleActionStartWorkflow(
            "KeepRates",
            id="KeepRates",
            task_queue=PROCESS_QUEUE,
            static_summary="Fetch exchange rates, and look whether those in use are old",
        ),
        # The bank publishes at about 16:00 in Frankfurt; the morning's run catches an evening that failed.
        spec=ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(5), ScheduleRange(16)], minute=[ScheduleRange(20)])]
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(hours=10)),
    ),
    "watch-certificates": Schedule(
        action=ScheduleActionStartWorkflow(
            "WatchCertificates",
            id="WatchCertificates",
            task_queue=CHANGES_QUEUE,
            static_summary="Look for exemption certificates that expire",
        ),
        spec=ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(0)], minute=[ScheduleRange(45)])]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1)),
    ),
    "watch-renewals": Schedule(
        action=ScheduleActionStartWorkflow(
            "WatchRenewals",
            id="WatchRenewals",
            task_queue=REFRESH_QUEUE,
            static_summary="Look for contracts whose renewal is near or missed",
        ),
        spec=ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(0)], minute=[ScheduleRange(15)])]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1)),
    ),
}


async def ensure_schedules(client: Client, schedules: Mapping[str, Schedule] = SCHEDULES) -> None:
    """Make those that are not there. One that an operator has changed or paused is left as it is."""
    for name, schedule in schedules.items():
        try:
            await client.create_schedule(name, schedule)
        except ScheduleAlreadyRunningError:
            continue
