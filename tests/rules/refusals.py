"""What a refusal by a rule must be: its code, its place, and a sentence for the person."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from models.errors import CODES, Refusal


@contextmanager
def refused(
    code: str, loc: str | None = None, field_code: str | None = None, **beside: object
) -> Iterator[list[Refusal]]:
    """The rule refuses with this code, and names this one field of the body, if any; `beside`: just what stands beside it. The
    refusal is in the list afterwards."""
    found: list[Refusal] = []
    with pytest.raises(Refusal) as e:
        yield found
    found.append(e.value)
    assert e.value.code == code
    assert code in CODES
    assert [(f.loc, f.code) for f in e.value.errors] == ([] if loc is None else [(loc, field_code or code)])
    if beside:
        assert e.value.extra == beside
    for text in (e.value.detail, *(f.detail for f in e.value.errors)):
        assert is_sentence(text), text


def is_sentence(text: str) -> bool:
    """Begins like one (or with an amount, or a field's name), ends like one, and does not shout."""
    begins = text[0].isupper() or text[0].isdigit() or "_" in text.split()[0] or text.startswith("until ")
    return begins and text.endswith(".") and text != text.upper()
