"""Formats chop texts into pieces and cut references: no piece is ever glued to a stranger's invoice."""

from datetime import date

import pytest

from models.cash.matching import Credit, InvoiceBook, Match, MatchKind, OpenInvoice, Unmatched, match_credit
from models.cash.statements import StatementLine, line_external_id, line_external_id_before

DUE = date(2026, 3, 31)
EPSILON, ZETA = frozenset({"epsilon"}), frozenset({"zeta"})


def invoice(number: str, balance: int, customer: str, currency: str = "EUR") -> OpenInvoice:
    return OpenInvoice(f"invoice_of_{number}", number, customer, "le_us", currency, balance, DUE)


def paid(line: StatementLine, *invoices: OpenInvoice, payers: frozenset[str] = frozenset()) -> Match:
    credit = Credit(line.amount_minor, line.currency_code, "le_us", texts=line.all_texts, payers=payers)
    return match_credit(credit, InvoiceBook(invoices))


def ids(match: Match) -> list[str]:
    return [invoice_id.removeprefix("invoice_of_") for invoice_id, _ in match.allocations]


def mt940(entry: str) -> str:
    return f":20:REF1\n:25:111\n:28C:7/1\n:60F:C260201EUR0,00\n{entry}\n:62F:C260202EUR100,00\n-\n"


@pytest.fixture
def line(read):
    def one(content: str, name: str | None = None) -> StatementLine:
        [statement] = read(content, name)
        [only] = statement.lines
        return only

    return one


ENTRY = ":61:2602020202C100,00NTRFNONREF//B1\n"
TWO = (invoice("INV-10", 10000, "epsilon"), invoice("INV-1001", 10000, "zeta"))


@pytest.mark.parametrize("width", [61, 65])
@pytest.mark.parametrize("at", [1, 2])
def test_a_mark_that_a_full_line_divides_is_a_mark(line, width, at):
    first = "166?00" + "?20RENT OF MAY".rjust(width - at - 6, "x") + "?21"[:at]
    found = line(mt940(f"{ENTRY}:86:{first}\n{'?21'[at:]}INV-10"))
    assert found.remittance_text == "RENT OF MAY INV-10"
    assert ids(paid(found, *TWO)) == ["INV-10"]


def test_what_only_looks_like_the_beginning_of_a_mark_is_text(line):
    first = "166?00" + "?20RENT OF MAY".rjust(57, "x") + "?9"
    found = line(mt940(f"{ENTRY}:86:{first}\n9 INV-10"))
    assert found.remittance_text == "RENT OF MAY?99 INV-10"
    assert next(text.seams for text in found.texts if text.text == found.remittance_text)


@pytest.mark.parametrize(
    "information",
    [
        ":86:166?00GUTSCHRIFT?20INV-10?2101/2026 RENT?32EPSILON AG",
        ":86:166?00GUTSCHRIFT?20SVWZ+INV-10?2101/2026 RENT?32EPSILON AG",
        ":86:166?00GUTSCHRIFT?20RENT OF MAY?21INV-10?6001 2026?32EPSILON AG",
        ":86:166?00GUTSCHRIFT?60INV-10?6101/2026 RENT",
        ":86:166?00GUTSCHRIFT?20INV-10\n01/2026 RENT?32EPSILON AG",
        ":86:166?00GUTSCHRIFT?20INV-10\n?2101/2026 RENT?32EPSILON AG",
        ":86:166>00GUTSCHRIFT>20INV-10>2101/2026 RENT",
        ":86:INV-10\n01/2026 RENT",
        ":86:/NAME/EPSILON AG/REMI/INV-10\n01/2026 RENT",
        ":86:/REMI/INV-10\n/ISDT/2026-02-01",
    ],
)
def test_a_short_piece_ends_a_word(line, information):
    assert ids(paid(line(mt940(ENTRY + information)), *TWO)) == ["INV-10"]


def test_the_text_shows_the_word_end(line):
    read = line(mt940(ENTRY + ":86:166?00GUTSCHRIFT?20INV-10?2101/2026 RENT?32EPSILON?33AG"))
    assert (read.remittance_text, read.payer) == ("INV-10 01/2026 RENT", "EPSILON AG")


FULL = ":86:166?00GUTSCHRIFT?20RENT OF FEBRUARY, 12 INV-10?2101-2026?32ZETA AG"
"""?20 has 27 characters."""


def test_a_full_piece_runs_on(line):
    at = (invoice("INV-1001-2026", 10000, "zeta"), invoice("INV-99", 10000, "epsilon"))
    assert len(FULL.split("?20")[1].split("?21")[0]) == 27
    assert ids(paid(line(mt940(ENTRY + FULL)), *at)) == ["INV-1001-2026"]


