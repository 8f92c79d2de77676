"""What a file is told to be, and texts read as a whole: the words of each refusal, and its place."""

import io
import re
from collections.abc import Callable
from functools import partial

import pytest

from models.cash.statements import ENCODING_GUESSED, StatementWarning
from models.errors import Refusal
from statement_readers.detect import Format, detect
from statement_readers.whole_text import Piece, decode, pieces, read_bytes


def told(asked: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as refused:
        asked()
    return str(refused.value.detail)


CSV, XML, MT940 = b"date,amount\n", b"<Document/>", b":20:R\n"
NEITHER = "the file is none of CAMT.053, MT940, BAI2, OFX and CSV in UTF-8."


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (CSV, Format.CSV), (b"\xef\xbb\xbf \n" + XML, Format.CAMT), (b"\xef\xbb\xbf<?xml?>", Format.CAMT),
        ("<a/>".encode("utf-16"), Format.CAMT), (b"\xfe\xff" + "<a/>".encode("utf-16-be"), Format.CAMT),
        (b" \r\nofxheader : 100", Format.OFX), (b"<?xml?><?OFX x?>", Format.OFX), (b"<?xml?>\n<ofx>", Format.OFX),
        (b"01,A,B,1\n", Format.CSV), (b"01,A,B,1,", Format.BAI2), (b"\n01,A,B,1,2", Format.BAI2),
        (MT940, Format.MT940), (b"{1:F01X}{4:\n:20:R", Format.MT940), (b"{1:F01X:60F:C", Format.MT940),
        (b"ABN\n940\n:25:1", Format.MT940), (b"{4: :20:", Format.MT940),
    ],
)  # fmt: skip
def test_the_first_bytes_say_what_a_file_is(head: bytes, found: Format) -> None:
    assert detect(head, None, None) is detect(head, "2026.march.txt", "text/plain; charset=utf-8") is found


@pytest.mark.parametrize("head", [b"%PDF-1", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x89PNG", b"{}", b"[1]", b" a\x00b"])
def test_what_is_no_statement_is_said(head: bytes) -> None:
    assert told(lambda: detect(head, None, None)) == f"line 1, column 1: {NEITHER}"


@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf", b" \t\r\n"])
def test_nothing_is_said_to_be_empty(head: bytes) -> None:
    assert told(lambda: detect(head, None, None)) == "line 1, column 1: the file is empty."


@pytest.mark.parametrize(
    ("name", "kind", "claimed"),
    [
        ("a.b.XML", None, "CAMT.053 or OFX"), ("x.sta", "text/csv", "MT940"), (None, "Application/XML ; q=1", "CAMT.053 or OFX"),
        ("x", "application/x-ofx", "OFX"), ("x.txt", "application/pdf", "something that is no bank statement"),
        (None, "image/png", "something that is no bank statement"), ("", "text/xml", "CAMT.053 or OFX"),
    ],
)  # fmt: skip
def test_a_file_that_is_named_as_another_is_refused(name: str | None, kind: str | None, claimed: str) -> None:
    said = f"line 1, column 1: the file is named as {claimed}, but its content is not."
    assert told(lambda: detect(CSV, name, kind)) == said


def test_bytes_that_are_too_many_or_none_of_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statement_readers.whole_text.MAX_BYTES", 4)
    assert read_bytes(io.BytesIO(b"abcd")) == b"abcd"
    many = "line 1: files of this format may have 4 bytes; send CAMT.053 or CSV, or split it."
    assert told(lambda: read_bytes(io.BytesIO(b"abcde"))) == many
    monkeypatch.undo()
    for data, place in ((b"\x00", (1, 1)), (b"ab\nc\x00\n\x00", (2, 2)), (b"\n\n\x00", (3, 1))):
        said = "line {}, column {}: a NUL character.".format(*place)
        assert told(partial(read_bytes, io.BytesIO(data))) == said


def test_a_text_in_either_encoding() -> None:
    assert decode("\ufeffü\r\na\rb\n".encode()) == ("ü\na\nb\n", ())
    guessed = StatementWarning(ENCODING_GUESSED, "The file is not UTF-8 and was read as Windows-1252.")
    assert decode("€\r\na\rb\n".encode("cp1252")) == ("€\na\nb\n", (guessed,))
    assert told(lambda: decode(b"\xfc\n\x81")) == "line 2, column 1: neither UTF-8 nor Windows-1252."
    assert told(lambda: decode(b"\n\n\xfca\x81\n")) == "line 3, column 3: neither UTF-8 nor Windows-1252."


def test_pieces_know_where_they_begin() -> None:
    assert pieces("a\nX1\n\nX2\nX3", re.compile("X")) == [Piece(2, 2, "X1\n\n"), Piece(6, 4, "X2\n"), Piece(9, 5, "X3")]
    assert pieces("a\nb", re.compile("X")) == []
