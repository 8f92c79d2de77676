"""Partner feeds, by the clock: look into the folder, start an import for each file, put the files away."""

from datetime import timedelta

from temporalio import workflow
from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.import_feed import FeedActivities
    from models.messages.imports import IMPORT_QUEUE, PROCESS, import_workflow_id
    from workflows import retries


@workflow.defn(name="CollectPartnerFeeds")
class CollectPartnerFeeds:
    """Each file exactly once: kept under its content's hash, started under its import's id, then moved."""

    @workflow.run
    async def run(self) -> int:
        found = await workflow.execute_activity_method(
            FeedActivities.collect, start_to_close_timeout=retries.FEED_TIMEOUT, retry_policy=retries.BATCH
        )
        for one in found.imports:
            try:
                await workflow.start_child_workflow(
                    PROCESS,
                    one,
                    id=import_workflow_id(one.import_id),
                    parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    static_summary=f"Partner feed, import {one.import_id}",
                )
            except WorkflowAlreadyStartedError:
                continue
        if found.imports:
            await workflow.execute_activity_method(
                FeedActivities.put_away, found, start_to_close_timeout=retries.FEED_TIMEOUT, retry_policy=retries.BATCH
            )
        workflow.set_current_details(f"{len(found.imports)} files taken")
        return len(found.imports)


FEED_SCHEDULE = {
    "collect-partner-feeds": Schedule(
        action=ScheduleActionStartWorkflow(
            "CollectPartnerFeeds",
            id="CollectPartnerFeeds",
            task_queue=IMPORT_QUEUE,
            static_summary="Look into the folder of partner feeds",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(minutes=1))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=5)),
    )
}
"""Made only where a folder is watched (ARFLOW_PARTNER_FEED_HOME)."""
