"""Reading of the small old formats (MT940, OFX, BAI2), whose parsers want the whole text at once."""

import re
from dataclasses import dataclass
from typing import BinaryIO

from models.cash.statements import ENCODING_GUESSED, StatementWarning
from statement_readers.fields import unreadable

MAX_BYTES = 20 * 1024 * 1024


def read_bytes(file: BinaryIO) -> bytes:
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise unreadable(f"files of this format may have {MAX_BYTES} bytes; send CAMT.053 or CSV, or split it.", line=1)
    if (at := data.find(b"\x00")) >= 0:
        raise unreadable("a NUL character.", line=data.count(b"\n", 0, at) + 1, column=at - data.rfind(b"\n", 0, at))
    return data


def decode(data: bytes) -> tuple[str, tuple[StatementWarning, ...]]:
    """UTF-8 where it is; else Windows-1252, which banks send in formats that cannot say so, with a warning that stays
    visible. Raises STATEMENT_UNREADABLE where it is neither."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n"), ()
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise unreadable("neither UTF-8 nor Windows-1252.", line=line, column=column) from None
    warning = StatementWarning(ENCODING_GUESSED, "The file is not UTF-8 and was read as Windows-1252.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), (warning,)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, with the place it starts at."""

    offset: int
    line: int
    text: str


def pieces(text: str, starts: re.Pattern[str]) -> list[Piece]:
    """The text from each match of `starts` to the next; what stands before the first is no piece."""
    offsets = [match.start() for match in starts.finditer(text)]
    found: list[Piece] = []
    line, counted = 1, 0
    for start, end in zip(offsets, [*offsets[1:], len(text)], strict=False):
        line += text.count("\n", counted, start)  # counted on, not from the start: a file may hold many small pieces
        counted = start
        found.append(Piece(start, line, text[start:end]))
    return found
