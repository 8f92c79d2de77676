"""Bank statements of five formats, read into the types of models.cash.statements. No database, no network, no clock."""

from statement_readers.bank_csv import read_bank_csv
from statement_readers.read import detect_and_read

__all__ = ["detect_and_read", "read_bank_csv"]
