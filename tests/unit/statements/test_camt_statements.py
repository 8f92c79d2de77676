"""What a CAMT file says of its statements: account, currency, balances and their signs, days, what is left out, and where it
is wrong."""

from collections.abc import Callable
from datetime import date

import pytest

from models.cash.statements import ENTRY_IGNORED, NOT_FINAL, Statement
from models.errors import Refusal
from tests.unit.statements.conftest import Read

Make = Callable[..., str]
Refused = Callable[..., Refusal]
ACCOUNT = "<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>"
EITHER = "The day's statement may say them again in other words or as one sum: record one or the other."


def balance(code: str, amount: str, sign: str = "CRDT", currency: str = "EUR", day: str = "") -> str:
    dated = f"<Dt><Dt>{day}</Dt></Dt>" if day else ""
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd>{dated}</Bal>"
    )


@pytest.fixture
def one(read: Read, camt: Make, camt_entry: Make) -> Callable[..., Statement]:
    """A statement with these things before its one entry of 10.00 EUR, by default, in place of account and balances."""

    def one(head: str = "", *entries: str) -> Statement:
        document = camt(*(entries or (camt_entry(),)))
        before, after = document.split(ACCOUNT)
        [statement] = read(before + head + after[after.rindex("</Bal>") + len("</Bal>") :])
        return statement

    return one


One = Callable[..., Statement]


@pytest.mark.parametrize(
    ("head", "account", "currency"),
    [
        (ACCOUNT, "DE89370400440532013000", "EUR"),
        ("<Acct><Id><Othr><Id>77</Id></Othr></Id></Acct>", "77", "EUR"),
        ("<Acct><Id><Othr><Id>77</Id></Othr></Id><Ccy>USD</Ccy></Acct>", "77", "USD"),
        (balance("OPBD", "5", currency="JPY"), None, "JPY"),
        ("", None, "EUR"),
    ],
)
def test_account_and_currency(one: One, head: str, account: str | None, currency: str) -> None:
    statement = one(head)
    assert (statement.account_ref, statement.currency_code, statement.statement_ref) == (account, currency, "S-1")


@pytest.mark.parametrize(
    ("balances", "opening", "closing"),
    [
        ([("OPBD", "5.00", "DBIT"), ("CLBD", "5.00")], -500, 500),
        ([("PRCD", "4.00"), ("CLBD", "14.00")], 400, 1400),
        ([("OPBD", "4.00"), ("PRCD", "5.00"), ("CLBD", "3.00", "DBIT")], 400, -300),
        ([("OPBD", "4.00"), ("OPBD", "9.00"), ("CLAV", "7.00")], 400, None),
        ([("OPBD", "4.00"), ("ITBD", "14.00")], 400, 1400),
        ([("ITBD", "4.00"), ("CLBD", "14.00")], 400, 1400),
        ([("ITBD", "4.00", "DBIT"), ("ITBD", "5.00"), ("ITBD", "6.00")], -400, 600),
        ([("ITBD", "4.00")], None, None),
        ([("OPBD", "4.00"), ("CLBD", "9.00", "CRDT", "USD")], 400, None),
    ],
)
def test_opening_and_closing_balance(
    one: One, balances: list[tuple[str, ...]], opening: int | None, closing: int | None
) -> None:
    statement = one(ACCOUNT + "".join(balance(*b) for b in balances))
    assert (statement.opening_minor, statement.closing_minor) == (opening, closing)


@pytest.mark.parametrize(
    ("head", "first", "last"),
    [
        ("", (3, 2), (3, 5)),
        (balance("OPBD", "1", day="2026-02-28") + balance("CLBD", "1", day="2026-03-07"), (2, 28), (3, 7)),
        (balance("PRCD", "1", day="2026-02-28") + balance("CLAV", "1", day="2026-03-07"), (3, 2), (3, 5)),
        ("<FrToDt><FrDt>2026-02-01</FrDt><ToDt>2026-02-28</ToDt></FrToDt>", (2, 1), (2, 28)),
        ("<FrToDt><FrDtTm>2026-02-01T00:00:00</FrDtTm><ToDtTm>2026-02-28T23:59:59+01:00</ToDtTm><X>1</X></FrToDt>"
         + balance("OPBD", "1", day="2026-01-31") + balance("CLBD", "1", day="2026-03-07"), (2, 1), (2, 28)),
    ],
)  # fmt: skip
def test_from_which_day_to_which(
    one: One, camt_entry: Make, head: str, first: tuple[int, int], last: tuple[int, int]
) -> None:
    """What the file says; else its balances' days; else those of its entries."""
    statement = one(head, camt_entry(), camt_entry().replace("2026-03-02", "2026-03-05"))
    assert (statement.from_date, statement.to_date) == (date(2026, *first), date(2026, *last))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("<Sts>BOOK</Sts>", None), ("", None), ("<Sts></Sts>", None), ("<Sts><Prtry>BOOK</Prtry></Sts>", None),
        ("<Sts>INFO</Sts>", "INFO"), ("<Sts><Cd>PDNG</Cd></Sts>", "PDNG"), ("<Sts><Prtry>FUTR</Prtry></Sts>", "FUTR"),
        ("<Sts>of a person</Sts>", "unknown"),
    ],
)  # fmt: skip
def test_what_is_not_booked_is_counted(one: One, camt_entry: Make, status: str, said: str | None) -> None:
    entry = camt_entry().replace("<Sts><Cd>BOOK</Cd></Sts>", status)
    statement = one("", camt_entry(), entry, entry)
    assert len(statement.lines) == (3 if said is None else 1)
    details = [f"2 entries with status {said} are not booked and were left out."]
    assert [(w.code, w.detail) for w in statement.warnings] == [(ENTRY_IGNORED, d) for d in details if said]


