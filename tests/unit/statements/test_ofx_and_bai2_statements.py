"""OFX and BAI2: several statements of a file stay apart, and what cannot be read is refused, not left out."""

from datetime import date

import pytest

from models.cash.statements import BALANCE_DIFFERENCE, CONTROL_TOTAL_DIFFERENCE, ENTRY_IGNORED
from statement_readers.bai2_continued import with_whole_accounts

OFX_HEAD = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:UTF-8\nCHARSET:NONE\n\n"
OFX_ONE = """<STMTTRNRS><STMTRS><CURDEF>USD<BANKACCTFROM><BANKID>1<ACCTID>{account}<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260301<DTEND>20260331
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260302120000[-5:EST]<TRNAMT>12.34<FITID>F1<NAME>ACME &amp; SONS<MEMO>INV-7</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260303<TRNAMT>-2.00<FITID>F2<NAME>BANK<MEMO>FEE</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>110.34<DTASOF>20260331</LEDGERBAL></STMTRS></STMTTRNRS>"""
OFX = OFX_HEAD + "<OFX><BANKMSGSRSV1>\n" + OFX_ONE.format(account="111") + "\n</BANKMSGSRSV1></OFX>\n"

BAI2 = """01,BANK,ARFLOW,260302,1200,1,80,1,2/
02,ARFLOW,BANK,1,260302,2400,USD,2/
03,0123456789,USD,010,10000,,,015,11034,,/
16,165,1234,Z,BANKREF1,CUSTREF1,ACME INC
88,INV-7 INV-8
16,475,200,Z,BANKREF2,0,CHECK/
49,22468,5/
98,22468,1,7/
99,22468,1,9/
"""


def test_ofx_is_read(read):
    [statement] = read(OFX, "march.ofx")
    assert (statement.account_ref, statement.currency_code, statement.opening_minor, statement.closing_minor) == (
        "111",
        "USD",
        None,
        11034,
    )
    assert (statement.from_date, statement.to_date) == (date(2026, 3, 1), date(2026, 3, 31))
    credit, debit = statement.lines
    assert (credit.amount_minor, credit.payer, credit.remittance_text, credit.bank_ref) == (
        1234,
        "ACME & SONS",
        "INV-7",
        "F1",
    )
    assert credit.booking_date == date(2026, 3, 2)
    assert debit.amount_minor == -200


def test_ofx_statements_of_one_file_stay_apart(read):
    both = OFX.replace("</BANKMSGSRSV1>", OFX_ONE.format(account="222") + "</BANKMSGSRSV1>")
    first, second = read(both)
    assert (first.account_ref, second.account_ref) == ("111", "222")
    assert [line.line for line in second.lines] == [3, 4]


def test_an_ofx_statement_without_transactions_has_its_balance(read, refused):
    quiet = OFX[: OFX.index("<STMTTRN>")] + OFX[OFX.index("</BANKTRANLIST>") :]
    [statement] = read(quiet)
    assert (statement.lines, statement.closing_minor, statement.currency_code) == ((), 11034, "USD")
    stray = quiet.replace("20260331\n", "20260331\n<TRNAMT>1.00\n")
    assert refused(stray).detail == "line 10: a transaction has no beginning (STMTTRN)."


def test_comments_in_an_ofx_file_are_no_text(read):
    several = "<MEMO>INV-7 <!-- one --><!-- two --><![CDATA[a]]><![CDATA[b]]>"
    assert read(OFX.replace("<MEMO>INV-7", several))[0].lines[0].remittance_text == "INV-7 ab"


def test_ofx_in_xml_is_read(read):
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="211"?>\n<OFX><STMTRS><CURDEF>USD</CURDEF>'
        "<BANKTRANLIST><STMTTRN><DTPOSTED>20260302</DTPOSTED><TRNAMT>1.00</TRNAMT></STMTTRN></BANKTRANLIST>"
        "</STMTRS></OFX>"
    )
    [statement] = read(xml, "march.xml")
    assert statement.lines[0].amount_minor == 100