def test_a_full_piece_whose_readings_name_two_invoices_is_the_whole_only_where_the_payer_is_its_customer(line):
    read = line(mt940(ENTRY + FULL.replace("-2026", " 2026")))
    assert ids(paid(read, *TWO, payers=ZETA)) == ["INV-1001"]
    left = paid(read, *TWO)
    assert (ids(left), left.reason_code, left.customer_id) == ([], Unmatched.REFERENCE_CUT, None)
    assert {item.external_id for item in left.suggestions} == {"INV-10", "INV-1001"}
    assert ids(paid(read, *TWO, payers=EPSILON)) == []


def test_a_piece_of_a_chopped_word_pays_nothing(line):
    read = line(mt940(ENTRY + FULL))
    assert paid(read, TWO[0]).reason_code is Unmatched.REFERENCE_CUT


def test_a_line_of_full_width_runs_on(line):
    text = "RENT ".ljust(56, "X") + " INV-2026"
    assert len(text) == 65
    read = line(mt940(f"{ENTRY}:86:{text}\n-0112 THANKS"))
    assert "INV-2026-0112" in read.remittance_text
    assert ids(paid(read, invoice("INV-2026-0112", 10000, "zeta"))) == ["INV-2026-0112"]
    assert paid(read, invoice("INV-2026", 10000, "epsilon")).kind is MatchKind.NONE


def test_keywords_end_a_full_piece(line):
    read = line(mt940(ENTRY + ":86:166?00X?20SVWZ+FEBRUARY 2026 INV-1001?21EREF+2026?32ZETA AG"))
    assert ids(paid(read, *TWO)) == ["INV-1001"]


# References cut at a limit.


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (":61:2602020202C50,00NTRFINVOICE-2026-0112//B3", ["INVOICE-2026-0112"]),
        (":61:2602020202C50,00NTRFINVOICE-2026-0112", ["INVOICE-2026-0112"]),
        (":61:2602020202C50,00NTRFINVOICE-2026-011//B3", []),
        (":61:2602020202C50,00NTRFINVOICE-2026-011//B3\n2", []),
        (":61:2602020202C50,00NTRFINVOICE-2026-011//B3\n:86:INVOICE-2026-0112", ["INVOICE-2026-0112"]),
        (":61:2602020202C50,00NTRFNONREF//B3\nPAYMENT OF MAY RENT INVOICE-2026-0112", ["INVOICE-2026-0112"]),
        (":61:2602020202C50,00NTRFNONREF//B3\nPAYMENT OF RENTS, INVOICE-2026-011", []),
    ],
)
def test_a_reference_that_fills_its_field_pays_nothing_by_itself(line, entry, expected):
    at = (invoice("INVOICE-2026-011", 5000, "epsilon"), invoice("INVOICE-2026-0112", 5000, "zeta"))
    assert ids(paid(line(mt940(entry)), *at)) == expected


def test_a_cut_reference_is_left_with_its_reason_and_is_suggested(line):
    read = line(mt940(":61:2602020202C50,00NTRFINVOICE-2026-011//B3"))
    left = paid(read, invoice("INVOICE-2026-011", 5000, "epsilon"))
    assert (left.reason_code, left.customer_id) == (Unmatched.REFERENCE_CUT, None)
    assert [item.external_id for item in left.suggestions] == ["INVOICE-2026-011"]


def test_the_supplementary_line_is_kept_and_matched(line):
    read = line(mt940(":61:2602020202C30,00NTRFNONREF//B4\nINV-30"))
    assert ("INV-30" in read.remittance_text, read.bank_ref) == (True, "B4")
    assert ids(paid(read, invoice("INV-30", 3000, "epsilon"))) == ["INV-30"]


def ofx(fields: str) -> str:
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:UTF-8\nCHARSET:NONE\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>"
        "<CURDEF>EUR<BANKACCTFROM><ACCTID>111</BANKACCTFROM><BANKTRANLIST><STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260202"
        f"<TRNAMT>50.00<FITID>F1\n{fields}\n</STMTTRN></BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("<NAME>ACH INV-80", ["INV-80"]),
        ("<NAME>ACH INV-80\n<MEMO>THANKS", ["INV-80"]),
        ("<NAME>ACH CREDIT OF GAMMA CORP, INV-80", []),
        ("<NAME>ACH CREDIT OF GAMMA CORP, INV-80\n<MEMO>ACH CREDIT OF GAMMA CORP, INV-801", ["INV-801"]),
        ("<NAME>GAMMA\n<REFNUM>RENT OF FEBRUARY AND MAY, INV-80", []),
        ("<NAME>GAMMA\n<CHECKNUM>RENT 2INV-80", []),
        (f"<NAME>GAMMA\n<MEMO>{'X' * 248} INV-80", []),
    ],
)
def test_ofx_names_are_looked_at_and_full_fields_are_not_believed(line, fields, expected):
    at = (invoice("INV-80", 5000, "epsilon"), invoice("INV-801", 5000, "zeta"))
    assert ids(paid(line(ofx(fields)), *at)) == expected


