"""The pages of the docs that follow from tables in the code say what the tables say; the tables, what the code does."""

import re
from pathlib import Path

import pytest

from cli.reference import DOCS, PAGES
from models.events import EVENTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_table_says(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run `make docs`"


def test_every_type_of_event_that_is_emitted_stands_in_the_table_and_no_other() -> None:
    """Types are spelled out in operations/, or in the SQL by which an import makes many customers."""
    source = "\n".join(path.read_text() for path in sorted((ROOT / "operations").rglob("*.py")))
    emitted = set(re.findall(r'\.emit\(\s*"([^"]+)"', source))
    assert len(emitted) >= 8
    assert emitted <= EVENTS.keys()
    assert [name for name in EVENTS if f'"{name}"' not in source] == []


def test_what_is_sometimes_left_out_is_a_field() -> None:
    assert [t.name for t in EVENTS.values() if not t.sometimes <= t.data.keys()] == []


def test_what_the_page_of_sources_names_is_there() -> None:
    """Each requirement names a module that carries it and a test that holds it."""
    missing, rows = [], 0
    for line in (DOCS / "sources.md").read_text().splitlines():
        if not re.match(r"\| [A-Z0-9]+-\d+ \|", line):
            continue
        rows += 1
        path, test = re.search(r"`(tests/\S+\.py)::(\w+)` \|$", line).groups()  # type: ignore[union-attr]
        modules = re.findall(r"\| `([\w/]+\.\w+)` \|", line)
        missing += [name for name in (path, *modules) if not (ROOT / name).exists()]
        if (ROOT / path).exists() and f"def {test}(" not in (ROOT / path).read_text():
            missing.append(f"{path}::{test}")
    assert rows > 40
    assert missing == []
