"""Lists as they are declared: filters that were given, pages that follow one another, one organisation's rows."""

from collections.abc import Sequence

import pytest
from sqlalchemy import or_

from models.db.engine import transaction
from models.db.listing import Listing, among, param
from models.db.tables.customers import payment_terms
from models.db.tx import Tx
from tests.books import Books

_T = payment_terms.c


def _listing(newest_first: bool) -> Listing:
    return Listing(
        payment_terms,
        key=(_T.days, _T.code),
        newest_first=newest_first,
        where=_T.code.startswith("L"),
        within=among(_T.code),
        equal=(_T.days,),
        filters={"either": or_(_T.days == param("least"), _T.days == param("most"))},
    )


def _terms(books: Books) -> list[tuple[int, str]]:
    """Several with the same days, so that the second part of the key decides."""
    made = [(days, f"L{n}") for n, days in enumerate([30, 10, 30, 20, 10, 30, 20])]
    with transaction(books.engine, books.org) as tx:
        tx.insert("payment_terms", [{"code": code, "days": days} for days, code in made])
    return made


def _walk(tx: Tx, listing: Listing, limit: int, **given: object) -> list[tuple[int, str]]:
    seen: list[tuple[int, str]] = []
    after: Sequence[object] | None = None
    while rows := listing.page(tx, None, after, limit, **given):  # type: ignore[arg-type]
        assert len(rows) <= limit
        seen += [(r["days"], r["code"]) for r in rows]
        after = seen[-1]
    return seen


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_show_every_row_once_in_the_order_of_the_key(books: Books, newest_first: bool) -> None:
    made, other, listing = _terms(books), Books(books.owner_url), _listing(newest_first)
    _terms(other)
    other.close()
    with transaction(books.engine, books.org) as tx:
        for limit in (1, 2, 3, 100):
            assert _walk(tx, listing, limit) == sorted(made, reverse=newest_first)


def test_a_filter_that_was_not_given_is_not_asked_for(books: Books) -> None:
    made, listing = _terms(books), _listing(newest_first=False)
    with transaction(books.engine, books.org) as tx:
        assert _walk(tx, listing, 2, days=30) == sorted(t for t in made if t[0] == 30)
        assert _walk(tx, listing, 2, days=None) == sorted(made)
        assert _walk(tx, listing, 2, either={"least": 10, "most": 20}) == sorted(t for t in made if t[0] != 30)
        assert _walk(tx, listing, 2, either={"least": 10, "most": 20}, days=20) == sorted(t for t in made if t[0] == 20)
        mine = listing.page(tx, {"L1", "L3"}, None, 9)
        assert [r["code"] for r in mine] == ["L1", "L3"]
        assert listing.page(tx, set(), None, 9) == []
    assert ":days" not in listing.text()
    assert listing.text("days") is listing.text("days")


def test_a_filter_that_the_list_does_not_have_is_a_mistake(books: Books) -> None:
    with pytest.raises(KeyError), transaction(books.engine, books.org) as tx:
        _listing(newest_first=False).page(tx, None, None, 9, dayz=1)
