"""How an invoice's number may be meant that is not written as it is: other dashes, none at all, blanks or invisible characters
inside, zeros left out, or hidden in a payment reference of 27 digits. Enough to propose an invoice, never to pay one."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from models.cash.bank_texts import BankText, Role
from models.invisible import without

MAX_KEYS: Final = 400
MAX_CHUNKS: Final = 200
_LENGTHS: Final = range(3, 41)
_OTHERS: Final = re.compile(r"[^a-z0-9]")
_ZEROS: Final = re.compile(r"(^|[a-z])0+(?=[0-9])")
_LONG_NUMBER: Final = 12
"""Digits from which a number is taken for a payment reference (OGM 12, KID to 25, QRR 27) that ends with check digits."""
_BEFORE_NUMBERS: Final = ("", "inv", "invoice", "re", "rg", "r")


def loose_key(reference: str) -> str:
    """What is left of a reference: small letters and digits, numbers without the zeros before them. models/db/tables/cash.py
    says the same in SQL."""
    return _ZEROS.sub(r"\1", _OTHERS.sub("", reference.lower()))


def loose_keys(texts: Iterable[BankText]) -> list[str]:
    """What a line may mean, by the loose keys of up to three words in a row; bounded."""
    found: dict[str, None] = {}
    for text in texts:
        if text.role is not Role.SHOWN:
            for key in _of_text(text.text):
                if len(key) in _LENGTHS and any(c.isdigit() for c in key):
                    found[key] = None
        if text.role is Role.CREDITOR_REFERENCE and text.text.isdecimal():
            found |= dict.fromkeys(_inside(text.text))  # of a national scheme, however short
    return list(found)[:MAX_KEYS]


def _of_text(text: str) -> Iterator[str]:
    words = re.split(r"[\s,;]+", without(unicodedata.normalize("NFKC", text)))[:MAX_CHUNKS]
    for at, _ in enumerate(words):
        for many in (1, 2, 3):
            if at + many <= len(words):
                yield loose_key("".join(words[at : at + many]))
    for found in re.findall(r"[0-9][0-9 /]{10,}[0-9]", text):
        if len(number := re.sub(r"[ /]", "", found)) >= _LONG_NUMBER:
            yield from _inside(number)


def _inside(number: str) -> Iterator[str]:
    """An invoice's number may stand anywhere before the check digits, behind the creditor's own."""
    for checked in (1, 2):
        body = number[:-checked]
        for length in range(4, min(len(body), 16) + 1):
            for word in _BEFORE_NUMBERS:
                yield loose_key(word + body[-length:])
