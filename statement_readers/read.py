"""The one door: a file comes in, statements come out, or one refusal that says where the file is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from models.cash.statements import Statement, with_balance_check
from statement_readers.bai2_reader import read_bai2
from statement_readers.camt import read_camt
from statement_readers.csv_bank import read_csv
from statement_readers.detect import HEAD_BYTES, Format, detect
from statement_readers.mt940 import read_mt940
from statement_readers.ofx import read_ofx

READERS: dict[Format, Callable[[BinaryIO], list[Statement]]] = {
    Format.CAMT: read_camt,
    Format.CSV: read_csv,
    Format.MT940: read_mt940,
    Format.OFX: read_ofx,
    Format.BAI2: read_bai2,
}


def detect_and_read(
    file: BinaryIO | Path, filename: str | None = None, content_type: str | None = None
) -> list[Statement]:
    """Every statement of a file, in its order. `file` must be seekable; it is read from its start and left open.

    The content decides the format; a name or content type that claims another one refuses the file. Lines that do not
    add up to the balances are a warning on the statement. Raises Refusal STATEMENT_UNREADABLE with `line` and, where
    it is known, `column`.
    """
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return detect_and_read(opened, filename or file.name, content_type)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    reader = READERS[detect(head, filename, content_type)]
    return [with_balance_check(statement) for statement in reader(file)]