def bai2(*records: str, width: str = "") -> str:
    rows = [f"01,S,R,260202,0000,1,{width},,2/", "02,R,S,1,260202,0000,EUR,2/", "03,111,EUR,,,,/", *records]
    rows.append(f"49,5000,{len(records) + 2}/")
    rows.append(f"98,5000,1,{len(records) + 4}/")
    rows.append(f"99,5000,1,{len(records) + 6}/")
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (("16,165,5000,Z,B1,,INV-10", "88,01/2026 RENT/"), ["INV-10"]),
        (("16,165,5000,Z,B1,,INV-10/", "88,01/2026 RENT/"), ["INV-10"]),
        (("16,165,5000,Z,B1,," + "X" * 55 + " INV-10", "88,01 RENT/"), []),
        (("16,165,5000,Z,B1,INVOICE-2026-011,RENT/",), []),
        (("16,165,5000,Z,B1,INVOICE-2026-0112,RENT/",), ["INVOICE-2026-0112"]),
    ],
)
def test_bai2_texts_go_on_in_continuations_and_full_references_are_not_believed(line, records, expected):
    at = [
        invoice(number, 5000, customer)
        for number, customer in (
            ("INV-10", "epsilon"), ("INV-1001", "zeta"), ("INVOICE-2026-011", "epsilon"), ("INVOICE-2026-0112", "zeta"),
        )
    ]  # fmt: skip
    assert ids(paid(line(bai2(*records)), *at)) == expected


@pytest.mark.parametrize("width", ["8", "0", ""])
def test_a_record_is_no_full_one_where_the_header_says_less_than_the_records_hold(line, width):
    read = line(bai2("16,165,5000,Z,B1,,INV-10", "88,01/2026 RENT/", width=width))
    at = [invoice("INV-10", 5000, "epsilon"), invoice("INV-1001", 5000, "zeta")]
    assert ids(paid(read, *at)) == ["INV-10"]


def test_a_bai2_word_that_a_full_record_divides_is_one(line):
    read = line(bai2("16,165,5000,Z,B1,," + "X" * 55 + " INV-10", "88,01 RENT/", width="80"))
    assert ids(paid(read, invoice("INV-1001", 5000, "zeta"))) == ["INV-1001"]


@pytest.mark.parametrize(
    ("remittance", "expected"),
    [
        ("<Ustrd>INV-10</Ustrd><Ustrd>01/2026 RENT</Ustrd>", ["INV-10"]),
        (f"<Ustrd>{'X' * 133} INV-10</Ustrd>", []),
        (f"<Ustrd>{'X' * 133} INV-10</Ustrd><Ustrd>01 RENT</Ustrd>", []),
        (f"<Ustrd>{'X' * 28} INV-10</Ustrd><Ustrd>01 RENT</Ustrd>", []),
        (f"<Strd><RfrdDocInf><Nb>{'0' * 28}-INV-10</Nb></RfrdDocInf></Strd>", []),
        (f"<Strd><AddtlRmtInf>{'X' * 133} INV-10</AddtlRmtInf></Strd>", []),
        ("<Strd><RfrdDocInf><Nb>INV-10 01</Nb></RfrdDocInf></Strd>", ["INV-10"]),
    ],
)
def test_camt_texts_and_their_limits(line, camt, camt_entry, remittance, expected):
    details = f"<NtryDtls><TxDtls><RmtInf>{remittance}</RmtInf></TxDtls></NtryDtls>"
    assert ids(paid(line(camt(camt_entry("100.00", details=details))), *TWO)) == expected


@pytest.mark.parametrize("length", [34, 35])
def test_an_end_to_end_id_that_fills_its_field_pays_nothing_by_itself(line, camt, camt_entry, length):
    number = "INV-" + "7" * (length - 4)
    details = f"<NtryDtls><TxDtls><Refs><EndToEndId>{number}</EndToEndId></Refs></TxDtls></NtryDtls>"
    read = line(camt(camt_entry("100.00", details=details)))
    assert ids(paid(read, invoice(number, 10000, "epsilon"))) == ([number] if length < 35 else [])


def test_a_field_that_is_shortened_here_is_not_believed_at_its_end(line):
    reference = "X" * 493 + " INV-1001"
    read = line(f"date,amount,currency,payer,reference\n2026-02-02,100.00,EUR,,{reference}\n")
    assert paid(read, *TWO).kind is MatchKind.NONE


def test_a_line_that_is_read_better_now_is_still_known_by_what_was_read_of_it_before(read):
    entry = ENTRY + ":86:166?00GUTSCHRIFT?20INV-10?2101/2026 RENT?32EPSILON AG"
    [statement] = read(mt940(entry))
    [now] = statement.lines
    before = StatementLine(
        1, now.booking_date, now.value_date, 10000, "EUR", "EPSILON AG", None, "INV-1001/2026 RENT", bank_ref="B1"
    )
    assert line_external_id_before("bank_us", now) == line_external_id("bank_us", before)
    assert line_external_id("bank_us", now) != line_external_id("bank_us", before)
