"""What the tables' declarations have in common: the names of their constraints, their types, their references."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    CHAR,
    TIMESTAMP,
    Column,
    Computed,
    Date,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.schema import SchemaItem

metadata: Final = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)
"""PostgreSQL's own names, so that a migration need not write them."""

Moment: Final = TIMESTAMP(timezone=True)
Currency: Final = CHAR(3)
Texts: Final = ARRAY(Text)
Key: Final = Text(collation="C")
"""Compared byte by byte: what is looked for by its beginning, or sorted for paging."""


def records(name: str, *more: SchemaItem) -> Table:
    """A table of records that an organisation has, each known there by its id."""
    key = Column("org_id", Text, primary_key=True), Column("id", Text, primary_key=True)
    return Table(name, metadata, *key, *more)


@dataclass(frozen=True)
class Documents:
    """A table of documents of the books. Their ids begin with `prefix`, and their trail is never taken away; what an event of
    one of the actions `stated_by` says of one (`after`), its row says for ever."""

    table: str
    prefix: str
    stated_by: tuple[str, ...]


DOCUMENTS: Final[dict[str, Documents]] = {}
"""By table. What holds for all of them follows: how long they are kept, whose token covers them, what `verify` proves."""


def documents(name: str, prefix: str, stated_by: Sequence[str], *more: SchemaItem) -> Table:
    """A table of documents of the books, each of a legal entity."""
    DOCUMENTS[name] = Documents(name, prefix, tuple(stated_by))
    return records(name, *more)


def undoable() -> Sequence[Column[Any]]:
    """What a part of the books says of its making and its undoing: it is never deleted."""
    return (
        Column("created_at", Moment, nullable=False, server_default=func.now()),
        Column("created_by", Text, nullable=False),
        Column("undone_at", Moment),
        Column("undone_date", Date),
        Column("undone_entry_date", Date),
        Column("undo_reason", Text),
        Column("status", Text, Computed("CASE WHEN undone_at IS NULL THEN 'POSTED' ELSE 'UNDONE' END", persisted=True)),
    )


def references(table: str, **columns: str) -> ForeignKeyConstraint:
    """The record of the same organisation that these columns name; each with the column it names there."""
    return ForeignKeyConstraint(["org_id", *columns], [f"{table}.{c}" for c in ("org_id", *columns.values())])


def goes_with(table: str, **columns: str) -> ForeignKeyConstraint:
    """As `references`; a row is deleted with the record that it names."""
    found = references(table, **columns)
    return ForeignKeyConstraint(found.column_keys, [e.target_fullname for e in found.elements], ondelete="CASCADE")


def index(
    name: str, *columns: str, unique: bool = False, where: str | None = None, include: Sequence[str] = ()
) -> Index:
    """An index over these columns, `x DESC` among them, and over the rows of `where` only; `include` travels along."""
    keys = [text(c) if " " in c else c for c in columns]
    rows = None if where is None else text(where)
    return Index(name, *keys, unique=unique, postgresql_where=rows, postgresql_include=list(include))


DATED_AHEAD: Final[dict[str, tuple[str, str]]] = {}
"""By table: which of its rows `ahead` finds, and its column of the date of undoing."""


def ahead(table: str, made: str = "created_at", undone: str = "undone_at", undone_date: str = "undone_date") -> Index:
    """An index over those rows of what lowers a balance whose effective date, or the one of their undoing, was still to come on
    the day (UTC) they were written: there are hardly ever any, so it answers at once whether a customer has one."""
    at, undone_at = (f"({moment} AT TIME ZONE 'UTC')::date" for moment in (made, undone))
    where = f"effective_date > {at} OR {undone_date} > {undone_at}"
    DATED_AHEAD[table] = where, undone_date
    return index(f"{table}_ahead", "org_id", "customer_id", where=where)
