"""What a sheet of an XLSX refers to: shared strings (kept on disk, found by number) and styles (which numbers are dates)."""

import mmap
import re
import tempfile
import zipfile
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, Protocol

from lxml import etree

from import_readers.blocks import Unreadable

STRINGS_LIMIT: Final = 8_000_000
SMALL_PART: Final = 16 * 1024 * 1024
"""Bytes of a part that is read as a whole: the workbook's list of sheets, its styles."""
_PIECE: Final = 1 << 18
_DATES: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_NO_CODE: Final = re.compile(r'"[^"]*"|\\.|_.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)
_SECTION: Final = re.compile(r"""^(?P<first>(?:"[^"]*"|\\.|[^;"\\])*).*$""", re.DOTALL)
_TOKEN: Final = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|[_*].|\[[^\]]*\]|(?P<digits>0+)|(?P<literal>[-+/() :])|(?P<other>.)'
)
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Target(Protocol):
    """What is told of elements and texts as they come."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None: ...
    def data(self, text: str) -> None: ...
    def end(self, tag: str) -> None: ...
    def close(self) -> None: ...


def parser_of(target: Target | None = None) -> etree.XMLParser:
    """A parser that asks for nothing outside the file and expands nothing inside it."""
    handed: Any = target  # the stubs ask for more than lxml does
    return etree.XMLParser(target=handed, resolve_entities=False, no_network=True, load_dtd=False)


def local(tag: str) -> str:
    """An element's name without its namespace."""
    return tag.rpartition("}")[2]


def parsed(archive: zipfile.ZipFile, name: str) -> etree._Element:
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

    def __init__(self, out: IO[bytes], ends: "array[int]") -> None:
        self._out, self._ends, self._at = out, ends, 0
        self._texts: list[str] = []
        self._inside = self._aside = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
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
    """How the workbook's cell styles show a number: as a date, as an identifier of so many digits, or as it is."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._dates: frozenset[str] = frozenset()
        self._padded: dict[str, tuple[str, ...]] = {}
        if "xl/styles.xml" not in archive.namelist():
            return
        tree = parsed(archive, "xl/styles.xml")
        own = {f.get("numFmtId"): f.get("formatCode") or "" for f in tree.iterfind("{*}numFmts/{*}numFmt")}
        formats = [x.get("numFmtId") or "0" for x in tree.iterfind("{*}cellXfs/{*}xf")]
        self._dates = frozenset(str(n) for n, f in enumerate(formats) if _is_date(f, own.get(f)))
        self._padded = {
            str(n): parts
            for n, f in enumerate(formats)
            if str(n) not in self._dates and (parts := _padding(own.get(f)))
        }

    def is_date(self, style: str) -> bool:
        return style in self._dates

    def padded(self, style: str, number: int) -> str | None:
        """The number with its leading zeros and fixed characters, where the style is that of an identifier ("00000",
        "AC"000000, 000-00-0000)."""
        parts = self._padded.get(style)
        if parts is None or number < 0:
            return None
        zeros = sum(len(p) for p in parts if p[:1] == "0")
        digits = str(number).zfill(zeros)
        at = len(digits) - zeros
        shown, digits = [digits[:at]], digits[at:]
        for part in parts:
            if part[:1] == "0":
                shown.append(digits[: len(part)])
                digits = digits[len(part) :]
            else:
                shown.append(part[1:])
        if at:  # more digits than places: they stand in the first one
            first = next(n for n, p in enumerate(parts) if p[:1] == "0")
            shown.insert(first, shown.pop(0))
        return "".join(shown)


def _padding(code: str | None) -> tuple[str, ...] | None:
    """Of a format of zeros and fixed characters its parts (fixed ones behind a quote); None of every other."""
    parts: list[str] = []
    for token in _TOKEN.finditer(_first_section(code or "")):
        if token["other"]:
            return None
        fixed = token["quoted"] or token["escaped"] or token["literal"]
        if token["digits"]:
            parts.append(token["digits"])
        elif fixed:
            parts.append("'" + fixed)
    zeros = sum(len(p) for p in parts if p[:1] == "0")
    return tuple(parts) if zeros >= 2 else None


def _first_section(code: str) -> str:
    """What holds for numbers above zero."""
    return _SECTION.sub(r"\g<first>", code)


def _is_date(number: str, code: str | None) -> bool:
    if code is None:
        return number.isdigit() and int(number) in _DATES
    return re.search(r"[dmyhs]", _NO_CODE.sub("", code), re.IGNORECASE) is not None