TWO_WAYS = "line 8: an amount or a date in the statement can be read in two ways, or not at all."
OPEN = "line 8: a comment or section in the statement does not end."
DTD = "line 1: the file declares a document type (DTD); it is not read."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("</OFX>\n", "", "line 13: the file is cut off: it does not end with </OFX>."),
        ("<TRNAMT>12.34", "<TRNAMT>12.345", "line 8: the amount has more than 2 decimals for USD."),
        ("<BALAMT>110.34", "<BALAMT>110.345", "line 8: the amount has more than 2 decimals for USD."),
        ("<TRNAMT>12.34", "<TRNAMT>2,000", TWO_WAYS),
        ("<DTPOSTED>20260303", "<DTPOSTED>20261303", TWO_WAYS),
        ("<TRNAMT>12.34", "<TRNAMT>NaN", "line 10: the transaction has no readable amount (TRNAMT)."),
        ("<TRNAMT>12.34", "", "line 10: the transaction has no readable amount (TRNAMT)."),
        ("<TRNAMT>-2.00", "<TRNAMT>99999999999999999999", "line 8: the amount is too large."),
        ("<DTPOSTED>20260303", "", "line 11: the transaction has no readable date (DTPOSTED)."),
        ("</STMTTRN>\n<STMTTRN>", "\n\n", "line 10: two transactions stand in one."),
        ("<TRNAMT>-2.00", "<TRNAMT>-2.00<TRNAMT>", "line 11: two transactions stand in one."),
        ("20260331\n<STMTTRN>", "20260331\n\n", "line 11: a transaction has no beginning (STMTTRN)."),
        ("<CURDEF>USD", "<CURDEF></CURDEF>", "line 8: the statement names no currency (CURDEF)."),
        ("<CURDEF>USD", "<CURDEF>XAU", "line 8: the currency is not an ISO 4217 code in use."),
        ("<CURDEF>USD", "<CURDEF>EURO", "line 8: the statement's currency (CURDEF) or another of its values is none."),
        ("<STMTRS>", "<INVSTMTRS>", "line 1: no bank statement (STMTRS) in the file."),
        ("<MEMO>INV-7", "<MEMO><!-- never", OPEN),
        ("<MEMO>INV-7", "<MEMO><!-- one --> <!-- never", OPEN),
        ("<MEMO>INV-7", "<MEMO><![CDATA[one]]> <![CDATA[never", OPEN),
        ("<OFX>", '<!DOCTYPE OFX [<!ENTITY a "b">]><OFX>', DTD),
        ("<OFX>", '<!entity a "b"><OFX>', DTD),
    ],
)
def test_a_broken_ofx_file_is_refused(refused, old, new, said):
    assert refused(OFX.replace(old, new)).detail == said


def test_ofx_markup_that_never_ends_is_refused_at_once(refused):
    refused(OFX.replace("<MEMO>INV-7", "<!--" * 300_000))
    refused(OFX.replace("<MEMO>INV-7", "<![CDATA[" * 300_000))


def test_bai2_is_read(read):
    [statement] = read(BAI2, "march.bai2")
    assert (statement.account_ref, statement.currency_code) == ("0123456789", "USD")
    assert (statement.opening_minor, statement.closing_minor, statement.warnings) == (10000, 11034, ())
    credit, debit = statement.lines
    assert (credit.amount_minor, credit.reference, credit.bank_ref) == (1234, "CUSTREF1", "BANKREF1")
    assert credit.remittance_text == "ACME INC INV-7 INV-8"
    assert (debit.amount_minor, debit.reference) == (-200, None)
    assert credit.booking_date == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("credit", "debit"), [("930", "970"), ("920", "960"), ("959", "999"), ("103", "404"), ("396", "680")]
)
def test_a_type_code_of_the_banks_own_counts_by_its_range(read, credit, debit):
    own = BAI2.replace("16,165", f"16,{credit}").replace("16,475", f"16,{debit}")
    assert [line.amount_minor for line in read(own)[0].lines] == [1234, -200]


def test_bai2_records_without_money_are_left_out_with_a_warning(read):
    text = BAI2.replace("16,475,200", "16,890,").replace("22468", "22268")
    [statement] = read(text)
    assert [warning.code for warning in statement.warnings] == [ENTRY_IGNORED, BALANCE_DIFFERENCE]


def test_bai2_control_totals_that_do_not_add_up_are_a_warning(read):
    [statement] = read(BAI2.replace("49,22468", "49,22469"))
    said = "The amounts do not add up to the control totals in the trailers."
    assert [(warning.code, warning.detail) for warning in statement.warnings] == [(CONTROL_TOTAL_DIFFERENCE, said)]


