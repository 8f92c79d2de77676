"""What a tool is: a job with a name, what it takes and answers, and how it is done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter

from conversation.api import Api
from conversation.person import Person
from models.answers import JsonObject
from models.values import Body

B = TypeVar("B", bound=Body)
MAX_TOOLS: Final = 25


async def _silent(done: float, total: float | None, said: str) -> None:
    """Nobody wants to hear how far it is."""


@dataclass(frozen=True)
class Talk:
    """One call: the API with the caller's token, the person behind it, and how to say how far the work is."""

    api: Api
    person: Person
    say: Callable[[float, float | None, str], Awaitable[None]] = _silent


@dataclass(frozen=True)
class Job(Generic[B]):
    """A tool. `answers`: the type that its output schema is made from."""

    name: str
    title: str
    description: str
    takes: type[B]
    answers: Any
    do: Callable[[Talk, B], Awaitable[JsonObject]] = field(repr=False)
    reads: bool = True
    destructive: bool = False
    next: str = ""
    """What to do after a refusal, in a sentence; empty where the refusal says it."""

    @cached_property
    def input_schema(self) -> JsonObject:
        """JSON Schema of the arguments; nothing else is taken."""
        return self.takes.model_json_schema(mode="validation")

    @cached_property
    def output_schema(self) -> JsonObject:
        """JSON Schema of the answer. Its root is an object, as the protocol wants it."""
        found = TypeAdapter(self.answers).json_schema(mode="serialization")
        return found if found.get("type") == "object" else {"type": "object", **found}


JOBS: Final[dict[str, "Job[Any]"]] = {}


def job(
    name: str, title: str, takes: type[B], answers: Any, *, reads: bool = True, destructive: bool = False, next: str = ""
) -> Callable[[Callable[[Talk, B], Awaitable[JsonObject]]], Callable[[Talk, B], Awaitable[JsonObject]]]:  # fmt: skip
    """Registers a function as the tool of that name; its docstring tells a model what it is for."""

    def register(do: Callable[[Talk, B], Awaitable[JsonObject]]) -> Callable[[Talk, B], Awaitable[JsonObject]]:
        described = " ".join((do.__doc__ or "").split())
        JOBS[name] = Job(name, title, described, takes, answers, do, reads, destructive, next)
        if len(JOBS) > MAX_TOOLS:
            raise TypeError(f"more than {MAX_TOOLS} tools: a model loses its way among them")
        return do

    return register
