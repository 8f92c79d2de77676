"""Importing this module registers every operation with the runner: an explicit list."""

from operations import applications, books, invoices, payments, reconciliations, statements, undo

__all__ = ["applications", "books", "invoices", "payments", "reconciliations", "statements", "undo"]
