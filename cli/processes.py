"""The commands that run processes: the whole stack, one API, one worker, the migrations."""

import asyncio
import os
import signal
import sys
from contextlib import suppress

import typer

from interpreter import loading
from logs import configure_logs
from settings import Settings, get_settings
from stack.process import StackError


def up() -> None:
    """Run the whole stack in the foreground until Ctrl-C; prints `ready http://…` when everything answers."""
    from stack import supervisor

    raise typer.Exit(supervisor.run(get_settings()))


def demo() -> None:
    """Run the whole stack, load the demo data and walk the main job; stays up unless DEMO_EXIT=1."""
    from stack import supervisor

    walk = [sys.executable, "-m", "demo.main"]
    raise typer.Exit(supervisor.run(get_settings(), walk, stay=os.environ.get("DEMO_EXIT") != "1"))


def api() -> None:
    """Run one API process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # nothing is served yet that would need an order
    settings = get_settings()
    outside = ("temporal_address", "oidc_issuer", "oidc_audience") if settings.production else ()
    settings.require("database_url", *outside)

    import tracing

    with loading():
        from cli.serving import serve  # takes seconds on a busy machine

    _begin("api", settings)
    _refuse_shared_sessions(settings)
    try:
        serve(settings)
    finally:
        tracing.end()


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _begin(kind: str, settings: Settings) -> None:
    """Logs as everywhere; the first line says which build of what this is, and where it looks for what it needs."""
    import structlog

    import tracing
    from activities.metrics import say_build
    from models.db.nearby import database_hosts

    configure_logs(settings)
    tracing.begin(settings, kind)
    said = say_build(kind, settings.build)
    structlog.get_logger("arflow").info(
        "started", **said, env=settings.env, pid=os.getpid(), database=",".join(database_hosts(settings.app_url())),
        temporal=settings.temporal_target, namespace=settings.temporal_namespace,
    )  # fmt: skip
    if not settings.signs:
        structlog.get_logger("arflow").warning(
            "evidence and seals are not signed", set="ARFLOW_SIGNING_KEY_FILE or ARFLOW_SIGNING_COMMAND"
        )


def _refuse_shared_sessions(settings: Settings) -> None:
    """One line and no traceback; a database that is away is looked at when it is there, by `/readyz`."""
    import psycopg

    from models.db.pooling import refuse_shared_sessions

    with suppress(psycopg.Error, TimeoutError):
        refuse_shared_sessions(settings.app_url())


def worker() -> None:
    """Run one worker process."""
    import prometheus_client
    import uvloop

    import tracing

    settings = get_settings()
    settings.require("database_url", *(("temporal_address",) if settings.production else ()))
    _begin("worker", settings)
    if settings.worker_metrics_port is not None:
        prometheus_client.start_http_server(settings.worker_metrics_port, addr=settings.host)
    try:
        uvloop.run(_worker(settings))
    finally:
        tracing.end()


async def _worker(settings: Settings) -> None:
    """Cancel the worker on the first signal: it finishes what it has begun, and that is a good end."""
    with loading():
        from worker import run_worker

    task = asyncio.ensure_future(run_worker(settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


def probe(url: str) -> None:
    """Exit 0 if `url` answers 200: the health check of a container."""
    import httpx2

    try:
        answer = httpx2.get(url, timeout=4, trust_env=False)
    except httpx2.HTTPError as error:
        raise StackError(f"{url}: {error}") from error
    if answer.status_code != 200:
        raise StackError(f"{url}: {answer.status_code} {answer.text[:500]}")


def migrate() -> None:
    """Apply the migrations and register the search attributes with Temporal."""
    from models.db.migrate import migrate as apply_migrations
    from models.db.pooling import refuse_shared_sessions
    from stack.runtime import database
    from workflows.connection import TemporalAway
    from workflows.search_attributes import NotPermitted

    settings = get_settings()
    settings.require(*(("database_url", "temporal_address") if settings.production else ()))
    with database(settings) as url:
        refuse_shared_sessions(url)
        apply_migrations(url)
    try:
        added = asyncio.run(_register(settings))
    except TemporalAway as away:
        print(f"database migrated; {away}: the worker registers the search attributes as soon as it can")
        return
    except NotPermitted as refused:
        print(f"{refused}; an operator runs:", *refused.commands, sep="\n  ")
        return
    print("database migrated; search attributes registered:", ", ".join(added) or "all there already")


async def _register(settings: Settings) -> list[str]:
    from workflows.connection import connect
    from workflows.search_attributes import register_search_attributes

    return await register_search_attributes(await connect(settings))
