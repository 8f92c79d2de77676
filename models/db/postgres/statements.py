"""Statements as the server takes them, and the one policy of what is prepared."""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from psycopg.abc import Transformer
from psycopg.adapt import PyFormat
from psycopg.pq import Format
from psycopg.pq.abc import PGconn

Asked = tuple[str, Mapping[str, Any]]
"""A statement with `:name` for its parameters, and their values."""
NAMED: Final = re.compile(r"(?<![:\w]):([a-z_]\w*)")
ACT_AS: Final = "SELECT set_config('arflow.org_id', :org, true)"
"""What goes before the statements of an organisation (`org`), in their transaction."""
PREPARED_AT_USE: Final = 2
MOST_PREPARED: Final = 100
"""A statement is prepared at its second use on a connection; the least used one makes room. As psycopg's cursors do."""


@lru_cache(maxsize=2048)
def numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement as the server knows it, with `$1` for its parameters, and their names in that order."""
    order: dict[str, int] = {}
    text = NAMED.sub(lambda m: f"${order.setdefault(m[1], len(order) + 1)}", sql)
    return text.encode(), tuple(order)


Preparation = tuple[bytes, tuple[int, ...]]
"""A statement and the types of its parameters: what the server prepares."""


class Bound(NamedTuple):
    """A statement with its values, ready to be sent."""

    text: bytes
    values: Sequence[Any]
    types: tuple[int, ...]
    formats: Sequence[Format] | None


class Statements:
    """What one connection has been asked, and under which names the server has it prepared."""

    def __init__(self, values: Transformer) -> None:
        self._values = values
        self._known: OrderedDict[Preparation, int | bytes] = OrderedDict()
        """Of each statement its uses so far, or its name at the server once it is prepared; the latest used is last."""
        self._names = 0

    def bound(self, asked: Asked) -> Bound:
        """The statement with its values. Every statement goes through here."""
        sql, params = asked
        text, order = numbered(sql)
        if not order:
            return Bound(text, (), (), None)
        values = self._values.dump_sequence([params[name] for name in order], [PyFormat.AUTO] * len(order))
        return Bound(text, values, self._values.types or (), self._values.formats)

    def send(self, pgconn: PGconn, one: Bound) -> Sequence[Preparation | None]:
        """Hand it to libpq. For each answer to come: of which preparation it is; None: of the statement itself."""
        key = (one.text, one.types)
        known = self._known.pop(key, 0)
        preparing = False
        if isinstance(known, int):
            known += 1
            if preparing := known >= PREPARED_AT_USE:
                self._names += 1
                known = b"arflow_%d" % self._names
                pgconn.send_prepare(known, one.text, one.types)
        if isinstance(known, bytes):
            pgconn.send_query_prepared(known, one.values, one.formats)
        else:
            pgconn.send_query_params(one.text, one.values, one.types, one.formats)
        self._known[key] = known
        return (key, None) if preparing else ITS_OWN

    def make_room(self, pgconn: PGconn) -> Sequence[Sequence[Preparation | None]]:
        """Let the server forget the least used statements, where there are too many."""
        sent = []
        while len(self._known) > MOST_PREPARED:
            _, oldest = self._known.popitem(last=False)
            if isinstance(oldest, bytes):
                pgconn.send_query_params(b"DEALLOCATE " + oldest, None)
                sent.append(ITS_OWN)
        return sent

    def forget(self, key: Preparation) -> None:
        """It was not prepared; its name is never used again."""
        self._known.pop(key, None)

    def forget_all(self) -> None:
        """The server does not have them any more, or has them as the tables were before: prepare anew."""
        self._known.clear()


ITS_OWN: Final[Sequence[Preparation | None]] = (None,)
