"""Whatever number an invoice has, a payer who writes it as it stands names it."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cash.references import extract_references, reference_key

DIGITS = st.text(string.digits, min_size=4, max_size=10)
WORDS = st.text(string.ascii_uppercase, min_size=2, max_size=6)
REFERENCES = st.one_of(
    DIGITS,
    st.builds("{}-{}".format, WORDS, DIGITS),
    st.builds("{}{}".format, WORDS, DIGITS),
    st.builds("{}-{}-{}".format, WORDS, DIGITS, DIGITS),
)


@given(REFERENCES, st.sampled_from(["{}", "Payment of {}, thanks", "({})", "Ref: {};", "[{}]", "pays {} in full"]))
def test_a_reference_in_a_text_is_found_as_written(reference, text):
    assert reference in extract_references(text.format(reference))


@given(st.lists(REFERENCES, min_size=1, max_size=12, unique=True), st.sampled_from([", ", "; ", " ", " and ", "\n"]))
def test_of_several_references_none_is_lost(references, joint):
    found = extract_references(joint.join(references))
    assert set(references) <= set(found)


@given(REFERENCES)
def test_a_structured_reference_is_found_and_comes_first(reference):
    assert extract_references("INV-1", [reference])[0] == reference


@given(st.text(max_size=60))
def test_a_key_is_its_own_key(text):
    assert reference_key(reference_key(text)) == reference_key(text)
    assert reference_key(f"  {text}\t") == reference_key(text)


@pytest.mark.parametrize(("one", "other"), [("Inv-7", "INV-7"), ("straße", "STRASSE"), ("\uff11\uff12", "12")])
def test_width_and_case_make_no_difference(one, other):
    assert reference_key(one) == reference_key(other)