NO_DETAIL = "line 4, column 4: the transaction has no readable type code or amount."
TOO_LARGE = "an amount is too large."
ODD = "a number is not written in plain digits."
NO_CURRENCY = "the currency is not an ISO 4217 code in use."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("99,22468,1,9/\n", "", "line 9: the file is cut off: it does not end with a file trailer (99)."),
        ("98,22468,1,7/\n", "", "line 1: the records do not follow BAI2."),
        ("16,475,200,Z,BANKREF2,0,CHECK/\n", "",
         "line 8: the record counts of the trailers do not fit: the file is cut off or was altered."),
        ("16,165,1234", "16,165,12.34", NO_DETAIL),
        ("16,165,1234", "16,165,1_234", f"line 4, column 8: {ODD}"),
        ("010,10000", f"010,{'9' * 5000}", f"line 3, column 23: {TOO_LARGE}"),
        ("010,10000", f"010,{'9' * 19}-", f"line 3, column 23: {TOO_LARGE}"),
        ("010,10000", "010,10000-", "line 1: the records do not follow BAI2."),
        ("16,165,1234", "16,abc,1234", NO_DETAIL),
        ("16,165,1234", "16,801,1234", "line 4, column 4: the transaction's type code says neither credit nor debit."),
        ("16,165,1234", "16,165,99999999999999999999", f"line 4, column 8: {TOO_LARGE}"),
        ("16,165,1234", f"16,165,{2**63}", f"line 4, column 8: {TOO_LARGE}"),
        ("010,10000", "010,-99999999999999999999", f"line 3, column 23: {TOO_LARGE}"),
        ("49,22468", "49,99999999999999999999", f"line 7, column 4: {TOO_LARGE}"),
        ("98,22468", "98,99999999999999999999", f"line 8, column 4: {TOO_LARGE}"),
        ("99,22468", "99,99999999999999999999", f"line 9, column 4: {TOO_LARGE}"),
        ("010,10000", "010,1_0000", f"line 3, column 23: {ODD}"),
        ("49,22468", "49,2_2468", f"line 7, column 4: {ODD}"),
        ("98,22468", "98,2²468", f"line 8, column 5: {ODD}"),
        ("99,22468", "99,2_2468", f"line 9, column 4: {ODD}"),
        ("03,0123456789,USD", "03,0123456789,XAU", f"line 3, column 15: {NO_CURRENCY}"),
        ("2400,USD", "2400,XAU", f"line 2, column 30: {NO_CURRENCY}"),
        ("02,ARFLOW,BANK,1,260302", "02,ARFLOW,BANK,1,2603", "line 2, column 18: the group has no date."),
        ("02,ARFLOW,BANK,1,260302,2400,USD,2/", "02,ARFLOW,BANK,1/", "line 2, column 18: the group has no date."),
        ("02,ARFLOW,BANK,1,260302", "02,ARFLOW,BANK,1,261302", "line 2, column 18: the group has no date."),
        ("1234,Z", "1234,V,261302,", "line 1: the records do not follow BAI2."),
        (",80,1,2/", ",80,1,3/", "line 1: the records do not follow BAI2."),
        ("88,INV-7", "77,INV-7", "line 5, column 1: no BAI2 record (01, 02, 03, 16, 49, 88, 98, 99)."),
    ],
)  # fmt: skip
def test_a_broken_bai2_file_is_refused(refused, old, new, said):
    assert refused(BAI2.replace(old, new), "march.bai2").detail == said


def test_a_bai2_currency_in_a_continuation_must_be_one_too(refused):
    account = ACCOUNT.format(account="03,111/\n88,XAU,015,3000,,/")
    assert "currency" in refused(account + "49,5000,4/\n98,5000,1,6/\n99,5000,1,8/\n").detail


def test_a_long_bai2_account_is_no_amount(read):
    """A CBU of Argentina has 22 digits, an account of its bank's own an underscore."""
    for account in ("2850590940090418135201", "OPS_1_2", "99999999999999999999"):
        assert read(BAI2.replace("0123456789", account))[0].account_ref == account


def test_what_is_no_bai2_behind_a_wrong_total_is_refused_too(refused, bank_files):
    """The package stops at the first total that is wrong; a damaged account behind it was a bare IndexError."""
    rows = (bank_files / "moov-sample2.bai2").read_text().split("\n")
    one, other = rows.index("16,195,10000000,1,,,/"), rows.index("88,4,/")
    rows[one], rows[other] = rows[other], rows[one]
    assert refused("\n".join(rows)).extra["line"]


def test_every_cut_of_a_bai2_file_is_refused(refused):
    for end in range(20, len(BAI2) - 6, 3):
        refused(BAI2[:end], "march.bai2")


ACCOUNT = "01,S,R,260202,0000,1,,,2/\n02,R,S,1,260202,0000,USD,2/\n{account}\n16,165,2000,Z,B1,,INV-10/\n"


