"""Everything that a line says, reader by reader: each text with its place and what the search may do with it."""

from dataclasses import replace
from datetime import date

from models.cash.bank_texts import BankText, Role
from models.cash.statements import ENTRY_IGNORED, ReadBefore, StatementLine
from tests.unit.statements.conftest import Read
from tests.unit.statements.test_ofx_and_bai2_statements import BAI2, OFX

SHOWN, TEXT, OWN = Role.SHOWN, Role.TEXT, Role.OWN_REFERENCE


def texts(line: StatementLine, *, shown: bool = True) -> list[tuple[str, str, Role]]:
    return [(t.field, t.text, t.role) for t in line.texts if shown or t.role is not SHOWN]


def test_a_bai2_transaction(read: Read) -> None:
    [line, other] = read(BAI2)[0].lines
    assert line == StatementLine(
        line=1, booking_date=date(2026, 3, 2), value_date=date(2026, 3, 2), amount_minor=1234, currency_code="USD",
        reference="CUSTREF1", remittance_text="ACME INC INV-7 INV-8", bank_ref="BANKREF1",
    )  # fmt: skip
    assert line.read_before is None
    assert texts(line) == [
        ("16 customer reference", "CUSTREF1", OWN), ("16 text", "ACME INC INV-7 INV-8", TEXT),
        ("16 bank reference", "BANKREF1", SHOWN), ("16 type code", "165", SHOWN),
    ]  # fmt: skip
    assert texts(other) == [
        ("16 text", "CHECK", TEXT), ("16 bank reference", "BANKREF2", SHOWN), ("16 type code", "475", SHOWN),
    ]  # fmt: skip
    returned = BAI2.replace("16,165,1234,Z,BANKREF1", "16,555,1234,V,260305,1200,0").replace("INV-8", "a, b")
    assert read(returned)[0].lines[0] == replace(
        line, value_date=date(2026, 3, 5), amount_minor=-1234, bank_ref=None, reversal=True,
        remittance_text="ACME INC INV-7 a, b",
    )  # fmt: skip
    [bare] = read(BAI2.replace("BANKREF1,CUSTREF1,ACME INC\n88,INV-7 INV-8", "0,0,/\n88,"))[0].lines[:1]
    assert (bare.bank_ref, bare.reference, bare.remittance_text, texts(bare)) == (
        None, None, None, [("16 type code", "165", SHOWN)],
    )  # fmt: skip


def test_a_bai2_text_that_a_full_record_divides(read: Read) -> None:
    """Earlier builds read a word's end there: by that they are known again. Full is what the header says."""
    first = "16,165,1234,Z,BANKREF1,CUSTREF1,".ljust(57, "x") + " IN"
    file = BAI2.replace("16,165,1234,Z,BANKREF1,CUSTREF1,ACME INC\n88,INV-7", f"{first}\n88,V-7")
    line = read(file.replace(",80,1,2/", f",{len(first)},1,2/"))[0].lines[0]
    assert line.remittance_text == "x" * 25 + " INV-7 INV-8"
    assert line.read_before == ReadBefore(None, "CUSTREF1", "x" * 25 + " IN V-7 INV-8", "BANKREF1")
    assert BankText("16 text", line.remittance_text, TEXT, seams=(28,)) in line.texts
    assert read(file)[0].lines[0].remittance_text == "x" * 25 + " IN V-7 INV-8"
    divided = read(BAI2.replace("CUSTREF1,ACME INC\n88,", "CUST\n88,REF1,"))[0].lines[0]
    assert (divided.reference, divided.remittance_text) == ("CUSTREF1", "INV-7 INV-8")
    assert divided.read_before == ReadBefore(None, "CUST REF1", "INV-7 INV-8", "BANKREF1")


def test_a_bai2_file_of_another_day_and_currency(read: Read) -> None:
    """The currency of the account, else of its group; what moves no money is counted."""
    [statement] = read(BAI2.replace("2400,USD", "2400,EUR").replace("0123456789,USD", "0123456789,"))
    assert statement.currency_code == "EUR"
    [statement] = read(BAI2.replace("2400,USD", "2400,EUR").replace("16,475,200", "16,890,"))
    assert (statement.currency_code, statement.statement_ref) == ("USD", None)
    assert (statement.from_date, statement.to_date) == (date(2026, 3, 2), date(2026, 3, 2))
    detail = "1 records move no money (type 890 and the like) and were left out."
    assert [w.detail for w in statement.warnings if w.code == ENTRY_IGNORED] == [detail]


def test_an_ofx_transaction(read: Read) -> None:
    said = (
        "<DTPOSTED>20260302<DTUSER>20260301<DTAVAIL>20260304<TRNAMT>12.34<FITID>F1<CHECKNUM>77<REFNUM>R9<NAME>ACME"
        "<BANKACCTTO><ACCTID>999</BANKACCTTO><MEMO>INV-7<SIC>5"
    )
    file = OFX.replace("<DTPOSTED>20260302120000[-5:EST]<TRNAMT>12.34<FITID>F1<NAME>ACME &amp; SONS<MEMO>INV-7", said)
    [line, _] = read(file)[0].lines
    assert line == StatementLine(
        line=1, booking_date=date(2026, 3, 2), value_date=date(2026, 3, 4), amount_minor=1234, currency_code="USD",
        payer="ACME", reference="R9", remittance_text="INV-7", bank_ref="F1",
    )  # fmt: skip
    assert texts(line) == [
        ("MEMO", "INV-7", TEXT), ("REFNUM", "R9", OWN), ("CHECKNUM", "77", OWN), ("NAME", "ACME", Role.NAME),
        ("TRNTYPE", "CREDIT", SHOWN), ("DTPOSTED", "20260302", SHOWN), ("DTUSER", "20260301", SHOWN),
        ("DTAVAIL", "20260304", SHOWN), ("FITID", "F1", SHOWN), ("SIC", "5", SHOWN), ("ACCTID", "999", SHOWN),
    ]  # fmt: skip
    [check, _] = read(file.replace("<REFNUM>R9", "").replace("CHECKNUM", "CHKNUM"))[0].lines
    assert check.reference == "77"
    assert texts(check, shown=False)[1:] == [("CHECKNUM", "77", OWN), ("NAME", "ACME", Role.NAME)]
    assert not {"REFNUM", "CHKNUM", "TRNAMT"} & {t.field for t in check.texts}
    assert BankText("SIC", "5") in check.texts
    [long, _] = read(file.replace("<CHECKNUM>77<REFNUM>R9", f"<CHECKNUM>{'7' * 12}<REFNUM>{'9' * 32}"))[0].lines
    assert {BankText("CHECKNUM", "7" * 12, OWN, cut=True), BankText("REFNUM", "9" * 32, OWN, cut=True)} <= set(
        long.texts
    )
