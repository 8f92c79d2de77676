"""What a sheet of an XLSX refers to: shared strings (kept on disk, found by number) and styles (which numbers are dates)."""

import mmap
import re
import tempfile
import zipfile
from array import array
from pathlib import Path
from typing import Any, Final

from lxml import etree

from import_readers.blocks import Unreadable

STRINGS_LIMIT: Final = 8_000_000
SMALL_PART: Final = 16 * 1024 * 1024
"""Bytes of a part that is read as a whole: the workbook's list of sheets, its styles."""
_PIECE: Final = 1 << 18
_DATES: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_NO_CODE: Final = re.compile(r'"[^"]*"|\\.|_.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


def parser_of(target: Any = None) -> Any:
    """A parser that asks for nothing outside the file and expands nothing inside it."""
    return etree.XMLParser(target=target, resolve_entities=False, no_network=True, load_dtd=False)


def local(tag: str) -> str:
    """An element's name without its namespace."""
    return tag.rpartition("}")[2]


def parsed(archive: zipfile.ZipFile, name: str) -> Any:
    """A small part as a tree."""
    if archive.getinfo(name).file_size > SMALL_PART:
        raise Unreadable("XLSX_TOO_LARGE", f"{name} is larger than any workbook needs.")
    return etree.fromstring(archive.read(name), parser_of())


class Shared:
    """The workbook's shared strings by number, on disk: a workbook may be all of them."""

    def __init__(self, archive: zipfile.ZipFile, directory: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - closed with this
        self._ends = array("Q")
        self._map: mmap.mmap | None = None
        try:
            self._keep(archive)
        except BaseException:
            self._file.close()
            raise

    def _keep(self, archive: zipfile.ZipFile) -> None:
        if "xl/sharedStrings.xml" in archive.namelist():
            with archive.open("xl/sharedStrings.xml") as xml:
                parser = parser_of(_Strings(self._file, self._ends))
                while piece := xml.read(_PIECE):
                    parser.feed(piece)
                parser.close()
            self._file.flush()
            if self._ends and self._ends[-1]:
                self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends):
            raise KeyError(number)
        start, end = self._ends[number - 1] if number else 0, self._ends[number]
        return self._map[start:end].decode() if self._map is not None else ""

    def __enter__(self) -> "Shared":
        return self

    def __exit__(self, *_: object) -> None:
        if self._map is not None:
            self._map.close()
        self._file.close()


class _Strings:
    """Writes each string as it comes."""

    def __init__(self, out: Any, ends: "array[int]") -> None:
        self._out, self._ends, self._at = out, ends, 0
        self._texts: list[str] = []
        self._inside = self._aside = False

    def start(self, tag: str, _: Any) -> None:
        name = local(tag)
        if name == "rPh":  # how to pronounce it
            self._aside = True
        self._inside = name == "t" and not self._aside

    def data(self, text: str) -> None:
        if self._inside:
            self._texts.append(text)

    def end(self, tag: str) -> None:
        self._inside = False
        name = local(tag)
        if name == "rPh":
            self._aside = False
        elif name == "si":
            if len(self._ends) >= STRINGS_LIMIT:
                raise Unreadable("XLSX_TOO_LARGE", f"The workbook has more than {STRINGS_LIMIT} texts.")
            text = _ESCAPED.sub(lambda m: chr(int(m[1], 16)), "".join(self._texts))
            self._at += self._out.write(text.encode("utf-8", "replace"))
            self._ends.append(self._at)
            self._texts.clear()

    def close(self) -> None: ...


class Styles:
    """Which of the workbook's cell styles show a number as a date."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._dates: frozenset[str] = frozenset()
        if "xl/styles.xml" not in archive.namelist():
            return
        tree = parsed(archive, "xl/styles.xml")
        own = {f.get("numFmtId"): f.get("formatCode") or "" for f in tree.iterfind("{*}numFmts/{*}numFmt")}
        formats = [x.get("numFmtId") or "0" for x in tree.iterfind("{*}cellXfs/{*}xf")]
        self._dates = frozenset(str(n) for n, f in enumerate(formats) if _is_date(f, own.get(f)))

    def is_date(self, style: str) -> bool:
        return style in self._dates


def _is_date(number: str, code: str | None) -> bool:
    if code is None:
        return number.isdigit() and int(number) in _DATES
    return re.search(r"[dmyhs]", _NO_CODE.sub("", code), re.IGNORECASE) is not None
