"""One file read in a process of its own: `python -m statement_readers.apart`, asked and answered by pipes.

The process may use so much memory and so much of a processor, then the system ends it.
"""

import io
import pickle
import resource
import sys
from dataclasses import dataclass
from typing import Final

from models.cash.csv_formats import StatementFormat
from models.cash.statement_requests import ReceiveStatement, as_received
from models.commands import KeptRefusal
from models.errors import Refusal
from statement_readers.bank_csv import read_bank_csv
from statement_readers.read import detect_and_read

MEMORY: Final = 4 * 1024**3
CPU_SECONDS: Final = 150


@dataclass(frozen=True)
class Asked:
    """A file as it was sent. `described`: the format that it was named for, and the account's currency."""

    bank_account_id: str
    content: bytes
    filename: str | None
    content_type: str | None
    described: tuple[StatementFormat, str] | None


def read_one(asked: Asked) -> ReceiveStatement:
    """What the file says. Refusal STATEMENT_UNREADABLE."""
    file = io.BytesIO(asked.content)
    if asked.described is None:
        found, name = detect_and_read(file, asked.filename, asked.content_type), None
    else:
        described, currency = asked.described
        found, name = read_bank_csv(file, described, currency), described.name
    return as_received(asked.bank_account_id, asked.content, asked.filename, found, name)


def main() -> None:
    """Read what is asked on the standard input, answer on the standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    asked = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own process
    try:
        said: ReceiveStatement | KeptRefusal = read_one(asked)
    except Refusal as no:
        said = KeptRefusal.of(no)
    pickle.dump(said, sys.stdout.buffer)


if __name__ == "__main__":
    # Under its own name: what it answers is unpickled where it is called so.
    from statement_readers.apart import main as of_the_module

    of_the_module()
