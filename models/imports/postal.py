"""Postal codes that a spreadsheet has taken the leading zero from."""

import re
from typing import Final

_DIGITS: Final = {
    **dict.fromkeys(("US", "PR", "DE", "FR", "IT", "ES", "MX", "TR", "EE", "LT", "UA", "HR", "RS", "MA", "DZ"), 5),
    **dict.fromkeys(("TH", "MY", "ID", "FI", "KR"), 5),
    **dict.fromkeys(("AU", "NO", "ZA"), 4),
    **dict.fromkeys(("CN", "KZ", "RO", "SG", "CO"), 6),
    **dict.fromkeys(("JP", "IL", "CL"), 7),
}  # fmt: skip
"""Countries whose postal codes are so many digits, some of them with a zero at the beginning."""
_PLAIN: Final = re.compile(r"([0-9]+)(?:-[0-9]{4})?")


def zero_lost(country: str, postal_code: str | None) -> bool:
    """Whether the code lacks the digit or two that would make it one of its country: zeros at its beginning are likely lost."""
    digits = _DIGITS.get(country)
    found = _PLAIN.fullmatch(postal_code or "")
    return digits is not None and found is not None and 1 <= digits - len(found[1]) <= 2
