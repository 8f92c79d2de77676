"""The one loop that repeats a transaction which another one was in the way of."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import psycopg
from sqlalchemy import Engine

from models.db.engine import transaction
from models.db.refused import RACES, final_refusal
from models.db.tx import Tx

TIMES: Final = 4


def attempts(
    engine: Engine,
    org_id: str,
    *,
    times: int = TIMES,
    again: tuple[type[Exception], ...] = RACES,
    rehearsal: bool = False,
) -> Iterator[AbstractContextManager[Tx]]:
    """A transaction, begun anew, a few times, where one of `again` ended it: `for attempt in attempts(…): with attempt as tx:
    …`. With `rehearsal` it is rolled back. Raises what the database refuses for good as the Refusal that it is, and
    anything else as it came."""
    ended: list[bool] = []
    for left in reversed(range(times)):
        yield _attempt(engine, org_id, again if left else (), ended, rehearsal)
        if ended:
            return


@contextmanager
def _attempt(
    engine: Engine, org_id: str, again: tuple[type[Exception], ...], ended: list[bool], rehearsal: bool
) -> Iterator[Tx]:
    try:
        with transaction(engine, org_id, rehearsal=rehearsal) as tx:
            yield tx
    except again:
        return
    except psycopg.Error as error:
        if refused := final_refusal(error):
            raise refused from None
        raise
    ended.append(True)
