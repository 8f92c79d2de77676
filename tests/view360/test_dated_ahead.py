"""What is dated ahead, which the view's aging leaves to the aging reads, is found among the few rows that ever were."""

import json
import re
from itertools import product

import psycopg
import pytest

from models.db.engine import transaction
from models.db.reliefs import DATED_AHEAD, RELIEFS
from tests.books import Books

WRITTEN = {
    "payment_applications": "created_at, unapplied_at, undone_date",
    "adjustments": "created_at, undone_at, undone_date",
    "write_offs": "posted_at, reversed_at, reversed_date",
    "credit_note_applications": "created_at, undone_at, undone_date",
}
STILL_TO_COME = "x.effective_date > CURRENT_DATE OR x.undone_date > CURRENT_DATE"


def test_no_kind_of_what_lowers_a_balance_is_forgotten() -> None:
    assert set(re.findall(r"FROM (\w+)", RELIEFS)) == set(re.findall(r"FROM (\w+)", DATED_AHEAD)) == set(WRITTEN)


@pytest.mark.parametrize("table", WRITTEN)
def test_whatever_is_to_come_was_dated_ahead_when_it_was_written(books: Books, table: str) -> None:
    days = [-40, -1, 0, 1, 40]
    cases = [
        (f"{made} {effective} {undone} {undone_on}", made, effective, undone, undone_on)
        for made, effective in product([-30, -1, 0], days)
        for undone, undone_on in [(None, None), *product([d for d in (-30, -1, 0) if d >= made], days)]
    ]
    with psycopg.connect(books.owner_url) as c:
        c.execute("SET TimeZone = 'UTC'")
        for each in WRITTEN:
            c.execute(f"CREATE TEMP TABLE {each} AS SELECT * FROM public.{each} WITH NO DATA")
        made, undone_at, undone_date = WRITTEN[table].split(", ")
        with c.cursor() as cursor:
            cursor.executemany(
                f"""INSERT INTO {table} (org_id, customer_id, id, {made}, effective_date, {undone_at}, {undone_date})
                    VALUES ('o', %s, 'x', now() + %s * interval '1 day', CURRENT_DATE + %s::int,
                            now() + %s::int * interval '1 day', CURRENT_DATE + %s::int)""",
                cases,
            )
        to_come, found = (
            {customer for (customer,) in c.execute(f"SELECT customer_id FROM {relation} x WHERE {STILL_TO_COME}")}
            for relation in (RELIEFS, DATED_AHEAD)
        )
        assert found == to_come
        assert {case[0] for case in cases if max(case[2], case[4] or 0) > 0} == found


def test_indexes_of_these_rows_alone_answer(books: Books) -> None:
    with transaction(books.engine, books.org) as tx:
        tx.run("SET LOCAL enable_seqscan = off")
        asked = f"SELECT FROM {DATED_AHEAD} x WHERE x.org_id = :org AND x.customer_id = :customer AND ({STILL_TO_COME})"
        plan = json.dumps(tx.scalar("EXPLAIN (FORMAT JSON) " + asked, customer="cus_1"))
    assert '"Seq Scan"' not in plan
    assert {table for table in WRITTEN if f'"{table}_ahead"' in plan} == set(WRITTEN)