@pytest.mark.parametrize(
    "account",
    [
        "03,111,USD,010,1000,,,015,3000,,,045/\n88,3000,,,100,2000,1,/",
        "03,111,USD,010,1000,,,015,3000,,,045,3000/\n88,,,100,2000,1,/",
        "03,111,USD,010,1000,,,015,3000,,/\n88,045,3000,,,100,2000,1,/",
        "03,111,USD,010,1000,,,015,3000,,,/\n88,045,3000,,,100,2000,1,/",
        "03,111,USD,010,1000,,,015,3000,,,100,2000,1,S,500,500,1000,045/\n88,3000,,/",
        "03,111,USD,010,1000,,,015,3000,,,100,2000,1,V,260203,0000/\n88,045,3000,,/",
        "03,111,USD,010,1000,,,015,3000,,,100,2000,1,D,2,0,1500/\n88,1,500,045/\n88,3000,,/",
        "03,111,USD,010/\n88,1000/\n88,,/\n88,015,3000,,,045,3000,,,100,2000,1,/",
    ],
)
def test_an_account_is_read_however_its_summaries_are_continued(read, account):
    records = account.count("\n") + 1
    total = 2000 + 1000 + 3000 + 3000 + 2000
    end = f"49,{total},{records + 2}/\n98,{total},1,{records + 4}/\n99,{total},1,{records + 6}/\n"
    [statement] = read(ACCOUNT.format(account=account) + end)
    assert (statement.account_ref, statement.opening_minor, statement.closing_minor) == ("111", 1000, 3000)
    assert [line.amount_minor for line in statement.lines] == [2000]
    assert statement.warnings == ()


@pytest.mark.parametrize(
    ("rows", "whole"),
    [
        (["100,2000,1,S,5,6,7,/", "015,30", "00,,,045,1,,/"], "100,2000,1,S,5,6,7,015,3000,,,045,1,,"),
        (["100,2000,1,,015,3000,1,S,5,6,7,/", "045,1,,/"], "100,2000,1,,015,3000,1,S,5,6,7,045,1,,"),
        (["100,2000,1,S,5,6,/", "045,1,,/"], "100,2000,1,S,5,6,,045,1,,"),
        (["100,2000,1,s,5,6,7,8,/", "1,,/"], "100,2000,1,s,5,6,7,8,,1,"),
        (["100,2000,1,V,260203,0000,/", "045,1,,/"], "100,2000,1,V,260203,0000,045,1,,"),
        (["100,2000,1,V,260203,/", "045,1,,/"], "100,2000,1,V,260203,,045,1,,"),
        (["100,2000,1,,010,5,1,V,260203,0000,/", "045,1,,/"], "100,2000,1,,010,5,1,V,260203,0000,045,1,,"),
        (["100,2000,1,D,2,0,15,1,5,/", "045,1,,/"], "100,2000,1,D,2,0,15,1,5,045,1,,"),
        (["100,2000,1,D,2,0,15,1,/", "5,045,1,,/"], "100,2000,1,D,2,0,15,1,,5,045,1,"),
        (["100,2000,1,,010,5,1,D,1,0,15,/", "045,1,,/"], "100,2000,1,,010,5,1,D,1,0,15,045,1,,"),
        (["100,2000,1,D,/", "2,0/"], "100,2000,1,D,,2,0"),
        (["100,2000,1,D,x,/", "045/"], "100,2000,1,D,x,,045"),
        (["100,2000,1,/", "045/"], "100,2000,1,,045"),
    ],
)
def test_a_comma_behind_a_whole_summary_of_bai2_is_no_field(rows, whole):
    """But it is one inside a summary: what is available later or at once may be empty."""
    first, *others = rows
    kept = with_whole_accounts([f"03,1,USD,{first}", *(f"88,{row}" for row in others), "49,1,2/"])
    assert kept == [f"03,1,USD,{whole}", *["88,"] * len(others), "49,1,2/"]


@pytest.mark.parametrize("available", ["500,500,1000", ",500,1500", "2000,,", ",,"])
def test_a_part_that_is_not_available_may_be_left_out(read, available):
    account = ACCOUNT.format(account="03,111,USD,015,3000,,/").replace(",2000,Z,", f",2000,S,{available},")
    [statement] = read(account + "49,5000,3/\n98,5000,1,5/\n99,5000,1,7/\n")
    assert [(line.amount_minor, line.remittance_text) for line in statement.lines] == [(2000, "INV-10")]
