"""Files of customers (CSV, XLSX, NDJSON), read as numbered rows of raw text in constant memory.

A reader splits, it does not judge: what a row means is decided in `models.imports.rows`. What makes the file as a
whole unreadable is raised as `Unreadable`, with line and column. No database, no network, no clock.
"""

from import_readers.blocks import Block, Layout, Unreadable
from import_readers.opening import open_rows

__all__ = ["Block", "Layout", "Unreadable", "open_rows"]
