"""Pieces of a text put together: where a word ends, where it may have been divided, and whether its end is there."""

import pytest

from models.cash.bank_texts import BankText, Role
from statement_readers.joining import Joined, bank_text, join, kept

FULL, SHORT = True, False


@pytest.mark.parametrize(
    ("pieces", "text", "seams"),
    [
        ([("a", SHORT), ("b", SHORT)], "a b", ()),
        ([("a", FULL), ("b", SHORT)], "ab", (1,)),
        ([("a", FULL), ("bc", FULL), ("d", SHORT)], "abcd", (1, 3)),
        ([("a", FULL), (" b", SHORT)], "a b", ()),
        ([("a ", FULL), ("b", SHORT)], "a b", ()),
        ([("a ", SHORT), (" b", SHORT)], "a b", ()),
        ([("a", FULL), ("", SHORT), ("b", SHORT)], "a b", ()),
        ([("a ", FULL), (" ", FULL), (" b ", SHORT), ("c", SHORT)], "a b c", ()),
        ([(" ", FULL), (" b", SHORT)], "b", ()),
        ([("a\n", SHORT), ("\x00b", FULL), ("", SHORT)], "a b", ()),
        ([], "", ()),
    ],
)
def test_a_short_piece_ends_a_word_and_a_full_one_runs_on(
    pieces: list[tuple[str, bool]], text: str, seams: tuple[int, ...]
) -> None:
    assert join(pieces) == Joined(text, seams, cut=False)


def test_an_end_that_may_be_missing() -> None:
    assert join([("ab", SHORT)], cut=True) == Joined("ab", (), cut=True)
    assert join([("ab ", SHORT)], cut=True) == Joined("ab", (), cut=False)
    assert join([("abcd", SHORT)], limit=4) == Joined("abcd", (), cut=False)
    assert join([("abcd ", SHORT)], limit=4) == Joined("abcd", (), cut=False)
    assert join([("abcde", SHORT)], limit=4) == Joined("abcd", (), cut=True)
    assert join([("abc", SHORT), ("d", SHORT)], limit=4) == Joined("abc", (), cut=True)
    assert join([("ab", FULL), ("cd", FULL), ("e", SHORT)], limit=4) == Joined("abcd", (2,), cut=True)


def test_a_part_knows_its_own_seams_and_whether_it_has_the_end() -> None:
    whole = Joined("ab cdef gh", seams=(1, 3, 5, 9), cut=True)
    assert whole.part(0, 3) == Joined("ab", (1,), cut=False)
    assert whole.part(2, 8) == Joined("cdef", (2,), cut=False)
    assert whole.part(7, 10) == Joined("gh", (1,), cut=True)
    assert Joined("ab").part(0, 2) == Joined("ab", (), cut=False)


def test_one_text_of_a_field() -> None:
    assert bank_text("F", " abc ", Role.TEXT, width=3) == BankText("F", "abc", Role.TEXT, cut=True)
    assert bank_text("F", "abc", width=4) == BankText("F", "abc")
    assert bank_text("F", "", width=0) is bank_text("F", None, width=3) is bank_text("F", " ") is None
    assert bank_text("F", "x" * 501) == BankText("F", "x" * 500, cut=True)
    assert bank_text("F", "x" * 501, Role.TEXT) == BankText("F", "x" * 501, Role.TEXT)
    one = BankText("F", "a")
    assert kept(one, None, BankText("G", "a"), one) == (one, BankText("G", "a"))
