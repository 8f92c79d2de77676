"""Prefixed, sortable ids (TypeID: a prefix and a UUIDv7), such as `pay_01m81a5jhbecnawhmfhcd214ah`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from uuid import UUID

import uuid_utils
from typeid import TypeID
from typeid.base32 import encode

_ID = re.compile(r"^([a-z]+)_([0-9a-hjkmnp-tv-z]{26})$")


_made: ContextVar[list[str] | None] = ContextVar("made", default=None)


def new_id(prefix: str) -> str:
    """A new id; ids made later sort after ids made earlier (to the millisecond)."""
    made = f"{prefix}_{encode(uuid_utils.uuid7().bytes)}"
    if (noted := _made.get()) is not None:
        noted.append(made)
    return made


@contextmanager
def noting_ids() -> Iterator[list[str]]:
    """The ids that are made meanwhile, in order."""
    noted: list[str] = []
    token = _made.set(noted)
    try:
        yield noted
    finally:
        _made.reset(token)


def first_id(prefix: str, at: datetime) -> str:
    """What sorts before every id that was made from that time on."""
    return id_of(prefix, UUID(int=int(at.timestamp() * 1000) << 80))


def id_of(prefix: str, value: UUID) -> str:
    """The id that this value stands for."""
    return str(TypeID.from_uuid(value, prefix=prefix))  # type: ignore[arg-type]  # it reads the bytes of either UUID


def has_prefix(value: str, prefix: str) -> bool:
    """Whether `value` has the shape of an id of this kind."""
    m = _ID.match(value)
    return m is not None and m.group(1) == prefix
