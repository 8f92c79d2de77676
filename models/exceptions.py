"""What needs a person: whose it is, and who may deal with it. Pure."""

from collections.abc import Iterable
from typing import Any

from models.access import PERMISSIONS, with_included


def is_own(exception: Any, actor: str, roles: Iterable[str]) -> bool:
    """Whether it lies on this person's desk: by name, or by a role of theirs."""
    return exception["owner_user"] == actor or exception["owner_role"] in with_included(roles)


def may_write(exception: Any, actor: str, roles: Iterable[str]) -> bool:
    """Own ones, or everybody's for those whom the role table gives them all."""
    given = with_included(roles)
    return not PERMISSIONS["exceptions.write_all"].isdisjoint(given) or is_own(exception, actor, given)
