"""Composition root of the workers: clients, registrations, tuning; no logic.

The posting worker also lives in each API process (see api/lifespan.py): a posting starts eagerly there and needs no
hop to another process. `arflow worker` polls the same queue, so that a posting whose API died is finished.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import tracing
from activities.changes import ChangeActivities
from activities.commands import CommandActivities
from activities.confirmations import ConfirmationActivities, Transport
from activities.deductions import DeductionActivities
from activities.escalations import EscalationActivities
from activities.failing import FailingSteps
from activities.import_feed import FeedActivities
from activities.import_retention import RetentionActivities
from activities.imports import SLICES, ImportActivities
from activities.metrics import Measured
from activities.panels import THREADS as PANEL_THREADS
from activities.panels import PanelActivities
from activities.rates import RateActivities
from activities.retention import PruningActivities
from activities.seals import SealActivities
from activities.stamps import StampActivities
from activities.statements import StatementActivities
from activities.task_failures import measured_runtime
from activities.ways_out import access_of, mail_transport, stamping_of
from activities.webhooks import THREADS, WebhookActivities, https_sender
from interpreter import settle_the_interpreter
from models.db.engine import make_engine
from models.db.pooling import wait_for_own_sessions
from models.messages.changes import CHANGES_QUEUE
from models.messages.commands import POSTING_QUEUE, PROCESS_QUEUE
from models.messages.customer_360 import REFRESH_QUEUE
from models.messages.imports import IMPORT_QUEUE
from models.messages.webhooks import WEBHOOK_QUEUE
from operations.signing import Signer, signer_of
from settings import Settings
from sources.time_stamps import Stamping
from workflows.approval import ObtainApproval
from workflows.builds import pinned_to, tend
from workflows.certificates import WatchCertificates
from workflows.confirmations import ConfirmRemittance
from workflows.connection import bars, connect_once_there, keep_key
from workflows.customer_change import CHANGE_WORKFLOWS
from workflows.deductions import ResolveDeduction
from workflows.ending import EndsInTime
from workflows.escalations import EscalateCase, WatchEscalation
from workflows.import_feed import FEED_SCHEDULE, CollectPartnerFeeds
from workflows.import_retention import PruneImports
from workflows.imports import CustomerImport
from workflows.panels import PANEL_WORKFLOWS
from workflows.payments import POSTING_WORKFLOWS
from workflows.rates import KeepRates
from workflows.reactions import run_relay
from workflows.resuming import keep_resuming
from workflows.retention import PruneRecords
from workflows.schedules import SCHEDULES
from workflows.seals import STAMP_SCHEDULE, SealTrails, StampSeals
from workflows.statements import ImportStatement
from workflows.watching import keep_watching
from workflows.webhooks import DeliverWebhooks

log = structlog.get_logger("arflow.worker")

GRACE = timedelta(seconds=5)
UNWATCHED = UnsandboxedWorkflowRunner()
"""For the processes that a person waits for, and those that each posting sets off: the sandbox loads a process' module
anew for every run, which costs more than the posting itself. Their code is watched where it is tested: in the sandbox,
and by replaying recorded runs."""


def posting_worker(client: Client, engine: Engine, threads: int = 12) -> Worker:
    """The worker of the queue `posting`. Few threads: more would not post more, they would fight for the interpreter."""
    return Worker(
        client,
        task_queue=POSTING_QUEUE,
        workflows=[*POSTING_WORKFLOWS, EscalateCase],
        workflow_runner=UNWATCHED,
        workflow_task_executor=ThreadPoolExecutor(4, thread_name_prefix="posting-workflow"),
        activities=[CommandActivities(engine).execute_command],
        activity_executor=ThreadPoolExecutor(threads, thread_name_prefix="posting"),
        max_concurrent_local_activities=threads,
        max_concurrent_activities=threads,
        graceful_shutdown_timeout=GRACE,
    )


def process_worker(
    client: Client,
    engine: Engine,
    transport: Transport,
    signer: Signer | None = None,
    threads: int = 16,
    ecb_url: str | None = None,
    stamping: Stamping | None = None,
) -> Worker:
    """The worker of the queue `processes`: what takes its time."""
    confirming, statements = ConfirmationActivities(engine, transport), StatementActivities(engine)
    stamps = StampActivities(engine, stamping)
    return Worker(
        client,
        task_queue=PROCESS_QUEUE,
        workflows=[
            ConfirmRemittance,
            ImportStatement,
            KeepRates,
            PruneRecords,
            ResolveDeduction,
            SealTrails,
            StampSeals,
            WatchEscalation,
        ],
        workflow_runner=UNWATCHED,
        activities=[
            confirming.send_confirmation,
            confirming.report_undelivered,
            statements.record_and_apply,
            EscalationActivities(engine).look_at_escalation,
            DeductionActivities(engine).look_at_deduction,
            SealActivities(engine, signer).seal_trails,
            stamps.stamp_seals,
            stamps.watch_stamps,
            PruningActivities(engine).prune_records,
            RateActivities(engine, ecb_url).fetch_rates,
            RateActivities(engine, ecb_url).watch_rates,
        ],
        activity_executor=ThreadPoolExecutor(threads, thread_name_prefix="process"),
        max_concurrent_activities=threads,
        graceful_shutdown_timeout=GRACE,
    )


def changes_worker(
    client: Client,
    engine: Engine,
    threads: int = 16,
    build_id: str | None = None,
    chains: Sequence[type] = CHANGE_WORKFLOWS,
) -> Worker:
    """The worker of the queue `changes`: approval chains, which wait much and work little.

    `build_id`: chains begun here stay with workers of that build (workflows/builds.py).
    """
    does = ChangeActivities(engine, client)
    return Worker(
        client,
        task_queue=CHANGES_QUEUE,
        workflows=[*chains, ObtainApproval, WatchCertificates],
        workflow_runner=UNWATCHED,
        deployment_config=pinned_to(build_id),
        activities=[
            does.act,
            does.carry_out,
            does.remind,
            does.escalate,
            does.decide_by_signal,
            does.signals_refused,
            does.erase_histories,
            does.watch_certificates,
        ],
        activity_executor=ThreadPoolExecutor(threads, thread_name_prefix="changes"),
        max_concurrent_local_activities=threads,
        max_concurrent_activities=threads,
        graceful_shutdown_timeout=GRACE,
    )


def refresh_worker(client: Client, engine: Engine, settings: Settings, threads: int = PANEL_THREADS) -> Worker:
    """The worker of the queue `refresh`: external systems are asked here, each for as long as it may take."""
    does = PanelActivities(engine, access_of(settings))
    return Worker(
        client,
        task_queue=REFRESH_QUEUE,
        workflows=list(PANEL_WORKFLOWS),
        activities=[does.refresh_panel, does.hot_panels, does.watch_renewals],
        activity_executor=ThreadPoolExecutor(threads, thread_name_prefix="refresh"),
        max_concurrent_activities=threads,
        graceful_shutdown_timeout=GRACE,
    )


def import_worker(client: Client, engine: Engine, settings: Settings, threads: int = SLICES) -> Worker:
    """The worker of the queue `imports`. Few slices at a time, so that postings keep their processor."""
    doing, feeding = ImportActivities(engine, access_of(settings)), FeedActivities(engine, settings.partner_feed_home)
    return Worker(
        client,
        task_queue=IMPORT_QUEUE,
        workflows=[CustomerImport, CollectPartnerFeeds, PruneImports],
        activities=[
            doing.act,
            doing.decide_by_signal,
            doing.stage,
            doing.validate,
            doing.execute,
            doing.overdue,
            feeding.collect,
            feeding.put_away,
            RetentionActivities(engine).prune_imports,
        ],
        activity_executor=ThreadPoolExecutor(threads + 4, thread_name_prefix="import"),
        max_concurrent_activities=threads,
        max_concurrent_local_activities=4,
        graceful_shutdown_timeout=GRACE,
    )


def webhook_worker(client: Client, engine: Engine, settings: Settings, threads: int = THREADS) -> Worker:
    """The worker of the queue `webhooks`. In production no endpoint may be on a private address."""
    does = WebhookActivities(engine, https_sender(anywhere=not settings.production))
    return Worker(
        client,
        task_queue=WEBHOOK_QUEUE,
        workflows=[DeliverWebhooks],
        workflow_runner=UNWATCHED,
        activities=[does.deliver_next],
        activity_executor=ThreadPoolExecutor(threads, thread_name_prefix="webhook"),
        max_concurrent_activities=threads,
        graceful_shutdown_timeout=GRACE,
    )


async def run_worker(settings: Settings) -> None:
    """Run until cancelled; what has begun is finished within the grace period. Begins when the database and
    Temporal are there, and ends with SharedSession where its sessions are shared. A namespace that is gone, and a key
    that Temporal takes, are waited for."""
    await wait_for_own_sessions(settings.app_url())
    signer = signer_of(
        settings.signing_key_file, settings.signing_command, settings.signing_public_keys_file, settings.dev_signing_key
    )
    engine = make_engine(
        settings.app_url(),
        pool_size=settings.database_pool_size,
        statement_seconds=settings.database_work_seconds,
    )
    watching = [*tracing.interceptors(), Measured(), FailingSteps(engine)]
    try:
        while True:
            client = await connect_once_there(settings, watching, measured_runtime(), plugins=[EndsInTime()])
            try:
                await _until_cancelled(asyncio.create_task(_work(settings, client, engine, signer)))
            except ExceptionGroup as failed:
                if (barred := await bars(client, from_writing=True)) is None:
                    raise
                log.error("everything begins again once that is mended", why=str(barred), error=str(failed)[:200])
    finally:
        engine.dispose()


async def _until_cancelled(working: "asyncio.Task[None]") -> None:
    """What it raises, but where we are told to end meanwhile: then it ends, however it does. (A task that has waited for a group
    of which one failed does not know any more, in Python 3.11, whether it was told itself.)"""
    try:
        await asyncio.wait([working])
    except asyncio.CancelledError:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        raise
    working.result()


async def _work(settings: Settings, client: Client, engine: Engine, signer: Signer | None) -> None:
    """All that a worker does, until cancelled or one of it fails."""
    workers = [
        posting_worker(client, engine),
        process_worker(
            client, engine, mail_transport(settings), signer, ecb_url=settings.ecb_url, stamping=stamping_of(settings)
        ),
        changes_worker(client, engine, build_id=settings.build),
        refresh_worker(client, engine, settings),
        import_worker(client, engine, settings),
        webhook_worker(client, engine, settings),
    ]
    schedules = {
        **SCHEDULES,
        **(FEED_SCHEDULE if settings.partner_feed_home is not None else {}),
        **(STAMP_SCHEDULE if settings.tsa_url is not None else {}),
    }
    settle_the_interpreter()
    async with asyncio.TaskGroup() as running:
        for w in workers:
            running.create_task(w.run())
        running.create_task(keep_key(client, settings))
        running.create_task(run_relay(client, engine))
        running.create_task(keep_resuming(client, engine, schedules, settings.resume_seconds))
        running.create_task(keep_watching(engine, "worker", settings))
        if settings.build is not None:
            running.create_task(tend(client, engine, settings.build))
