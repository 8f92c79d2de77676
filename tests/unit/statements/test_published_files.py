"""Files that banks and test collections have published, held against a second reading that shares nothing with ours."""

from collections import Counter
from pathlib import Path

import pytest

from models.cash.statements import Statement, StatementLine
from statement_readers import detect_and_read
from tests.unit.statements.conftest import BANK_FILES
from tests.unit.statements.second_reading import Seen, read, words

FILES = sorted(path for path in BANK_FILES.iterdir() if path.suffix in {".xml", ".sta", ".bai2", ".ofx"})
KEYWORDS = {"BENM", "REMI", "EREF"}  # with nothing behind them
COUNTED = {".sta": (15, 172), ".xml": (12, 13), ".ofx": (5, 9), ".bai2": (2, 21)}
"""Files and movements, as docs/bank-statements.md has them."""


def said(line: StatementLine) -> str:
    return " ".join((*(text.text for text in line.all_texts), *(text.field for text in line.all_texts)))


def lines_of(statements: list[Statement]) -> list[StatementLine]:
    return [line for statement in statements for line in statement.lines]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_line_is_as_a_second_reading_has_it(path: Path):
    ours, theirs = lines_of(detect_and_read(path)), read(path.name, path.read_bytes())
    seen = [(line.booking_date, line.amount_minor, line.currency_code) for line in ours]
    assert Counter(seen) == Counter((x.day, x.minor, x.currency) for x in theirs)
    for line, second in zip(ours, theirs, strict=True):
        assert missing(line, second) == []


def missing(line: StatementLine, second: Seen) -> list[str]:
    """Words that the file says of the movement, and our line does not. One that a full piece divides is joined in ours."""
    everything = said(line)
    together = "".join(c for c in everything if c.isalnum())
    return sorted(word for word in second.words - words(everything) - KEYWORDS if word not in together)


def test_the_table_of_what_was_tried_counts_them():
    files, lines = Counter(path.suffix for path in FILES), Counter[str]()
    for path in FILES:
        lines[path.suffix] += len(read(path.name, path.read_bytes()))
    assert {suffix: (files[suffix], lines[suffix]) for suffix in files} == COUNTED
