"""Who is alone at something: a lock that ends with its connection, and so at the latest with the process."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from models.db.engine import own_connection


@contextmanager
def alone(engine: Engine, what: str) -> Iterator[bool]:
    """Whether nobody else does this just then; as long as it lasts nobody else will."""
    conn = own_connection(engine)
    try:
        rows = conn.rows("SELECT pg_try_advisory_lock(hashtextextended(:what, 0)) AS mine", what=what)
        yield bool(rows[0]["mine"])
    finally:
        conn.close()
