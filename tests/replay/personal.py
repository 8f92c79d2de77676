"""What is said in recorded histories' requests that no history may hold, and how a history is searched for it."""

import base64
import json
from collections.abc import Iterator
from typing import Any

MARK = "Hrabalova"
"""Stands in every name, address, reference, text, note and external id that was used in recording."""
NAME = f"{MARK} & Sons"
EMAIL = f"bohumila.{MARK.lower()}@example.com"
NOTE = f"{MARK} called and asked for it"


def said(word: str) -> str:
    """A personal text or reference of this kind."""
    return f"{MARK}-{word}"


def texts(history: Any) -> Iterator[str]:
    """Every text of a history as JSON, payloads decoded: Temporal's JSON carries them as base64."""
    if isinstance(history, dict):
        for name, value in history.items():
            if name == "data" and isinstance(value, str):
                yield base64.b64decode(value).decode("utf-8", "replace")
            yield from texts(value)
    elif isinstance(history, list):
        for value in history:
            yield from texts(value)
    elif isinstance(history, str):
        yield history


def personal_data_in(history_json: str) -> list[str]:
    """The texts of a history that hold personal data."""
    return [t for t in texts(json.loads(history_json)) if MARK.lower() in t.lower() or "@example.com" in t.lower()]
