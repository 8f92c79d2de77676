"""Filtered, paged lists: each is declared once, over the declared tables, and sent as the few texts it comes to."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, any_, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql.base import PGDialect

from models.db.tx import Row, Tx

Filter = str | int | bool | date | Collection[str] | Mapping[str, object] | None
_AFTER: Final = " after"
"""In a shape: behind a key. No filter has such a name."""
_NONE: Final[Mapping[str, ColumnElement[bool]]] = {}
_DIALECT: Final = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its dialects untyped
"""Casts nothing: the server knows the columns."""


def param(name: str) -> ColumnElement[Any]:
    """What is given under this name. Anything else that stands in a condition is part of the text: what an index says of
    the rows that it holds has to be said in the same words."""
    return literal_column(f":{name}")


def among(column: ColumnElement[str], name: str = "entities") -> ColumnElement[bool]:
    """Whether the column is one of the texts given as `name`; one of the legal entities that a token covers."""
    return column == any_(param(name))


class Listing:
    """A list of one organisation's rows of `table`, in the order of a key that no two rows share.

    `within` is the condition on the legal entities that a token covers, given as `entities`; `where` what always holds.
    `equal` are columns that may have to be the value given by their name, `filters` other conditions by name, each with
    the value given under its name, or with a mapping where it takes several. What is not given is not asked for: each
    shape of the list has its own text, composed once, and its own plan.
    """

    def __init__(
        self, table: FromClause, *, key: Sequence[ColumnElement[Any]], newest_first: bool = False,
        shown: Sequence[ColumnElement[Any] | FromClause] = (), where: ColumnElement[bool] | None = None,
        within: ColumnElement[bool] | None, equal: Sequence[ColumnElement[Any]] = (),
        filters: Mapping[str, ColumnElement[bool]] = _NONE,
    ) -> None:  # fmt: skip
        self._table, self._shown = table, shown or (table,)
        self._key, self._newest_first = key, newest_first
        self._always = [table.c.org_id == param("org"), *([] if where is None else [where])]
        self._filters = {str(c.key): c == param(str(c.key)) for c in equal} | dict(filters)
        if within is not None:
            self._filters["entities"] = within
        self._texts: dict[tuple[str, ...], str] = {}

    def page(
        self, tx: Tx, entities: Collection[str] | None, after: Sequence[object] | None, limit: int, **given: Filter
    ) -> Sequence[Row]:
        """Up to `limit` rows behind the key `after`, of these legal entities (None: of all)."""
        given["entities"] = None if entities is None else sorted(entities)
        shape, params = [], dict[str, object](limit=limit)
        for name, value in given.items():
            if value is not None:
                shape.append(name)
                params |= value if isinstance(value, Mapping) else {name: value}
        if after is not None:
            shape.append(_AFTER)
            params |= {f"after_{n}": part for n, part in enumerate(after)}
        return tx.all(self.text(*shape), **params)

    def text(self, *shape: str) -> str:
        """The statement for these filters, and where it begins behind a key."""
        found = self._texts.get(shape)
        if found is None:
            found = self._texts[shape] = self._compose(shape)
        return found

    def _compose(self, shape: tuple[str, ...]) -> str:
        conditions = [self._filters[name] for name in shape if name != _AFTER]
        if _AFTER in shape:
            key, place = tuple_(*self._key), tuple_(*(param(f"after_{n}") for n in range(len(self._key))))
            conditions.append(key < place if self._newest_first else key > place)
        query = (
            select(*self._shown)
            .select_from(self._table)
            .where(*self._always, *conditions)
            .order_by(*[part.desc() if self._newest_first else part for part in self._key])
            .limit(param("limit"))
        )
        return str(query.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))
