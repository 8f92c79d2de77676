"""Publishing the outbox: every committed event gets its position, once, in the order of writing.

These run on the relay's own connection, as no organisation; each is a transaction of its own.
"""

from collections.abc import Sequence

from sqlalchemy import Engine

from models.db.engine import ask
from models.db.postgres.connection import ThreadConnection
from models.db.tx import Row

MOST = 1000
"""Events published at a time."""
RELAY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('arflow.relay', 0)) AS leads"


def try_lead(conn: ThreadConnection) -> bool:
    """Become the one relay for as long as this connection lives."""
    return bool(conn.rows(RELAY_LOCK)[0]["leads"])


def publish(conn: ThreadConnection, limit: int = MOST) -> int:
    """Give up to `limit` events their positions; answers how many. Only the leader calls this."""
    return int(conn.rows("SELECT count(*) AS n FROM outbox_publish(:n)", n=limit)[0]["n"])


def read_after(conn: ThreadConnection, position: int, limit: int = 500) -> Sequence[Row]:
    """Published events of every organisation after a position."""
    return conn.rows("SELECT * FROM outbox_read(:after, :n)", after=position, n=limit)


def fan_out(conn: ThreadConnection, after: int, upto: int) -> Sequence[Row]:
    """Make the webhook deliveries of events published after one position up to another; the queues with something new."""
    return conn.rows("SELECT * FROM webhook_fan_out(:after, :upto)", after=after, upto=upto)


def cursor_of(conn: ThreadConnection, reader: str) -> int:
    """How far a reader has come; 0 at first."""
    found = conn.rows("SELECT position FROM outbox_cursors WHERE reader = :reader", reader=reader)
    return int(found[0]["position"]) if found else 0


def move_cursor(conn: ThreadConnection, reader: str, position: int) -> None:
    """Note how far a reader has come; never back."""
    conn.rows(
        "INSERT INTO outbox_cursors (reader, position) VALUES (:reader, :position) "
        "ON CONFLICT (reader) DO UPDATE SET position = greatest(outbox_cursors.position, excluded.position)",
        reader=reader,
        position=position,
    )


def lag(engine: Engine) -> tuple[int, float]:
    """Events waiting to be published, and the age of the oldest in seconds."""
    row = ask(engine, "SELECT pending, oldest_seconds FROM outbox_lag()")[0]
    return int(row["pending"]), float(row["oldest_seconds"])
