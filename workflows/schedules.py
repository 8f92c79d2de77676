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

_DAY: Final = timedelta(days=1)


def _daily(
    process: str,
    queue: str,
    summary: str,
    *hours: int,
    minute: int,
    late: timedelta = _DAY,
    of: PruneInput | None = None,
) -> Schedule:
    """At these hours, UTC. A time that came while nothing ran is made up for within `late`; one run at a time."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            process,
            *([] if of is None else [of]),
            id=process if of is None else f"{process}/{of.table}",
            task_queue=queue,
            static_summary=summary,
        ),
        spec=ScheduleSpec(
            calendars=[
                ScheduleCalendarSpec(hour=[ScheduleRange(hour) for hour in hours], minute=[ScheduleRange(minute)])
            ]
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=late),
    )


def every(process: str, queue: str, summary: str, interval: timedelta, offset: timedelta | None = None) -> Schedule:
    """Again and again; what was missed by more than five minutes is not made up for."""
    return Schedule(
        action=ScheduleActionStartWorkflow(process, id=process, task_queue=queue, static_summary=summary),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=interval, offset=offset)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=5)),
    )


SCHEDULES: Final[Mapping[str, Schedule]] = {
    **{
        f"prune-{table.replace('_', '-')}": _daily(
            "PruneRecords", PROCESS_QUEUE, f"Take away {table} that need not be kept any longer", 2, minute=5 * n,
            of=PruneInput(table, days),
        )
        for n, (table, days) in enumerate(PERIODS.items())
    },
    "refresh-hot-set": every(
        "RefreshHotSet", REFRESH_QUEUE, "Refresh the panels of customers that were looked at lately", timedelta(minutes=1)
    ),
    "seal-trails": _daily("SealTrails", PROCESS_QUEUE, "Seal the heads of all audit chains", 0, minute=30),
    "prune-imports": _daily(
        "PruneImports", IMPORT_QUEUE, "Take away what imports need not keep any longer", 1, minute=15
    ),
    # The bank publishes at about 16:00 in Frankfurt; the morning's run catches an evening that failed.
    "keep-rates": _daily(
        "KeepRates", PROCESS_QUEUE, "Fetch exchange rates, and look whether those in use are old", 5, 16, minute=20,
        late=timedelta(hours=10),
    ),
    "watch-certificates": _daily(
        "WatchCertificates", CHANGES_QUEUE, "Look for exemption certificates that expire", 0, minute=45
    ),
    "watch-renewals": _daily(
        "WatchRenewals", REFRESH_QUEUE, "Look for contracts whose renewal is near or missed", 0, minute=15
    ),
}  # fmt: skip


async def ensure_schedules(client: Client, schedules: Mapping[str, Schedule] = SCHEDULES) -> None:
    """Make those that are not there. One that an operator has changed or paused is left as it is."""
    for name, schedule in schedules.items():
        try:
            await client.create_schedule(name, schedule)
        except ScheduleAlreadyRunningError:
            continue
