"""`arflow resume`: begin the process of whatever is open in the books and has none."""

import asyncio

from temporalio.service import RPCError

from models.db.engine import make_engine
from operations import registry  # noqa: F401 - registers the operations
from settings import Settings, get_settings
from stack.process import StackError
from stack.runtime import books
from workflows.connection import connect
from workflows.resuming import Resumed
from workflows.resuming import resume as sweep


def resume() -> None:
    """Begin the process of whatever is open and has none: after Temporal was emptied, moved, or restored. Workers do it by
    themselves, at their start and every five minutes; running it again changes nothing."""
    settings = get_settings()
    with books(settings) as url:
        done = asyncio.run(_sweep(settings, url))
    if done.elsewhere:
        print("another process is just doing it")
        return
    for process, number in sorted(done.begun.items()):
        print(f"{process}  {number} begun")
    if done.gone:
        print(f"{done.gone} ended: RECORD_GONE")
    if not (done.begun or done.gone):
        print("nothing open lacks its process")
    if done.failed:
        raise StackError(f"{done.failed} could not be begun; run it again")


async def _sweep(settings: Settings, url: str) -> Resumed:
    engine = make_engine(url, pool_size=2)
    try:
        return await sweep(await connect(settings), engine)
    except (RPCError, RuntimeError) as error:
        raise StackError(f"Temporal does not answer: {error}") from None
    finally:
        engine.dispose()
