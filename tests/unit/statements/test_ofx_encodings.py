"""What an OFX header says of its encoding, and what the file is: read as it is, with a warning where they differ."""

import pytest

from tests.unit.statements.conftest import Read

BODY = (
    "\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKTRANLIST><STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260203"
    "<TRNAMT>10.00<FITID>F1<NAME>MÜLLER & SÖHNE €\n</STMTTRN></BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
)


def head(encoding: str, charset: str) -> str:
    return f"OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:{encoding}\nCHARSET:{charset}"


FILES = {
    "cp1252 as declared": (head("USASCII", "1252"), "cp1252", []),
    "UTF-8 behind a header of 1252": (head("USASCII", "1252"), "utf-8", ["STATEMENT_ENCODING_GUESSED"]),
    "UTF-8 as declared": (head("UTF-8", "NONE"), "utf-8", []),
    "cp1252 behind a header of UTF-8": (head("UTF-8", "NONE"), "cp1252", ["STATEMENT_ENCODING_GUESSED"]),
    "UTF-8 behind a header that says nothing": (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102", "utf-8", ["STATEMENT_ENCODING_GUESSED"],
    ),
    "UTF-8 in XML that declares 1252": (
        '<?xml version="1.0" encoding="windows-1252"?>\n<?OFX OFXHEADER="200" VERSION="211"?>', "utf-8",
        ["STATEMENT_ENCODING_GUESSED"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("header", "written", "warnings"), FILES.values(), ids=FILES.keys())
def test_names_are_read_as_they_are_written(read: Read, header: str, written: str, warnings: list[str]):
    (statement,) = read((header + BODY).encode(written))
    assert statement.lines[0].payer == "MÜLLER & SÖHNE €"
    assert [w.code for w in statement.warnings] == warnings
    other = "cp1252" if written == "cp1252" else "utf-8"
    said = f"The file is not in the encoding it declares and was read as {other}."
    assert [w.detail for w in statement.warnings] == [said] * len(warnings)


def test_ascii_is_ascii_whatever_is_declared(read: Read):
    plain = BODY.replace("Ü", "U").replace("Ö", "O").replace("€", "E")
    assert [read((head(e, c) + plain).encode())[0].warnings for e, c in (("USASCII", "1252"), ("UTF-8", "NONE"))] == [
        (),
        (),
    ]


@pytest.mark.parametrize("charset", ["8859-1", " iso-8859-1", "ISO-8859-1 "])
def test_latin_1_that_is_declared_is_no_guess(read: Read, charset: str):
    (statement,) = read((head("USASCII", charset) + BODY.replace(" €", "")).encode("latin-1"))
    assert (statement.lines[0].payer, statement.warnings) == ("MÜLLER & SÖHNE", ())
