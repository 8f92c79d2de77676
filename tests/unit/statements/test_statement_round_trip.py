"""What the writers write, the readers read: the same statement, to the minor unit, from any content."""

import io
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.cash.statements import LineNumbering, Statement, StatementLine
from models.errors import Refusal
from statement_readers import detect_and_read
from statement_readers.fields import MAX_TEXT, clean, exponent, to_major, to_minor
from statement_readers.write_camt import write_camt
from statement_readers.write_csv import write_csv
from tests.altered import altered

NOW = datetime(2026, 4, 1, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=150)
DAYS = st.dates(date(1970, 1, 1), date(2099, 12, 31))
AMOUNTS = st.integers(-(10**15), 10**15)


def texts(limit: int) -> st.SearchStrategy[str | None]:
    """Texts as the readers keep them."""
    return ANY_TEXT.map(lambda text: clean(text[:limit], MAX_TEXT)).filter(
        lambda text: text is None or text.upper() not in {"NOTPROVIDED", "NOTAVAILABLE", "NONREF"}
    )


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    currency = draw(st.sampled_from(["USD", "JPY", "KWD", "CLF", "EUR"]))
    numbering = LineNumbering()
    structured = texts(35).map(lambda text: text or "").filter(bool)
    lines = [
        numbering.number(
            StatementLine(
                line=0,
                booking_date=draw(DAYS),
                value_date=draw(DAYS),
                amount_minor=draw(AMOUNTS),
                currency_code=currency,
                payer=draw(texts(140)),
                reference=draw(texts(35)),
                remittance_text=draw(texts(150)),
                structured_references=tuple(dict.fromkeys(draw(st.lists(structured, max_size=3)))),
                bank_ref=draw(texts(35)),
                reversal=draw(st.booleans()),
            )
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    opening = draw(AMOUNTS)
    return Statement(
        account_ref=draw(st.sampled_from(["DE89370400440532013000", "0123456789"])),
        statement_ref="S-1",
        currency_code=currency,
        opening_minor=opening,
        closing_minor=opening + sum(line.amount_minor for line in lines),
        from_date=date(2026, 3, 1),
        to_date=date(2026, 3, 31),
        lines=tuple(lines),
    )


def camt_bytes(statement: Statement, version: Literal[2, 8]) -> bytes:
    out = io.BytesIO()
    write_camt(out, statement, created_at=NOW, version=version)
    return out.getvalue()


# Whole statements are large for Hypothesis, and the machine may have other work: no clock here.
GENERATED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("version", [2, 8])
@GENERATED
@given(statement=statements())
def test_camt_comes_back_as_it_was_written(version, statement):
    assert detect_and_read(io.BytesIO(camt_bytes(statement, version)), "x.xml") == [statement]


@GENERATED
@given(statement=statements())
def test_csv_comes_back_as_it_was_written(statement):
    out = io.StringIO(newline="")
    write_csv(out, statement.lines)
    [back] = detect_and_read(io.BytesIO(out.getvalue().encode()), "x.csv")
    numbering = LineNumbering()
    plain = (
        replace(line, value_date=line.booking_date, structured_references=(), bank_ref=None, reversal=False)
        for line in statement.lines
    )
    assert back.lines == tuple(numbering.number(line) for line in plain)


@settings(deadline=None)
@given(minor=st.integers(-(2**63) + 1, 2**63 - 1), currency=st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_major_and_minor_units_are_inverse(minor, currency):
    assert to_minor(to_major(minor, currency), currency) == minor


@settings(deadline=None)
@given(text=st.text(max_size=30), currency=st.sampled_from(["USD", "JPY", "KWD", "XAU", ""]))
def test_an_amount_is_exact_money_or_refused(text, currency):
    try:
        minor = to_minor(text, currency)
    except Refusal:
        return
    assert exponent(currency) is not None
    assert abs(minor) < 2**63


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=400),
    head=st.sampled_from([b"", b"<", b"<?xml", b":20:", b"01,", b"OFXHEADER:100\n<OFX>", b"date,amount,currency\n"]),
)
def test_any_bytes_are_read_or_refused_and_nothing_else(data, head):
    with suppress(Refusal):  # any other exception fails the test
        detect_and_read(io.BytesIO(head + data))


@pytest.mark.parametrize("missing", ["account_ref", "currency_code", "opening_minor", "closing_minor"])
def test_camt_is_not_written_without_what_the_schema_demands(missing):
    statement = Statement("1", "S", "EUR", 0, 0, None, None, ())
    with pytest.raises(ValueError, match="CAMT"):
        write_camt(io.BytesIO(), altered(statement, missing, None), created_at=NOW)
