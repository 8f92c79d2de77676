"""The sweep: whatever is open in the books and has no process is given one. Idempotent; PostgreSQL alone is enough.

`arflow resume` sweeps once; workers do at their start, every five minutes, and as soon as they find Temporal emptied. One
of them at a time: an advisory lock says which.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import psycopg
import structlog
from sqlalchemy import Engine
from temporalio.client import Client, Schedule
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.errors import RECORD_GONE
from models.db import open_work
from models.db.alone import alone
from models.db.engine import transaction
from models.db.organisations import all_org_ids
from models.errors import Refusal
from models.messages.imports import RELOAD_SIGNAL
from operations.runner import CommandLost, execute
from workflows.open_work import OPEN_WORK, Needed, by_conversation
from workflows.schedules import ensure_schedules
from workflows.search_attributes import ORG, STEP, NotPermitted, register_search_attributes
from workflows.starting import start

log = structlog.get_logger("arflow.resume")

EVERY_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 20.0
"""So often Temporal is asked whether it has been emptied: one question, for one schedule."""
AGAIN_SECONDS: Final = 5.0
"""After a sweep that could not begin everything: an emptied server takes a moment to know the search attributes."""
AT_ONCE: Final = 16
YOUNG: Final = timedelta(seconds=30)
"""A process that is younger is not looked for in the books: its request may just be on its way there."""


@dataclass
class Resumed:
    """What a sweep has done: processes begun, by their kind; `failed` could not be begun and are tried again."""

    begun: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    gone: int = 0
    """Ended, because their records are not in the database."""
    elsewhere: bool = False
    """Another process was just then sweeping."""


@dataclass(frozen=True)
class Run:
    """A process that goes on: whose it is, the step that it shows, since when."""

    org_id: str | None
    step: str | None
    since: datetime


async def resume(client: Client, engine: Engine, schedules: Mapping[str, Schedule] | None = None) -> Resumed:
    """Sweep once. With `schedules`, those that are missing are made first. Raises RPCError, psycopg.Error."""
    done = Resumed()
    with alone(engine, "arflow.resume") as mine:
        if not mine:
            done.elsewhere = True
            return done
        await _prepare(client, schedules)
        running = await _running(client)
        for org_id in await asyncio.to_thread(all_org_ids, engine):
            needed, gone = await asyncio.to_thread(_compared, engine, org_id, running)
            for first in range(0, len(needed), AT_ONCE):
                await asyncio.gather(*(_begin(client, engine, one, done) for one in needed[first : first + AT_ONCE]))
            for workflow_id in gone:
                await _end(client, workflow_id, done)
    if done.begun or done.failed or done.gone:
        log.info("resumed", begun=dict(done.begun), failed=done.failed, gone=done.gone)
    return done


async def _prepare(client: Client, schedules: Mapping[str, Schedule] | None) -> None:
    try:
        await register_search_attributes(client)
    except NotPermitted:
        log.debug("search attributes are the operator's")
    if schedules is not None:
        await ensure_schedules(client, schedules)


async def _running(client: Client) -> Mapping[str, Run]:
    """What Temporal has that goes on, by its id. Children of processes do not say whose they are; they look by themselves."""
    found = {}
    async for one in client.list_workflows("ExecutionStatus = 'Running'"):
        said = one.typed_search_attributes
        found[one.id] = Run(said.get(ORG), said.get(STEP), one.start_time)
    return found


def _compared(engine: Engine, org_id: str, running: Mapping[str, Run]) -> tuple[Sequence[Needed], set[str]]:
    """What of one organisation is open and has no process, or whose process has to be told something; and the processes
    whose record is gone."""
    needed: list[Needed] = []
    for work in OPEN_WORK:
        with transaction(engine, org_id, durable=False) as tx:
            wanted = [still for one in work.found(tx) if (still := _still_needed(one, running.get(one.begun.id)))]
            needed += by_conversation(tx, wanted)
    with transaction(engine, org_id, durable=False) as tx:
        young = tx.now - YOUNG
        mine = [i for i, run in running.items() if run.org_id == org_id and "/" in i and run.since < young]
        return needed, open_work.gone(tx, mine)


def _still_needed(one: Needed, run: Run | None) -> Needed | None:
    if run is None or one.signal is not None:
        return one
    if one.step is None or run.step is None or one.step == run.step:
        return None
    return replace(one, signal=RELOAD_SIGNAL)


async def _end(client: Client, workflow_id: str, done: Resumed) -> None:
    """End a process whose record is gone, and say why."""
    try:
        await client.get_workflow_handle(workflow_id).terminate("its record is not in the database", reason=RECORD_GONE)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    else:
        log.warning("ended, its record is gone", workflow_id=workflow_id)
        done.gone += 1


async def _begin(client: Client, engine: Engine, needed: Needed, done: Resumed) -> None:
    try:
        if needed.in_place is not None:
            await asyncio.to_thread(_carry_out, engine, needed.begun.org_id, needed.in_place)
        await start(client, needed.begun, again=needed.again, signal=needed.signal, signal_args=needed.signal_args)
    except WorkflowAlreadyStartedError:
        return
    except (RPCError, psycopg.Error) as error:
        done.failed += 1
        log.warning("not resumed", workflow_id=needed.begun.id, error=type(error).__name__, said=str(error)[:200])
        return
    done.begun[needed.begun.process] += 1


def _carry_out(engine: Engine, org_id: str, command_id: str) -> None:
    try:
        execute(engine, org_id, command_id)
    except (Refusal, CommandLost) as no:  # its record says so to whoever asks
        log.debug("a kept command was refused", command_id=command_id, code=type(no).__name__)


async def keep_resuming(
    client: Client, engine: Engine, schedules: Mapping[str, Schedule], every: float = EVERY_SECONDS
) -> None:
    """Sweep now and for ever; outlives the absence of both servers. Runs until cancelled."""
    while True:
        try:
            done = await resume(client, engine, schedules)
            wait = AGAIN_SECONDS if done.failed else every
        except (RPCError, psycopg.Error) as error:
            log.warning("sweep interrupted", error=type(error).__name__)
            wait = AGAIN_SECONDS
        await _wait(client, schedules, wait)


async def _wait(client: Client, schedules: Mapping[str, Schedule], seconds: float) -> None:
    """Until the time is over, or Temporal no longer has what it was given."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(left, LOOK_SECONDS))
        if await _emptied(client, next(iter(schedules))):
            return


async def _emptied(client: Client, schedule: str) -> bool:
    try:
        await client.get_schedule_handle(schedule).describe()
    except RPCError as error:
        return error.status is RPCStatusCode.NOT_FOUND
    return False
