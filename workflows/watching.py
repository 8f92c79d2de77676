"""The watch: every half minute it is looked for what stands still. By each API and each worker, so that somebody does where
all of the others are gone; and each says that it is there itself, whether its clock is right, and which certificates end."""

import asyncio
import os
import socket
import time
from datetime import UTC, date, datetime
from typing import Final, Literal

import psycopg
import structlog
from sqlalchemy import Engine

from activities.metrics import CLOCK, TLS_ENDS
from models.db import stuck
from models.db.alone import alone
from models.db.engine import clock
from models.db.tls import why_away
from models.stuck import Patience
from models.tls import ends_soon
from operations.stuck import watch
from settings import Settings
from workflows.tls import certificates

log = structlog.get_logger("arflow.watch")

EVERY_SECONDS: Final = 30.0
CLOCK_PATIENCE: Final = 10.0
"""By how many seconds two machines' clocks may differ; a network's time service keeps them within hundredths of one."""


async def keep_watching(
    engine: Engine, kind: Literal["api", "worker"], settings: Settings, patience: Patience | None = None
) -> None:
    """Look now and for ever; outlives the database's absence. Runs until cancelled."""
    name, told = f"{socket.gethostname()}:{os.getpid()}", set[tuple[str, date]]()
    while True:
        _look_at_certificates(settings, told)
        try:
            await asyncio.to_thread(_look, engine, kind, name, settings.build, patience or Patience())
        except psycopg.Error as error:
            why = await asyncio.to_thread(why_away, settings.app_url(), error)
            log.warning("watch interrupted", error=type(error).__name__, **({"why": why} if why else {}))
        await asyncio.sleep(EVERY_SECONDS)


def clock_ahead(engine: Engine) -> float:
    """By how many seconds this machine's clock is ahead of the database's; behind: below 0. What the question took is nobody's
    fault."""
    before, at, after = time.time(), clock(engine).timestamp(), time.time()
    return max(before - at, 0.0) + min(after - at, 0.0)


def _look(engine: Engine, kind: str, name: str, build: str | None, patience: Patience) -> None:
    stuck.say_there(engine, kind, name, build)
    ahead = clock_ahead(engine)
    CLOCK.set(ahead)
    if abs(ahead) > CLOCK_PATIENCE:
        log.warning("this machine's clock is not the database's", ahead_seconds=round(ahead, 1))
    with alone(engine, "arflow.watch") as mine:
        if mine and (found := watch(engine, patience)):
            log.warning("something stands still", number=found)


def _look_at_certificates(settings: Settings, told: set[tuple[str, date]]) -> None:
    """Into the metrics, and once a day into the log. By this machine's clock, as who verifies them does."""
    now = datetime.now(UTC)
    for one in certificates(settings):
        TLS_ENDS.labels(one.setting).set(one.ends_at.timestamp() if one.ends_at else 0)
        if ends_soon(one, now) and (one.setting, now.date()) not in told:
            told.add((one.setting, now.date()))
            log.warning("a certificate ends soon, or cannot be read", setting=one.setting, ends_at=one.ends_at)
