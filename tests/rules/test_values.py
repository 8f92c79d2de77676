"""The field types of request bodies, edge by edge: what each takes, and the code and words of what it refuses."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from models import values
from models.values import (
    DecimalNumber,
    ExternalId,
    HttpUrl,
    IsoDate,
    Line,
    Moment,
    RecordId,
    Text,
    VerbatimLine,
    VerbatimText,
)  # fmt: skip

DATE = "A date lies between 1900-01-01 and 2999-12-31"
MOMENT = "A moment lies between the years 1900 and 2999"
OFFSET = "A moment is written with its offset: 2026-01-31T12:00:00Z"
CONTROLS = "Control characters are not allowed"
DECEPTIVE = "Control characters and deceptive invisible characters are not allowed."
BLANK = "The text is blank"
DECIMAL = "A decimal is written as digits with at most one point"
URL = "A URL is written https://host/path, without user or fragment"


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        (IsoDate, "1900-01-01", date(1900, 1, 1)),
        (IsoDate, "2999-12-31", date(2999, 12, 31)),
        (Moment, "1900-01-01T00:00:00Z", datetime(1900, 1, 1, tzinfo=UTC)),
        (Moment, "2999-12-31T23:59:59Z", datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (Moment, "2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        (DecimalNumber, "-12.50", Decimal("-12.50")),
        (DecimalNumber, "9" * 64, Decimal("9" * 64)),
        (DecimalNumber, 12, Decimal(12)),
        (DecimalNumber, Decimal("0.1"), Decimal("0.1")),
        (Line, " ~e\u0301\u00a0", "~é"),
        (Line, " " + "x" * 255, "x" * 255),
        (ExternalId, " ~e\u0301\u00a0", " ~e\u0301\u00a0"),
        (VerbatimLine, " e\u0301\u200b", " e\u0301\u200b"),
        (RecordId, " ", " "),
        (Text, " two\r\nlines\t.\n", "two\nlines\t."),
        (Text, "", ""),
        (VerbatimText, " two\r\nlines\x01", " two\r\nlines\x01"),
        (HttpUrl, "http://books.example:8443/a?b=c", "http://books.example:8443/a?b=c"),
        (HttpUrl, "https://b", "https://b"),
    ],
)
def test_a_value_at_the_edge_is_kept_exactly(kind: Any, given: object, kept: object) -> None:
    made = TypeAdapter(kind).validate_python(given)
    assert (made, type(made)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("kind", "given", "code", "words"),
    [
        (IsoDate, "1899-12-31", "FIELD_RANGE", DATE),
        (IsoDate, "3000-01-01", "FIELD_RANGE", DATE),
        (Moment, "1899-12-31T23:59:59Z", "FIELD_RANGE", MOMENT),
        (Moment, "3000-01-01T00:00:00Z", "FIELD_RANGE", MOMENT),
        (Moment, "2026-01-31T12:00:00", "DATE_INVALID", OFFSET),
        (DecimalNumber, "1.2.3", "DECIMAL_INVALID", DECIMAL),
        (DecimalNumber, "1e3", "DECIMAL_INVALID", DECIMAL),
        (DecimalNumber, "9" * 65, "DECIMAL_INVALID", DECIMAL),
        (DecimalNumber, True, "FIELD_TYPE", "A decimal is a JSON string or number"),
        (DecimalNumber, 0.1, "FIELD_TYPE", "A decimal is a JSON string or number"),
        *[
            (kind, f"a{c}b", "FIELD_FORMAT", DECEPTIVE)
            for kind in (Line, ExternalId)
            for c in "\x1f\x7f\x9f\u2028\u202e\u2066"
        ],
        *[(kind, f"a{c}b", "FIELD_FORMAT", CONTROLS) for kind in (VerbatimLine, RecordId) for c in "\x1f\x7f\x9f"],
        *[
            (kind, blank, "FIELD_REQUIRED", BLANK)
            for kind in (Line, ExternalId, VerbatimLine)
            for blank in ("  ", "\u200d")
        ],
        (Line, "", "FIELD_REQUIRED", BLANK),
        (Line, "x" * 256, "FIELD_LENGTH", "At most 255 characters."),
        (Text, "a\x07b", "FIELD_FORMAT", DECEPTIVE),
        (Text, "a\u202eb", "FIELD_FORMAT", DECEPTIVE),
        (Text, "x" * 20_001, "FIELD_LENGTH", "At most 20000 characters."),
        (VerbatimText, "a\0b", "FIELD_TYPE", "NUL characters are not allowed"),
        (HttpUrl, "ftp://books.example", "URL_INVALID", URL),
        (HttpUrl, "https:///path", "URL_INVALID", URL),
        (HttpUrl, "https://b:0/", "URL_INVALID", URL),
        (HttpUrl, "https://b:99999/", "URL_INVALID", URL),
        (HttpUrl, "https://u@b/", "URL_INVALID", URL),
        (HttpUrl, "https://b/#part", "URL_INVALID", URL),
        (HttpUrl, "https://b/a b", "URL_INVALID", URL),
        (HttpUrl, "https://b/\\a", "URL_INVALID", URL),
    ],
)
def test_what_is_refused_has_its_code_and_says_the_rule(kind: Any, given: object, code: str, words: str) -> None:
    with pytest.raises(ValidationError) as e:
        TypeAdapter(kind).validate_python(given)
    assert [(x["type"], x["msg"]) for x in e.value.errors()] == [(code, words)]


def test_a_patch_keeps_what_was_sent_and_a_grown_body_what_says_something() -> None:
    class Change(values.Patch):
        one: str | None = None
        two: str | None = None

    class Asked(values.Grown):
        LATER = frozenset({"later", "many"})
        first: str | None = None
        later: str | None = None
        many: list[str] | None = None

    assert Change.model_validate({"two": None}).model_dump() == {"two": None}
    assert Asked.model_validate({"later": None, "many": []}).model_dump() == {"first": None}
    assert Asked.model_validate({"later": "x", "many": ["y"]}).model_dump() == {
        "first": None,
        "later": "x",
        "many": ["y"],
    }
