"""Files that are cut, foreign, lying or made to hurt: one refusal each, with its place, and nothing of their content."""

import gzip
import time
import zipfile
from io import BytesIO

import pytest

BILLION_LAUGHS = (
    '<!DOCTYPE Document [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>\n"
)
CSV_HEAD = "date,amount,currency,payer,reference,remittance_text\n"


@pytest.mark.parametrize("name", [None, "statement.xml", "statement.csv", "statement.sta"])
@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \r\n\t\n"])
def test_an_empty_file_is_refused(refused, name, content):
    assert refused(content, name).extra == {"line": 1, "column": 1}


@pytest.mark.parametrize(
    "head",
    [
        BILLION_LAUGHS,
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n',
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">\n',
        '<!DOCTYPE Document [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>\n',
    ],
)
def test_a_document_type_is_refused_before_anything_is_expanded(refused, camt, camt_entry, head):
    document = camt(camt_entry(details="<AddtlNtryInf>&i;&x;</AddtlNtryInf>"), head=head)
    started = time.perf_counter()
    refusal = refused(document, "statement.xml")
    assert time.perf_counter() - started < 10  # expanded, it would take the memory of a planet
    assert refusal.extra == {"line": 2, "column": 1}
    assert "DTD" in refusal.detail


def test_a_document_type_behind_long_comments_or_in_utf16_is_refused(refused, camt, camt_entry):
    hidden = camt(camt_entry(), head="<!--" + "x" * 200_000 + "-->\n" + BILLION_LAUGHS)
    assert "DTD" in refused(hidden).detail
    wide = camt(camt_entry(), head=BILLION_LAUGHS).replace("UTF-8", "UTF-16").encode("utf-16")
    assert "DTD" in refused(wide).detail


def test_entities_in_attributes_do_not_expand(refused, camt, camt_entry):
    document = camt(camt_entry(), head=BILLION_LAUGHS).replace('Ccy="EUR"', 'Ccy="&i;"')
    assert refused(document.replace("?>\n", "?>" + "<!--" + "x" * 70_000 + "-->\n", 1)).extra["line"] >= 1


def test_an_undefined_entity_is_refused_with_its_place(refused, camt, camt_entry):
    refusal = refused(camt(camt_entry(details="\n<AddtlNtryInf>&secret;</AddtlNtryInf>")))
    assert refusal.extra["line"] == 6
    assert "secret" not in str(refusal)


def test_every_cut_of_a_camt_file_is_refused(refused, camt, camt_entry):
    document = camt(camt_entry()).encode()
    for end in [*range(40, len(document) - 1, 37), len(document) - 1]:
        refused(document[:end], "statement.xml")


def test_a_cut_file_is_refused_where_it_ends(refused, camt, camt_entry):
    document = camt(camt_entry(), camt_entry())
    refusal = refused(document[: document.rindex("<BookgDt>")])
    assert refusal.extra["line"] == document.count("\n", 0, document.rindex("<BookgDt>")) + 1
    assert refusal.extra["column"] >= 1


def test_wrong_encoding_of_xml_is_refused(refused, camt, camt_entry):
    document = camt(camt_entry(details="<AddtlNtryInf>Müller</AddtlNtryInf>"))
    refusal = refused(document.encode("latin-1"), "statement.xml")
    assert refusal.extra["line"] >= 3


@pytest.mark.parametrize(
    ("content", "name", "content_type"),
    [
        (b"%PDF-1.7 ...", "statement.pdf", None),
        (b"%PDF-1.7 ...", "statement.csv", "text/csv"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "statement.xml", None),
        (gzip.compress(b"x", mtime=0), "statement.xml", None),
        (b'{"lines": []}', "statement.csv", None),
        (b"[1, 2]", None, "application/json"),
        (b"<!doctype html><html><body>Log in</body></html>", "statement.xml", None),
        (b"<html><body>Log in</body></html>", None, None),
        (CSV_HEAD.encode(), "statement.xml", None),
        (CSV_HEAD.encode(), None, "application/xml"),
        (CSV_HEAD.encode(), None, "image/png"),
        (b":20:X\n:25:1\n:60F:C260101EUR0,\n:62F:C260101EUR0,\n-", "statement.csv", None),
        (b"just some text", "statement.txt", "text/plain"),
        (CSV_HEAD.encode("utf-16"), "statement.csv", None),
        (bytes(range(256)) * 40, None, None),
    ],
)
def test_a_file_that_is_not_what_it_claims_is_refused(refused, content, name, content_type):
    assert refused(content, name, content_type).extra["line"] == 1


def test_a_zip_is_refused(refused):
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("statement.csv", CSV_HEAD)
    refused(packed.getvalue(), "statement.csv")


@pytest.mark.parametrize("root", ["BkToCstmrAcctRpt", "BkToCstmrDbtCdtNtfctn", "CstmrCdtTrfInitn"])
def test_a_statement_inside_another_message_is_refused(refused, camt, camt_entry, root):
    assert "CAMT.053" in refused(camt(camt_entry()).replace("BkToCstmrStmt", root)).detail


@pytest.mark.parametrize(
    "amount",
    ["1.234", "NaN", "Infinity", "1e3", "1,50", "", " ", "-5.00", "١٢", "0x10", "1_000", "92233720368547758.08"],
)
def test_amounts_that_are_no_exact_money_are_refused_at_their_line(refused, camt, camt_entry, amount):
    assert refused(camt(camt_entry(amount))).extra["line"] == 3


def test_the_largest_amount_is_still_read(read, camt, camt_entry):
    [statement] = read(camt(camt_entry("92233720368547758.07")))
    assert statement.lines[0].amount_minor == 2**63 - 1


@pytest.mark.parametrize("currency", ["", "EURO", "eur", "XAU", "ZZZ"])
def test_a_currency_that_is_none_is_refused(refused, camt, camt_entry, currency):
    assert refused(camt(camt_entry(currency=currency))).extra["line"] == 3


def test_an_entry_without_direction_or_date_is_refused(refused, camt, camt_entry):
    refused(camt(camt_entry(indicator="BOTH")))
    refused(camt(camt_entry().replace("BookgDt", "X").replace("ValDt", "Y")))
    refused(camt(camt_entry().replace("2026-03-02", "2026-02-30")))


def test_xml_that_never_comes_to_an_entry_is_refused_before_it_fills_the_memory(refused, camt):
    junk = "<a/>" * 700_000
    assert "without a bank entry" in refused(camt().replace("<Acct>", junk + "<Acct>")).detail


def test_deep_xml_is_refused(refused, camt):
    refused(camt().replace("<Acct>", "<a>" * 100_000))


def test_a_refusal_never_quotes_the_file(refused, camt, camt_entry):
    for content in (
        camt(camt_entry("Jane Doe")),
        CSV_HEAD + "2026-01-01,Jane Doe,EUR,,,\n",
        CSV_HEAD + "Jane Doe,1.00,EUR,,,\n",
        "Jane Doe,1\n",
        ":20:X\n:25:1\n:60F:C260101EUR0,\n:61:Jane Doe\n:62F:C260101EUR0,\n-",
    ):
        assert "Jane" not in str(refused(content))
