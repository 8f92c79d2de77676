"""Seals are stamped by the clock: an authority that is away is asked again for a while, and keeps nobody from being told."""

from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.stamps import StampActivities
from models.audit.stamps import StampingAuthorities
from models.db.engine import transaction
from models.ids import new_id
from operations.seals import newest_stamped, seal
from operations.stamps import without_stamp
from sources.time_stamps import Stamping
from tests.cash_desk.desk import Desk
from tests.stamping import Authority, authority_at, send
from workflows.retries import OUTSIDE
from workflows.seals import StampSeals


async def test_a_stamp_comes_when_the_authority_is_back(
    desk: Desk,
    time_skipping: WorkflowEnvironment,
    worker_of: Callable[[Sequence[type], Sequence[Any]], Worker],
    tmp_path: Path,
) -> None:
    authority, asked = Authority(tmp_path), list[int]()

    def answer(http: BaseHTTPRequestHandler, question: bytes) -> None:
        asked.append(len(question))
        send(http, authority.reply(question), 200 if len(asked) > int(OUTSIDE.maximum_attempts) + 2 else 503)

    with transaction(desk.engine, desk.org, snapshot=True) as tx:
        seal(tx)
    with authority_at(answer) as url:
        does = StampActivities(desk.engine, Stamping(url, StampingAuthorities.of_file(authority.root)))
        async with worker_of([StampSeals], [does.stamp_seals, does.watch_stamps]) as worker:
            for run in range(2):
                await time_skipping.client.execute_workflow(
                    StampSeals.run, id=new_id("stamps"), task_queue=worker.task_queue
                )
                with transaction(desk.engine, desk.org) as tx:
                    waiting, kept = without_stamp(tx), newest_stamped(tx)
                assert (len(waiting), kept is None) == (1 - run, run == 0), asked
    assert len(asked) >= int(OUTSIDE.maximum_attempts) + 3
