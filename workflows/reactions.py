"""The relay and what it sets off: events that start a process of their own.

One relay runs in the deployment (advisory lock). A reaction is started at least once per event and deduplicated by
its workflow id, so a relay that dies between start and cursor does no harm.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from models.messages.commands import PROCESS_QUEUE
from models.messages.confirmations import ConfirmationInput, confirmation_workflow_id
from operations import relay
from operations.cash import confirmations

log = structlog.get_logger("arflow.relay")
IDLE_SECONDS = 0.25
READER = "reactions"
AT_ONCE = 16
START_TIMEOUT = timedelta(seconds=5)
"""A server that is coming up may take a request and never answer it; the SDK alone would wait half a minute."""


async def confirm_remittance(client: Client, event: Any) -> None:
    """ar.payment.applied → one remittance confirmation for the session."""
    data = event["data"]
    if not data.get("applications"):
        return
    await client.start_workflow(
        "ConfirmRemittance",
        ConfirmationInput(event["org_id"], data["session_id"]),
        id=confirmation_workflow_id(data["session_id"]),
        task_queue=PROCESS_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        rpc_timeout=START_TIMEOUT,
        static_summary=f"Confirm remittance of {data['payment_id']}",
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(SearchAttributeKey.for_keyword("OrgId"), event["org_id"]),
                SearchAttributePair(SearchAttributeKey.for_keyword("ProcessType"), "ConfirmRemittance"),
                SearchAttributePair(SearchAttributeKey.for_keyword("PaymentId"), data["payment_id"]),
                SearchAttributePair(SearchAttributeKey.for_keyword("CustomerId"), data["customer_id"]),
            ]
        ),
    )


REACTIONS: dict[str, Callable[[Client, Any], Any]] = {"ar.payment.applied": confirm_remittance}


async def run_relay(client: Client, engine: Engine) -> None:
    """Lead when nobody else does: publish, react, sleep. Runs until cancelled; outlives the database's absence."""
    while True:
        try:
            await _lead(client, engine)
        except* (SQLAlchemyError, RPCError) as errors:
            log.warning("relay interrupted", errors=sorted({type(e).__name__ for e in errors.exceptions}))
        await asyncio.sleep(1)


async def _lead(client: Client, engine: Engine) -> None:
    conn = await asyncio.to_thread(engine.connect)
    try:
        if not await asyncio.to_thread(relay.try_lead, conn):
            return
        await asyncio.to_thread(conn.commit)
        position = await asyncio.to_thread(relay.cursor_of, conn, READER)
        while True:
            published = await asyncio.to_thread(relay.publish, conn)
            position, reacted = await _react(client, conn, position)
            if not published and not reacted:
                await asyncio.sleep(IDLE_SECONDS)
    finally:
        # The lock belongs to the session: give the connection up, not back to the pool.
        await asyncio.to_thread(conn.invalidate)
        await asyncio.to_thread(conn.close)


async def _react(client: Client, conn: Any, position: int) -> tuple[int, int]:
    events = await asyncio.to_thread(relay.read_after, conn, position)
    unwanted = await asyncio.to_thread(confirmations.unwanted, conn, events)
    wanted = [e for e in events if e["type"] in REACTIONS and e["id"] not in unwanted]
    for first in range(0, len(wanted), AT_ONCE):
        async with asyncio.TaskGroup() as starting:
            for event in wanted[first : first + AT_ONCE]:
                starting.create_task(_start(client, event))
    if not events:
        return position, 0
    last = int(events[-1]["position"])
    await asyncio.to_thread(relay.move_cursor, conn, READER, last)
    return last, len(events)


async def _start(client: Client, event: Any) -> None:
    try:
        await REACTIONS[event["type"]](client, event)
    except WorkflowAlreadyStartedError:
        log.debug("already started", event=event["id"])
