"""Two who change different particulars of one thing at the same moment: each change stays."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.books import Books


@pytest.mark.parametrize(
    ("table", "path", "changes"),
    [
        ("legal_entities", "/v1/legal-entities/le_us", [{"name": "Acme Inc"}, {"discount_tax": "adjust"}]),
        ("bank_accounts", "/v1/bank-accounts/bank_us", [{"name": "Main"}, {"account_number": "000123456789"}]),
    ],
)
def test_neither_takes_back_what_the_other_said(
    books: Books, table: str, path: str, changes: Sequence[dict[str, Any]]
) -> None:
    with psycopg.connect(books.owner_url) as holds, ThreadPoolExecutor(2) as pool:
        holds.execute(
            f"SELECT 1 FROM {table} WHERE org_id = %s AND id = %s FOR UPDATE", (books.org, path.rsplit("/")[-1])
        )
        at_once = [pool.submit(books.api("controller").request, "PATCH", path, json=change) for change in changes]
        books.wait_for_locks(2)
        holds.rollback()
        assert [done.result().status_code for done in at_once] == [200, 200]
    now = books.get(path)
    assert {name: now[name] for change in changes for name in change} == changes[0] | changes[1]
