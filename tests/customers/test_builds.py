"""Two builds side by side on the real server: each finishes the chains it began; those of a build that is gone go on."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

import worker as composition
from models.messages.changes import ChangeInput, ChangeResult, change_workflow_id
from tests.customers.office import Office
from workflows import builds
from workflows.customer_change import CustomerChange
from workflows.erasure import EraseHistories


@workflow.defn(name="CustomerChange")
class OtherWay(CustomerChange):
    """A later build that does something else first, without a word to the chains that are open already."""

    @workflow.run
    async def run(self, start: ChangeInput) -> ChangeResult:
        await workflow.sleep(timedelta(milliseconds=1))
        return await super().run(start)


@workflow.defn(name="CustomerChange")
class Compatible(CustomerChange):
    """A later build that keeps to the old way where a chain was begun in it."""

    @workflow.run
    async def run(self, start: ChangeInput) -> ChangeResult:
        if workflow.patched("wait-first"):
            await workflow.sleep(timedelta(milliseconds=1))
        return await super().run(start)


class Floor:
    """A deployment and a queue of the test's own."""

    def __init__(self, client: Client, office: Office) -> None:
        self.client, self.office = client, office
        self.queue = self.deployment = f"changes-{office.org}"
        self.look = partial(builds.look, client, queue=self.queue, deployment=self.deployment)
        self.builds = partial(builds.builds, client, queue=self.queue, deployment=self.deployment)

    @asynccontextmanager
    async def worker(self, build: str, chain: type = CustomerChange) -> AsyncIterator[None]:
        """A worker of this build with this code, which the server has come to know."""
        made = composition.changes_worker(
            self.client, self.office.engine, threads=4, build_id=build, chains=(chain, EraseHistories)
        )
        async with made:
            await until(partial(self.look, build))
            yield

    async def submit(self) -> tuple[str, WorkflowHandle]:
        start = self.office.create()
        handle = await self.client.start_workflow(
            "CustomerChange", start, id=change_workflow_id(start.change_id), task_queue=self.queue
        )
        await handle.execute_update("submitted")
        return start.change_id, handle

    async def decide(self, change: str, handle: WorkflowHandle, *people: str) -> None:
        for who in people:
            await asyncio.wait_for(handle.execute_update("decide", self.office.decide(change, who)), 120)

    async def build_of(self, handle: WorkflowHandle) -> str:
        info = (await handle.describe()).raw_description.workflow_execution_info.versioning_info
        return str(info.deployment_version.build_id)

    async def current(self) -> str | None:
        return next((b.build_id for b in await self.builds() if b.current), None)


async def until(what: Callable[[], Awaitable[object]], seconds: float = 120) -> None:
    """Asked again where the server says that it is asked too much."""
    async with asyncio.timeout(seconds):
        while True:
            with suppress(RPCError):
                if await what():
                    return
            await asyncio.sleep(0.1)


@pytest.fixture
def floor(temporal_client: Client, office: Office, monkeypatch: pytest.MonkeyPatch) -> Floor:
    made = Floor(temporal_client, office)
    monkeypatch.setattr(composition, "CHANGES_QUEUE", made.queue)
    monkeypatch.setattr(composition, "pinned_to", partial(builds.pinned_to, deployment=made.deployment))
    return made


async def test_workers_of_an_older_build_finish_their_chains_after_a_new_one_is_deployed(floor: Floor):
    async with floor.worker("1.0"):
        old, old_run = await floor.submit()
        await floor.decide(old, old_run, "u_manager")
        async with floor.worker("2.0", OtherWay):  # would not be able to go on with it
            assert await floor.current() == "2.0"
            new, new_run = await floor.submit()
            await floor.look("1.0")  # the old build looks too, and leaves things as they are
            assert await floor.current() == "2.0"
            await floor.decide(old, old_run, "u_controller")
            assert (await old_run.result())["status"] == "APPROVED"
            await floor.decide(new, new_run, "u_manager", "u_controller")
            assert (await new_run.result())["status"] == "APPROVED"
            assert (await floor.build_of(old_run), await floor.build_of(new_run)) == ("1.0", "2.0")
            assert [(b.build_id, b.alive) for b in await floor.builds()] == [("1.0", True), ("2.0", True)]
            await builds.promote(floor.client, "1.0", deployment=floor.deployment)  # an operator goes back
            await floor.look("2.0")
            assert await floor.current() == "1.0"
            back, back_run = await floor.submit()
            await floor.decide(back, back_run, "u_manager", "u_controller")
            assert await floor.build_of(back_run) == "1.0"


