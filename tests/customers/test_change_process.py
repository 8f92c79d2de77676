"""The process itself on the time-skipping server: its timers, what it shows, and that its payloads are ids."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from activities.changes import ChangeActivities
from models.ids import new_id
from models.messages.changes import ChangeInput, StepInput, change_workflow_id
from operations import registry  # noqa: F401 - registers the operations
from tests.customers.desk import fresh
from tests.customers.office import Office, begin, running
from tests.stack_fixtures.clock import pass_time
from workflows.search_attributes import SEARCH_ATTRIBUTES


@pytest.fixture
async def clock(time_skipping: WorkflowEnvironment) -> WorkflowEnvironment:
    """The time-skipping server, which has to know the search attributes like any other."""
    attributes = AddSearchAttributesRequest(
        namespace=time_skipping.client.namespace, search_attributes=dict(SEARCH_ATTRIBUTES)
    )
    with contextlib.suppress(RPCError):  # known already
        await time_skipping.client.operator_service.add_search_attributes(attributes)
    return time_skipping


async def later(clock: WorkflowEnvironment, span: timedelta) -> None:
    await pass_time(clock, span, step=timedelta(hours=8))


async def test_a_step_is_reminded_after_a_day_and_escalated_after_another(clock: WorkflowEnvironment, office: Office):
    client = clock.client
    async with running(client, office):
        start = office.create()
        handle = await begin(client, start)
        await handle.execute_update("submitted")
        await later(clock, timedelta(hours=23))
        assert office.change(start.change_id).chain.steps[0].reminded_at is None
        await later(clock, timedelta(hours=2))
        first = office.change(start.change_id).chain.steps[0]
        assert first.reminded_at is not None
        assert first.escalated_at is None
        await later(clock, timedelta(hours=60))
        assert office.change(start.change_id).chain.steps[0].escalated_at is not None
        await handle.execute_update("decide", office.decide(start.change_id, "u_manager"))
        await handle.execute_update("decide", office.decide(start.change_id, "u_controller"))
        assert (await handle.result())["status"] == "APPROVED"


@pytest.mark.parametrize("before", [True, False], ids=["in time", "late"])
@pytest.mark.parametrize("deadline", [24, 72], ids=["reminder", "escalation"])
async def test_a_decision_beside_the_deadline_counts_once_and_leaves_nothing_of_it(
    clock: WorkflowEnvironment, office: Office, deadline: int, before: bool
):
    """In either order. The escalation counts from the reminder here: what is left of it is told by the database's clock.

    In the same moment: test_deadlines.py, on the real server. This one loses a task that timer and decision both touch.
    """
    client = clock.client
    async with running(client, office):
        start = office.create()
        handle = await begin(client, start)
        await handle.execute_update("submitted")
        await later(clock, timedelta(hours=deadline - 1 if before else deadline + 1))
        await handle.execute_update("decide", office.decide(start.change_id, "u_manager"))
        await later(clock, timedelta(seconds=2))
        first, second = office.change(start.change_id).chain.steps
        assert (first.status, first.decided_by, second.status) == ("APPROVED", "u_manager", "PENDING")
        assert (first.reminded_at is None) == (before and deadline == 24)
        assert (first.escalated_at is None) == (before or deadline == 24)
        assert (second.reminded_at, second.escalated_at) == (None, None)
        assert office.open_exceptions(start.change_id) == []
        await later(clock, timedelta(hours=23))  # the next step has a whole day of its own
        assert office.change(start.change_id).chain.steps[1].reminded_at is None


async def test_the_timer_of_a_step_that_was_decided_meanwhile_does_nothing(clock: WorkflowEnvironment, office: Office):
    """What the timer's activity does when the decision was committed just before it."""
    client = clock.client
    async with running(client, office):
        start = office.create()
        handle = await begin(client, start)
        await handle.execute_update("submitted")
        await handle.execute_update("decide", office.decide(start.change_id, "u_manager"))
        late = StepInput(office.org, start.change_id, 1, 1)
        does = ChangeActivities(office.engine, client)
        for fires in (does.remind, does.escalate):
            assert (await asyncio.to_thread(fires, late)).step == 2
        first, second = office.change(start.change_id).chain.steps
        assert {getattr(s, mark) for s in (first, second) for mark in ("reminded_at", "escalated_at")} == {None}
        assert office.open_exceptions(start.change_id) == []


async def test_a_refused_submission_ends_the_process(clock: WorkflowEnvironment, office: Office):
    client = clock.client
    async with running(client, office):
        change = new_id("chg")
        body = {"name": "No Such Entity", "email": fresh(), "legal_entity_id": "le_no"}
        command = office.keep("customer.create", "u_clerk", body, "", change_workflow_id(change))
        handle = await begin(client, ChangeInput(office.org, change, command))
        assert (await handle.result())["status"] == "REFUSED"


async def test_a_process_started_again_takes_up_where_the_database_stands(clock: WorkflowEnvironment, office: Office):
    client = clock.client
    async with running(client, office):
        start = office.create()
        handle = await begin(client, start)
        await handle.execute_update("submitted")
        await handle.execute_update("decide", office.decide(start.change_id, "u_manager"))
        await handle.terminate("the Temporal server lost its data")
        again = await begin(client, ChangeInput(office.org, start.change_id))
        await again.execute_update("decide", office.decide(start.change_id, "u_controller"))
        assert (await again.result())["status"] == "APPROVED"
        assert office.change(start.change_id).chain.status == "APPROVED"
