"""What readers hand on: blocks of raw rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.imports.files import Layout, Unreadable

__all__ = ["RECORD_LIMIT", "Block", "Layout", "Unreadable"]

RECORD_LIMIT: Final = 1024 * 1024
"""Characters of one row. A longer one is a file of another kind, or has a quote that is never closed."""


@dataclass(frozen=True)
class Block:
    """Rows in file order; `lines[i]` (from 1) is where `raws[i]` begins in the file."""

    lines: Sequence[int]
    raws: Sequence[str]
