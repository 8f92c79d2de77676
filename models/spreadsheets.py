"""Cells that no spreadsheet takes for a formula: the one rule for every CSV that leaves the house."""

import unicodedata
from typing import Final

_FORMULA: Final = frozenset("=+-@|\u2212")
_BREAKS: Final = ("\t", "\r", "\n")
_UNSEEN: Final = frozenset(("Zs", "Zl", "Zp", "Cc", "Cf", "Mn", "Me"))
"""Kinds of characters that a reader skips or does not show: spaces of every width, controls, marks of direction."""


def defused(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would run it (OWASP, CSV injection)."""
    return "'" + text if runs(text.lstrip("'")) else text


def undone(text: str) -> str:
    """What stood there before `defused`."""
    return text[1:] if text.startswith("'") and runs(text.lstrip("'")) else text


def runs(text: str) -> bool:
    """Whether a spreadsheet could take the cell for a formula: by its first character that shows, of whatever width."""
    if text.startswith(_BREAKS):
        return True
    for character in text:
        if unicodedata.category(character) in _UNSEEN:
            continue
        return not _FORMULA.isdisjoint(unicodedata.normalize("NFKC", character)[:1])
    return False
