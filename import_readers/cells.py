"""One raw row of a table, split into its texts."""

import csv
import json
import re
from typing import Final

from import_readers.blocks import Layout

_AT_LINES: Final = re.compile(r"(?<=\n)")


def cells(raw: str, delimiter: str) -> list[str]:
    """The fields of one record as it stood in the file. Blanks between a delimiter and a quote are none of the field."""
    lines = _AT_LINES.split(raw) if "\n" in raw else [raw]
    return next(csv.reader(lines, delimiter=delimiter, skipinitialspace=True), [])


def row_cells(layout: Layout, raw: str) -> list[str]:
    """The texts of one row, of whichever format."""
    found: list[str] = json.loads(raw) if layout.format == "cells" else cells(raw, layout.delimiter)
    return found
