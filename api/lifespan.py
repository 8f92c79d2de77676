"""The API's composition root: what is opened at start and closed at the end.

Everything that holds a connection, a thread or a socket is made here, after any fork, and hung on `app.state`.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import psycopg
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from api import figures
from api.auth import Authenticator
from api.refresher import PanelRefresher
from api.temporal import TemporalLink
from interpreter import settle_the_interpreter
from models.db.announcements import listen
from models.db.engine import make_engine, make_reads, ping
from models.db.migrate import pending
from models.db.pooling import SharedSession, refuse_shared_sessions
from models.db.tls import why_away
from operations.answers import hand_over
from operations.signing import signer_of
from settings import Settings
from workflows.watching import keep_watching

TEMPORAL_PATIENCE_SECONDS: Final = 3.0
"""An API that starts beside a Temporal that answers has it with its first request; one without it serves all the same."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the resources, serve, then say "not ready" and close them in reverse order."""
    settings: Settings = app.state.settings
    if settings.upload_dir is not None:
        settings.upload_dir.mkdir(parents=True, exist_ok=True)
        tempfile.tempdir = str(settings.upload_dir)
    async with AsyncExitStack() as opened:
        engine = make_engine(
            settings.app_url(),
            pool_size=settings.database_pool_size,
            statement_seconds=settings.database_statement_seconds,
        )
        opened.callback(engine.dispose)
        link = TemporalLink(settings, engine)
        app.state.engine, app.state.temporal = engine, link
        app.state.signer = signer_of(
            settings.signing_key_file,
            settings.signing_command,
            settings.signing_public_keys_file,
            settings.dev_signing_key,
        )
        _watch(app, settings, engine, link)
        app.state.refresh_metrics = partial(figures.refresh, engine)
        opened.push_async_callback(_ended, asyncio.create_task(link.keep()))
        app.state.reads = make_reads(settings.app_url(), statement_seconds=settings.database_statement_seconds)
        opened.push_async_callback(app.state.reads.close)
        heard = partial(hand_over, answer=None)
        opened.callback(asyncio.create_task(listen(settings.app_url(), heard)).cancel)
        app.state.panel_refresher = PanelRefresher(link, engine)
        opened.callback(asyncio.create_task(app.state.panel_refresher.keep_views()).cancel)
        await opened.enter_async_context(app.state.door.open())
        opened.callback(asyncio.create_task(keep_watching(engine, "api", settings)).cancel)
        await link.wait(TEMPORAL_PATIENCE_SECONDS)
        settle_the_interpreter()
        yield
        app.state.readiness.draining = True  # also where it ends by itself


def _watch(app: FastAPI, settings: Settings, engine: Engine, link: TemporalLink) -> None:
    """What /readyz examines."""
    migrated = False
    examined: asyncio.Task[None] | None = None  # may take longer than who asks is kept waiting

    async def database() -> str | None:
        nonlocal examined
        try:
            await run_in_threadpool(ping, engine)
        except psycopg.OperationalError as error:
            if why := await run_in_threadpool(why_away, settings.app_url(), error):
                return why
            raise
        if examined is None or (examined.done() and examined.exception() is not None):
            examined = asyncio.create_task(asyncio.to_thread(refuse_shared_sessions, settings.app_url()))
        try:
            await asyncio.shield(examined)
        except SharedSession as shared:
            return str(shared)
        return None

    async def migrations() -> str | None:
        nonlocal migrated
        if not migrated:
            missing = await run_in_threadpool(pending, engine)
            if missing:
                return missing
            migrated = True
        return None

    app.state.readiness.add("database", database)
    app.state.readiness.add("migrations", migrations)
    app.state.readiness.add("temporal", link.problem, essential=False)
    authenticator: Authenticator = app.state.authenticator
    app.state.readiness.add("identity_provider", authenticator.problem, essential=lambda: not authenticator.usable)


async def _ended(task: "asyncio.Task[None]") -> None:
    """Cancel it, and wait until it has finished what it had begun."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
