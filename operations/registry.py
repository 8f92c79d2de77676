"""Importing this module registers every operation with the runner: an explicit list."""

from operations import applications, invoices, payments, undo

__all__ = ["applications", "invoices", "payments", "undo"]
