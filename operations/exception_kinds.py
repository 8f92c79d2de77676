"""The kinds of exceptions with which something goes along: what they hang on is locked before them, and follows when they are
handed on or resolved. A kind is registered beside what its exceptions are about; any other is just a piece of work."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from models.db.tx import Tx
from models.exceptions.records import ExceptionRecord
from models.exceptions.requests import AssignException, ResolveException
from operations.work import Work


def _nothing(work: Work, e: ExceptionRecord, asked: AssignException | ResolveException) -> None:
    return


@dataclass(frozen=True)
class ExceptionKind:
    """`lock` takes the record of this id. `assigned` and `resolved` do to it what was done to its exception, in the same
    transaction; a Refusal takes all of it back."""

    name: str
    lock: Callable[[Tx, str], object]
    assigned: Callable[[Work, ExceptionRecord, AssignException], None] = _nothing
    resolved: Callable[[Work, ExceptionRecord, ResolveException], None] = _nothing


_PLAIN: Final = ExceptionKind("", lambda tx, subject_id: None)
_KINDS: Final[dict[str, ExceptionKind]] = {}


def register(kind: ExceptionKind) -> ExceptionKind:
    """Make the kind known."""
    _KINDS[kind.name] = kind
    return kind


def kind_of(e: ExceptionRecord) -> ExceptionKind:
    """What goes along with it."""
    return _KINDS.get(e.kind, _PLAIN)
