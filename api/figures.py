"""What is only known to the database and to Temporal, for readiness and metrics: lag, what stands, what is open, backlogs."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from prometheus_client import Gauge
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.service import RPCError

from api import metrics
from models.db import outbox, room, stuck
from models.stuck import Backlog, Figure, FiguresAnswer, ProcessesAnswer, TroubleAnswer
from workflows.queues import PATIENCE, backlogs
from workflows.watching import CLOCK_PATIENCE, clock_ahead

QUEUE_PATIENCE: Final = 60.0
"""A task that nobody takes for so long, in seconds, is trouble: each is taken in milliseconds by a worker that is there."""
_KINDS: Final[Sequence[Literal["api", "worker"]]] = ("api", "worker")
_COUNTS: Final[Mapping[str, Gauge]] = {
    "failing_webhooks": metrics.WEBHOOKS_FAILING,
    "webhook_deliveries": metrics.WEBHOOKS_WAITING,
    "commands": metrics.COMMANDS_UNFINISHED,
}


def refresh(engine: Engine) -> None:
    """Read what the database alone knows into the gauges."""
    pending_events, oldest_seconds = outbox.lag(engine)
    metrics.OUTBOX_LAG.set(pending_events)
    metrics.OUTBOX_LAG_SECONDS.set(oldest_seconds)
    metrics.STUCK.clear()
    for found in stuck.trouble(engine):
        metrics.STUCK.labels(found.what).set(found.number)
    for kind in _KINDS:
        seen = stuck.last_seen(engine, kind)
        metrics.PROCESSES.labels(kind).set(seen.number)
        metrics.LAST_SEEN.labels(kind).set(seen.at.timestamp() if seen.at else 0)
    _show(stuck.figures(engine))


def _show(figures: Sequence[Figure]) -> None:
    metrics.EXCEPTIONS.clear()
    for one in figures:
        if one.figure in ("due", "overdue"):
            metrics.EXCEPTIONS.labels(one.whose, one.figure).set(one.number)
        else:
            _COUNTS[one.figure].set(one.number)
        if one.figure == "commands":
            metrics.OLDEST_COMMAND.set(one.oldest.timestamp() if one.oldest else 0)


async def refresh_backlogs(client: Client | None) -> None:
    """Read what Temporal alone knows into the gauges; without it there are none, rather than those of before."""
    metrics.QUEUE_TASKS.clear()
    metrics.QUEUE_SECONDS.clear()
    metrics.QUEUE_POLLERS.clear()
    found = await waiting(client)
    metrics.TEMPORAL.set(bool(found))
    for one in found:
        metrics.QUEUE_TASKS.labels(one.queue).set(one.waiting)
        metrics.QUEUE_SECONDS.labels(one.queue).set(one.oldest_seconds)
        metrics.QUEUE_POLLERS.labels(one.queue).set(one.pollers)


def trouble(engine: Engine, queues: Sequence[Backlog]) -> Sequence[TroubleAnswer]:
    """What is wrong: what stands, writes of this process for which there was no room, no worker at all, this machine's clock (so
    many seconds), queues that nobody takes from."""
    wrong = [*stuck.trouble(engine), *filter(None, [room.trouble()])]
    found = [TroubleAnswer(what=t.what, number=t.number, oldest=t.oldest) for t in wrong]
    worker = stuck.last_seen(engine, "worker")
    if not worker.number:
        found.append(TroubleAnswer(what="NO_WORKER", number=0, oldest=worker.at))
    ahead = clock_ahead(engine)
    if abs(ahead) > CLOCK_PATIENCE:
        found.append(TroubleAnswer(what="CLOCK_OFF", number=round(abs(ahead)), oldest=None))
    late = sum(one.waiting for one in queues if one.oldest_seconds > QUEUE_PATIENCE)
    return [*found, *([TroubleAnswer(what="QUEUE_NOT_WORKED_OFF", number=late, oldest=None)] if late else [])]


def processes(engine: Engine) -> Sequence[ProcessesAnswer]:
    """Who was last seen when."""
    seen = {kind: stuck.last_seen(engine, kind) for kind in _KINDS}
    return [ProcessesAnswer(kind=kind, number=s.number, last_seen_at=s.at) for kind, s in seen.items()]


def summed(engine: Engine) -> FiguresAnswer:
    """What is open, whether or not anything is wrong with it."""
    found = stuck.figures(engine)
    number = {name: sum(one.number for one in found if one.figure == name) for name in (*_COUNTS, "due", "overdue")}
    oldest = [one.oldest for one in found if one.figure == "commands" and one.oldest]
    return FiguresAnswer(
        open_exceptions=number["due"] + number["overdue"],
        overdue_exceptions=number["overdue"],
        failing_webhooks=number["failing_webhooks"],
        unsent_webhook_deliveries=number["webhook_deliveries"],
        unfinished_commands=number["commands"],
        oldest_unfinished_command_at=min(oldest, default=None),
    )


async def waiting(client: Client | None) -> Sequence[Backlog]:
    """The backlogs, where Temporal tells them in time."""
    if client is None:
        return ()
    try:
        return await asyncio.wait_for(backlogs(client), PATIENCE.total_seconds())
    except (RPCError, RuntimeError, TimeoutError):
        return ()
