"""Bank statements of five formats, read into the types of models.cash.statements. No database, no network, no clock."""

from statement_readers.read import detect_and_read

__all__ = ["detect_and_read"]
