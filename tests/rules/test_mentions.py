"""What a bank's text mentions: each thing that may be meant as an invoice, how sure it is, and what it may consist of."""

import pytest

from models.cash.bank_texts import BankText, Role
from models.cash.mentions import MAX_LENGTH, Mention, spelled
from models.cash.references import MAX_MENTIONS, MAX_REFERENCES, MAX_TEXT, mentions_of, references_of

TEXT, NAME, SHOWN, REFERENCE, OWN, DOCUMENT, CREDITOR = (
    Role.TEXT, Role.NAME, Role.SHOWN, Role.REFERENCE, Role.OWN_REFERENCE, Role.DOCUMENT, Role.CREDITOR_REFERENCE,
)  # fmt: skip
JOINTS = ("-", "", "_", "/", "#", " ")


def told(mention: Mention) -> str:
    """A mention as it is written; w: weak, c: counts, o: the payer's own; its doubt; [its parts] and {its rivals}."""
    marks = "".join(mark for mark, on in (("w", mention.weak), ("c", mention.counts), ("o", mention.own)) if on)
    said = " ".join(filter(None, (mention.spellings[0][0], marks or "-", mention.doubt and mention.doubt.name)))
    said += f" [{'; '.join(map(told, mention.parts))}]" if mention.parts else ""
    return said + (f" {{{'; '.join(map(told, mention.rivals))}}}" if mention.rivals else "")


def found(
    text: str, role: Role = TEXT, field: str = "f", seams: tuple[int, ...] = (), *, cut: bool = False
) -> list[str]:
    return [told(mention) for mention in mentions_of([BankText(field, text, role, seams, cut)])]


@pytest.mark.parametrize(("text", "mentions"), [
    ("INV-7", ["INV-7 c"]),
    ("invoice no. 7, 8 and 9 thanks 10", [
        "invoice 7 c", "invoice 8 c", "invoice 9 c", "invoice thanks w", "10 w", "invoice no. 7, 8 and 9 thanks 10 w",
    ]),
    ("2024/0017", ["2024/0017 c [2024 -; 0017 c]"]),
    ("RG#12/13", ["RG#12/13 c [12 wc; 13 wc]"]),
    ("12.03.2026", ["12.03.2026 w"]),
    ("INV-A", ["INV-A -"]),
    ("invoice ABC", ["invoice ABC c"]),
    ("invoice abc 12", ["invoice abc w", "12 w", "invoice abc 12 w"]),
    ("Payment", ["Payment w"]),
    ("RF18 5390 0754 7034", ["RF18539007547034 c", "RF18 5390 0754 7034 w"]),
    ("RF19 5390 0754 7034", ["RF19539007547034 c", "RF19539007547034 c CHECK_DIGITS", "RF19 5390 0754 7034 w"]),
    ("RF18539007547034", ["RF18539007547034 c"]),
    ("21 00000 00003 13947 14300 09017", ["210000000003139471430009017 c", "21 00000 00003 13947 14300 09017 w"]),
    ("KID: 0000000000", ["0000000000 c", "KID w", "KID: 0000000000 w"]),
    ("INV-1/RF18539007547034", ["INV-1/RF18539007547034 c [INV-1 c; RF18539007547034 c]"]),
    ("a-b/c_d", ["a-b/c_d - [a-b w; c_d w]"]),
    ("invoice 12/2026/x", ["invoice 12/2026/x c [12 wc; 2026 -; x w]", "invoice 12/2026/x w"]),
    ("inv: + & - 5", ["inv 5 c", "inv: + & - 5 w"]),
    ("12; 13", ["12 w", "13 wc", "12; 13 w"]),
    ("+++090/9337/55493+++", ["090933755493 c"]),
    ("Ref 090/9337/55493", ["090933755493 c", "Ref 090/9337/55493 w"]),
    ("INV-1, 2, 123", ["INV-1 c", "2 wc", "123 wc", "INV-1, 2, 123 w"]),
    ("INV-1 2", ["INV-1 c", "2 w", "INV-1 2 w"]),
    ("INV-1 and 2", ["INV-1 c", "2 wc", "INV-1 and 2 w"]),
    ("INV-1 / 2", ["INV-1 c", "2 wc", "INV-1 / 2 w"]),
    ("12/13", ["12/13 - [12 w; 13 wc]"]),
    ("1/2/ 2024", ["1/2 - [1 w; 2 wc]", "2024 w", "1/2/ 2024 w"]),
    ("19.99", ["19.99 w"]),
    ("EUR50 10% 3rd Q4", ["EUR50 -", "10% -", "3rd -", "Q4 -", "EUR50 10% 3rd Q4 w"]),
    ("DE89370400440532013000", ["DE89370400440532013000 -"]),
    ("RF12 A", ["RF12 c", "RF12 A w"]),
    ("RF12 3456 78, 9", ["RF12345678 c", "RF12345678 c CHECK_DIGITS", "9 wc", "RF12 3456 78, 9 w"]),
    ("RF18 5390 0754 7034 999", ["RF18539007547034 c", "999 w", "RF18 5390 0754 7034 999 w"]),
    ("rf18539007547034", ["rf18539007547034 c"]),
    ("21 00000 00003 13947 14300 0901A", [
        "00000 c", "00003 c", "13947 c", "14300 c", "0901A c", "21 w", "21 00000 00003 13947 14300 0901A w",
    ]),
    ("OCR-nr: 12344", ["OCR-nr -", "12344 c", "OCR-nr: 12344 w"]),
    ("viite 1232", ["1232 c", "viite w", "viite 1232 w"]),
    ("KID no 12344 5678", ["12344 c", "5678 c", "KID w", "KID no 12344 5678 w"]),
    ("invoice A1 B-2 cd", ["invoice A1 c", "invoice B-2 c", "invoice cd w", "invoice A1 B-2 cd w"]),
    ("bill 7: x 8", ["bill 7 c", "bill x w", "8 w", "bill 7: x 8 w"]),
    ("a", []),
    ("-", []),
    ("INV-1 INV-1", ["INV-1 c", "INV-1 INV-1 w"]),
    ("1 0001", ["0001 c", "1 w", "1 0001 w"]),
    ("INVOICE/NO/7/REF", ["INVOICE/NO/7/REF c [7 wc]"]),
])  # fmt: skip
def test_each_number_of_a_text_is_mentioned_as_surely_as_it_is_written(text: str, mentions: list[str]) -> None:
    assert found(text) == mentions


