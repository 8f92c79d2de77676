"""The report of an import as a spreadsheet meets it: its own columns, and cells that no spreadsheet takes for a formula.

A report may be corrected and sent again as it is: its own columns are passed over and the apostrophes taken off.
"""

from collections.abc import Sequence
from typing import Final

REPORT_COLUMNS: Final = ("line", "outcome", "codes", "details", "customer_id")
"""They stand before the columns of the file."""


def is_report(header: Sequence[str]) -> bool:
    """Whether a file of this header is a report of ours."""
    return tuple(header[: len(REPORT_COLUMNS)]) == REPORT_COLUMNS
