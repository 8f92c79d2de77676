"""The words and shapes by which references are told from everything else in a remittance."""

import re

from models.cash.check_digits import is_iban

EDGES = ".:#-_/\\*=+&!?"
INVOICE_WORDS = {
    *("INV", "INVS", "INVOICE", "INVOICES", "BILL", "BILLS"),
    *("RECHNUNG", "RECHNUNGEN", "RG", "RE", "FACTUUR", "FACTUREN", "FACTURE", "FACTURES", "FACTURA", "FAKTURA"),
}
NUMBER_WORDS = {"NO", "NOS", "NR", "NRS", "NUM", "NUMBER", "NUMBERS", "NUMMER", "N", "ID", "REF"}
AND_WORDS = {"AND", "UND", "EN", "ET", "Y", "&", "+", "/", "-"}
DATE_OR_AMOUNT = re.compile(
    r"(?:19|20)[0-9]{2}"
    r"|[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}"
    r"|[0-9]{1,2}[-./][0-9]{1,2}[-./][0-9]{2,4}"
    r"|[0-9]+[.:][0-9]{2}"
)

_DIGIT = re.compile(r"[0-9]")
_GLUED = re.compile(r"(INVOICE|INV|BILL|RECHNUNG|RG|FACTUUR|FACTURE)[-_#:./]*(.*[0-9].*)", re.IGNORECASE)
_CURRENCY = "(?:USD|EUR|GBP|CHF|JPY|CAD|AUD|SEK|NOK|DKK|PLN|CZK|[€$£])"
_NO_REFERENCE = re.compile(
    r"[0-9]{1,2}(?:ST|ND|RD|TH|X)|[0-9.]+%"
    r"|(?:Q|H|KW|W|WK|CW)[0-9]{1,2}(?:[/-](?:19|20)?[0-9]{2})?|FY(?:20)?[0-9]{2}"
    r"|[0-9]{1,2}[-./](?:19|20)?[0-9]{2}"
    rf"|{_CURRENCY}[0-9.]+|[0-9.]+{_CURRENCY}",
    re.IGNORECASE,
)


def has_digit(text: str) -> bool:
    return _DIGIT.search(text) is not None or (not text.isascii() and any(character.isdigit() for character in text))


def is_code(chunk: str) -> bool:
    return chunk.isupper() and len(chunk) > 1


def looser(chunk: str) -> list[str]:
    """INV-123, INV#123 and INV123 may all mean 123 or one another."""
    glued = _GLUED.fullmatch(chunk)
    if glued is None:
        return []
    word, number = glued.groups()
    return [number, *(f"{word}{joint}{number}" for joint in ("-", "", "_", "/", "#", " "))]


def looks_like_reference(chunk: str, *, weak: bool, linked: bool) -> bool:
    """Whether a chunk that no invoice answers to must be taken for a reference all the same. A short number is one
    where it is listed beside another: INV-7, 8 or INV-7/8."""
    if not has_digit(chunk) or DATE_OR_AMOUNT.fullmatch(chunk) or _NO_REFERENCE.fullmatch(chunk) or is_iban(chunk):
        return False
    if weak:
        return linked and chunk.isdigit()
    if any(character.isalpha() for character in chunk):
        return True
    return linked or sum(character.isdigit() for character in chunk) >= 4
