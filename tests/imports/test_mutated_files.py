"""Files of customers with something changed in them: read right, or refused with a place; never a row with another's cells.

A mutation touches one line. Whatever it does, every row that is in order afterwards is a row of the file as it was (or says less
of it), but the one that was touched: no mutation moves a value into another row or column of the rest. And of the row that was
touched no value stands in another field than it did, without a warning.
"""

import csv
import io
import json
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest

from import_readers import Unreadable
from models.imports.checked import Checked
from models.imports.files import BEYOND
from tests.imports import reading
from tests.imports.test_bad_files import workbook
from tests.imports.test_product_exports import EXPORTS, FILES

QUICK, LONG = 60, 20_000
Said = Mapping[str, object]
PLAIN_FILE = (
    "name,email,phone,credit_limit,billing_address.lines,billing_address.city,billing_address.country\n"
    + "".join(
        f'"Company {n}, Inc",c{n}@x.com,+1 555 01{n:02d},{n}000.50,{n} Main St,City {n},US\n' for n in range(10, 22)
    )
)
FORMATS: dict[str, tuple[str, bytes]] = {
    **{file: (of.source, (FILES / file).read_bytes()) for file, of in EXPORTS.items()},
    "plain csv": ("csv", PLAIN_FILE.encode()),
    "partner feed": ("partner_feed", PLAIN_FILE.replace("billing_address.", "").replace("lines", "street").encode()),
    "xlsx": ("xlsx", workbook([list(row) for row in csv.reader(io.StringIO(PLAIN_FILE))])),
    "ndjson": ("ndjson", b"".join(
        json.dumps({"name": f"Company {n}", "email": f"c{n}@x.com", "credit_limit": f"{n}00.50",
                    "contacts": [{"name": f"Ann {n}"}]}).encode() + b"\n" for n in range(12)
    )),
}  # fmt: skip


def said(row: Checked) -> Said:
    """What a row that is in order says of its customer."""
    lists = row.related.lists if row.related else {}
    whole: dict[str, object] = {**row.values, "credit_limit": row.credit_limit}
    parts = {
        f"{name}.{one.get('type', n)}.{part}": "\n".join(map(str, text)) if isinstance(text, list) else text
        for name, items in lists.items()
        for n, one in enumerate(items)
        for part, text in one.items()
    }
    return whole | parts


@dataclass(frozen=True)
class Read:
    """The names of a file's columns, its rows that are in order, and those of them of which there is no warning."""

    header: Sequence[str]
    rows: Sequence[Said]
    unwarned: Sequence[Said]


def read(source: str, content: bytes) -> Read:
    """A file as an import would judge it. Raises Unreadable."""
    layout, judged = reading.read(content, source)
    rows = [(said(row), row.warnings) for row in judged if not row.faults]
    names = [name for name in layout.header if name != BEYOND]
    return Read(names, [row for row, _ in rows], [row for row, warnings in rows if not warnings])


def flipped(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


_MARKS = [b",", b";", b"\t", b"|", b'"', b"'", b"\0", b" ", b"\xc3", b"0", b"-", b"=", b"\\", b"\x1a", b"\xef\xbb\xbf"]


def put_in(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    what = chance.choice(_MARKS)
    return content[:at] + what + content[at:]


def taken_out(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + content[at + chance.choice([1, 1, 1, 2, 3]) :]


def cut_off(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(1, len(content))]


def line_twice(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    return b"".join([*lines[: at + 1], lines[at], *lines[at + 1 :]])


def line_out(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    return b"".join([*lines[:at], *lines[at + 1 :]])


def line_broken(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + chance.choice([b"\n", b"\r\n", b"\r"]) + content[at:]


MUTATIONS: Sequence[Callable[[bytes, random.Random], bytes]] = (
    flipped, put_in, taken_out, cut_off, line_twice, line_out, line_broken,
)  # fmt: skip


def mutated(name: str, content: bytes, chance: random.Random) -> bytes:
    """Something else in one place; of a workbook, in its archive or in one of the texts within."""
    if name != "xlsx" or chance.random() < 0.3:
        return chance.choice(MUTATIONS)(content, chance)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as held, zipfile.ZipFile(out, "w") as made:
        names = held.namelist()
        chosen = chance.choice(names)
        for part in names:
            text = held.read(part)
            made.writestr(part, chance.choice(MUTATIONS)(text, chance) if part == chosen else text)
    return out.getvalue()


def within(row: Said, original: Said) -> bool:
    """Whether a row says nothing but what the original said."""
    return all(value in (None, original.get(field)) for field, value in row.items())


LEAST = 4
"""Characters by which a value is known again."""


def moved(row: Said, originals: Sequence[Said]) -> list[tuple[str, str]]:
    """(the field where a value stands, the field where it stood) of the row of the file that this one was."""
    was = max(originals, key=lambda o: sum(value is not None and o.get(field) == value for field, value in row.items()))
    once = {field: str(value) for field, value in was.items() if value is not None and len(str(value)) >= LEAST}
    return [
        (field, other)
        for field, value in row.items()
        if value is not None and value != was.get(field)
        for other, text in once.items()
        if other != field and text in str(value) and text not in str(was.get(field))
    ]


def shifted(original: Read, now: Read, strange: Sequence[Said]) -> list[tuple[str, str]]:
    """Where values stand that stood elsewhere, and nothing warns of it. A column of another name is what it is called."""
    if len(now.header) == len(original.header) and list(now.header) != list(original.header):
        return []
    return [found for row in strange if row in now.unwarned for found in moved(row, original.rows)]


def hold(name: str, times: int, seed: int) -> dict[str, int]:
    """Mutate so often; the counts of what came of it. Fails where a value stands where it did not."""
    source, content = FORMATS[name]
    original = read(source, content)
    chance, counts = random.Random(f"{name} {seed}"), {"refused": 0, "read": 0}
    for n in range(times):
        changed = mutated(name, content, chance)
        try:
            now = read(source, changed)
        except Unreadable as wrong:
            counts["refused"] += min(wrong.line, wrong.column) >= 1
            continue
        counts["read"] += 1
        strange = [row for row in now.rows if not any(within(row, o) for o in original.rows)]
        # A line that was broken in two may be two rows now; both are of the line that was touched.
        assert len(strange) <= 2, (name, seed, n, strange[:3])
        assert len(now.rows) <= len(original.rows) + 2, (name, seed, n)
        assert not (wrong_place := shifted(original, now, strange)), (name, seed, n, wrong_place, changed)
    return counts


@pytest.mark.parametrize("name", FORMATS)
def test_a_mutation_moves_no_value_into_another_row(name: str) -> None:
    counts = hold(name, QUICK, 1)
    assert counts["read"] > 0
    assert sum(counts.values()) == QUICK, "what is refused has a place"


@pytest.mark.soak
@pytest.mark.parametrize("name", FORMATS)
def test_twenty_thousand_mutations_move_no_value_into_another_row(name: str) -> None:
    assert sum(hold(name, LONG, 2).values()) == LONG


@pytest.mark.parametrize("name", FORMATS)
def test_the_files_are_read_as_they_are(name: str) -> None:
    """Otherwise the mutations would say nothing."""
    source, content = FORMATS[name]
    made = EXPORTS[name].created if name in EXPORTS else 12
    assert len(read(source, content).rows) >= min(made, 12) - 1
