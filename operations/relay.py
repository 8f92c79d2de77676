"""Publishing the outbox: every committed event gets its position, once, in the order of writing."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, text

from models.db.tx import Row

MOST = 1000
"""Events published at a time."""
RELAY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('arflow.relay', 0))"


P = ParamSpec("P")
T = TypeVar("T")


class RelayLine:
    """The relay's connection, and the one thread that speaks on it.

    Who is cancelled while a call is under way leaves the call behind; what comes next, the closing too, waits for it.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="relay")
        self._conn: Connection | None = None

    async def open(self, engine: Engine) -> None:
        def connect() -> None:
            self._conn = engine.connect()

        await self._run(connect)

    async def do(self, work: "Callable[Concatenate[Connection, P], T]", *args: P.args, **named: P.kwargs) -> T:
        """Do the work with the connection."""

        def call() -> T:
            assert self._conn is not None
            return work(self._conn, *args, **named)

        return await self._run(call)

    async def close(self) -> None:
        """The lock belongs to the session: the connection is given up, not back to the pool."""

        def close() -> None:
            if self._conn is not None:
                self._conn.invalidate()
                self._conn.close()

        try:
            await self._run(close)
        finally:
            self._thread.shutdown(wait=False)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def try_lead(conn: Connection) -> bool:
    """Become the one relay for as long as this connection lives."""
    leads = bool(conn.execute(text(RELAY_LOCK)).scalar())
    conn.commit()
    return leads


def publish(conn: Connection, limit: int = MOST) -> int:
    """Give up to `limit` events their positions and commit; answers how many. Only the leader calls this."""
    rows = conn.execute(text("SELECT count(*) FROM outbox_publish(:n)"), {"n": limit}).scalar()
    conn.commit()
    return int(rows or 0)


def read_after(conn: Connection, position: int, limit: int = 500) -> Sequence[Row]:
    """Published events of every organisation after a position."""
    rows = conn.execute(text("SELECT * FROM outbox_read(:after, :n)"), {"after": position, "n": limit}).mappings().all()
    conn.commit()
    return [{**row} for row in rows]


def cursor_of(conn: Connection, reader: str) -> int:
    """How far a reader has come; 0 at first."""
    found = conn.execute(text("SELECT position FROM outbox_cursors WHERE reader = :r"), {"r": reader}).scalar()
    conn.commit()
    return int(found or 0)


def move_cursor(conn: Connection, reader: str, position: int) -> None:
    conn.execute(
        text(
            "INSERT INTO outbox_cursors (reader, position) VALUES (:r, :p) "
            "ON CONFLICT (reader) DO UPDATE SET position = greatest(outbox_cursors.position, excluded.position)"
        ),
        {"r": reader, "p": position},
    )
    conn.commit()


def lag(engine: Engine) -> tuple[int, float]:
    """Events waiting to be published, and the age of the oldest in seconds."""
    with engine.connect() as conn:
        row = conn.execute(text("SELECT pending, oldest_seconds FROM outbox_lag()")).one()
    return int(row[0]), float(row[1])
