"""Reading many rows in constant memory, and scratch tables to compare them by."""

from collections.abc import Iterator
from itertools import count
from typing import cast

from psycopg.rows import dict_row

from models.db.postgres.statements import NAMED
from models.db.tx import Row, Tx
from models.facts import Fact, Facts

CHUNK = 1000
_numbers = count(1)


def driver_style(sql: str) -> str:
    """`:name` in psycopg's own spelling; a percent sign is only a percent sign."""
    return NAMED.sub(r"%(\1)s", sql.replace("%", "%%"))


def stream(tx: Tx, sql: str, *, chunk: int = CHUNK, **params: object) -> Iterator[Row]:
    """Every row, fetched in chunks from a cursor of the server; `:org` is the organisation."""
    given = {**params, "org": tx.org_id} if ":org" in sql else params
    with tx.connection().cursor(f"streamed_{next(_numbers)}", row_factory=dict_row) as cursor:
        cursor.arraysize = chunk
        cursor.execute(driver_style(sql), given)
        while rows := cast(list[Row], cursor.fetchmany()):
            yield from rows


def readable(column: str) -> str:
    """The column of a moment or a day in SQL; NULL where it is none that Python knows, such as infinity."""
    return f"CASE WHEN {column} BETWEEN '0001-01-02' AND '9999-12-30' THEN {column} END"


class Scratch:
    """A table to compare by, filled in chunks within this transaction, whose end must be a rollback. What stood there
    before, put by whomever, is taken away first."""

    def __init__(self, tx: Tx, name: str) -> None:
        self.tx, self.name = tx, name
        self.kept: list[Facts] = []
        tx.run(f"DELETE FROM {name}")

    def add(self, **row: Fact) -> None:
        self.kept.append(row)
        if len(self.kept) == CHUNK:
            self.flush()

    def flush(self) -> None:
        """Everything that was added is in the table."""
        self.tx.insert(self.name, self.kept)
        self.kept = []
