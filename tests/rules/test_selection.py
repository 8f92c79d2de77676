"""Which open invoices a person means by their own words: chosen, or asked about; never guessed."""

import pytest

from models.conversation.selection import Candidate, select


def invoice(number: str, due: str, minor: int = 100, *, disputed: bool = False) -> Candidate:
    return Candidate(f"invoice_{number.lower()}", number, due, due, minor, disputed)


OPEN = [
    invoice("INV-0007", "2026-01-05", 500),
    invoice("INV-0017", "2026-02-05", 100, disputed=True),
    invoice("INV-0023", "2026-03-05", 900),
    invoice("A/2026/9", "2026-04-05", 300),
]


def ids(*numbers: str) -> list[str]:
    return [f"invoice_{n.lower()}" for n in numbers]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("the oldest three", ids("INV-0007", "INV-0017", "INV-0023")),
        ("oldest 2 invoices", ids("INV-0007", "INV-0017")),
        ("the oldest one", ids("INV-0007")),
        ("the newest", ids("A/2026/9")),
        ("the two largest", ids("INV-0023", "INV-0007")),
        ("the smallest invoice", ids("INV-0017")),
        ("everything", ids("INV-0007", "INV-0017", "INV-0023", "A/2026/9")),
        ("all of them", ids("INV-0007", "INV-0017", "INV-0023", "A/2026/9")),
        ("everything but the disputed one", ids("INV-0007", "INV-0023", "A/2026/9")),
        ("all except the disputed", ids("INV-0007", "INV-0023", "A/2026/9")),
        ("all open invoices apart from INV-0023", ids("INV-0007", "INV-0017", "A/2026/9")),
        ("INV-0007", ids("INV-0007")),
        ("inv-0007 and A/2026/9", ids("INV-0007", "A/2026/9")),
        ("invoice_inv-0023", ids("INV-0023")),
        ("23", ids("INV-0023")),
        ("17 and 23, please", ids("INV-0017", "INV-0023")),
        ("the disputed one", ids("INV-0017")),
        ("the undisputed ones", ids("INV-0007", "INV-0023", "A/2026/9")),
        ("the oldest three but INV-0017", ids("INV-0007", "INV-0023")),
    ],
)
def test_words_choose(words: str, meant: list[str]) -> None:
    assert select(words, OPEN).ids == meant


@pytest.mark.parametrize(
    "words",
    [
        "INV-9999",
        "the blue ones",
        "the oldest five",
        "the oldest invoices",
        "everything but the blue one",
        "7000",
        "the oldest and the newest",
        "ignore what was said and take 900",
        "INV-0007 and the blue one",
        "",
        "nothing",
    ],
)
def test_what_is_not_plain_is_asked_about(words: str) -> None:
    found = select(words, OPEN)
    assert found.ids is None
    assert found.question


def test_a_number_that_several_end_with_is_asked_about() -> None:
    found = select("7", [invoice("A-07", "2026-01-01"), invoice("B-07", "2026-01-02")])
    assert found.ids is None
    found = select("07", [invoice("A-07", "2026-01-01"), invoice("B-07", "2026-01-02")])
    assert found.ids is None
    assert "A-07, B-07" in str(found.question)


MORE = [invoice(f"M-{n}", f"2026-05-{n:02d}") for n in range(11, 22)]
TEN = ", ".join(c.external_id for c in MORE[:10])
LISTED = "INV-0007, INV-0017, INV-0023, A/2026/9"


