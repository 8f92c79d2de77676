"""Publishing the outbox: every committed event gets its position, once, in the order of writing."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, text

from models.db.tx import Row

MOST = 1000
"""Events published at a time."""
RELAY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('arflow.relay', 0))"


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
