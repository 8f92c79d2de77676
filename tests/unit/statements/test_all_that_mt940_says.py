"""Everything that :61: and :86: say: each text with its place, what the search may do with it, and where it may be cut."""

import pytest

from models.cash.bank_texts import BankText, Role
from statement_readers.mt940_fields import EntryTexts, texts_by_entry
from tests.unit.statements.test_all_that_a_line_says import OWN, SHOWN, TEXT

ENTRY = ":61:2602020203C100,00NTRFCUST-1//B1\nsupplement INV-3"
BARE = ":61:2602020203C100,00NTRFnonref"
FIRST = [(":61: customer reference", "CUST-1", OWN), (":61: supplementary details", "supplement INV-3", TEXT)]
LAST = [(":61: bank reference", "B1", SHOWN), (":61: transaction type", "NTRF", SHOWN)]


def read(written: str) -> EntryTexts:
    [said] = texts_by_entry(
        f":20:R\n:60F:C260201EUR0,00\n:86:of no line\n{written}\n:62F:C260202EUR1,00\n:86:of the statement"
    )
    return said


def between(said: EntryTexts) -> list[tuple[str, str, Role]]:
    """What :86: says, between what :61: says at either end."""
    texts = [(t.field, t.text, t.role) for t in said.texts]
    assert (texts[:2], texts[-2:]) == (FIRST, LAST)
    return texts[2:-2]


def of(words: str) -> BankText:
    """The one text of :86: of a line without a reference."""
    *texts, kind = read(f"{BARE}\n:86:{words}").texts
    assert kind == BankText(":61: transaction type", "NTRF")
    [text] = texts
    return text


def test_codes_between_slashes() -> None:
    written = "words/EREF/E1/KREF/K1/PREF/P1/CREF/C1/ROC/R1/NAME/ACME BV/ADDR/Street/REMI/INV-7/URI/u1/INFO/i1/IBAN/DE1"
    said = read(f"{ENTRY}\n:86:{written}")
    assert (said.payer, said.reference, said.purpose, said.bank_ref) == (
        "ACME BV", "CUST-1", f"{written} supplement INV-3", "B1",
    )  # fmt: skip
    assert between(said) == [
        (":86:", "words", TEXT), (":86: EREF", "E1", OWN), (":86: KREF", "K1", OWN), (":86: PREF", "P1", OWN),
        (":86: CREF", "C1", OWN), (":86: ROC", "R1", OWN), (":86: NAME", "ACME BV", SHOWN), (":86: ADDR", "Street", SHOWN),
        (":86: REMI", "INV-7", TEXT), (":86: URI", "u1", TEXT), (":86: INFO", "i1", TEXT), (":86: IBAN", "DE1", SHOWN),
    ]  # fmt: skip


def test_keywords_with_a_plus() -> None:
    said = read(f"{ENTRY}\n:86:before SVWZ+INV-7 KREF+notprovided EREF+NOREF MREF+NONREF ABWA+Other")
    assert between(said) == [
        (":86:", "before", TEXT), (":86: SVWZ", "INV-7", TEXT), (":86: MREF", "NONREF", SHOWN), (":86: ABWA", "Other", SHOWN),
    ]  # fmt: skip
    assert said.purpose == "before SVWZ+INV-7 KREF+notprovided EREF+NOREF MREF+NONREF ABWA+Other supplement INV-3"
    assert of(f"EREF+{'e' * 35}") == BankText(":86: EREF", "e" * 35, OWN, cut=True)
    assert of(f"EREF+{'e' * 34}") == BankText(":86: EREF", "e" * 34, OWN)
    assert read(f"{BARE}\n:86:EREF+{'e' * 35} KREF+{'k' * 35}").texts[1] == BankText(":86: KREF", "k" * 35, OWN)
    assert of(f"EREF+{'e' * 33}\n2 ").text == f"{'e' * 33} 2"
    divided = of(f"SVWZ+{'e' * 56}\n2")
    assert divided == BankText(":86: SVWZ", f"{'e' * 56}2", TEXT, seams=(56,))


