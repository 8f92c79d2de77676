"""By what names and tax ids are the same: plain texts, of which most are, are read in a quicker way than all others."""

from hypothesis import given
from hypothesis import strategies as st

from models.keys import name_key, tax_id_key

SOFT_HYPHEN = "\u00ad"
"""Nobody sees it, and it makes no text plain."""
PLAIN = st.text(st.characters(max_codepoint=127), max_size=30)


@given(PLAIN)
def test_a_plain_text_has_the_key_that_it_has_with_something_unseen_in_it(text: str) -> None:
    assert name_key(text) == name_key(text + SOFT_HYPHEN)
    assert tax_id_key(text) == tax_id_key(text + SOFT_HYPHEN)


def test_a_key_is_of_the_letters_and_digits_alone() -> None:
    assert name_key("  ACME-Corp_ of\x1fLondon, Ltd. ") == "acme corp of london ltd"
    assert (tax_id_key("GB 999_99/73"), tax_id_key(" -- ")) == ("gb9999973", "--")
