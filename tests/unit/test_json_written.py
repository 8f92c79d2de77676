"""JSON as it is written for PostgreSQL and for callers, and read again: the same whoever writes and reads it."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.answering import shown
from models.db.postgres.json_values import from_json
from models.db.tx import to_json
from models.imports.files import Layout
from models.imports.raw_rows import values_of


class Kind(StrEnum):
    FEE = "bank_fee"


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    from_: date
    minor: int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Line("adj_1", date(2026, 1, 31), -5), '{"id":"adj_1","from":"2026-01-31","minor":-5}'),
        ({Kind.FEE: Kind.FEE, 3: None}, '{"bank_fee":"bank_fee","3":null}'),
        ([datetime(2026, 1, 31, 23, 59, 59, 7, UTC)], '["2026-01-31T23:59:59.000007+00:00"]'),
        ({"rate": Decimal("1E+3"), "hash": b"\x00\xff"}, '{"rate":"1000","hash":"\\\\x00ff"}'),
        ({"name": "Grüße \u2028 €", "of": frozenset({"le_us"})}, '{"name":"Grüße \u2028 €","of":["le_us"]}'),
        ({"theirs": 2**70, "line": Line("a", date(2026, 1, 1), 1)},
         '{"theirs":1180591620717411303424,"line":{"id":"a","from":"2026-01-01","minor":1}}'),
    ],
)  # fmt: skip
def test_values_are_written_as_callers_and_columns_read_them(value: object, text: str) -> None:
    assert to_json(value) == text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\\n€', max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON)
def test_json_comes_back_as_it_was(value: object) -> None:
    assert json.loads(to_json(value)) == value
    assert from_json(to_json(value).encode()) == value


@pytest.mark.parametrize(
    "text",
    ["18446744073709551616", "[-9223372036854775809]", '{"of": 12345678901234567890123}', "1.25", "-0.0", "1e400", "1E5",
     '"\\ud800"', '{"a": 1, "a": 2}', '"\\u00e9"', "9223372036854775807", "[NaN]", "0.1234567890123456789"],
)  # fmt: skip
def test_json_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert repr(from_json(text.encode())) == repr(from_json(text)) == repr(json.loads(text))


def test_a_row_of_json_with_half_a_character_is_shown_as_it_came() -> None:
    for raw in (r'{"name": "x \ud800"}', r'{"\udc00": 1}', r'{"a": [{"b": "\uDFFF\ud800"}]}'):
        assert json.loads(bytes(shown(values_of(Layout("object"), raw)).body)) == raw
    whole = r'{"name": "\ud83d\ude00", "n": %s}' % (10**40)
    assert json.loads(bytes(shown(values_of(Layout("object"), whole)).body)) == {"name": "\U0001f600", "n": 10**40}
