"""Single values, as every door checks them: the edges, and what is said of what is refused."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from models import checks
from models.customers.metadata import metadata
from models.money import plain_text

Check = Callable[[Any], object]

CONTROLS = "Control characters and deceptive invisible characters are not allowed."
ADDRESS = "Not a valid email address (RFC 5322)."
OCTETS = "An email address has at most 254 octets, 64 before the @."
NUMBER = "A decimal is a JSON string or number"
WRITTEN = "A decimal is written as digits with at most one point"
BEFORE = "At most 15 digits before the decimal point."
AFTER = "At most 4 digits after the decimal point."
RANGE = "A date lies between 1900-01-01 and 2999-12-31"
DAY = "A date is written YYYY-MM-DD."
COUNTED = "A date is written YYYY-MM-DD; this is a spreadsheet's count of days."
MOMENT = "A moment is written 2026-01-31T12:00:00Z, or 2026-01-31."
CURRENCY = "Not a currency of ISO 4217 with minor units."
COUNTRY = "Not an ISO 3166-1 alpha-2 country code."
LEVELS = "Metadata has at most 20 levels."
LARGE = "Metadata has at most 65536 bytes."
HIDDEN = "Deceptive invisible characters are not allowed in names of metadata."
TURNS = "Characters that turn a text round are not allowed."


def lines(value: str) -> str:
    return checks.text(value, limit=20, lines=True)


def two(value: str) -> str:
    return checks.text(value, limit=5, least=2)


def nothing(value: str) -> str:
    return checks.text(value, limit=5, least=0)


@pytest.mark.parametrize(
    ("check", "given", "kept"),
    [
        (two, "ab", "ab"),
        (two, "abcde", "abcde"),
        (two, " abcde\u00a0\u3000\t", "abcde"),
        (nothing, "", ""),
        (nothing, "  ", ""),
        (lines, "a\r\nb\tc\n", "a\nb\tc"),
        (lines, "a\u2028b", "a\u2028b"),
        (checks.line, "e\u0301", "é"),
        (checks.code, "x" * 64, "x" * 64),
        (checks.email, "x" * 64 + "@example.com", "x" * 64 + "@example.com"),
        (checks.email, "a@" + ".".join(["b" * 60] * 4) + ".cccccccc", "a@" + ".".join(["b" * 60] * 4) + ".cccccccc"),
        (plain_text, checks.amount("9" * 15 + ".0001"), "9" * 15 + ".0001"),
        (plain_text, Decimal("12.500"), "12.5"),
        (plain_text, Decimal("100.000"), "100"),
        (plain_text, Decimal(100), "100"),
        (plain_text, checks.amount("0" * 60 + "1200"), "1200"),
        (plain_text, checks.amount(Decimal("0e9")), "0"),
        (checks.day, date(2026, 1, 31), date(2026, 1, 31)),
        (checks.day, "2026-01-31", date(2026, 1, 31)),
        (checks.moment, "2026-01-31", date(2026, 1, 31)),
        (checks.moment, "2026-01-31t12:00:00z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (checks.moment, datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (checks.phone, "123", "123"),
        (checks.phone, "1" * 25, "1" * 25),
        (checks.phone, "\uff0b44 20\u20117946\u20110000 ext. 7", "+44 20-7946-0000 ext. 7"),
        (checks.website, "example.com", "example.com"),
        (checks.website, "HTTP://example.com:8080/a", "HTTP://example.com:8080/a"),
        (checks.tax_id, "-1-", "-1-"),
        (checks.tax_id, "x" * 64, "x" * 64),
        (metadata, {"a": "\u00ad\n", "b": [None, 1.5]}, {"a": "\u00ad\n", "b": [None, 1.5]}),
        (metadata, {"a": "é" * 32_763}, {"a": "é" * 32_763}),
    ],
)
def test_a_value_at_the_edge_is_taken(check: Check, given: object, kept: object) -> None:
    assert check(given) == kept


@pytest.mark.parametrize(
    ("check", "given", "code", "words"),
    [
        (two, "a", "FIELD_LENGTH", "At least 2 visible characters required."),
        (two, "", "FIELD_REQUIRED", "The text is blank"),
        (two, "abcdef", "FIELD_LENGTH", "At most 5 characters."),
        (checks.line, " ", "FIELD_REQUIRED", "The text is blank"),
        (checks.line, "a\tb", "FIELD_FORMAT", CONTROLS),
        (checks.line, "a\u2028b", "FIELD_FORMAT", CONTROLS),
        (lines, "a\rb", "FIELD_FORMAT", CONTROLS),
        (checks.code, "x" * 65, "FIELD_LENGTH", "At most 64 characters."),
        (checks.email, "a", "EMAIL_INVALID", ADDRESS),
        (checks.email, "a\u2029@example.com", "EMAIL_INVALID", ADDRESS),
        (checks.email, "a@example", "EMAIL_INVALID", "The address's host name needs a dot."),
        (checks.email, "é" * 33 + "@example.com", "EMAIL_INVALID", OCTETS),
        (checks.decimal, True, "FIELD_TYPE", NUMBER),
        (checks.decimal, 1.5, "FIELD_TYPE", NUMBER),
        (checks.decimal, "ten", "DECIMAL_INVALID", WRITTEN),
        (checks.decimal, "1_0", "DECIMAL_INVALID", WRITTEN),
        (checks.decimal, " 5", "DECIMAL_INVALID", WRITTEN),
        (checks.decimal, "0" * 65, "DECIMAL_INVALID", WRITTEN),
        (checks.decimal, Decimal("-Infinity"), "DECIMAL_INVALID", "NaN and infinity are not amounts."),
        (checks.amount, "-1", "FIELD_RANGE", "Must not be negative."),
        (checks.credit_limit, "-1", "CREDIT_LIMIT_NEGATIVE", "Must not be negative."),
        (checks.amount, "1" + "0" * 15, "FIELD_LENGTH", BEFORE),
        (checks.amount, 10**64, "FIELD_LENGTH", BEFORE),
        (checks.amount, -(10**64), "FIELD_RANGE", "Must not be negative."),
        (checks.amount, "0.00001", "FIELD_LENGTH", AFTER),
        (checks.amount, Decimal("1e-101"), "FIELD_LENGTH", AFTER),
        (checks.currency, "usd", "CURRENCY_INVALID", CURRENCY),
        (checks.currency, "XAU", "CURRENCY_INVALID", CURRENCY),
        (checks.country, "us", "COUNTRY_INVALID", COUNTRY),
        (checks.country, "XX", "COUNTRY_INVALID", COUNTRY),
        (checks.country, "USA", "COUNTRY_INVALID", COUNTRY),
        (checks.day, "2026-02-30", "DATE_INVALID", "There is no such day."),
        (checks.day, "46053", "DATE_INVALID", COUNTED),
        (checks.day, "46053.5", "DATE_INVALID", COUNTED),
        (checks.day, "31.01.2026", "DATE_INVALID", DAY),
        (checks.day, 46053, "DATE_INVALID", DAY),
        (checks.day, datetime(2026, 1, 31, tzinfo=UTC), "DATE_INVALID", DAY),
        (checks.day, date(1899, 12, 31), "FIELD_RANGE", RANGE),
        (checks.day, "3000-01-01", "FIELD_RANGE", RANGE),
        (checks.moment, "2026-02-30", "DATE_INVALID", "There is no such moment."),
        (checks.moment, "2026-01-31T25:00:00Z", "DATE_INVALID", "There is no such moment."),
        (checks.moment, "noon", "DATE_INVALID", MOMENT),
        (checks.moment, 12, "DATE_INVALID", MOMENT),
        (checks.phone, "12", "PHONE_INVALID", "Not a telephone number."),
        (checks.phone, "1" * 26, "PHONE_INVALID", "Not a telephone number."),
        (checks.phone, "1" * 51, "FIELD_LENGTH", "At most 50 characters."),
        *[
            (checks.website, bad, "WEBSITE_INVALID", "Not an http or https address.")
            for bad in ("a b.com", "a\\b.com", "localhost", "https:///x.y", "https://u@x.com", "https://x.com:99999", "ftp://x.com")
        ],
        (checks.tax_id, "--", "FIELD_TYPE", "A tax id has letters or digits."),
        (metadata, [], "FIELD_TYPE", "Metadata is a JSON object."),
        (metadata, {"a": float("nan")}, "FIELD_TYPE", "Metadata holds a value that JSON cannot."),
        (metadata, {"a": "\0"}, "FIELD_TYPE", "Metadata holds a NUL character."),
        (metadata, {"a\u200b": 1}, "FIELD_FORMAT", HIDDEN),
        (metadata, {"a": [{"b\u200b": 1}]}, "FIELD_FORMAT", HIDDEN),
        (metadata, {"a": "\u202eb"}, "FIELD_FORMAT", TURNS),
        (metadata, {"a": "é" * 32_764}, "METADATA_TOO_LARGE", LARGE),
        (metadata, {"a": json.loads("[" * 20 + "]" * 20)}, "METADATA_TOO_DEEP", LEVELS),
    ],
)  # fmt: skip
def test_what_is_refused_has_its_code_and_says_the_rule(check: Check, given: object, code: str, words: str) -> None:
    with pytest.raises(PydanticCustomError) as e:
        check(given)
    assert (e.value.type, e.value.message()) == (code, words)
