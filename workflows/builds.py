"""Builds side by side: an approval chain is finished by the build that began it, as long as one of its workers lives.

Workers of the queue `changes` that know their build belong to one Temporal worker deployment. A chain is pinned to the
build that began it; new chains begin on the current build. Each worker looks after this by itself (`tend`):

- a build that comes for the first time becomes the current one; so does one whose current neighbour has no worker left;
- chains of a build that has no worker left are moved to the current build, which must replay them (workflow.patched). The
  server says so after a minute and a half; the workers themselves, who note that they are there, within seconds.

Going back to an earlier build is an operator's word: `arflow builds promote BUILD`.
"""

import asyncio
import os
import socket
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import structlog
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import Engine
from temporalio.api.batch.v1 import BatchOperationUpdateWorkflowExecutionOptions
from temporalio.api.deployment.v1 import WorkerDeploymentVersion as VersionMessage
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    StartBatchOperationRequest,
)
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

from models.db import stuck
from models.ids import new_id
from models.messages.changes import CHANGES_QUEUE

log = structlog.get_logger("arflow.builds")

DEPLOYMENT: Final = "arflow"
ALIVE: Final = timedelta(seconds=90)
"""A worker asks for work at least once a minute; one that has not for so long is gone."""
LOOK_EVERY: Final = timedelta(seconds=15)
BEAT: Final = timedelta(seconds=4)
"""So often a worker of chains notes in the database that it is there."""
SILENT_SECONDS: Final = 10.0
"""A build of which nobody has, for so long, is gone. Only chains are moved for it: who is current stays the server's word."""
JUMP: Final = timedelta(seconds=2)
"""The database's clock was set where it differs by more from what the time between two beats makes of it."""
KIND: Final = "chains"
SOON: Final = timedelta(milliseconds=200)
AFTER_ERROR: Final = timedelta(seconds=3)


@dataclass(frozen=True)
class Build:
    """One build as Temporal knows it. `alive`: one of its workers has asked for work lately."""

    build_id: str
    current: bool
    alive: bool
    first: datetime
    """When its first worker came."""
    was_current: bool
    open_chains: int


def pinned_to(build_id: str | None, deployment: str = DEPLOYMENT) -> WorkerDeploymentConfig | None:
    """How a worker says which build it is; None where builds do not matter (one worker, replaced as a whole)."""
    if build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment, build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


async def builds(
    client: Client, *, now: datetime | None = None, queue: str = CHANGES_QUEUE, deployment: str = DEPLOYMENT
) -> list[Build]:
    """Every build whose workers have come, the earliest first; none where there is no deployment yet. `now`: by a server's
    clock, if there is one to ask."""
    try:
        info = (
            await client.workflow_service.describe_worker_deployment(
                DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
            )
        ).worker_deployment_info
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return []
        raise
    current = info.routing_config.current_deployment_version.build_id
    alive = await _alive(client, queue, deployment, now or datetime.now(UTC))
    found = []
    for v in info.version_summaries:
        build_id = v.deployment_version.build_id
        first = v.create_time.ToDatetime(UTC)
        was_current = v.HasField("first_activation_time") or build_id == current
        running = await client.count_workflows(_open_chains(deployment, build_id))
        found.append(Build(build_id, build_id == current, build_id in alive, first, was_current, running.count))
    return sorted(found, key=lambda b: b.first)


async def _alive(client: Client, queue: str, deployment: str, now: datetime) -> set[str]:
    """The builds whose workers have asked for work lately."""
    asked = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    since = now - ALIVE
    return {
        p.deployment_options.build_id
        for p in asked.pollers
        if p.deployment_options.deployment_name == deployment and p.last_access_time.ToDatetime(UTC) >= since
    }


def _open_chains(deployment: str, build_id: str) -> str:
    return f"TemporalWorkerDeploymentVersion = '{deployment}:{build_id}' AND ExecutionStatus = 'Running'"


async def promote(client: Client, build_id: str, *, deployment: str = DEPLOYMENT) -> None:
    """New chains begin on this build from now on; those that are open stay where they are."""
    await client.workflow_service.set_worker_deployment_current_version(
        SetWorkerDeploymentCurrentVersionRequest(
            namespace=client.namespace,
            deployment_name=deployment,
            build_id=build_id,
            identity=client.identity,
            ignore_missing_task_queues=True,
        )
    )


