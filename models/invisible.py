"""Characters that nobody sees. What cannot be seen tells no two texts apart, makes no name, and hides nothing."""

import re
import unicodedata
from typing import Final

# Unicode's Default_Ignorable_Code_Point, and the blank of Braille.
_IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\u2800"
)
_ANY: Final = re.compile(f"[{_IGNORABLE}\ufff9-\ufffb]")
# Of these some are ordinary writing: the joiners and marks of Persian, Hindi, Hebrew, Arabic and Mongolian names, the fillers of
# old Korean, the selectors that choose a shape of an ideograph or an emoji, Braille.
_DECEPTIVE: Final = re.compile(
    "[\u00ad\u034f\u180e\u200b\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff]"
)
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_IN_ADDRESSES: Final = "\u200c\u200d"


def without(value: str) -> str:
    """The value without what cannot be seen, in the middle too; spaces stay."""
    return value if value.isascii() else _ANY.sub("", value)


def deceptive(value: str) -> bool:
    """Whether it holds an invisible character that no writing needs: it makes one text look like another, or turn round."""
    return not value.isascii() and _DECEPTIVE.search(value) is not None


def turns(value: str) -> bool:
    """Whether it holds a mark by which what follows is shown in another order than it is written."""
    return not value.isascii() and _TURNING.search(value) is not None


def hidden_in_address(value: str) -> bool:
    """Whether an e-mail address holds what cannot be seen there; the joiners are letters of some scripts' words."""
    return any(c not in _IN_ADDRESSES for c in _ANY.findall(value))


def file_name(said: str | None) -> str | None:
    """What a file is called, for people: without the folders before it, and without what is not seen or turns the rest round."""
    last = re.split(r"[/\\]", said or "")[-1]
    shown = "".join(c for c in without(last) if unicodedata.category(c) not in {"Cc", "Cs"})
    return shown.strip()[:255] or None
