"""A bank's large file, read in a process of its own: others are answered meanwhile, and a file that takes too long, or too much
memory, ends that process alone.

What travels between the two is pickled: both are ours, and neither hears anybody else.
"""

import asyncio
import pickle
import sys
from typing import Final

from models.cash.csv_formats import StatementFormat
from models.cash.statement_requests import ReceiveStatement
from models.commands import KeptRefusal
from models.errors import Refusal
from statement_readers.apart import Asked, read_one

APART: Final = 512 * 1024
"""Bytes of a file from which on it is read apart; a smaller one takes less time than a process."""
SECONDS: Final = 180
_AT_A_TIME: Final = asyncio.Semaphore(2)


async def read_statement(
    bank_account_id: str, content: bytes, filename: str | None, content_type: str | None,
    described: tuple[StatementFormat, str] | None,
) -> ReceiveStatement:  # fmt: skip
    """What a file says. Refusal STATEMENT_UNREADABLE, UNAVAILABLE where it took too long."""
    asked = Asked(bank_account_id, content, filename, content_type, described)
    if len(content) < APART:
        return await asyncio.to_thread(read_one, asked)
    async with _AT_A_TIME:
        return await _apart(asked)


async def _apart(asked: Asked) -> ReceiveStatement:
    pipe = asyncio.subprocess.PIPE
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "statement_readers.apart", stdin=pipe, stdout=pipe
    )
    try:
        said, _ = await asyncio.wait_for(reader.communicate(pickle.dumps(asked)), SECONDS)
    except TimeoutError:
        said = b""
    finally:
        if reader.returncode is None:
            reader.kill()
            await reader.wait()
    if reader.returncode != 0 or not said:
        raise Refusal("STATEMENT_UNREADABLE", "The file cannot be read in the time and memory that a file has.")
    found = pickle.loads(said)  # noqa: S301 - written by our own process
    if isinstance(found, KeptRefusal):
        raise found.refusal()
    assert isinstance(found, ReceiveStatement)
    return found
