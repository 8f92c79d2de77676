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
from models.money import in_units, is_currency
from statement_readers import detect_and_read
from statement_readers.fields import MAX_TEXT, clean, to_minor
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
    assert to_minor(in_units(minor, currency), currency) == minor


@settings(deadline=None)
@given(text=st.text(max_size=30), currency=st.sampled_from(["USD", "JPY", "KWD", "XAU", ""]))
def test_an_amount_is_exact_money_or_refused(text, currency):
    try:
        minor = to_minor(text, currency)
    except Refusal:
        return
    assert is_currency(currency)
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


BOOKED = "<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt>"
LATER = BOOKED.replace("03-03", "03-05").replace("03-02", "03-04")
KIND = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{}</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
WRITTEN = (
    "<GrpHdr><MsgId>STATEMENT</MsgId><CreDtTm>2026-04-01T00:00:00+00:00</CreDtTm></GrpHdr><Stmt><Id>STATEMENT</Id>"
    f"<CreDtTm>2026-04-01T00:00:00+00:00</CreDtTm><Acct><Id><Othr><Id>{'1' * 34}</Id></Othr></Id><Ccy>EUR</Ccy></Acct>"
    '<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    "<Dt><Dt>2026-03-02</Dt></Dt></Bal>"
    '<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0.05</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
    "<Dt><Dt>2026-03-04</Dt></Dt></Bal>"
    f'<Ntry><Amt Ccy="EUR">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>{BOOKED}'
    f"<AcctSvcrRef>{'b' * 35}</AcctSvcrRef>{KIND.format('RCDT')}<NtryDtls><TxDtls><Refs><EndToEndId>{'r' * 35}</EndToEndId>"
    '</Refs><Amt Ccy="EUR">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    f"<RltdPties><Dbtr><Pty><Nm>{'n' * 140}</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>{'t' * 140}</Ustrd><Ustrd>t</Ustrd>"
    f"<Strd><RfrdDocInf><Nb>{'i' * 35}</Nb></RfrdDocInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>"
    '<Ntry><Amt Ccy="EUR">2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd><Sts><Cd>BOOK</Cd></Sts>'
    f"{LATER}{KIND.format('ICDT')}<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
    '<Amt Ccy="EUR">2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RltdPties><Cdtr><Pty><Nm>Bob</Nm></Pty></Cdtr></RltdPties>'
    "</TxDtls></NtryDtls></Ntry></Stmt>"
)


@pytest.mark.parametrize("version", [2, 8])
def test_camt_is_written_in_the_order_and_lengths_of_its_schema(version: Literal[2, 8]) -> None:
    lines = (
        StatementLine(
            1, date(2026, 3, 2), date(2026, 3, 3), 0, "EUR", payer="n" * 141, reference="r" * 36, remittance_text="t" * 141,
            structured_references=("i" * 36,), bank_ref="b" * 36,
        ),
        StatementLine(2, date(2026, 3, 4), date(2026, 3, 5), -200, "EUR", payer="Bob", reversal=True),
    )  # fmt: skip
    written = camt_bytes(Statement("1" * 35, None, "EUR", 100, -5, None, None, lines), version).decode()
    expected = WRITTEN
    if version == 2:
        for sign, amount in (("CRDT", "0.00"), ("DBIT", "2.00")):
            money = f'<Amt Ccy="EUR">{amount}</Amt>'
            now = f"</Refs><AmtDtls><TxAmt>{money}</TxAmt></AmtDtls>"
            expected = expected.replace(f"</Refs>{money}<CdtDbtInd>{sign}</CdtDbtInd>", now)
        for new, old in (("<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>"), ("<Pty>", ""), ("</Pty>", "")):
            expected = expected.replace(new, old)
    head = f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version:02d}"><BkToCstmrStmt>'
    declared = "<?xml version='1.0' encoding='UTF-8'?>\n"
    assert written == f"{declared}{head}{expected}</BkToCstmrStmt></Document>"
