"""Events of many subjects are appended at once; each subject's chain is as if they had come one by one."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.db.engine import transaction
from models.db.tx import Tx, to_json
from operations.verify import verify
from tests.books import Books


def said(subject: str, action: str) -> dict[str, str]:
    return {"subject_id": subject, "actor": "u_clerk", "action": action, "payload": to_json({"says": action})}


def append(tx: Tx, events: Sequence[dict[str, str]]) -> None:
    tx.run("SELECT audit_append(:org, :at, CAST(:events AS json))", at=tx.now, events=to_json(events))


def chains(books: Books, *subjects: str) -> list[list[tuple[int, str]]]:
    rows = books.sql("SELECT subject_id, seq, action FROM audit_events WHERE org_id = :org ORDER BY subject_id, seq")
    return [[(r["seq"], r["action"]) for r in rows if r["subject_id"] == subject] for subject in subjects]


OTHERS = [f"oth_{n:02}" for n in range(20)]
"""So many that all go in one statement."""
many = pytest.mark.parametrize("others", [[], OTHERS], ids=["few", "many"])


def holds(books: Books) -> bool:
    return all(found.ok for found in verify(books.engine, books.org) if found.check.startswith("audit"))


@many
def test_a_chain_has_its_events_in_the_order_in_which_they_were_said(books: Books, others: Sequence[str]) -> None:
    beside = [said(subject, "1") for subject in others]
    with transaction(books.engine, books.org) as tx:
        append(
            tx,
            [
                said("inv_b", "1"),
                said("adj_a", "1"),
                *beside,
                said("inv_b", "2"),
                said("pay_c", "1"),
                said("inv_b", "3"),
            ],
        )
    with transaction(books.engine, books.org) as tx:
        append(tx, [said("new_d", "1"), said("inv_b", "4"), *beside, said("adj_a", "2"), said("inv_b", "5"), *beside])
    assert chains(books, "adj_a", "inv_b", "new_d", "pay_c") == [
        [(1, "1"), (2, "2")],
        [(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")],
        [(1, "1")],
        [(1, "1")],
    ]
    assert all(found == [(1, "1"), (2, "1"), (3, "1")] for found in chains(books, *others))
    assert holds(books)


@many
@pytest.mark.parametrize("begun", [False, True], ids=["of a new subject", "of one that is known"])
def test_who_comes_second_goes_on_after_who_came_first(books: Books, begun: bool, others: Sequence[str]) -> None:
    if begun:
        with transaction(books.engine, books.org) as tx:
            append(tx, [said("inv_b", "0")])

    def second() -> None:
        with transaction(books.engine, books.org) as tx:
            beside = [said(subject, action) for subject in others for action in ("1", "2")]
            append(tx, [said("inv_b", "later"), said("adj_a", "1"), *beside, said("inv_b", "last")])

    with ThreadPoolExecutor(1) as pool:
        with transaction(books.engine, books.org) as tx:
            append(tx, [said("inv_b", "first")])
            waits = pool.submit(second)
            books.wait_for_locks(1)
        waits.result(20)
    (found,) = chains(books, "inv_b")
    assert [action for _, action in found] == [*(["0"] if begun else []), "first", "later", "last"]
    assert [seq for seq, _ in found] == list(range(1, len(found) + 1))
    assert chains(books, "adj_a") == [[(1, "1")]]
    assert all(found == [(1, "1"), (2, "2")] for found in chains(books, *others))
    assert holds(books)