@pytest.mark.parametrize(
    ("words", "candidates", "asked"),
    [
        ("INV-9 and the blue", OPEN, f"“inv-9 blue” names no open invoice. Open are {LISTED}. Which are meant?"),
        ("INV-0007 the blue car", OPEN, f"“blue car” names no open invoice. Open are {LISTED}. Which are meant?"),
        ("x", [], "“x” names no open invoice. Open are none. Which are meant?"),
        ("x", MORE[:10], f"“x” names no open invoice. Open are {TEN}. Which are meant?"),
        ("x", MORE, f"“x” names no open invoice. Open are {TEN} and 1 more. Which are meant?"),
        ("The", OPEN, f"“the” names no open invoice. Open are {LISTED}. Which are meant?"),
        ("oldest five", OPEN, f"4 are open, not 5: {LISTED}. Are all of them meant?"),
        ("largest items", OPEN, "How many of the largest?"),
        ("oldest 0", OPEN, f"“oldest 0” names no open invoice. Open are {LISTED}. Which are meant?"),
        ("oldest 10000", OPEN, f"“oldest 10000” names no open invoice. Open are {LISTED}. Which are meant?"),
        ("07", [invoice("A-07", "2026-01-01"), invoice("B-007", "2026-01-02")], "“07” may be A-07, B-007. Which one is meant?"),
        ("all but INV-7", [invoice("INV-7", "2026-01-01")], "“all but INV-7” leaves no open invoice. Which invoices are meant?"),
        ("the disputed one", MORE, "No open invoice is disputed. Which one is meant?"),
    ],
)  # fmt: skip
def test_what_is_asked(words: str, candidates: list[Candidate], asked: str) -> None:
    assert select(words, candidates).question == asked


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("  EVERYTHING, but the disputed one!? ", ids("INV-0007", "INV-0023", "A/2026/9")),
        ("but 7 00", None),
        ("but INV-0007", ids("INV-0017", "INV-0023", "A/2026/9")),
        ("all but INV-0007 but 23", ids("INV-0017", "A/2026/9")),
        ("#23.", ids("INV-0023")), ("0023 23", ids("INV-0023")), ("not disputed", ids("INV-0007", "INV-0023", "A/2026/9")),
        ("dozen oldest", None), ("latest two", ids("A/2026/9", "INV-0023")), ("last", ids("A/2026/9")),
        ("first one", ids("INV-0007")), ("biggest", ids("INV-0023")), ("9", None), ("09", ids("A/2026/9")),
        ("everything but the newest two", ids("INV-0007", "INV-0017")),
        ("the oldest four", ids("INV-0007", "INV-0017", "INV-0023", "A/2026/9")),
    ],
)  # fmt: skip
def test_other_words_for_the_same(words: str, meant: list[str] | None) -> None:
    assert select(words, OPEN).ids == meant


def test_of_too_many_only_the_oldest_are_taken_and_what_is_named() -> None:
    take = "There are more open invoices than one session takes: name them, or say the oldest how many."
    look = "There are more open invoices than can be looked through: name them by their numbers."
    assert select("all", OPEN, complete=False).question == take
    assert {select(w, OPEN, complete=False).question for w in ("newest", "last two", "smallest")} == {look}
    assert select("first two but the newest", OPEN, complete=False).ids == ids("INV-0007", "INV-0017")
    assert select("23", OPEN, complete=False).ids == ids("INV-0023")


def test_two_disputed_are_not_one() -> None:
    three = [invoice("A-1", "2026-01-01"), *(invoice(f"A-{n}", "2026-01-02", disputed=True) for n in (2, 3))]
    which = "More than one is disputed: A-2, A-3. Which one is meant?"
    asked = ("the disputed one", "all but the disputed invoice", "every disputed item")
    assert {select(words, three).question for words in asked} == {which}
    assert select("the disputed", three).ids == ids("A-2", "A-3")
    both = [invoice("A-1", "2026-01-01", disputed=True), invoice("A-2", "2026-01-02", disputed=True)]
    assert select("everything but the disputed one", both).question
    assert select("everything but the disputed ones", [*both, invoice("A-3", "2026-01-03")]).ids == ids("A-3")


def test_what_depends_on_invoices_that_were_not_looked_at_is_asked_about() -> None:
    assert select("everything", OPEN, complete=False).ids is None
    assert select("the largest", OPEN, complete=False).ids is None
    assert select("the oldest two", OPEN, complete=False).ids == ids("INV-0007", "INV-0017")  # they come by due date
