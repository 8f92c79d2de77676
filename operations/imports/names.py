"""Similar names, as a warning: rows whose company name is nearly that of a customer, or of an earlier row.

Comparing every name with every other is out of the question at a million rows. All names, the master's and the file's,
are read once in the order of their keys, and each is compared with its neighbours (the sorted-neighbourhood method):
names that are alike begin alike. The cost is the number of names times the window, whatever the names are.
"""

from collections import deque
from collections.abc import Generator
from contextlib import closing
from typing import Final

from rapidfuzz import fuzz

from models.db.streaming import stream
from models.db.tx import Row, Tx
from models.keys import company_key

WINDOW: Final = 4
SCORE: Final = 90
_PREFIX: Final = 4
_BATCH: Final = 10_000


def similar_names(tx: Tx, row: Row) -> None:
    """Add NAME_SIMILAR to the rows that earn it; duplicates are none, they are the same customer."""
    recent: deque[tuple[str, str, int | None]] = deque(maxlen=WINDOW)
    found: set[int] = set()
    with closing(_names(tx, row["id"])) as names:
        for key, row_no in names:
            company = company_key(key)
            digits = _digits(company)
            if len(company) >= 3:
                for other, other_digits, other_no in recent:
                    if (
                        (row_no is None and other_no is None)
                        or other_digits != digits
                        or other[:_PREFIX] != company[:_PREFIX]
                    ):
                        continue
                    if other == company or fuzz.token_sort_ratio(other, company, score_cutoff=SCORE):
                        # The later row is the one to look at; a customer is never later than a row.
                        found.add(max(n for n in (row_no, other_no) if n is not None))
            recent.append((company, digits, row_no))
    if found:
        tx.run(
            "UPDATE import_rows SET warnings = array_append(warnings, 'NAME_SIMILAR') WHERE import_id = :id "
            "AND row_no = ANY(:rows) AND NOT coalesce(warnings, '{}') @> ARRAY['NAME_SIMILAR']",
            id=row["id"],
            rows=sorted(found),
        )


def _digits(name: str) -> str:
    """Names that differ in a number are different branches, not spellings: "Store 12" and "Store 13"."""
    return "".join(filter(str.isdigit, name))


def _names(tx: Tx, import_id: str) -> Generator[tuple[str, int | None], None, None]:
    """(name key, row number or None for a customer) in the order of the keys, streamed."""
    sql = """SELECT name_key, row_no FROM import_rows WHERE import_id = :id AND ok AND duplicate IS NULL
             UNION ALL
             SELECT name_key, NULL FROM customers WHERE org_id = :org AND status = 'active'
             ORDER BY 1, 2 NULLS FIRST"""
    return ((r["name_key"], r["row_no"]) for r in stream(tx, sql, chunk=_BATCH, id=import_id))
