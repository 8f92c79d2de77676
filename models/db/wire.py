"""The wire under a transaction: any number of statements to PostgreSQL and back, in one round trip.

psycopg opens the connection, turns values into text and text into values, and names the errors. Its cursors are made
for one statement at a time: each of ten in a pipeline wakes the interpreter to look for an answer that cannot be there
yet. Here all are sent, then all is read (decision 0033).
"""

import re
import select
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

Row = Mapping[str, Any]
"""A row, by the names of its columns."""

NAMED: Final = re.compile(r"(?<![:\w]):([a-z_]\w*)")
_PREPARED_AT_USE: Final = 2
_MOST_PREPARED: Final = 100
"""As psycopg's own: a statement is prepared at its second use on a connection; the least used one makes room."""


@lru_cache(maxsize=2048)
def numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement with `:name` for its parameters as the server knows it, `$1`, and the names in their order."""
    order: dict[str, int] = {}
    text = NAMED.sub(lambda m: f"${order.setdefault(m[1], len(order) + 1)}", sql)
    return text.encode(), tuple(order)


class Reply(NamedTuple):
    """The rows of one statement, and how many it touched."""

    rows: Sequence[Row]
    rowcount: int


_Key = tuple[bytes, tuple[int, ...]]
"""A statement and the types of its parameters: what the server prepares."""


class _Bound(NamedTuple):
    """A statement with its values, as the server takes them."""

    text: bytes
    values: "Sequence[Any]"
    types: tuple[int, ...]
    formats: Sequence[Format] | None


class Wire:
    """One connection's. Errors are psycopg's; after one, the transaction has to be rolled back."""

    def __init__(self, conn: "psycopg.Connection[Any]") -> None:
        self.conn, self._pq = conn, conn.pgconn
        self._values = Transformer(conn)
        self._ready = select.poll()
        self._ready.register(self._pq.socket, select.POLLIN)
        self._known: OrderedDict[_Key, int | bytes] = OrderedDict()
        """Of each statement its uses so far, or its name at the server once it is prepared; the latest used is last."""
        self._names = 0

    @classmethod
    def of(cls, conn: "psycopg.Connection[Any]") -> "Wire":
        """The one of this connection."""
        found = _WIRES.get(conn)
        if found is None:
            found = _WIRES[conn] = cls(conn)
        return found

    def exchange(self, statements: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Reply]:
        """Send them, in this order, and read what each answers. The first that fails ends it: those after it are not
        carried out, nor is anything that travels behind it, such as a commit."""
        return [self._reply(result) for result in self.results(statements)]

    def results(self, statements: Sequence[tuple[str, Mapping[str, Any]]]) -> list[PGresult]:
        """As `exchange`; each answer as PostgreSQL wrote it."""
        bound = [self.bound(sql, params) for sql, params in statements]
        try:
            self._pq.enter_pipeline_mode()
            sent = [*(self._send(one) for one in bound), *self._make_room()]
            self._pq.pipeline_sync()
            self._flush()
            results, error = self._results(sent)
            self._pq.exit_pipeline_mode()
        except BaseException:
            self.conn.close()  # nobody knows what is still on its way
            raise
        if error is not None:
            if isinstance(error, psycopg.errors.InvalidSqlStatementName):
                self._known.clear()  # somebody deallocated them; the next transaction prepares anew
            raise error
        return results[: len(bound)]

    def bound(self, sql: str, params: Mapping[str, Any]) -> _Bound:
        """The statement as it is sent. Every statement goes through here."""
        text, order = numbered(sql)
        if not order:
            return _Bound(text, (), (), None)
        values = self._values.dump_sequence([params[name] for name in order], [PyFormat.AUTO] * len(order))
        return _Bound(text, values, self._values.types or (), self._values.formats)

    def _send(self, one: _Bound) -> "Sequence[_Key | None]":
        """Hand it to libpq. For each answer to come: of which preparation it is; None: of the statement itself."""
        key = (one.text, one.types)
        known = self._known.pop(key, 0)
        preparing = False
        if isinstance(known, int):
            known += 1
            if preparing := known >= _PREPARED_AT_USE:
                self._names += 1
                known = b"arflow_%d" % self._names
                self._pq.send_prepare(known, one.text, one.types)
        if isinstance(known, bytes):
            self._pq.send_query_prepared(known, one.values, one.formats)
        else:
            self._pq.send_query_params(one.text, one.values, one.types, one.formats)
        self._known[key] = known
        return (key, None) if preparing else _ITS_OWN

    def _make_room(self) -> "Sequence[Sequence[_Key | None]]":
        """Let the server forget the least used statements, where there are too many."""
        sent = []
        while len(self._known) > _MOST_PREPARED:
            _, oldest = self._known.popitem(last=False)
            if isinstance(oldest, bytes):
                self._pq.send_query_params(b"DEALLOCATE " + oldest, None)
                sent.append(_ITS_OWN)
        return sent

    def _flush(self) -> None:
        """Until everything is on its way. The server may want to be heard before it listens on."""
        if not self._pq.flush():
            return
        both = select.poll()
        both.register(self._pq.socket, select.POLLIN | select.POLLOUT)
        while self._pq.flush():
            if any(event & select.POLLIN for _, event in both.poll()):
                self._pq.consume_input()

    def _results(self, sent: "Sequence[Sequence[_Key | None]]") -> tuple[list[PGresult], psycopg.Error | None]:
        results: list[PGresult] = []
        error: psycopg.Error | None = None
        for answers in sent:
            for prepared in answers:
                result = self._next()
                assert result is not None
                if result.status == ExecStatus.FATAL_ERROR:
                    error = error or psycopg.errors.error_from_result(result)
                if prepared is None:
                    results.append(result)
                elif error is not None:
                    self._known.pop(prepared, None)  # it was not prepared; its name is never used again
                self._next()  # the end of this answer
        self._next()  # the end of all
        return results, error

    def _next(self) -> PGresult | None:
        while self._pq.is_busy():
            self._ready.poll()
            self._pq.consume_input()
        result = self._pq.get_result()
        if self._pq.status == ConnStatus.BAD:
            raise psycopg.OperationalError("the connection to the database was lost")
        return result

    def _reply(self, result: PGresult) -> Reply:
        touched = result.command_tuples or 0
        if not result.nfields:
            return Reply((), touched)
        names = [(result.fname(n) or b"").decode() for n in range(result.nfields)]
        self._values.set_pgresult(result)
        return Reply(self._values.load_rows(0, result.ntuples, lambda row: dict(zip(names, row, strict=True))), touched)


_ITS_OWN: Final = (None,)
_WIRES: "WeakKeyDictionary[psycopg.Connection[Any], Wire]" = WeakKeyDictionary()
