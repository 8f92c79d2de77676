"""Invoice references as payers write them."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cash.mentions import MAX_LENGTH
from models.cash.references import MAX_REFERENCES, extract_references, reference_key

WIDE = "\uff29\uff2e\uff36\uff0d\uff17"  # INV-7 in full-width characters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INV-7", ["INV-7"]),
        ("Payment INV-7, INV-8;INV-9/INV-10", ["INV-7", "INV-8", "INV-9", "INV-10"]),
        ("(INV-7) [INV-8] \"INV-9\" 'INV-10'", ["INV-7", "INV-8", "INV-9", "INV-10"]),
        ("#1234 and #5678.", ["1234", "5678"]),
        ("invoice 123", ["123", "INV-123", "invoice-123", "INV123", "invoice 123"]),
        ("Invoice no. 123", ["123", "INV-123"]),
        ("invoice number: 123", ["123", "INV-123"]),
        ("INV 123", ["INV 123", "123", "INV-123"]),
        ("Rechnung Nr. 4711", ["4711", "INV-4711"]),
        ("INV123", ["INV123", "123", "INV-123"]),
        ("INV#123", ["INV#123", "123", "INV-123"]),
        ("INV-123", ["INV-123", "123"]),
        ("FACTUUR 201403110, 201403113", ["201403110", "201403113", "INV-201403113"]),
        ("2024/0017", ["2024/0017", "0017"]),
        ("/REMI/Reference 201301234/ISDT/2013-01-02", ["201301234"]),
        ("invoice_01m8abcdefghjkmnpqrstvwxyz", ["invoice_01m8abcdefghjkmnpqrstvwxyz"]),
        ("INVOICE_01M8ABC", ["INVOICE_01M8ABC"]),
        ("INVOICE 01M8ABC", ["INVOICE_01M8ABC"]),
        ("0379-NEVHP 611365", ["0379-NEVHP", "611365"]),
        ("ref:INV-7", ["INV-7"]),
        ("ALPHA", ["ALPHA"]),
        (WIDE, [WIDE]),
    ],
)
def test_a_reference_is_found_however_it_is_set_off(text, expected):
    found = extract_references(text)
    assert [token for token in expected if token not in found] == []


def test_structured_references_come_first_and_whole():
    found = extract_references("INV-1", ["INV 9", "RF18539007547034"])
    assert found[0] == "INV 9"
    assert found.index("539007547034") < found.index("INV-1")


def test_what_looks_like_a_reference_comes_before_what_hardly_does():
    found = extract_references("Payment of 12 for March 2024 INV-7 thanks")
    assert found[0] == "INV-7"


@pytest.mark.parametrize("text", [None, "", "   ", ",;()", "#", "- / -"])
def test_nothing_is_found_in_nothing(text):
    assert extract_references(text) == []


def test_the_key_folds_case_and_width_and_nothing_else():
    assert reference_key(" inv-7 ") == reference_key("INV-7") == reference_key(WIDE)
    assert reference_key("INV-7") != reference_key("INV7")


@settings(deadline=None)
@given(st.text(max_size=2000), st.lists(st.text(max_size=200), max_size=20))
def test_references_are_bounded_unique_and_always_the_same(text, structured):
    found = extract_references(text, structured)
    assert found == extract_references(text, structured)
    assert len(found) <= MAX_REFERENCES
    assert len(set(found)) == len(found)
    assert all(0 < len(token) <= MAX_LENGTH for token in found)


@pytest.mark.parametrize(
    "text", ["INV-1 " * 100_000, "a" * 1_000_000, "/1" * 500_000, "INV" * 300_000 + "1", "#" * 500_000]
)
def test_endless_texts_cost_no_time(text):
    started = time.process_time()
    found = extract_references(text, [text])
    assert time.process_time() - started < 1
    assert len(found) <= MAX_REFERENCES
