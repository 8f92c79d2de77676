"""Whether a row's cells are its header's; which columns make one address, and one person's name."""

import pytest

from models.imports.amounts import Amount, exported_amount, plain_amount
from models.imports.checked import Checked, Related, RowFault, code_of
from models.imports.files import BEYOND
from models.imports.groups import Part, before, chosen, group_of, name_of, shared
from models.imports.row_shape import Shape
from models.money import decimals
from tests.imports.reading import judged

HEADER = ["name", "email", " ", ""]
SHAPE = Shape(HEADER, ["name", "email", None, None], exported=False)


@pytest.mark.parametrize(("cells", "fitted"), [
    (["a", "b"], ["a", "b", "", ""]), (["a", "b", "c"], ["a", "b", "c", ""]), (["a"], ["a"]),
    (["a", "b", "", ""], ["a", "b", "", ""]),
    (["a", "b", "", "", ""], ["a", "b", "", "", ""]),
])  # fmt: skip
def test_a_row_may_end_where_the_named_columns_do(cells: list[str], fitted: list[str]) -> None:
    assert SHAPE.fitted(cells) == fitted


@pytest.mark.parametrize(("cells", "column", "said"), [
    (["a"], 2, "The row has 1 columns, the header 2."),
    (["a", "b", "", "c"], 3, "The row has 4 columns, the header 2: a delimiter within a cell needs quotes around it."),
    (["a", "b", "c", " "], 3, "The row has 3 columns, the header 2: a delimiter within a cell needs quotes around it."),
    (["a", "b", "", "", ""], 3, "The row has 5 columns, the header 2: a delimiter within a cell needs quotes around it."),
])  # fmt: skip
def test_a_row_of_other_columns_is_told_where_it_goes_wrong(cells: list[str], column: int, said: str) -> None:
    assert SHAPE.miscounted(cells) == RowFault(None, None, column, "COLUMN_COUNT", said)


def test_a_row_of_its_header_is_none_of_these() -> None:
    assert SHAPE.miscounted(["a", "b", " ", ""]) is None
    assert Shape(["a"], ["name"], exported=False).miscounted([""]) is None
    assert Shape(["", ""], [None, None], exported=False).miscounted(["", "x"]) is not None
    beyond = [Shape([*HEADER, BEYOND], [None] * 5, exported=e).beyond for e in (True, False)]
    assert (beyond, Shape(["a", ""], [None] * 2, exported=True).beyond) == ([True, False], False)


def test_a_formula_that_failed_is_a_fault_of_a_column_that_counts() -> None:
    row = Checked()
    assert SHAPE.as_meant(row, ['="0012"', " #REF! ", "#REF!", "x"]) == ["0012", "", "", "x"]
    assert row.faults == [
        RowFault(
            "email", "email", 2, "FIELD_TYPE", "A spreadsheet's formula has failed here: put its value into the cell."
        )
    ]


@pytest.mark.parametrize(("kind", "code"), [
    ("EMAIL_INVALID", "EMAIL_INVALID"), ("missing", "FIELD_REQUIRED"), ("too_long", "FIELD_LENGTH"),
    ("string_too_short", "FIELD_LENGTH"), ("string_type", "FIELD_TYPE"), ("enum", "FIELD_TYPE"),
])  # fmt: skip
def test_faults_are_said_in_our_codes(kind: str, code: str) -> None:
    assert code_of(kind) == code


def test_what_a_row_says_beside_its_fields_is_kept_and_read_again() -> None:
    assert Related.read(None) is None
    for related in (
        Related(),
        Related({"contacts": [{"name": "A"}]}),
        Related({}, {"addresses": [{"city": "B"}]}, True),
    ):
        assert Related.read(related.as_json()) == related
    assert Related({"contacts": [{"name": "A"}]}).as_json() == {"contacts": [{"name": "A"}]}
    row = Checked()
    row.relate().metadata_keys = True
    row.warn("W")
    row.warn("W")
    assert (row.relate().metadata_keys, row.warnings) == (True, ["W"])


def parts(*named: str) -> list[Part]:
    """`billing:city`, in the order of the file."""
    return [Part(n, name.partition(":")[2], name.partition(":")[0]) for n, name in enumerate(named)]


WHOLE = ("lines", "city", "country")


def of(group: str) -> list[str]:
    return [f"{group}:{part}" for part in WHOLE]


@pytest.mark.parametrize(("named", "silent", "taken", "others"), [
    ([], (), [], []), (of("billing"), (0, 1, 2), [], []),
    ([*of("mailing"), *of("billing")], (), [3, 4, 5], [0, 1, 2]), ([*of("mailing"), *of("billing")], (4,), [0, 1, 2], [3, 5]),
    ([*of("mailing"), *of("billing")], (4, 0), [3, 5], [1, 2]), ([*of(""), *of("billing")], (), [0, 1, 2], [3, 4, 5]),
    ([*of("billing"), ":country"], (2,), [0, 1, 3], []), ([":city", *of("billing")], (), [0, 1, 2, 3], []),
    ([":city", "plain:lines"], (), [0, 1], []), ([":city"], (), [0], []),
])  # fmt: skip
def test_an_address_is_that_of_one_group(
    named: list[str], silent: tuple[int, ...], taken: list[int], others: list[int]
) -> None:
    every = parts(*named)
    found = chosen(every, {p.column: "x" for p in every if p.column not in silent})
    assert ([p.column for p in found[0]], [p.column for p in found[1]]) == (taken, others)


