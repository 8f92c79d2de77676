"""Every state of every record has somebody who ends it: the schema, read beside models/states.py and the list of open work."""

import re

import psycopg

from models.cash.statement_records import LineStatus
from models.states import PROCESS, STATES
from workflows.open_work import OPEN_WORK

COLUMNS = """SELECT c.relname, a.attname, coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS computed, a.attgenerated,
    (SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k WHERE k.conrelid = c.oid
       AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]) AS checked
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE n.nspname = 'public' AND a.attname IN ('status', 'state') AND NOT a.attisdropped"""


def states_of_the_schema(url: str) -> dict[str, set[str]]:
    found = {"statement_lines": {status.value for status in LineStatus}}
    with psycopg.connect(url) as c:
        for table, _, computed, generated, checked in c.execute(COLUMNS).fetchall():
            said = (
                re.findall(r"(?:THEN|ELSE) '(\w+)'", computed) if generated else re.findall(r"'(\w+)'", checked or "")
            )
            if table not in found:
                found[table] = set(said) or {"*"}
    return found


def test_every_state_of_every_record_says_who_ends_it(database_url: str) -> None:
    said = {table: set(states) for table, states in STATES.items()}
    assert said == states_of_the_schema(database_url), "a table or a state is new, or gone: say so in models/states.py"


def test_what_a_process_moves_on_is_in_the_list_of_open_work(database_url: str) -> None:
    by_process = {
        (table, state) for table, states in STATES.items() for state, who in states.items() if who.startswith(PROCESS)
    }
    listed = {(work.table, state) for work in OPEN_WORK for state in work.states}
    assert by_process == listed, "what its process moves on is begun again: enter it in workflows/open_work.py"