async def adopt(client: Client, orphans: Sequence[str], build_id: str, *, deployment: str = DEPLOYMENT) -> None:
    """Move the open chains of builds without workers to this one."""
    override = VersioningOverride(
        pinned=VersioningOverride.PinnedOverride(
            behavior=VersioningOverride.PinnedOverrideBehavior.PINNED_OVERRIDE_BEHAVIOR_PINNED,
            version=VersionMessage(deployment_name=deployment, build_id=build_id),
        )
    )
    for orphan in orphans:
        await client.workflow_service.start_batch_operation(
            StartBatchOperationRequest(
                namespace=client.namespace,
                visibility_query=_open_chains(deployment, orphan),
                job_id=new_id("adopt"),
                reason=f"build {orphan} has no worker left; {build_id} goes on with its chains",
                update_workflow_options_operation=BatchOperationUpdateWorkflowExecutionOptions(
                    identity=client.identity,
                    workflow_execution_options=WorkflowExecutionOptions(versioning_override=override),
                    update_mask=FieldMask(paths=["versioning_override"]),
                ),
            )
        )


async def look(client: Client, mine: str, silent: Collection[str] = (), **where: Any) -> bool:
    """Do what this build has to do now. False while the server does not know it yet. `silent`: builds that are gone, whatever
    the server says yet."""
    known = await builds(client, **where)
    me = next((b for b in known if b.build_id == mine), None)
    if me is None:
        return False
    deployment = {k: v for k, v in where.items() if k == "deployment"}
    now = next((b for b in known if b.current), None)
    if now is None or (now is not me and (not now.alive or _supersedes(me, now))):
        await promote(client, mine, **deployment)
        log.info("build promoted", build=mine)
    elif now is not me:
        return True
    orphans = [b.build_id for b in known if b is not me and b.open_chains and (not b.alive or b.build_id in silent)]
    if orphans:
        await adopt(client, orphans, mine, **deployment)
        log.info("chains adopted", of=orphans, by=mine)
    return True


def _supersedes(me: Build, now: Build) -> bool:
    """A build that was never current and came after the current one: a deployment, not a restart."""
    return not me.was_current and me.first > now.first


class _Beat:
    """This worker's word that it is there, and whose word is missing."""

    def __init__(self, engine: Engine, build: str, kind: str) -> None:
        self._engine, self._build, self._kind = engine, build, kind
        self._name = f"{socket.gethostname()}:{os.getpid()}:{build}"
        self._since: float | None = None
        self._at: tuple[datetime, float] | None = None
        self._jumped = False
        self._line = ThreadPoolExecutor(1, thread_name_prefix="beat")

    def close(self) -> None:
        """When what it has begun to say is said."""
        self._line.shutdown()

    @property
    def now(self) -> datetime | None:
        """By the database's clock, as soon as it was asked: that of this machine may be off, and would have builds gone that
        are there."""
        if self._at is None:
            return None
        at, since = self._at
        return at + timedelta(seconds=time.monotonic() - since)

    def _note(self) -> frozenset[str]:
        expected = self.now
        at = stuck.say_there(self._engine, self._kind, self._name, self._build)
        self._jumped = expected is not None and abs(at - expected) > JUMP
        self._at = at, time.monotonic()
        return stuck.silent_builds(self._engine, self._kind, SILENT_SECONDS)

    async def give(self) -> frozenset[str]:
        """Say so; the builds that have fallen silent. None, while it is not heard itself for as long: the database was away, and
        nobody could be, or its clock was put forward or back, and what was noted before says nothing."""
        began = time.monotonic()
        try:
            silent = await asyncio.get_running_loop().run_in_executor(self._line, self._note)
        except psycopg.Error as error:
            log.warning("not noted", error=type(error).__name__)
            self._since = None
            return frozenset()
        if self._jumped:
            self._since = None
            return frozenset()
        self._since = began if self._since is None else self._since
        heard = time.monotonic() - self._since >= SILENT_SECONDS and time.monotonic() - began < SILENT_SECONDS / 2
        return silent if heard else frozenset()


async def tend(client: Client, engine: Engine, mine: str, *, kind: str = KIND, **where: Any) -> None:
    """Keep looking, until cancelled. A server that does not answer is asked again."""
    with closing(_Beat(engine, mine, kind)) as beat:
        await _keep_looking(client, beat, mine, **where)


async def _keep_looking(client: Client, beat: _Beat, mine: str, **where: Any) -> None:
    due, followed = 0.0, frozenset[str]()
    while True:
        silent = await beat.give()
        wait = BEAT
        if silent - followed or time.monotonic() >= due:
            try:
                known = await look(client, mine, silent, now=beat.now, **where)
                followed = silent
                due = time.monotonic() + (LOOK_EVERY if known else SOON).total_seconds()
                wait = BEAT if known else SOON
            except RPCError as error:
                log.warning("builds not looked after", status=error.status.name)
                due = time.monotonic() + AFTER_ERROR.total_seconds()
        await asyncio.sleep(wait.total_seconds())
