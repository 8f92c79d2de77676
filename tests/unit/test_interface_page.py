"""docs/api.md lists what there is: every command, every kind of id, and a heading for every section that the code cites."""

import re
from pathlib import Path
from typing import Final

from cli.main import COMMANDS
from models.customer_360.kinds import KINDS
from models.customers.records import ID_PREFIXES

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "api.md").read_text()
NOT_ANSWERED: Final = {"adopt", "cmd", "dec", "req", "sig"}
"""Ids that no field of an answer holds: of requests, signals, decisions, processes of ours."""


def section(number: int) -> str:
    found = re.search(rf"^## {number}\. .+?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no section {number}"
    return found[0]


def test_every_command_stands_in_the_table_and_no_other() -> None:
    rows = re.findall(r"^\| (`arflow .+?) \|", section(1), re.MULTILINE)
    said = [words.removeprefix("arflow ").split()[0] for row in rows for words in re.findall(r"`([^`]+)`", row)]
    assert sorted(word for word in said if not word.startswith("--")) == sorted(COMMANDS)


def test_every_prefix_of_an_id_is_listed_and_no_other() -> None:
    made = {*ID_PREFIXES.values(), *(kind.prefix for kind in KINDS.values())}
    for room in ("api", "activities", "models", "operations", "workflows"):
        for path in (ROOT / room).rglob("*.py"):
            made |= set(re.findall(r'\b(?:new_id|id_of)\("([a-z]+)"', path.read_text()))
        for path in (ROOT / room).rglob("*.sql"):
            made |= set(re.findall(r"'([a-z]+)_' \|\|", path.read_text()))
    listed = re.search(r"sort by age: `([a-z_\s]+)`", section(2))
    assert listed
    assert set(listed[1].split()) == {f"{prefix}_" for prefix in made - NOT_ANSWERED}


def test_what_the_glossary_calls_by_a_name_of_the_code_is_called_so_there() -> None:
    """Tables, fields, codes, paths of requests, files; ids by their prefixes."""
    rooms = ("api", "models", "operations", "workflows", "settings.py")
    files = [page for room in rooms for page in ((ROOT / room).rglob("*") if (ROOT / room).is_dir() else [ROOT / room])]
    code = "\n".join(page.read_text() for page in files if page.suffix in {".py", ".sql"})
    said = set(re.findall(r"`([^`\s]+)`", (ROOT / "docs" / "glossary.md").read_text()))
    assert len(said) > 120
    prefixes = {word for word in said if re.fullmatch(r"[a-z]+_\*", word)}
    assert sorted(word for word in prefixes if word[:-1] not in section(2)) == []
    named = {word for word in said - prefixes if not set(word) & set("*…{|")}
    assert sorted(word for word in named if word.removesuffix("=") not in code and not (ROOT / word).exists()) == []


def test_the_way_of_an_amount_is_the_one_that_is_written_down() -> None:
    page = (ROOT / "docs" / "decisions" / "0069-typed-from-the-door-to-the-row.md").read_text()
    stations = re.findall(r"^(\w+)\.(\w+) +(\S+\.py) ", page, re.MULTILINE)
    assert len(stations) == 5
    for kind, field, path in stations:
        (declared,) = re.findall(rf"^class {kind}\b.+?(?=^\S|\Z)", (ROOT / path).read_text(), re.MULTILINE | re.DOTALL)
        assert f"\n    {field}: " in declared, f"{path}::{kind}.{field}"


def test_every_section_that_is_cited_has_its_heading() -> None:
    """`docs/api.md, section 3, Apply`: what follows the number, where it begins with a capital, is a heading within it."""
    rooms = [room for room in ROOT.iterdir() if room.is_dir() and not room.name.startswith(".")]
    pages = [page for room in rooms for page in room.rglob("*") if page.suffix in {".py", ".sql", ".md"}]
    cited = {
        (int(number), name)
        for page in [*ROOT.glob("*.md"), *pages]
        for number, name in re.findall(r"api\.md\S*, section (\d+)(?:, ([A-Z]\w+(?: [a-z]+)*))?", page.read_text())
    }
    assert len(cited) >= 7
    assert [(n, name) for n, name in cited if name and f"\n### {name}\n" not in section(n)] == []
    assert all(section(n) for n, _ in cited)