def test_a_lone_country_goes_with_every_address_and_a_place_of_its_own_does_not() -> None:
    alone = parts("billing:city", "plain:country")
    assert shared(alone) == [alone[0], Part(1, "country", "")]
    for own in (
        parts("billing:city", "plain:country", "plain:city"),
        parts("plain:lines", "plain:country"),
        parts("billing:city"),
    ):
        assert shared(own) == own
    billing, mailing, any_ = parts("billing:city", "mailing:city", ":city")
    assert [before(billing, [mailing]), before(mailing, [billing]), before(mailing, [mailing, any_])] == [
        True,
        False,
        False,
    ]
    keys = (
        ("ort01", True),
        ("billingcity", True),
        ("billtocity", True),
        ("mailingcity", True),
        ("city", True),
        ("billingcity", False),
    )
    assert [group_of(*key) for key in keys] == ["sap", "billing", "billto", "mailing", "plain", ""]


@pytest.mark.parametrize(("spoken", "together", "name"), [
    ([("lastname", "Lee"), ("contactfirstname", "Ann"), ("middlename", "B.")], False, "Ann B. Lee"),
    ([("lastname", "Lee"), ("contact", "Bob Ray")], True, "Lee"),
    ([("contact", "Ann Lee"), ("primary", "Bob Ray")], False, "Ann Lee"), ([("a", "Ann"), ("b", "Lee")], True, "Ann Lee"),
])  # fmt: skip
def test_a_person_is_called_by_their_names_in_order(spoken: list[tuple[str, str]], together: bool, name: str) -> None:
    assert name_of(spoken, together) == name


@pytest.mark.parametrize(("sign", "fits", "not_"), [
    (None, ("USD", "JPY"), ()), ("$", ("USD", "CAD", "MXN"), ("EUR", "GBP")), ("\u00a5", ("JPY", "CNY"), ("USD",)),
    ("\u20ac", ("EUR",), ("USD",)), ("\u00a3", ("GBP",), ("EUR",)), ("CHF", ("CHF",), ("EUR",)),
])  # fmt: skip
def test_a_sign_beside_an_amount_fits_its_currencies(
    sign: str | None, fits: tuple[str, ...], not_: tuple[str, ...]
) -> None:
    assert [c for c in (*fits, *not_) if Amount("5", sign).contradicts(c)] == list(not_)


@pytest.mark.parametrize(("text", "plain", "sign"), [
    ("5", "5", None), ("(5)", "-5", None), ("5-", "-5", None), ("\u22125", "-5", None), ("+5", "5", None), ("-", "-", None),
    ("1.234,50", "1234.50", None), ("1,234.5", "1234.5", None), ("1'234", "1234", None), ("1 234,5", "1234.5", None),
    ("1,234,567", "1234567", None), ("1.234.567", "1234567", None), ("12,34,567.8", "1234567.8", None), ("10,5", "10.5", None),
    ("0,125", "0.125", None), ("1,2,3", "1,2,3", None), ("EUR 5 000", "5000", "EUR"), ("5 USD", "5", "USD"), ("$ -5", "-5", "$"),
    ("five", "five", None),
])  # fmt: skip
def test_an_amount_of_one_reading_is_read(text: str, plain: str, sign: str | None) -> None:
    assert exported_amount(text) == Amount(plain, sign)


def test_decimals_are_known_of_currencies_alone() -> None:
    assert [decimals(c) for c in ("USD", "JPY", "BHD", "XXX", None)] == [2, 0, 3, None, None]
    assert [plain_amount(t, c) for t, c in ((" 1.234 ", "BHD"), ("1234.5", "USD"), ("0.123", None))] == [
        "1.234",
        "1234.5",
        "0.123",
    ]


@pytest.mark.parametrize(("column", "cell", "code", "said"), [
    ("revenue_account", "4000", "ACCOUNT_UNKNOWN", "There is no such revenue account."),
    ("legal_entity_id", "le_xx", "ENTITY_UNKNOWN", "There is no such legal entity, or your token does not cover it."),
    ("payment_terms", "NET90", "PAYMENT_TERMS_UNKNOWN", "There are no such payment terms."),
])  # fmt: skip
def test_what_nobody_knows_is_a_fault_of_its_column(column: str, cell: str, code: str, said: str) -> None:
    (row,) = judged(f"name,email,{column}\nAcme,a@example.com,{cell}\n".encode())
    assert row.faults == [RowFault(column, column, 3, code, said)]
