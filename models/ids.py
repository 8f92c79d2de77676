"""Prefixed, sortable ids (TypeID: a prefix and a UUIDv7), such as `pay_01m81a5jhbecnawhmfhcd214ah`."""

import re

from typeid import TypeID

_ID = re.compile(r"^([a-z]+)_([0-9a-hjkmnp-tv-z]{26})$")


def new_id(prefix: str) -> str:
    """A new id; ids made later sort after ids made earlier (to the millisecond)."""
    return str(TypeID(prefix))


def has_prefix(value: str, prefix: str) -> bool:
    """Whether `value` has the shape of an id of this kind."""
    m = _ID.match(value)
    return m is not None and m.group(1) == prefix
