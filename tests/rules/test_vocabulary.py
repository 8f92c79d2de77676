"""One vocabulary of values: the same value is refused by the same code at whichever door it is given."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from pydantic import TypeAdapter, ValidationError

from api.moments import Since, Until
from models.approvals.chain import Decision
from models.approvals.requests import DecideChange, DelegateStep, SignalledDecision
from models.customer_360.requests import LogActivity
from models.customers.bodies import CreateCustomer, CreditLimit, Price, Quantity
from models.customers.requests import SetAbsence
from models.imports.rows import Known, RowChecker
from models.values import CurrencyCode, DecimalNumber, ExchangeRate, ExternalId, IsoDate, Moment

DATES: Final[Mapping[str, Any]] = {"IsoDate": IsoDate}
JUDGE: Final = RowChecker([], [], "ndjson", "le", Known(frozenset(), frozenset(), {"le": "USD"}))
DECIMALS: Final = [DecimalNumber, ExchangeRate, CreditLimit, Price, Quantity]
MOMENTS: Final[Mapping[str, Any]] = {"Moment": Moment, "Since": Since, "Until": Until}


def code_of(kind: Any, value: object) -> str | None:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as wrong:
        return wrong.errors()[-1]["type"]
    return None


@pytest.mark.parametrize("kind", [*DATES.values(), *MOMENTS.values()], ids=[*DATES, *MOMENTS])
@pytest.mark.parametrize(
    "value",
    ["2026-02-30", "2026-13-01", "2026-1-2", "20260102", "01/02/2026", "2026-W05-1", "", "soon", 20260102, 1.5, True],
)
def test_what_is_no_date_is_one_code_everywhere(kind: Any, value: object) -> None:
    assert code_of(kind, value) == "DATE_INVALID"


@pytest.mark.parametrize("kind", DATES.values(), ids=DATES)
def test_a_date_has_no_time(kind: Any) -> None:
    assert code_of(kind, "2026-02-03T00:00:00") == code_of(kind, datetime(2026, 2, 3, tzinfo=UTC)) == "DATE_INVALID"
    assert TypeAdapter(kind).validate_python("2026-02-28") == date(2026, 2, 28)


@pytest.mark.parametrize("text", ["2026-02-30T10:00:00Z", "2026-02-03T25:00:00Z", "2026-02-03T10", "tomorrow"])
def test_what_is_no_moment_is_that_code_too(text: str) -> None:
    bodies: list[tuple[Any, dict[str, object]]] = [
        (DelegateStep, {"step": 1, "to_user_id": "u_b", "until": text}),
        (SetAbsence, {"starts_at": text, "ends_at": "2026-03-01"}),
        (LogActivity, {"type": "call", "notes": "n", "occurred_at": text}),
    ]
    assert {code_of(kind, text) for kind in MOMENTS.values()} == {"DATE_INVALID"}
    for kind, body in bodies:
        assert code_of(kind, body) == "DATE_INVALID", kind


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-03T10:00:00Z",
        "2026-02-03t10:00:00z",
        "2026-02-03 11:00:00+01:00",
        "2026-02-03T11:00+0100",
        "2026-02-03T10:00:00.000Z",
    ],
)
def test_a_moment_is_read_as_rfc_3339_writes_it(text: str) -> None:
    ten = datetime(2026, 2, 3, 10, tzinfo=UTC)
    assert all(TypeAdapter(kind).validate_python(text) == ten for kind in MOMENTS.values())


def test_a_moment_without_an_offset_is_refused_where_another_system_says_it() -> None:
    assert code_of(Moment, "2026-02-03T10:00:00") == "DATE_INVALID"
    assert TypeAdapter(Moment).validate_python("2026-02-03") == datetime(2026, 2, 3, tzinfo=UTC)


def test_the_end_of_a_delegation_is_its_days_end() -> None:
    def until(text: str) -> datetime | None:
        return DelegateStep(step=1, to_user_id="u_b", until=text).until_moment

    assert until("2026-02-03") == datetime(2026, 2, 4, tzinfo=UTC)
    assert until("2026-02-03T10:00:00+02:00") == datetime(2026, 2, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize("code", ["usd", "Usd", "XXX", "XAU", "ZZZ", "U$D", "EURO", ""])
def test_what_is_no_currency_is_one_code_whatever_its_length(code: str) -> None:
    assert code_of(CurrencyCode, code) == "CURRENCY_INVALID"


@pytest.mark.parametrize("text", ["abc", "1e3", " 5 ", "NaN", "1_000", "1.2.3", ""])
def test_what_is_no_decimal_is_one_code_in_every_body(text: str) -> None:
    assert {code_of(kind, text) for kind in DECIMALS} == {"DECIMAL_INVALID"}
    assert {code_of(kind, 0.5) for kind in DECIMALS} == {"FIELD_TYPE"}


@pytest.mark.parametrize("comment", ["a\x07b", "a\u202eb", "a\u2066b", "a\rb"])
def test_a_comment_is_held_to_one_form_over_http_and_over_the_signal(comment: str) -> None:
    said = {"decision": "approve", "comment": comment}
    assert code_of(DecideChange, said) == code_of(SignalledDecision, {"token": "t", **said}) == "FIELD_FORMAT"


@pytest.mark.parametrize("comment", ["", " two\r\nlines "])
def test_a_comment_is_kept_alike_over_http_and_over_the_signal(comment: str) -> None:
    said = {"decision": "approve", "comment": comment}
    kept = comment.replace("\r", "").strip()
    assert DecideChange.model_validate(said | {"decision": Decision.APPROVE}).comment == kept
    assert SignalledDecision.model_validate({"token": "t", **said}).comment == kept


@pytest.mark.parametrize("given", [" C-1 ", "e\u0301-1", "\u00a0C-1", "INV 1"])
def test_an_external_id_is_kept_as_it_is_spelt_by_every_door(given: str) -> None:
    body = {"name": "A", "email": "a@x.com", "external_id": given}
    assert CreateCustomer.model_validate(body | {"legal_entity_id": "le"}).external_id == given
    assert TypeAdapter(ExternalId).validate_python(given) == given
    assert JUDGE.judge_object(body).values["external_id"] == given


def test_a_json_rows_metadata_holds_fractions() -> None:
    judged = JUDGE.judge_object({"name": "A", "email": "a@x.com", "metadata": {"score": Decimal("0.25")}})
    assert (judged.faults, judged.values["metadata"]) == ([], '{"score": 0.25}')


def test_the_blanks_at_the_ends_of_a_tables_external_id_are_the_tables() -> None:
    columns = ["name", "email", "external_id"]
    checker = RowChecker(columns, columns, "csv", "le", Known(frozenset(), frozenset(), {"le": "USD"}))
    assert checker.judge_cells(["A", "a@x.com", " e\u0301-1 "]).values["external_id"] == "e\u0301-1"


@pytest.mark.parametrize("code", ["lower", "A" * 65, "", "A-B"])
def test_a_reason_code_is_held_to_one_form_over_http_and_over_the_signal(code: str) -> None:
    said = {"decision": "reject", "reason_code": code}
    assert (
        code_of(DecideChange, said) == code_of(SignalledDecision, {"token": "t", **said}) == "string_pattern_mismatch"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "A\x07"),
        ("external_id", "C\u202e1"),
        ("credit_limit", "abc"),
        ("pricing_tiers", [{"item": "X", "price": "1e3"}]),
        ("pricing_tiers", [{"item": "X", "price": -1}]),
        ("tax_profiles", [{"tax_code": "X", "effective_from": "0001-01-01"}]),
    ],
)
def test_a_row_says_field_type_where_a_body_has_a_finer_code(field: str, value: object) -> None:
    assert [f.code for f in JUDGE.judge_object({"name": "A", "email": "a@x.com", field: value}).faults] == [
        "FIELD_TYPE"
    ]
