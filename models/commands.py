"""Commands as they are kept: who asked for what, about which record, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from models.answers import JsonObject, read_json
from models.errors import FieldError, Refusal
from models.messages.changes import ChangeState

A = TypeVar("A")
CommandState = Literal["pending", "done", "refused"]


class Asked(Protocol):
    """Whose command it is, which legal entities they see, and what it is about."""

    @property
    def actor(self) -> str: ...
    @property
    def entities(self) -> Sequence[str] | None: ...
    @property
    def resource_id(self) -> str | None: ...
    @property
    def response(self) -> JsonObject | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCommand:
    """The first command with a key, as far as whoever repeats the key has to know it."""

    id: str
    workflow_id: str | None
    resource_id: str | None
    body_hash: str
    state: CommandState
    http_status: int | None
    response: JsonObject | None
    actor: str
    entities: Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnd:
    """Whether a command has ended, and what it was answered; a refusal is kept as its problem."""

    state: CommandState
    http_status: int | None
    response: JsonObject | None
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow(CommandEnd):
    """A command as its row is read."""

    id: str
    operation: str
    path: str
    body: JsonObject
    body_hash: str
    key_given: bool
    actor: str
    roles: Sequence[str]
    entities: Sequence[str] | None
    request_id: str
    workflow_id: str | None
    resource_id: str | None
    subject_id: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command was answered: JSON, an HTTP status, and whether it is an earlier answer. `kept`: the JSON that is kept of
    it, where that is less."""

    json: str
    status: int = 200
    replayed: bool = False
    aside: ChangeState | None = field(default=None, compare=False)
    kept: str | None = field(default=None, compare=False)

    @property
    def to_keep(self) -> str:
        """The JSON that is kept of it."""
        return self.json if self.kept is None else self.kept

    def read(self, answer: type[A]) -> A:
        """The answer as its type."""
        return read_json(answer, self.json)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRefusal:
    """A refusal as it is kept with its command, and as it leaves an activity."""

    code: str
    detail: str
    errors: Sequence[FieldError] = ()
    extra: JsonObject = field(default_factory=dict)

    @classmethod
    def of(cls, refusal: Refusal) -> "KeptRefusal":
        """The refusal, to be kept."""
        return cls(code=refusal.code, detail=refusal.detail, errors=refusal.errors, extra=refusal.extra)

    def refusal(self) -> Refusal:
        """The refusal that was kept."""
        return Refusal(self.code, self.detail, errors=list(self.errors), **self.extra)
