"""Commands: the requests as they were sent."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, RowMapping

from models.db.engine import fetch_once, statement, to_json


def keep(engine: Engine, org_id: str, row: Mapping[str, Any]) -> RowMapping | None:
    """Keep a command in one round trip. `made` is true for a new one; else the row is the first command with the key.

    It does not wait for the disk: a command lost with the last moments of a crashed server was never answered.
    None where the first one was refused between the function's two statements: the key is free again.
    """
    sql = "SELECT * FROM keep_command(:org, CAST(:row AS json))"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        return conn.execute(statement(sql), {"org": org_id, "row": to_json(row)}).mappings().first()


_ANSWER = """SELECT json_build_object('status', http_status, 'body', response, 'replayed', replayed) FROM commands
  WHERE org_id = %(org)s AND id = %(id)s AND response IS NOT NULL"""


def answer_of(engine: Engine, org_id: str, command_id: str) -> tuple[int, dict[str, Any], bool] | None:
    """Status, body and whether it is an earlier answer's, in one round trip; None while there is no answer."""
    row = fetch_once(engine, org_id, _ANSWER, {"org": org_id, "id": command_id})
    if row is None:
        return None
    found = json.loads(row[0] or b"")
    return found["status"], found["body"], found["replayed"]