@pytest.mark.parametrize(("text", "role", "field", "seams", "cut", "mentions"), [
    ("INV-77", TEXT, "f", (), True, ["INV-77 c CUT"]),
    ("INV-1001INV-1002", TEXT, "f", (8,), False, ["INV-1001INV-1002 c {INV-1001 c; INV-1002 c}"]),
    ("ACME 4711 GmbH", NAME, "f", (), False, ["4711 -"]),
    ("INV-1", SHOWN, "f", (), False, []),
    ("INV-1 x", REFERENCE, "f", (), False, ["INV-1 x - [INV-1 c]"]),
    ("hello you", REFERENCE, "f", (), False, ["hello you w [hello w; you w]"]),
    ("INV-1", OWN, "f", (), False, ["INV-1 co"]),
    ("4711 A", OWN, "f", (), False, ["4711 A o [4711 co]"]),
    ("INV/17", DOCUMENT, "f", (), False, ["INV/17 c [17 wc]"]),
    ("ABC", DOCUMENT, "f", (), False, ["ABC -"]),
    ("INV-17", DOCUMENT, "f", (), True, ["INV-17 c CUT"]),
    ("INV-17", CREDITOR, "f", (), False, ["INV-17 c"]),
    ("RF18 5390 0754 7034", CREDITOR, "f", (), False, ["RF18539007547034 c"]),
    ("RF19 5390 0754 7034", CREDITOR, "f", (), False, ["RF19539007547034 c CHECK_DIGITS"]),
    ("RF19 5390 0754 7034", REFERENCE, "f", (), True, ["RF19539007547034 c CUT", "RF19539007547034 c CHECK_DIGITS"]),
    ("RF18 5390 0754 7034", REFERENCE, "f", (), True, ["RF18539007547034 c CUT"]),
    ("INV cut", TEXT, "f", (), True, ["INV cut w CUT"]),
    ("invoice", TEXT, "f", (), True, ["invoice w CUT"]),
    ("090933755493", CREDITOR, "f", (), False, ["090933755493 c"]),
    ("090933755493", CREDITOR, "Ref (OGM)", (), False, ["090933755493 c"]),
    ("090933755493", OWN, "Ref (OGM)", (), False, ["090933755493 co"]),
    ("INV-10 20", TEXT, "f", (), True, ["INV-10 c", "20 w CUT"]),
    ("12345678901234567890", TEXT, "f", (10,), False, ["12345678901234567890 c {1234567890 c; 1234567890 c}"]),
    ("INV 10012002", TEXT, "f", (8,), False, ["INV 10012002 c {INV 1001 c; INV 2002 -}"]),
    ("RF18 5390 0754 7034", TEXT, "f", (7,), False, ["RF18 c", "5390 c {53 w; 90 w}", "0754 c", "7034 c"]),
    ("ab 12 cd", NAME, "f", (), True, ["12 w"]),
    ("INV-1, INV-2", REFERENCE, "f", (), False, ["INV-1, INV-2 - [INV-1 c; INV-2 c]"]),
    ("a 1", REFERENCE, "f", (), True, ["a 1 - CUT [1 w CUT]"]),
    ("A/1", CREDITOR, "f", (1,), False, ["A/1 c [A w; 1 wc] {1 w}"]),
    ("A/1", REFERENCE, "f", (), False, ["A/1 c [A w; 1 wc]"]),
    ("  ", REFERENCE, "f", (), False, []),
    ("INV-7 x", OWN, "f", (), True, ["INV-7 x o CUT [INV-7 co]"]),
])  # fmt: skip
def test_a_field_is_read_by_what_it_is_for_and_by_what_its_format_did_to_it(
    text: str, role: Role, field: str, seams: tuple[int, ...], cut: bool, mentions: list[str]
) -> None:
    assert found(text, role, field, seams, cut=cut) == mentions


