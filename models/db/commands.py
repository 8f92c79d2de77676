"""Commands: the requests as they were sent."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Engine

from models.db.engine import fetch_once
from models.db.tx import to_json

KEEP: Final = "SELECT row_to_json(k) FROM keep_command(:org, CAST(:row AS json)) k"


def keep(engine: Engine, org_id: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Keep a command in one round trip. The first command with its key, which may be itself.

    It does not wait for the disk: a command lost with the last moments of a crashed server was never answered.
    None where the first one was refused between the function's two statements: the key is free again.
    """
    return first_of(fetch_once(engine, org_id, KEEP, {"org": org_id, "row": to_json(row)}))


def first_of(row: Sequence[bytes | None] | None) -> dict[str, Any] | None:
    """What `KEEP` answered."""
    found: dict[str, Any] | None = None if row is None else json.loads(row[0] or b"")
    return found


ANSWER: Final = """SELECT json_build_object('status', http_status, 'body', response, 'replayed', replayed) FROM commands
  WHERE org_id = :org AND id = :id AND response IS NOT NULL"""
"""Of one command (`id`); no row while there is no answer."""


def answer_of(row: Sequence[bytes | None] | None) -> tuple[int, dict[str, Any], bool] | None:
    """Status, body and whether it is an earlier answer's: what `ANSWER` answered."""
    if row is None:
        return None
    found = json.loads(row[0] or b"")
    return found["status"], found["body"], found["replayed"]
