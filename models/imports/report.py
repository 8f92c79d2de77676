"""The report of an import as a spreadsheet meets it: its own columns, and cells that no spreadsheet takes for a formula.

A report may be corrected and sent again as it is: its own columns are passed over and the apostrophes taken off.
"""

from collections.abc import Sequence
from typing import Final

REPORT_COLUMNS: Final = ("line", "outcome", "codes", "details", "customer_id")
"""They stand before the columns of the file."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "|")


def is_report(header: Sequence[str]) -> bool:
    """Whether a file of this header is a report of ours."""
    return tuple(header[: len(REPORT_COLUMNS)]) == REPORT_COLUMNS


def defused(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP: an apostrophe before what would begin one)."""
    return "'" + text if _dangerous(text.lstrip("'")) else text


def undone(text: str) -> str:
    """What stood there before `defused`."""
    return text[1:] if text.startswith("'") and _dangerous(text.lstrip("'")) else text


def _dangerous(text: str) -> bool:
    return text.startswith(_FORMULA) or text.lstrip(" \u00a0").startswith(_FORMULA[:4])
