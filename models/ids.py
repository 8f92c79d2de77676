"""Prefixed, sortable ids (TypeID: a prefix and a UUIDv7), such as `pay_01m81a5jhbecnawhmfhcd214ah`."""

import re
from datetime import datetime
from uuid import UUID

from typeid import TypeID

_ID = re.compile(r"^([a-z]+)_([0-9a-hjkmnp-tv-z]{26})$")


def new_id(prefix: str) -> str:
    """A new id; ids made later sort after ids made earlier (to the millisecond)."""
    return str(TypeID(prefix))


def first_id(prefix: str, at: datetime) -> str:
    """What sorts before every id that was made from that time on."""
    earliest = UUID(int=int(at.timestamp() * 1000) << 80)
    return str(TypeID.from_uuid(earliest, prefix=prefix))  # type: ignore[arg-type]  # it reads the bytes of either UUID


def has_prefix(value: str, prefix: str) -> bool:
    """Whether `value` has the shape of an id of this kind."""
    m = _ID.match(value)
    return m is not None and m.group(1) == prefix
