"""Comparison keys: what makes two e-mails, tax ids or names the same. Stored beside the value and indexed by it.

A key is computed here and nowhere else, so the master, the changes and the imports agree on what a duplicate is.
"""

import re
import unicodedata
from typing import Final

from models.invisible import without

_NEEDLESS: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
"""A local part that needs no quotes (RFC 5321, dot-string)."""
_NOT_WORD: Final = re.compile(r"[\W_]+")
_WORDS: Final = "".join(c.lower() if c.isalnum() else " " for c in map(chr, range(128)))
_LETTERS: Final = [c.lower() if c.isalnum() else None for c in map(chr, range(128))]
"""What becomes of each character of ASCII in the key of a name, and of a tax id: told at once, at a fifth of the cost."""
# Legal forms that say nothing about who a company is. Kept short on purpose: "holding" or "group" do distinguish.
LEGAL_FORMS: Final = frozenset(
    [
        "inc",
        "incorporated",
        "corp",
        "corporation",
        "co",
        "company",
        "llc",
        "llp",
        "lp",
        "ltd",
        "limited",
        "plc",
        "gmbh",
        "ag",
        "kg",
        "ug",
        "se",
        "sa",
        "sas",
        "sarl",
        "srl",
        "spa",
        "bv",
        "nv",
        "ab",
        "as",
        "asa",
        "oy",
        "oyj",
        "aps",
        "kk",
        "pty",
        "pte",
        "sl",
        "slu",
        "sro",
        "zoo",
        "doo",
        "kft",
    ]
)


def external_id_key(value: str) -> str:
    """An external id is another system's: it is the same only where it is spelled the same."""
    return value


def email_key(value: str) -> str:
    """Identity of an address: case folded, NFKC, without what cannot be seen, quotes that change nothing, and Punycode."""
    value = value.strip()
    if not value.isascii():
        value = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", without(value)).casefold())
    value = value.lower()
    if '"' not in value and "xn--" not in value:
        return value
    local, at, domain = value.rpartition("@")
    if not at:
        return domain
    if local[:1] == '"' and _NEEDLESS.fullmatch(quoted := local[1:-1].replace("\\", "")):
        local = quoted
    if "xn--" in domain:
        domain = ".".join(map(_spelled, domain.split(".")))
    return f"{local}@{domain}"


def _spelled(label: str) -> str:
    """A label of a domain as its owner writes it ("xn--bcher-kva" is "bücher")."""
    if not label.startswith("xn--"):
        return label
    try:
        plain = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold())


def tax_id_key(value: str) -> str:
    """Identity of a tax id: case folded, without spaces and punctuation ("GB 999-9973" is "gb9999973")."""
    if value.isascii():
        return value.translate(_LETTERS) or value.strip()
    folded = unicodedata.normalize("NFKC", without(value)).casefold()
    return "".join(filter(str.isalnum, folded)) or folded.strip()


def name_key(value: str) -> str:
    """A name for searching and comparing: case folded, without accents, punctuation and invisible characters."""
    if value.isascii():
        return " ".join(value.translate(_WORDS).split())
    folded = unicodedata.normalize("NFKD", without(value)).casefold()
    letters = "".join(c for c in folded if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    return " ".join(_NOT_WORD.sub(" ", letters).split())


def company_key(value: str) -> str:
    """The name key without legal forms at its end ("Acme Corp." and "ACME Corporation" are "acme")."""
    words = name_key(value).replace(" o o", " oo").split()
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
    return " ".join(words)
