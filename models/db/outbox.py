"""The outbox: every committed event gets its position, once, in the order of writing, and is read by it.

What the relay does runs on its own connection, as no organisation; each is a transaction of its own.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from itertools import takewhile
from operator import itemgetter
from typing import Final

from sqlalchemy import Engine, literal_column

from models.answers import read_row
from models.db.engine import ask
from models.db.listing import Listing
from models.db.postgres.connection import ThreadConnection
from models.db.subjects import covered
from models.db.tables.shared import outbox_events
from models.db.tx import Tx
from models.messages.webhooks import WebhookQueue
from models.outbox import OutboxEvent

MOST: Final = 1000
"""Events published at a time."""
_EVENTS: Final = Listing(
    outbox_events,
    key=(outbox_events.c.position,),
    within=literal_column(covered("outbox_events.subject")),
    equal=(outbox_events.c.type, outbox_events.c.subject),
)
_DUE: Final = "(:age::float8 = 0 OR e.at <= clock_timestamp() - make_interval(secs => :age))"
_READ: Final = f"""SELECT e.*, {_DUE} AS due
  FROM outbox_read(:after, CASE WHEN (SELECT {_DUE} FROM outbox_read(:after, 1) e) THEN :n ELSE 0 END) e"""
_RELAY_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended('arflow.relay', 0)) AS leads"


def try_lead(conn: ThreadConnection) -> bool:
    """Become the one relay for as long as this connection lives."""
    return bool(conn.rows(_RELAY_LOCK)[0]["leads"])


def publish(conn: ThreadConnection, limit: int = MOST) -> int:
    """Give up to `limit` events their positions; answers how many. Only the leader calls this."""
    return int(conn.rows("SELECT count(*) AS n FROM outbox_publish(:n)", n=limit)[0]["n"])


def read_after(
    conn: ThreadConnection, position: int, age: timedelta = timedelta(0), limit: int = 500
) -> list[OutboxEvent]:
    """Published events of every organisation after a position, up to the first that is not so old yet, by the clock that
    events are of. While that is the very next one, no other is read: the relay asks again and again."""
    rows = conn.rows(_READ, after=position, age=age.total_seconds(), n=limit)
    return [read_row(OutboxEvent, row) for row in takewhile(itemgetter("due"), rows)]


def fan_out(conn: ThreadConnection, after: int, upto: int) -> list[WebhookQueue]:
    """Make the webhook deliveries of events published after one position up to another; the queues with something new."""
    rows = conn.rows("SELECT * FROM webhook_fan_out(:after, :upto)", after=after, upto=upto)
    return [WebhookQueue(row["org_id"], row["endpoint_id"], row["subject"]) for row in rows]


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


def list_events(
    tx: Tx, entities: Collection[str] | None, event_type: str | None, subject: str | None, after: int, limit: int
) -> Sequence[OutboxEvent]:
    """Events after a position, in the order of publication."""
    rows = _EVENTS.page(tx, entities, (after,), limit, type=event_type, subject=subject)
    return [read_row(OutboxEvent, row) for row in rows]


def newest_unpublished(tx: Tx, upto: int | None = None) -> int | None:
    """The last committed event that the relay has not published yet, of those up to `upto`; None where there is none."""
    limit, params = ("", {}) if upto is None else (" AND seq <= :upto", {"upto": upto})
    found = tx.scalar(f"SELECT max(seq) FROM outbox_events WHERE org_id = :org AND position IS NULL{limit}", **params)
    return None if found is None else int(found)


def newest_position(tx: Tx) -> int:
    """That of the organisation's last published event; 0 before the first."""
    return int(tx.scalar("SELECT coalesce(max(position), 0) FROM outbox_events WHERE org_id = :org"))
