"""What a command answered, told to the request that waits in the same process the moment it is committed.

A caller waits for the commit. Its process of Temporal ends a little later (its last word goes to the server and is
kept there); whoever waited for that end would wait for the server's disk as well. A command that another process
carried out is not told here: then the process' end says that the answer is in the database.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Lock

from models.errors import Refusal
from operations.work import Answered, Command

_waiting: dict[str, list[Future[Answered]]] = {}
_commands: dict[str, Command] = {}
_changing = Lock()


@contextmanager
def awaited(command_id: str, command: Command | None = None) -> Iterator[Future[Answered]]:
    """The answer to come: the outcome, or the Refusal as its exception. Several requests may wait for one command.

    `command`: as this request kept it, which saves whoever carries it out here the reading."""
    mine: Future[Answered] = Future()
    with _changing:
        _waiting.setdefault(command_id, []).append(mine)
        if command is not None:
            _commands[command_id] = command
    try:
        yield mine
    finally:
        with _changing:
            if command is not None:
                del _commands[command_id]
            others = [f for f in _waiting.pop(command_id, ()) if f is not mine]
            if others:
                _waiting[command_id] = others


def kept_here(command_id: str) -> Command | None:
    """The command, where a request of this process kept it and waits for it. What it says never changes."""
    return _commands.get(command_id)


def tell(command_id: str, answer: Answered | Refusal) -> None:
    """Hand the answer to whoever waits. Only what is committed is told."""
    with _changing:
        waiting = _waiting.pop(command_id, [])
    for one in waiting:
        if not one.set_running_or_notify_cancel():
            continue  # gave up waiting
        if isinstance(answer, Refusal):
            one.set_exception(answer)
        else:
            one.set_result(answer)
