"""Migrations are one line: two that follow the same one would stop every start of the stack. Functions stand beside it."""

import hashlib
import re
from collections import Counter
from pathlib import Path

from models.db.migrations.run_sql import FUNCTIONS, SQL

VERSIONS = Path(__file__).parents[2] / "models/db/migrations/versions"
MAKES_A_FUNCTION = re.compile(r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+(\w+)", re.IGNORECASE)


def _named(name: str, text: str) -> str | None:
    found = re.search(rf'^{name} = "(.+)"', text, re.MULTILINE)
    return found and found.group(1)


TEXTS = [f.read_text() for f in sorted(VERSIONS.glob("[0-9]*.py"))]
AFTER = {_named("down_revision", t): t for t in TEXTS}
"""The migration that follows each."""


def test_each_migration_follows_another_one() -> None:
    revisions = {_named("revision", t) for t in TEXTS}
    follows = [r for t in TEXTS if (r := _named("down_revision", t))]
    assert len(revisions) == len(TEXTS)
    assert [n for n, times in Counter(follows).items() if times > 1] == []
    assert set(follows) < revisions
    assert len(follows) == len(revisions) - 1


def test_each_migration_is_no_older_than_the_one_before_it() -> None:
    days, at = [], None
    while at in AFTER:
        days.append(_named("made", AFTER[at]))
        at = _named("revision", AFTER[at])
    assert len(days) == len(TEXTS)
    assert all(day and re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in days), (
        'each says on which day: made = "2026-11-28"'
    )
    assert days == sorted(day or "" for day in days)


def test_a_change_of_a_function_comes_with_a_migration_that_says_so() -> None:
    said, at = None, None
    while at in AFTER:
        said = _named("functions", AFTER[at]) or said
        at = _named("revision", AFTER[at])
    texts = b"".join(file.name.encode() + file.read_bytes() for file in sorted(FUNCTIONS.glob("*.sql")))
    now = hashlib.sha256(texts).hexdigest()[:12]
    assert said == now, f'sql/functions has changed: a new, last migration says functions = "{now}"'


def test_a_function_stands_in_a_file_of_its_own_and_nowhere_else() -> None:
    for file in sorted(FUNCTIONS.glob("*.sql")):
        assert MAKES_A_FUNCTION.findall(file.read_text()) == [file.stem]
    others = [f for f in [*SQL.rglob("*.sql"), *VERSIONS.glob("*.py")] if f.parent != FUNCTIONS]
    stray = {f.name: m for f in others if (m := MAKES_A_FUNCTION.findall(f.read_text()))}
    assert stray == {}, "put it into sql/functions/NAME.sql, the whole text: see migrations/run_sql.py"