def test_a_report_has_no_balances_of_a_day(read: Read, camt: Make, camt_entry: Make) -> None:
    content = camt(camt_entry(), closing="110.00").replace("BkToCstmrStmt", "BkToCstmrAcctRpt").replace("Stmt>", "Rpt>")
    [report] = read(content)
    said = f"The file is no statement but a report or notification of some entries. {EITHER}"
    assert [(w.code, w.detail) for w in report.warnings] == [(NOT_FINAL, said)]
    assert (report.opening_minor, report.closing_minor, report.currency_code) == (None, None, "EUR")


def test_comments_and_instructions_are_no_elements(read: Read, camt: Make, camt_entry: Make) -> None:
    entry = camt_entry(
        details="<NtryDtls><!-- x --><TxDtls><!-- x --><?x y?><Refs><TxId>T</TxId></Refs></TxDtls></NtryDtls>"
    )
    assert read(camt("<!-- x -->", entry, "<?x y?>"))[0].lines[0].reference == "T"


BROKEN = "line {}, column {}: the XML is cut off, not well-formed, or not in the encoding it declares."
NONE = "the XML holds no statement (CAMT.053), no report (CAMT.052) and no notification (CAMT.054)."
DTD = "the file declares a document type (DTD); bank statements do not, and it is not read."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<Stmt>", "", BROKEN.format(6, 8)),
        ("<Stmt>", "<X>", BROKEN.format(6, 8)),
        ("</Ntry>", "</Ntry>&x;", BROKEN.format(5, 43)),
        ("BkToCstmrStmt", "X", "line 2: the XML is no CAMT.053 statement (BkToCstmrStmt/Stmt)."),
        ("Stmt>", "X>", "line 3: the XML is no CAMT.053 statement: it has entries outside of a Stmt."),
        ("Ntry", "X", ""),
    ],
)
def test_a_broken_file_is_refused_at_its_place(
    read: Read, refused: Refused, camt: Make, camt_entry: Make, old: str, new: str, said: str
) -> None:
    content = camt(camt_entry()).replace(old, new)
    if said:
        assert refused(content).detail == said
    else:
        assert read(content)[0].lines == ()


def test_a_file_without_a_statement_or_with_a_document_type_is_refused(refused: Refused, camt: Make) -> None:
    assert refused("\n<Document><X/></Document>").detail == f"line 2: {NONE}"
    assert refused(camt(head="<!-- one\n -->  <!DOCTYPE x>\n")).detail == f"line 3, column 7: {DTD}"
    hidden = refused(camt(head=f"<!--{'x' * 70_000}-->\n<!DOCTYPE Document [<!ELEMENT x ANY>]>\n"))
    assert hidden.detail == f"line 1: {DTD}"


def test_beyond_the_lines_that_the_parser_counts_no_place_is_named(
    refused: Refused, camt: Make, camt_entry: Make
) -> None:
    wrong = refused(camt("\n" * 70_000, camt_entry("x")))
    assert wrong.detail == "the amount is not a plain decimal number such as 1234.56 or -1234.56."
    assert "line" not in wrong.extra


def test_more_lines_than_are_taken(
    read: Read, refused: Refused, camt: Make, camt_entry: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statement_readers.camt.MAX_LINES", 2)
    assert len(read(camt(camt_entry(), camt_entry()))[0].lines) == 2
    assert refused(camt(camt_entry(), camt_entry(), camt_entry())).detail == "line 7: the file has more than 2 lines."
    details = "<NtryDtls>\n<TxDtls/>\n<TxDtls/>\n<TxDtls/></NtryDtls>"
    assert refused(camt(camt_entry(details=details))).detail == "line 8: the file has more than 2 transactions."
