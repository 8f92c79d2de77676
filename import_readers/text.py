"""Bytes to text in blocks of whole lines: strict decoding, line endings made equal, memory bounded."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Final

from import_readers.blocks import RECORD_LIMIT, Unreadable

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHERS: Final = ("windows-1252", "macintosh", "iso-8859-15")


def text_blocks(chunks: Iterable[bytes], encoding: str | None) -> Iterator[str]:
    """Blocks that each end with a line feed. A byte order mark wins; else `encoding`, else UTF-8, strictly.

    Raises ENCODING_INVALID, NUL_CHARACTER and LINE_TOO_LONG with line and column.
    """
    tail, line = "", 1
    for piece in _decoded(chunks, encoding):
        if "\0" in piece:
            before = tail + piece[: piece.index("\0")]
            raise _at("NUL_CHARACTER", "The file holds a NUL character: it is no text file.", line, before)
        text = tail + piece
        cut = text.rfind("\n") + 1
        tail = text[cut:]
        if len(tail) > RECORD_LIMIT:
            at = line + text.count("\n", 0, cut)
            raise Unreadable("LINE_TOO_LONG", f"The line is longer than {RECORD_LIMIT} characters.", at, RECORD_LIMIT)
        if cut:
            line += text.count("\n", 0, cut)
            yield text[:cut]
    if tail := tail.rstrip("\x1a"):
        yield tail + "\n"


def _decoded(chunks: Iterable[bytes], encoding: str | None) -> Iterator[str]:
    """Decoded pieces with every line ending as a line feed."""
    decoder: codecs.IncrementalDecoder | None = None
    used, line, column, held = "", 1, 1, ""
    for chunk, last in _with_last(chunks):
        if decoder is None:
            used, skip = _chosen(chunk, encoding)
            decoder = codecs.getincrementaldecoder(used)("strict")
            chunk = chunk[skip:]
        state = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk, last)
        except UnicodeDecodeError as e:
            good = (state + chunk)[: e.start].decode(used, "replace").replace("\r\n", "\n").replace("\r", "\n")
            byte = bytes(e.object)[e.start : e.start + 1]
            raise Unreadable(
                "ENCODING_INVALID",
                f"Byte 0x{byte.hex()} is not {used}: save the file as UTF-8, or name its encoding.{_readings(byte)}",
                line + good.count("\n"),
                (column if "\n" not in good else 1) + len(good) - good.rfind("\n") - 1,
            ) from None
        text = held + text
        held = "\r" if text.endswith("\r") and not last else ""
        if held:
            text = text[:-1]
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        feeds = text.count("\n")
        column = len(text) - text.rfind("\n") if feeds else column + len(text)
        line += feeds
        yield text


def _with_last(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each chunk and whether it is the last. The first is made long enough to hold any byte order mark, twice."""
    previous: bytes | None = None
    for chunk in chunks:
        if previous is None or len(previous) < 8:
            previous = (previous or b"") + chunk
            continue
        yield previous, False
        previous = chunk
    if previous is not None:
        yield previous, True


def _chosen(start: bytes, encoding: str | None) -> tuple[str, int]:
    for mark, name in _BOMS:
        if start.startswith(mark):
            # Programs that add a mark without looking make two.
            return name, len(mark) * (1 + start[len(mark) :].startswith(mark))
    return encoding or _wide(start) or "utf-8", 0


def _wide(start: bytes) -> str | None:
    """UTF-16 without its mark: every second byte of the Latin letters that a header begins with is nothing."""
    pairs = start[: len(start) // 2 * 2][:16]
    first, second = pairs[::2], pairs[1::2]
    if len(first) < 2:
        return None
    if not any(second) and all(first):
        return "utf-16-le"
    return "utf-16-be" if not any(first) and all(second) else None


def _readings(byte: bytes) -> str:
    """What a byte would be in the encodings that a person may choose between."""
    said = {name: byte.decode(name, "ignore") for name in _OTHERS}
    shown = [f"{name} {text!r}" for name, text in said.items() if text.isprintable() and text]
    return f" It would be in {', in '.join(shown)}." if shown else ""


def _at(code: str, detail: str, line: int, before: str) -> Unreadable:
    feeds = before.count("\n")
    return Unreadable(code, detail, line + feeds, len(before) - before.rfind("\n"))