def test_numbered_fields() -> None:
    written = (
        "166?00GUTSCHRIFT?109310?20EREF+E2E-9?21SVWZ+INV-7?22more?30BANKX?31DE99?32ACME?33AG?34888?60and?61more?64no"
    )
    said = read(f"{ENTRY}\n:86:{written}")
    assert (said.payer, said.reference, said.purpose, said.bank_ref) == (
        "ACME AG", "CUST-1", "INV-7 more and more supplement INV-3", "B1",
    )  # fmt: skip
    assert between(said) == [
        (":86: EREF", "E2E-9", OWN), (":86: SVWZ", "INV-7 more and more", TEXT), (":86: ?00", "GUTSCHRIFT", SHOWN),
        (":86: ?10", "9310", SHOWN), (":86: ?30", "BANKX", SHOWN), (":86: ?31", "DE99", SHOWN), (":86: ?32", "ACME", SHOWN),
        (":86: ?33", "AG", SHOWN), (":86: ?34", "888", SHOWN), (":86: ?64", "no", SHOWN), (":86: code", "166", SHOWN),
    ]  # fmt: skip
    two = read(f"{BARE}\n:86:166?20before?21SVWZ+INV-7 ABWA+x SVWZ+INV-8")
    assert two.purpose == "before INV-7 INV-8"
    assert read(f"{BARE}\n:86:166>20a>32{'n' * 27}>33AG").payer == f"{'n' * 27}AG"
    assert read(f"{BARE}\n:86:166>20a>32{'n' * 26}>33AG").payer == f"{'n' * 26} AG"


@pytest.mark.parametrize(
    ("written", "text", "seams", "cut"),
    [
        (f"166?20{'a' * 27}?21b", f"{'a' * 27}b", (27,), False),
        (f"166?20{'a' * 26}?21b", f"{'a' * 26} b", (), False),
        (f"166?20a?29{'b' * 27}", f"a {'b' * 27}", (), True),
        (f"166?20a?63{'b' * 27}", f"a {'b' * 27}", (), True),
        (f"166?20a?28{'b' * 27}", f"a {'b' * 27}", (), False),
        (f"166?20a?29{'b' * 26}", f"a {'b' * 26}", (), False),
        (f"166?20{'a' * 20}?21{'b' * 32}\nc", f"{'a' * 20} {'b' * 32}c", (53,), False),
        (f"166?20{'a' * 20}?21{'b' * 31}\nc", f"{'a' * 20} {'b' * 31} c", (), False),
        (f"166?20{'a' * 20}?21{'b' * 36}\nc", f"{'a' * 20} {'b' * 36}c", (57,), False),
        (f"166?20{'a' * 40}?2\n1b?22c", f"{'a' * 40}?2 1bc", (45,), False),
    ],
)
def test_pieces_of_numbered_fields(written: str, text: str, seams: tuple[int, ...], cut: bool) -> None:
    found = next(t for t in read(f"{BARE}\n:86:{written}").texts if t.role is TEXT)
    assert found == BankText(":86:", text, TEXT, seams, cut)


@pytest.mark.parametrize(
    ("lines", "text", "seams", "cut"),
    [
        (["a" * 61, "b"], f"{'a' * 61}b", (61,), False),  # the tag counted in
        (["a" * 60, "b"], f"{'a' * 60} b", (), False),
        (["a", "b" * 61, "c"], f"a {'b' * 61} c", (), False),
        (["a", "b" * 65, "c"], f"a {'b' * 65}c", (67,), False),
        (["a" * 66, "b"], f"{'a' * 66}b", (66,), False),
        (["a" * 65, "EREF:x"], f"{'a' * 65} EREF:x", (), False),
        (["a", "b", "c", "d", "e", "f" * 65], f"a b c d e {'f' * 65}", (), True),
        (["a", "b", "c", "d", "e", "f" * 64], f"a b c d e {'f' * 64}", (), False),
        (["a", "b", "c", "d", "e" * 65], f"a b c d {'e' * 65}", (), False),
        (["a", " ", "b"], "a b", (), False),
    ],
)
def test_lines_of_free_words(lines: list[str], text: str, seams: tuple[int, ...], cut: bool) -> None:
    assert of("\n".join(lines)) == BankText(":86:", text, TEXT, seams, cut)


def test_references_and_their_limits() -> None:
    assert read(f"{BARE}\n:86:/EREF/E1/REMI/x").reference == "E1"
    assert (read(BARE).reference, read(BARE).purpose, read(BARE).bank_ref, read(BARE).payer) == (None, None, None, None)
    full = read(f":61:2602020203C100,00NTRF{'c' * 16}//B//2\n{'s' * 34}\n:86:\n:86:one\n:86:/NAME/Ann/REMI/two")
    assert full.texts[:2] == (
        BankText(":61: customer reference", "c" * 16, OWN, cut=True),
        BankText(":61: supplementary details", "s" * 34, TEXT, cut=True),
    )  # fmt: skip
    assert (full.bank_ref, full.payer) == ("B//2", "Ann")
    assert full.purpose == f"one /NAME/Ann/REMI/two {'s' * 34}"
    twice = list(texts_by_entry(f"{ENTRY}\n:86:one\n{BARE}\n:86:two\n:13D:x\n:86:three"))
    assert [(x.reference, x.purpose) for x in twice] == [("CUST-1", "one supplement INV-3"), (None, "two three")]
    assert [x.texts for x in texts_by_entry(":61:of no line")] == [()]
