"""The relay and what it sets off: events that start a process of their own.

One relay runs in the deployment (advisory lock). A reaction is started at least once per event and deduplicated by
its workflow id, so a relay that dies between start and cursor does no harm.

Events are published at once. What they set off gives way to the people at the desk: nobody waits for it, and a process
more costs Temporal as much as the posting did. While things are being posted it waits, though never for long.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import psycopg
import structlog
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.metrics import count_events
from models.db import outbox
from models.messages.deductions import LOOK_AGAIN
from models.messages.webhooks import WebhookQueue
from models.outbox import OutboxEvent
from operations.cash import confirmations, waiting_lines
from operations.relay import RelayLine
from workflows import starts
from workflows.starting import NEVER, start

log = structlog.get_logger("arflow.relay")
IDLE_SECONDS = 0.25
READER = "reactions"
AT_ONCE = 16
CALM_SECONDS = 0.5
"""So long after the last posting nobody is in the middle of something."""
PATIENCE = timedelta(seconds=10)
"""So old an event is reacted to however busy the desk is."""


async def confirm_remittance(client: Client, event: OutboxEvent) -> None:
    """ar.payment.applied → one remittance confirmation for the session."""
    if not event.data.get("applications"):
        return
    session_id, payment_id, customer_id = (str(event.data[f"{noun}_id"]) for noun in ("session", "payment", "customer"))
    confirming = starts.confirmation(event.org_id, session_id, payment_id, customer_id)
    # Eagerly: this process' own worker takes it, without a task that waits for a poller.
    await start(client, confirming, eager=True, again=NEVER)


async def obtain_approval(client: Client, event: OutboxEvent) -> None:
    """approval.submitted → the process of the approval, which keeps its deadlines."""
    await start(client, starts.approval(event.org_id, event.subject), again=NEVER)


async def watch_deduction(client: Client, event: OutboxEvent) -> None:
    """deduction.opened → its process, which keeps its deadlines."""
    await start(client, starts.deduction(event.org_id, event.subject, str(event.data["customer_id"])), again=NEVER)


async def end_deduction(client: Client, event: OutboxEvent) -> None:
    """deduction.accepted, .rejected, .withdrawn → its process looks again, and ends."""
    watched = starts.deduction(event.org_id, event.subject, str(event.data["customer_id"]))
    await start(client, watched, signal=LOOK_AGAIN)


REACTIONS: Final[Mapping[str, Callable[[Client, OutboxEvent], Awaitable[None]]]] = {
    "ar.payment.applied": confirm_remittance,
    "approval.submitted": obtain_approval,
    "deduction.opened": watch_deduction,
    "deduction.accepted": end_deduction,
    "deduction.rejected": end_deduction,
    "deduction.withdrawn": end_deduction,
}


async def run_relay(client: Client, engine: Engine) -> None:
    """Lead when nobody else does: publish, react, sleep. Runs until cancelled; outlives the database's absence."""
    while True:
        try:
            await _lead(client, engine)
        except* (psycopg.Error, RPCError) as errors:
            log.warning("relay interrupted", errors=sorted({type(e).__name__ for e in errors.exceptions}))
        await asyncio.sleep(1)


async def _lead(client: Client, engine: Engine) -> None:
    line = RelayLine()
    try:
        await line.open(engine)
        if not await line.do(outbox.try_lead):
            return
        position = await line.do(outbox.cursor_of, READER)
        posted_at = 0.0
        while True:
            published = await line.do(outbox.publish)
            posted_at = time.monotonic() if published else posted_at
            busy = time.monotonic() - posted_at < CALM_SECONDS
            position, reacted = await _react(client, line, position, PATIENCE if busy else timedelta(0))
            if not reacted and published < outbox.MOST:
                await asyncio.sleep(IDLE_SECONDS)
    finally:
        await line.close()


async def _react(client: Client, line: RelayLine, position: int, age: timedelta) -> tuple[int, int]:
    """React to the next few events that are so old; the new position, and how many events that were."""
    events = await line.do(outbox.read_after, position, age)
    if not events:
        return position, 0
    unwanted = await line.do(confirmations.unwanted, events)
    wanted = [n for n, e in enumerate(events) if e.type in REACTIONS and e.id not in unwanted]
    if len(wanted) > AT_ONCE:  # look again whether the desk is calm before the next ones
        events = events[: wanted[AT_ONCE]]
    async with asyncio.TaskGroup() as starting:
        for n in wanted[:AT_ONCE]:
            starting.create_task(_start(client, events[n]))
    await _look_again(client, line, events)
    await _send_on(client, line, position, events[-1].position)
    last = events[-1].position
    await line.do(outbox.move_cursor, READER, last)
    count_events(e.type for e in events)
    return last, len(events)


async def _start(client: Client, event: OutboxEvent) -> None:
    try:
        await REACTIONS[event.type](client, event)
    except WorkflowAlreadyStartedError:
        log.debug("already started", event_id=event.id)


async def _look_again(client: Client, line: RelayLine, events: Sequence[OutboxEvent]) -> None:
    """invoice.created → the processes of the statements with lines that wait for the invoice, begun or joined."""
    waiting = await line.do(waiting_lines.awaited, events)
    for first in range(0, len(waiting), AT_ONCE):
        async with asyncio.TaskGroup() as starting:
            for s in waiting[first : first + AT_ONCE]:
                again = starts.statement(s.org_id, s.id, s.lines_total, waiting_lines.ACTOR)
                starting.create_task(start(client, again, signal="look_again"))


async def _send_on(client: Client, line: RelayLine, after: int, upto: int) -> None:
    """Deliveries for whoever asked for these events, and a process that works each queue off."""
    queues = await line.do(outbox.fan_out, after, upto)
    for first in range(0, len(queues), AT_ONCE):
        async with asyncio.TaskGroup() as starting:
            for queue in queues[first : first + AT_ONCE]:
                starting.create_task(wake(client, queue))


async def wake(client: Client, queue: WebhookQueue, signal: str = "more") -> None:
    """See that somebody works the queue off: its process, started where it does not run."""
    await start(client, starts.deliveries(queue), signal=signal)
