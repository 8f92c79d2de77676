"""Similar names, as a warning: rows whose company name is nearly that of a customer, or of an earlier row.

Comparing every name with every other is out of the question at a million rows. All names, the master's and the file's,
are sorted once by their keys, and each of the file's is compared with its neighbours (the sorted-neighbourhood method):
names that are alike begin alike. The cost is the number of names times the window, whatever the names are.
"""

from collections import deque
from contextlib import closing
from typing import Final

from rapidfuzz import fuzz

from models.db.imports import matching
from models.db.tx import Tx
from models.imports.records import Import
from models.keys import company_key

WINDOW: Final = 4
SCORE: Final = 90
_PREFIX: Final = 4
_PLAIN_DIGITS: Final = [c if c.isdigit() else None for c in map(chr, range(128))]


def similar_names(tx: Tx, one: Import) -> None:
    """Add NAME_SIMILAR to the rows that earn it; duplicates are none, they are the same customer."""
    recent: deque[tuple[str, str, int | None]] = deque(maxlen=WINDOW)
    found: set[int] = set()
    with closing(matching.names_in_order(tx, one.id, WINDOW)) as names:
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
        matching.warn(tx, one.id, "NAME_SIMILAR", found)


def _digits(name: str) -> str:
    """Names that differ in a number are different branches, not spellings: "Store 12" and "Store 13"."""
    return name.translate(_PLAIN_DIGITS) if name.isascii() else "".join(filter(str.isdigit, name))
