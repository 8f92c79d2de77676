"""Files of customers with something changed in them: read right, or refused with a place; never a row with another's cells.

A mutation touches one line. Whatever it does, every row that is in order afterwards is a row of the file as it was (or says less
of it), but the one that was touched: no mutation moves a value into another row or column of the rest.
"""

import csv
import io
import json
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence

import pytest

from import_readers import Unreadable
from models.imports.checked import Checked
from tests.imports.reading import judged
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
    return whole | {name: json.dumps(items, sort_keys=True) for name, items in lists.items()}


def read(source: str, content: bytes) -> list[Said]:
    """The rows that are in order, as an import would judge them. Raises Unreadable."""

    return [said(row) for row in judged(content, source) if not row.faults]


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


def hold(name: str, times: int, seed: int) -> dict[str, int]:
    """Mutate so often; the counts of what came of it. Fails where a value stands where it did not."""
    source, content = FORMATS[name]
    originals = read(source, content)
    chance, counts = random.Random(f"{name} {seed}"), {"refused": 0, "read": 0}
    for n in range(times):
        changed = mutated(name, content, chance)
        try:
            rows = read(source, changed)
        except Unreadable as wrong:
            counts["refused"] += min(wrong.line, wrong.column) >= 1
            continue
        counts["read"] += 1
        strange = [row for row in rows if not any(within(row, o) for o in originals)]
        # A line that was broken in two may be two rows now; both are of the line that was touched.
        assert len(strange) <= 2, (name, seed, n, strange[:3])
        assert len(rows) <= len(originals) + 2, (name, seed, n)
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
    assert len(read(source, content)) >= min(made, 12) - 1
