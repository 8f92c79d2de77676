"""Whether the cells of a row are those of the header's columns, before anybody asks what they say."""

from collections.abc import Sequence

from models.imports.checked import Checked, RowFault
from models.imports.cleaning import ERRORS, unguarded
from models.imports.files import BEYOND


class Shape:
    """The columns of one file. `beyond`: an export's rows have cells beyond its header, which may lack a name, then, in a file of
    names that nobody knows: a warning. `usual`: with as many cells a row has one to each column, and nothing else can be
    wrong; None where the last columns have no names."""

    def __init__(self, header: Sequence[str], fields: Sequence[str | None], *, exported: bool) -> None:
        self._header, self._fields = header, fields
        self._width = len(fields)
        self._named = next((n for n in range(len(header), 0, -1) if header[n - 1].strip()), 0)
        self.usual = self._width if self._named == self._width else None
        self.beyond = exported and BEYOND in header

    def fitted(self, cells: Sequence[str]) -> Sequence[str]:
        """A row may end where the header's named columns do. Delimiters at the ends of all rows are columns without a name."""
        if len(cells) < self._width and not any(name.strip() for name in self._header[len(cells) :]):
            return [*cells, *[""] * (self._width - len(cells))]
        return cells

    def miscounted(self, cells: Sequence[str]) -> RowFault | None:
        """Why the row's cells cannot be told to be those of the header's columns."""
        if len(cells) < self._width:
            detail = f"The row has {len(cells)} columns, the header {self._named}."
            return RowFault(None, None, len(cells) + 1, "COLUMN_COUNT", detail)
        if len(cells) == self._width and not any(cell.strip() for cell in cells[self._named :]):
            return None
        said = len(cells) if len(cells) > self._width else max(n for n, cell in enumerate(cells, 1) if cell.strip())
        detail = (
            f"The row has {said} columns, the header {self._named}: a delimiter within a cell needs quotes around it."
        )
        return RowFault(None, None, self._named + 1, "COLUMN_COUNT", detail)

    def as_meant(self, row: Checked, cells: Sequence[str]) -> Sequence[str]:
        """The cells without guarding formulas; a formula that has failed is a fault of its column, if that counts."""
        meant = [unguarded(cell) for cell in cells]
        for i, cell in enumerate(meant):
            if cell.strip() not in ERRORS:
                continue
            meant[i] = ""
            if (field := self._fields[i]) is not None:
                detail = "A spreadsheet's formula has failed here: put its value into the cell."
                row.faults.append(RowFault(field, self._header[i], i + 1, "FIELD_TYPE", detail))
        return meant
