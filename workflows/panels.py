"""Keeping externally served panels fresh: one refresh per customer and panel at a time, and the hot set on a schedule."""

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.panels import PanelActivities
    from models.messages.customer_360 import PanelRefresh, PanelRefreshed, refresh_workflow_id
    from workflows import retries


@workflow.defn(name="RefreshPanel")
class RefreshPanel:
    """Ask the source once; its answer or its failure is kept. Whoever wants the panel meanwhile joins this run."""

    @workflow.run
    async def run(self, start: PanelRefresh) -> PanelRefreshed:
        workflow.set_current_details(f"Asking the source of {start.panel}")
        done = await workflow.execute_activity_method(
            PanelActivities.refresh_panel,
            start,
            start_to_close_timeout=retries.PANEL_TIMEOUT,
            retry_policy=retries.PANEL,
        )
        workflow.set_current_details(
            f"Failed: {done.error_code}" if done.error_code else f"Fresh, {done.records} records"
        )
        return done


@workflow.defn(name="RefreshHotSet")
class RefreshHotSet:
    """Start a refresh for every external panel of a recently viewed customer that will soon be too old."""

    @workflow.run
    async def run(self) -> int:
        cooling = await workflow.execute_activity_method(
            PanelActivities.hot_panels, start_to_close_timeout=retries.BATCH_TIMEOUT, retry_policy=retries.POSTING
        )
        started = 0
        for panel in cooling:
            try:
                await workflow.start_child_workflow(
                    RefreshPanel.run,
                    panel,
                    id=refresh_workflow_id(panel.customer_id, panel.panel),
                    parent_close_policy=ParentClosePolicy.ABANDON,
                    static_summary=f"Refresh {panel.panel} of {panel.customer_id}",
                )
                started += 1
            except WorkflowAlreadyStartedError:
                continue  # a viewer was quicker
        workflow.set_current_details(f"{started} refreshes started")
        return started


@workflow.defn(name="WatchRenewals")
class WatchRenewals:
    """Once a day: contracts that have entered their notice window or missed their renewal."""

    @workflow.run
    async def run(self) -> int:
        at_risk = await workflow.execute_activity_method(
            PanelActivities.watch_renewals, start_to_close_timeout=retries.BATCH_TIMEOUT, retry_policy=retries.BATCH
        )
        workflow.set_current_details(f"{at_risk} renewals at risk")
        return at_risk


PANEL_WORKFLOWS = (RefreshPanel, RefreshHotSet, WatchRenewals)
