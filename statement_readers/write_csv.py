"""Writes the CSV form of a statement: for demo data, tests, and banks' exports made by hand."""

import csv
from collections.abc import Iterable
from typing import TextIO

from models.cash.statements import StatementLine
from models.money import in_units
from statement_readers.csv_bank import COLUMNS


def write_csv(out: TextIO, lines: Iterable[StatementLine]) -> None:
    """One row a line, amounts in major units. Open `out` with newline="". Structured references have no column here."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow(
            (
                line.booking_date.isoformat(),
                format(in_units(line.amount_minor, line.currency_code), "f"),
                line.currency_code,
                line.payer or "",
                line.reference or "",
                line.remittance_text or "",
            )
        )
