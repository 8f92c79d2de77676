"""Files read and judged as an import would, without a database."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from models.imports.checked import Checked
from models.imports.files import Layout
from models.imports.raw_rows import cells_of, objects_of
from models.imports.requests import ImportOptions
from models.imports.rows import Known, RowChecker
from operations.imports.reading import opened

KNOWN = Known(frozenset({"NET30", "NET45", "NET60"}), frozenset(), {"le_us": "USD"})
PIECE = 1 << 16


def judged(content: bytes, source: str = "csv", piece: int = PIECE, **options: Any) -> list[Checked]:
    """The rows of a file, each judged. Raises Unreadable."""
    return read(content, source, piece, **options)[1]


def read(content: bytes, source: str = "csv", piece: int = PIECE, **options: Any) -> tuple[Layout, list[Checked]]:
    """How a file is read, and its rows, each judged. Raises Unreadable."""
    with tempfile.TemporaryDirectory() as directory:

        def spool(pieces: Iterable[bytes]) -> Path:
            path = Path(directory) / "file"
            path.write_bytes(b"".join(pieces))
            return path

        given = ImportOptions.model_validate({"source": source, "legal_entity_id": "le_us", **options})
        pieces = (content[n : n + piece] for n in range(0, len(content), piece))
        layout, blocks = opened(pieces, given, spool)
        checker = RowChecker(layout.header, layout.fields, source, "le_us", KNOWN)
        rows: list[Checked] = []
        for block in blocks:
            if layout.format == "object":
                rows += map(checker.judge_object, objects_of(block.raws))
            else:
                rows += map(checker.judge_cells, cells_of(layout, block.raws))
    return layout, rows


def said(row: Checked) -> dict[str, str] | list[str]:
    """What a row says beside its entity; the codes of its faults, where it has any."""
    if row.faults:
        return [fault.code for fault in row.faults]
    return {name: value for name, value in row.values.items() if name != "legal_entity_id"}
