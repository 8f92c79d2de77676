"""The pages of the docs that follow from tables in the code say what the tables say; the tables, what the code does."""

import re
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, metadata
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


def test_what_a_page_of_tests_names_is_there() -> None:
    """Of the pages beside tests that name them by their whole path."""
    pages = [page for page in ROOT.glob("tests/**/*.md") if "`tests/" in page.read_text()]
    named = [
        (page.name, *found) for page in pages for found in re.findall(r"`(tests/\S+\.py)::(\w+)`", page.read_text())
    ]
    assert len(named) > 25
    missing = [n for n in named if not (ROOT / n[1]).exists() or f"def {n[2]}(" not in (ROOT / n[1]).read_text()]
    assert missing == []


def test_decisions_are_numbered_each_for_itself_and_their_standing_is_one_of_three() -> None:
    names = sorted(path.name for path in (DOCS / "decisions").glob("[0-9]*.md"))
    assert len({name[:4] for name in names}) == len(names)
    for name in names:
        title, blank, line, *_ = (DOCS / "decisions" / name).read_text().splitlines()
        assert title.startswith(f"# {name[:4]} "), name
        assert blank == "", name
        later = r"(superseded|amended) by \[(\d{4})\]\((\d{4})-[a-z0-9-]+\.md\)(: .+)?"
        assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d · [A-Z][^·]+ · (in force|{later})", line), name


def test_every_link_of_the_docs_leads_somewhere() -> None:
    pages = [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
            path, _, anchor = target.partition("#")
            found = (page.parent / path).resolve() if path else page
            if not found.exists() or (anchor and anchor not in anchors(found)):
                broken.append(f"{page.name}: {target}")
    assert len(pages) > 50
    assert broken == []


def test_every_room_of_the_code_is_named_in_the_overview() -> None:
    """The packages of the import contracts, and the folders of those that have rooms of their own."""
    page = (DOCS / "overview.md").read_text()
    layered = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    rooms = {f"{name}/" for name in layered}
    for parent in ("models", "models/db", "operations"):
        rooms |= {f"{path.parent.name}/" for path in (ROOT / parent).glob("*/__init__.py")}
    assert len(rooms) > 20
    assert sorted(room for room in rooms if f"`{room}`" not in page and f"/{room}`" not in page) == []


def test_the_notice_names_every_package_whose_licence_asks_for_more_than_a_mention() -> None:
    notice = (ROOT / "NOTICE").read_text()
    installed = re.findall(
        r"^([a-z0-9-]+)(?:\[.+\])?==", (ROOT / "requirements" / "runtime.txt").read_text(), re.MULTILINE
    )
    assert len(installed) > 50
    asking = set()
    for name in installed:
        with suppress(PackageNotFoundError):  # of another platform
            said = metadata(name)
            licence = [
                text for field in ("License-Expression", "License", "Classifier") for text in said.get_all(field, [])
            ]
            if any(re.search(r"\b[AL]?GPL|\bMPL", text) for text in licence):
                asking.add(name)
    assert asking >= {"orjson", "psycopg"}
    assert sorted(name for name in asking if name.removesuffix("-binary") not in notice) == []


def anchors(page: Path) -> set[str]:
    """As they are made of headings where the docs are read."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
