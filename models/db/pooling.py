"""Whether each connection is a session of its own, as everything here takes for granted.

Statements are prepared by name, the role and the time zone are set once per connection, locks and LISTEN outlive a
transaction. A pooler that hands a server's session from client to client between transactions (PgBouncer with
`pool_mode = transaction` or `statement`, and its like) would let one process carry out what another has prepared. It need
not fail, so it is looked for before anything is asked: decision 0056.

What poolers say of themselves differs; what they do does not. Of several clients at a time, no two may ever be on one
server's session, none may be moved to another one or lose what it set, and none may find what a stranger has left.
"""

import asyncio
import secrets
from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.errors import FeatureNotSupported, ProtocolViolation

from models.db.engine import driver_url
from models.db.postgres.connection import Access
from models.db.tls import why_away
from models.mendable import Mendable

OTHERS: Final = 4
"""Clients beside the one that is watched. Each holds a transaction open, so that a pooler has to give the watched one's
session to one of them, or another session to the watched one."""
ROUNDS: Final = 3
PATIENCE_SECONDS: Final = 2.0
"""How long one step may take: a pooler of sessions with few places lets the others wait for ever."""
AGAIN_SECONDS: Final = 2.0
_MARK: Final = "SELECT pg_backend_pid(), set_config('arflow.session', %s, false)"
_LOOK: Final = "SELECT pg_backend_pid(), current_setting('arflow.session', true)"
_HANDED_BACK: Final = 0.1
"""Seconds in which a pooler notices that a client has gone."""
_WAY_OUT: Final = (
    "use session pooling (PgBouncer: pool_mode = session) or connect to PostgreSQL itself; see docs/operations.md"
)
_LEFT: Final = (
    "the database's address leads through a pooler that hands on sessions as their last client left them: let it clear them "
    "(PgBouncer: server_reset_query = DISCARD ALL); see docs/operations.md"
)
Client = AsyncConnection[Any]
Answer = TypeVar("Answer")
log = structlog.get_logger("arflow.database")


class SharedSession(Mendable):
    """The database's address leads to sessions that are not one's own; the message says so, and the way out."""


def refuse_shared_sessions(database_url: str) -> None:
    """Raises SharedSession behind a pooler that shares sessions; psycopg.Error or TimeoutError where the database cannot be
    asked. On an event loop of its own: not to be called on one."""
    asyncio.run(_examine(database_url))


async def wait_for_own_sessions(database_url: str) -> None:
    """As `refuse_shared_sessions`, as soon as the database is there."""
    while True:
        try:
            return await asyncio.to_thread(refuse_shared_sessions, database_url)
        except (psycopg.Error, TimeoutError) as error:
            why = await asyncio.to_thread(why_away, database_url, error)
            log.warning("the database does not answer", error=type(error).__name__, **({"why": why} if why else {}))
        await asyncio.sleep(AGAIN_SECONDS)


async def _examine(database_url: str) -> None:
    watched, mark = await _connect(database_url), secrets.token_hex(8)
    clients = [watched]
    try:
        for _ in range(OTHERS):
            try:
                clients.append(await _connect(database_url))
            except psycopg.OperationalError:
                break  # the server has no place for more
        others = clients[1:]
        for _ in range(ROUNDS):
            others = await _round(watched, others, secrets.token_hex(8))
        for client in (watched, *others):
            await _ask(client, _MARK, mark)
    finally:
        for client in clients:
            await client.close()
    await _refuse_leftovers(database_url, mark)


async def _round(watched: Client, others: Sequence[Client], mark: str) -> list[Client]:
    """The others that have found a place."""
    own, _ = await _ask(watched, _MARK, mark)
    await _transaction(watched, "BEGIN", "SELECT 1", "COMMIT")
    placed = []
    for other in others:
        try:
            await _transaction(other, "BEGIN")
            found, marked = await _ask(other, _LOOK)
        except (psycopg.OperationalError, TimeoutError):
            break  # a pooler of sessions has no place for more
        if found == own or marked == mark:
            raise _shared("transaction")
        placed.append(other)
    if await _ask(watched, _LOOK) != (own, mark):
        raise _shared("transaction")
    for other in placed:
        await _transaction(other, "ROLLBACK")
    return placed


async def _refuse_leftovers(database_url: str, mark: str) -> None:
    """A pooler of sessions has to clear one before it hands it on: whichever it hands on of those that were just given back."""
    await asyncio.sleep(_HANDED_BACK)
    next_one = await _connect(database_url)
    try:
        if (await _ask(next_one, _LOOK))[1] == mark:
            raise SharedSession(_LEFT)
    finally:
        await next_one.close()


async def _connect(database_url: str) -> Client:
    access = Access(driver_url(database_url, for_sqlalchemy=False), role=None)
    return await AsyncConnection.connect(**access.arguments)


async def _ask(client: Client, query: str, *given: str) -> tuple[int, str | None]:
    async def asking() -> tuple[int, str | None]:
        row = await (await client.execute(query, given or None)).fetchone()
        assert row is not None
        return int(row[0]), row[1]

    return await _patiently(client, asking())


async def _transaction(client: Client, *statements: str) -> None:
    async def saying() -> None:
        for statement in statements:
            await client.execute(statement)

    try:
        await _patiently(client, saying())
    except (ProtocolViolation, FeatureNotSupported):
        raise _shared("statement") from None


async def _patiently(client: Client, step: Coroutine[object, object, Answer]) -> Answer:
    """TimeoutError after a while; the connection is closed then, for its pooler need not listen to a cancellation."""
    task = asyncio.ensure_future(step)
    done, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
    if not done:
        client.pgconn.finish()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise TimeoutError
    return task.result()


def _shared(what: str) -> SharedSession:
    return SharedSession(
        f"the database's address leads through a pooler that shares sessions ({what} pooling): one process would carry out "
        f"what another has prepared; {_WAY_OUT}"
    )