async def test_chains_of_a_build_without_workers_go_on_under_the_current_one(floor: Floor, monkeypatch):
    async with floor.worker("1.0"):
        change, run = await floor.submit()
        await floor.decide(change, run, "u_manager")
    gone = lambda *_: _answer({"2.0"})  # noqa: E731 - what the server will say in a minute and a half
    async with floor.worker("2.0", Compatible):
        monkeypatch.setattr(builds, "_alive", gone)
        await until(lambda: _has_open_chains(floor, "1.0"))  # lists lag behind
        await floor.look("2.0")
        await floor.decide(change, run, "u_controller")
        assert (await run.result())["status"] == "APPROVED"
        assert await floor.build_of(run) == "2.0"


async def test_a_build_whose_workers_have_fallen_silent_is_followed_at_once(floor: Floor, monkeypatch) -> None:
    """Not in the minute and a half in which the server still counts its workers among those who ask."""
    assert builds.SILENT_SECONDS + builds.BEAT.total_seconds() < 15, "a chain waits less than 20 seconds in all"
    monkeypatch.setattr(builds, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(builds, "BEAT", timedelta(seconds=0.5))

    def tended(build: str) -> asyncio.Task[None]:
        where = {"queue": floor.queue, "deployment": floor.deployment, "kind": floor.queue}
        return asyncio.create_task(builds.tend(floor.client, floor.office.engine, build, **where))

    async with AsyncExitStack() as new:
        async with floor.worker("1.0"):
            first = tended("1.0")
            change, run = await floor.submit()
            await floor.decide(change, run, "u_manager")
            await new.enter_async_context(floor.worker("2.0", Compatible))
            second = tended("2.0")
            await asyncio.sleep(4)
            assert await floor.build_of(run) == "1.0", "its workers are there"
            await _ended(first)
        await until(lambda: _moved(run, "2.0"), 60)
        assert [(b.build_id, b.alive) for b in await floor.builds()] == [("1.0", True), ("2.0", True)]
        await floor.decide(change, run, "u_controller")
        assert (await run.result())["status"] == "APPROVED"
        assert await floor.build_of(run) == "2.0"
        await _ended(second)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _moved(run: WorkflowHandle, build: str) -> bool:
    info = (await run.describe()).raw_description.workflow_execution_info.versioning_info
    return str(info.versioning_override.pinned.version.build_id) == build


async def _answer(alive: set[str]) -> set[str]:
    return alive


async def _has_open_chains(floor: Floor, build: str) -> bool:
    return any(b.open_chains for b in await floor.builds() if b.build_id == build)


async def test_without_a_build_a_worker_is_as_before(floor: Floor):
    async with composition.changes_worker(floor.client, floor.office.engine, threads=2):
        change, run = await floor.submit()
        await floor.decide(change, run, "u_manager", "u_controller")
        assert (await run.result())["status"] == "APPROVED"
        still_open, open_run = await floor.submit()
    assert await floor.builds() == []
    async with floor.worker("1.0"):  # builds begin to matter: what is open goes on under the first of them
        await floor.decide(still_open, open_run, "u_manager", "u_controller")
        assert (await open_run.result())["status"] == "APPROVED"


async def test_operators_see_the_builds_and_go_back_to_an_earlier_one(temporal_address: str, office: Office):
    client = await Client.connect(temporal_address)  # a namespace that no other worker is in

    async def arflow(*arguments: str) -> tuple[int, str]:
        environment = {
            **os.environ,
            "ARFLOW_TEMPORAL_ADDRESS": temporal_address,
            "ARFLOW_TEMPORAL_NAMESPACE": "default",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli.main", "builds", *arguments, env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    assert await arflow("list") == (0, "no build has said what it is: workers run without ARFLOW_BUILD_ID\n")
    async with AsyncExitStack() as running:
        for build in ("1.0", "2.0"):
            await running.enter_async_context(composition.changes_worker(client, office.engine, 2, build))
            await until(partial(builds.look, client, build))
        listed = (await arflow("list"))[1].splitlines()
        assert [(line.split("\t")[0], line.endswith("current")) for line in listed] == [("1.0", False), ("2.0", True)]
        assert await arflow("promote", "1.0") == (0, "new chains begin on 1.0\n")
        assert [b.build_id for b in await builds.builds(client) if b.current] == ["1.0"]
        code, said = await arflow("promote", "3.0")
        assert (code, said) == (1, "arflow: no worker of build 3.0 runs; there are: 1.0, 2.0\n")