@pytest.mark.parametrize(("text", "ranks"), [
    ("INV-7", [("INV-7",), ("7", *(f"INV{j}7" for j in JOINTS if j != "-"))]),
    ("Invoice 7", [
        ("Invoice 7",),
        ("7", *(f"{w}{j}7" for w in ("Invoice", "INV", "INVOICE") for j in JOINTS if w + j != "Invoice ")),
    ]),
    ("RF82000539007547", [("RF82000539007547",), ("000539007547", "539007547")]),
    ("2024/17", [("2024/17",)]),
])  # fmt: skip
def test_the_looser_spellings_stand_behind_what_is_written(text: str, ranks: list[tuple[str, ...]]) -> None:
    assert tuple(ranks) in [mention.spellings for mention in mentions_of([BankText("f", text, TEXT)])]


def test_what_is_too_long_or_too_much_is_bounded_and_said_to_be() -> None:
    assert found("1" * MAX_LENGTH) != []
    assert found("1" * (MAX_LENGTH + 1)) == []
    assert found("9" * (MAX_LENGTH + 1), REFERENCE) == []
    assert found(f"inv {'9' * (MAX_LENGTH + 1)} 12") == ["12 w"], "the word before it is not that of the next"
    far = f"{' ' * (MAX_TEXT - 5)}INV-12"
    assert found(far) == ["INV-1 c CUT"]
    assert found(far[1:]) == ["INV-12 c"]
    numbers = [f"INV-{n}" for n in range(1000, 1100)]
    several = mentions_of([BankText("f", number, TEXT) for number in numbers])
    assert [told(m) for m in several[:-1]] == [f"{number} c" for number in numbers[: MAX_MENTIONS - 1]]
    assert several[-1] == Mention((), counts=True)
    assert len(mentions_of([BankText("f", number, TEXT) for number in numbers[:MAX_MENTIONS]])) == MAX_MENTIONS
    many = references_of(mentions_of([BankText("f", f"invoice {number}", TEXT) for number in numbers]))
    assert (len(many), many[0]) == (MAX_REFERENCES, "invoice INV-1000")


def test_the_weak_come_last_and_nothing_twice() -> None:
    texts = [BankText("f", "thanks 7", TEXT), BankText("f", "INV-7", TEXT), BankText("f", "INV-7", TEXT)]
    assert [told(m) for m in mentions_of(texts)] == ["INV-7 c", "thanks w", "7 w", "thanks 7 w"]


def test_a_spelling_fits_into_a_name_and_is_said_once() -> None:
    longest = "c" * MAX_LENGTH
    assert spelled("a", ["", "a", "b", "b", f"{longest}c", longest], weak=True, own=True) == Mention(
        (("a",), ("b", longest)), weak=True, own=True
    )
    assert spelled("a", ["a", ""], weak=False).spellings == (("a",),)
    bare = [Mention(spellings).is_bare_number for spellings in ((("12",),), (("INV-1",), ("1",)), ())]
    assert bare == [True, False, False]
    assert found("c_d") == ["c_d -"]
    assert found("cd") == ["cd w"]


def test_a_proven_reference_that_may_lack_its_end_is_in_doubt() -> None:
    for text in ("090/9337/55493", "+++090/9337/55493+++", "KID:0000000000", "210000000003139471430009017"):
        assert [m.split(" ", 1)[1] for m in found(text)] == ["c"]
        assert [m.split(" ", 1)[1] for m in found(text, cut=True)] == ["c CUT"]
    assert found("090/9337/55494", cut=True) == ["090/9337/55494 c CUT", "090933755494 c CHECK_DIGITS"]
