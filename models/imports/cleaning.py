"""How other systems write what we keep: "Net 30", "usd", "United States". Only for their exports.

A cleaner answers the value as we write it, or the text unchanged, for the check to judge. Nothing is guessed that could
mean two things. Amounts need the row's currency beside them: models.imports.amounts.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from models.imports.countries import country


def _terms(text: str) -> str:
    """ "Net 30", "NET-30" and "net 30 days" are NET30."""
    found = re.fullmatch(r"net[\s_-]*([0-9]{1,3})(?:\s*days?)?", text.strip(), re.IGNORECASE)
    return f"NET{int(found[1])}" if found else text.strip()


CLEANERS: Final[Mapping[str, Callable[[str], str]]] = {
    "payment_terms": _terms,
    "currency_code": lambda text: text.strip().upper(),
    "customer_type": lambda text: text.strip().lower(),
    "country": country,
}
