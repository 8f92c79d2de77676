"""The description's examples: one for each operation, and what the product takes and answers today.

`ARFLOW_RECORD_EXAMPLES=1 pytest tests/api/test_examples.py` records them anew, for whoever has changed a body or an answer.
"""

import json
import os
from typing import Any

import pytest

from api.app import create_app
from api.examples import FILE, recorded
from settings import Settings
from tests.api.asking import Examples, differs, shape
from tests.api.shell_probe import SECRET
from tests.api.tour import Tour
from tests.stack_fixtures.app import AppStack

RECORDING = "ARFLOW_RECORD_EXAMPLES" in os.environ


@pytest.fixture(scope="module")
def walked(app_stack: AppStack) -> Examples:
    """What every operation is asked and answers, now."""
    seen = Tour(app_stack).walk()
    if RECORDING:
        lines = [f"{json.dumps(o)}: {json.dumps(e, ensure_ascii=False)}" for o, e in sorted(seen.items())]
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        recorded.cache_clear()
    return seen


def test_the_examples_are_what_the_product_takes_and_answers(walked: Examples) -> None:
    assert walked.keys() == recorded().keys()
    drifted = [
        f"{operation}: {part}{place or '/'}"
        for operation, example in walked.items()
        for part in ("status", "request", "answer")
        for place in differs(shape(example.get(part)), shape(recorded()[operation].get(part)))
    ]
    assert drifted == [], "record them anew, see above"
    assert {o: e["status"] for o, e in walked.items()} == {o: e["status"] for o, e in recorded().items()}


def operations() -> list[tuple[str, dict[str, Any]]]:
    schema = create_app(Settings(dev_token_secret=SECRET)).openapi()
    return [(f"{m.upper()} {path}", o) for path, found in schema["paths"].items() for m, o in found.items()]


def test_every_operation_is_described_with_an_example_of_its_body_and_of_its_answer() -> None:
    bare = []
    for name, operation in operations():
        taken = operation.get("requestBody", {}).get("content", {}).get("application/json", {"example": None})
        answers = [r for status, r in operation["responses"].items() if status.startswith("2")]
        shown = [c.get("application/json", {"example": None}) for r in answers if (c := r.get("content", {}))]
        if "example" not in taken or (shown and all("example" not in a for a in shown)):
            bare.append(name)
    assert bare == []


def test_nothing_secret_stands_in_an_example() -> None:
    text = FILE.read_text()
    assert "/tmp/" not in text
    for operation, example in recorded().items():
        for key in ("token", "secret"):
            if found := (example.get("answer") or {}).get(key):
                assert "SGVyZSBzdGFuZHMg" in found, operation  # "Here stands …"
