"""Who waits for a command's answer in this process, and how it reaches them the moment it is committed.

A caller waits for the commit. Its process of Temporal ends a little later (its last word goes to the server and is kept
there); whoever waited for that end would wait for the server's disk as well. Whoever commits the command in this process
hands the answer over; what another process committed is only heard of (models/db/announcements.py), and read.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Lock

from models.commands import Answered
from models.errors import Refusal
from operations.work import Command

_waiting: dict[str, list[Future[Answered | None]]] = {}
_commands: dict[str, Command] = {}
_changing = Lock()


@contextmanager
def waiting_for(command_id: str, command: Command | None = None) -> Iterator[Future[Answered | None]]:
    """The answer to come: the outcome, None where it is to be read, or the Refusal as its exception. Several requests may
    wait for one command.

    `command`: as this request kept it, which saves whoever carries it out here the reading."""
    mine: Future[Answered | None] = Future()
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


def command_kept_here(command_id: str) -> Command | None:
    """The command, where a request of this process kept it and waits for it. What it says never changes."""
    return _commands.get(command_id)


def hand_over(command_id: str, answer: Answered | Refusal | None) -> None:
    """Give whoever waits the answer; None: that it is there to be read. Only what is committed is handed over."""
    with _changing:
        waiting = _waiting.pop(command_id, [])
    for one in waiting:
        if not one.set_running_or_notify_cancel():
            continue  # gave up waiting
        if isinstance(answer, Refusal):
            one.set_exception(answer)
        else:
            one.set_result(answer)
