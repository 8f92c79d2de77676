"""The examples of the API's description: of each operation, a request and its answer as they were on a running stack.

`examples.json` is recorded by tests/api/test_examples.py, which also holds it to what the product takes and answers today.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).with_suffix(".json")

Example = dict[str, Any]
"""{"status", "request"?, "answer"?}: the JSON sent and answered, where there was any."""


@lru_cache(maxsize=1)
def recorded() -> dict[str, Example]:
    """By operation, as "POST /v1/invoices"."""
    found: dict[str, Example] = json.loads(FILE.read_text())
    return found


def add_examples(schema: dict[str, Any]) -> None:
    """Put each operation's example beside the schemas of its body and its answer."""
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            example = recorded().get(f"{method.upper()} {path}")
            if example is None:
                continue
            if "request" in example:
                operation["requestBody"]["content"]["application/json"]["example"] = example["request"]
            if "answer" in example:
                answered = operation["responses"][str(example["status"])].setdefault("content", {})
                answered.setdefault("application/json", {"schema": {}})["example"] = example["answer"]
