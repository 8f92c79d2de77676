"""What a BAI2 transaction (16 and its 88s) says beside the money.

A record that ends with a slash ends its field there. Text that goes on in an 88 without one is a word's end too, unless
the record fills its width: then it runs on.
"""

import re
from typing import Any

from models.cash.bank_texts import BankText, Role
from statement_readers.joining import Joined, bank_text, join, kept

RECORD_WIDTH, REFERENCE_WIDTH = 80, 16

_RUNS_ON, _BREAK = "\x1e", "\x1f"
_ANY_BREAK = re.compile(f"([{_RUNS_ON}{_BREAK}])")
_ABSENT = {"", "0"}


def texts_in_detail(entry: Any, width: int | None) -> tuple[tuple[BankText, ...], str | None, str | None]:
    """The texts of a transaction, its customer reference, and its text. `width`: of a record, as the file's header
    says."""
    fields = _fields(entry.rows, width or RECORD_WIDTH)
    places = (entry.text or "").count(",") + 1
    text = _joined(",".join(fields[len(fields) - places :])) if entry.text else Joined("")
    written = fields[len(fields) - places - 1] if len(fields) > places else ""
    # A field is never divided between records, so where one is, its pieces are believed in no way.
    reference = _joined(written.replace(_BREAK, _RUNS_ON), REFERENCE_WIDTH)
    absent = reference.text in _ABSENT
    texts = kept(
        None if absent else reference.as_bank_text("16 customer reference", Role.OWN_REFERENCE),
        text.as_bank_text("16 text", Role.TEXT),
        None if entry.bank_reference in _ABSENT else bank_text("16 bank reference", entry.bank_reference),
        bank_text("16 type code", entry.type_code.code),
    )
    return texts, None if absent else reference.text, text.text or None


def _fields(rows: list[tuple[Any, str]], width: int) -> list[str]:
    """The fields as the package splits them, with marks where one record ends and the next begins."""
    whole = ""
    for number, (_, row) in enumerate(rows):
        last = number + 1 == len(rows)
        if row.endswith("/"):
            whole += row[:-1] if last else f"{row[:-1]},"
        else:
            whole += row if last else f"{row}{_RUNS_ON if len(row) + len('16,') >= width else _BREAK}"
    return whole.split(",")


def _joined(text: str, width: int | None = None) -> Joined:
    parts = _ANY_BREAK.split(text)
    marks = [*parts[1::2], _BREAK]
    pieces = [(piece, mark == _RUNS_ON) for piece, mark in zip(parts[0::2], marks, strict=True)]
    return join(pieces, cut=width is not None and len(_ANY_BREAK.sub("", text).strip()) == width)
