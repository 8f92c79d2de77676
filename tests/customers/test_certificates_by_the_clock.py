"""The schedules are there, each says what it does, and the one of certificates puts them on a desk by itself."""

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, ScheduleActionStartWorkflow, ScheduleOverlapPolicy

from tests.customers.desk import Desk, ok
from workflows.schedules import SCHEDULES


async def test_every_schedule_is_there_and_says_what_it_does(own_desk: Desk, temporal_client: Client):
    for name in SCHEDULES:
        action = (await temporal_client.get_schedule_handle(name).describe()).schedule.action
        assert isinstance(action, ScheduleActionStartWorkflow)
        ours = SCHEDULES[name].action
        assert isinstance(ours, ScheduleActionStartWorkflow)
        assert ours.static_summary, name
        assert action.workflow == ours.workflow


async def test_an_expiring_certificate_is_found_by_the_clock(own_desk: Desk, temporal_client: Client):
    soon = (datetime.now(UTC).date() + timedelta(days=20)).isoformat()
    profiles = [{"tax_code": "EXEMPT", "certificate_number": "C-1", "certificate_expires_on": soon}]
    customer = await asyncio.to_thread(lambda: own_desk.customer(tax_profiles=profiles))
    await temporal_client.get_schedule_handle("watch-certificates").trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)

    def found() -> list[tuple[str, str, str]]:
        items = ok(own_desk("u_controller").get("/v1/exceptions?status=open"))["items"]
        return [(e["kind"], e["reason_code"], e["owner_role"]) for e in items if customer in str(e)]

    async with asyncio.timeout(120):
        while not await asyncio.to_thread(found):
            await asyncio.sleep(0.1)
    assert await asyncio.to_thread(found) == [("tax_certificate", "CERTIFICATE_EXPIRING", "ar_manager")]
