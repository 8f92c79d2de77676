"""Migrations are one line: two that follow the same one would stop every start of the stack."""

import re
from collections import Counter
from pathlib import Path

VERSIONS = Path(__file__).parents[2] / "models/db/migrations/versions"


def test_each_migration_follows_another_one() -> None:
    texts = [f.read_text() for f in sorted(VERSIONS.glob("[0-9]*.py"))]
    revisions = {m.group(1) for t in texts if (m := re.search(r'^revision = "(.+)"', t, re.MULTILINE))}
    follows = [m.group(1) for t in texts if (m := re.search(r'^down_revision = "(.+)"', t, re.MULTILINE))]
    assert len(revisions) == len(texts)
    assert [n for n, times in Counter(follows).items() if times > 1] == []
    assert set(follows) < revisions
    assert len(follows) == len(revisions) - 1
