"""The table of cases names tests that exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
TABLE = (TESTS / "exceptions" / "README.md").read_text()
ROOMS = {"U": TESTS / "unit" / "statements", "E": TESTS / "exceptions"}


def test_each_test_of_the_table_is_there():
    named: list[tuple[str, str]] = []
    file = ""
    for path, test in re.findall(r"`(?:([UE]/\w+\.py))?::(\w+)`", TABLE):
        file = path or file
        named.append((file, test))
    assert len(named) > 60
    missing = [(file, test) for file, test in named if f"def {test}(" not in (ROOMS[file[0]] / file[2:]).read_text()]
    assert missing == []


def test_each_case_is_in_the_table():
    assert re.findall(r"(?m)^\| (\w+) \|", TABLE) == [str(n) for n in range(1, 17)] + ["16b"] + [
        str(n) for n in range(17, 24)
    ]
