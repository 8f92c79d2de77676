"""References that prove themselves: the creditor reference of ISO 11649 and the IBAN, both by ISO 7064 (97-10)."""

import re

_CREDITOR_REFERENCE = re.compile(r"RF[0-9]{2}[0-9A-Z]{1,21}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")


def looks_like_creditor_reference(text: str) -> bool:
    """RF, two check digits, up to 21 letters and digits; whether they fit is another question."""
    return _CREDITOR_REFERENCE.fullmatch(text.upper()) is not None


def is_creditor_reference(text: str) -> bool:
    """An ISO 11649 reference in its electronic form whose check digits fit."""
    return looks_like_creditor_reference(text) and _remainder(text.upper()) == 1


def is_iban(text: str) -> bool:
    return _IBAN.fullmatch(text.upper()) is not None and _remainder(text.upper()) == 1


def _remainder(text: str) -> int:
    turned = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97
