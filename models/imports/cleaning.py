"""How people and other systems write what we keep: "Net 30", "usd", "United States".

A cleaner answers the value as we write it, or the text unchanged, for the check to judge. Nothing is guessed that could
mean two things. Amounts need the row's currency beside them: models.imports.amounts.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from models import checks
from models.imports.countries import country
from models.keys import email_key

_DAYS: Final = re.compile(r"(?:net|n)?[\s_/-]*([0-9]{1,3})(?:\s*days?)?(?:\s*net)?", re.IGNORECASE)
_AT_ONCE: Final = frozenset(
    {"dueonreceipt", "uponreceipt", "onreceipt", "duereceipt", "immediate", "duenow", "dueimmediately"}
)
_AT_ONCE_CODES: Final = ("NET0", "DUE_ON_RECEIPT", "ON_RECEIPT", "IMMEDIATE")
_CALLED: Final = re.compile(r"[A-Z]{3}(?:\s*[-:]\s*|\s+)[A-Z][\w. '-]*[a-z]\w*")
"""A currency's code with its name behind it."""
_BEFORE_NUMBER: Final = re.compile(
    r"(?:phone|tel(?:ephone)?|office|work|main)\s*[.:]+\s*([^A-Za-z:]*[0-9])", re.IGNORECASE
)
_LOST_DIGITS: Final = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[Ee]\+[0-9]{2,3}")
_RECKONED: Final = re.compile(r"[0-9]+\.0+")
"""An id that a program has taken for a number with decimals."""
NOBODY: Final = frozenset({"-", "--", "#N/A", "\u2013", "\u2014"})
"""How people and spreadsheets write that there is nothing, in a name as well."""
NOTHING: Final = NOBODY | frozenset(
    {"NULL", "Null", "null", "(null)", "<null>", "<NULL>", "\\N", "n/a", "N/A", "n.a.", "N.A."}
)
"""How databases and people write that there is nothing; only as a name it may be somebody's."""
ERRORS: Final = frozenset({"#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})
"""What a spreadsheet shows where a formula has failed: no value of anything."""
_AS_TEXT: Final = re.compile(r'="([^"]*)"')


def unguarded(cell: str) -> str:
    """A cell without the formula that keeps a spreadsheet from reckoning with it: `="0012"`."""
    found = _AS_TEXT.fullmatch(cell)
    return found[1] if found else cell


def terms_among(text: str, known: Collection[str]) -> str | None:
    """The code of payment terms, among those that are known, that a text means: "net30", "Net 30 days" and "30" are NET30,
    "due on receipt" is NET0 or what else is due at once. None where it means none, or might mean two."""
    bare = text.strip()
    if bare in known:
        return bare
    key = _key(bare)
    same = [code for code in known if _key(code) == key]
    if len(same) == 1:
        return same[0]
    if key in _AT_ONCE:
        return next((code for code in _AT_ONCE_CODES if code in known), None)
    found = _DAYS.fullmatch(bare)
    return code if found and (code := f"NET{int(found[1])}") in known else None


def unknown_terms(text: str) -> str:
    """Why there are no such terms, without the text itself."""
    if _key(text) in _AT_ONCE:
        return "Due on receipt needs payment terms of 0 days, NET0 or DUE_ON_RECEIPT: there are none."
    return "There are no such payment terms."


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def address_of(text: str) -> str:
    """The e-mail address in a cell of one: "Ann Lee <ann@x.com>", "mailto:ann@x.com", the same twice. Raises where there are
    two."""
    bare = text.strip()
    if named := re.fullmatch(r"[^<>@]*<([^<>\s]+@[^<>\s]+)>", bare):
        bare = named[1]
    bare = re.sub(r"^mailto:", "", bare, flags=re.IGNORECASE)
    pieces = [piece for piece in re.split(r"[;,|/\s]+", bare) if piece]
    if len(pieces) > 1 and '"' not in bare and all(piece.count("@") == 1 for piece in pieces):
        if len({email_key(piece) for piece in pieces}) > 1:
            raise checks.invalid(
                "EMAIL_INVALID",
                f"{len(pieces)} e-mail addresses stand in this cell: leave the customer's, and put another into billing_email or "
                "a contact.",
            )
        return pieces[0]
    return bare.strip(";, ")


def identifier(check: Callable[[str], str]) -> Callable[[str], str]:
    """For ids that spreadsheets like to turn into numbers: 1.23E+19 is no id any more."""

    def checked(value: str) -> str:
        if ("E+" in value or "e+" in value) and _LOST_DIGITS.fullmatch(value.strip()):
            raise checks.invalid(
                "FIELD_TYPE",
                "A spreadsheet has turned this into a number and lost its digits: format the column as text.",
            )
        if value.endswith("0") and _RECKONED.fullmatch(value.strip()):
            raise checks.invalid(
                "FIELD_TYPE", "A program has turned this into a number with decimals: format it as text."
            )
        return check(value)

    return checked


def one_company(text: str) -> str:
    """The name of the company that a person belongs to. Raises where there are several: which of them is the customer?"""
    names = {bare for name in text.split(";") if (bare := name.strip())}
    if len(names) > 1:
        detail = "Several companies stand in this cell: leave the one that is the customer."
        raise checks.invalid("FIELD_TYPE", detail)
    return next(iter(names), "")


def _number(text: str) -> str:
    """The first of the numbers that are called by what they are: "Phone: (555) 010-0200 Mobile: …"."""
    found = _BEFORE_NUMBER.match(text.strip()) if ":" in text or "." in text else None
    return found[1].strip() if found else text


def _currency(text: str) -> str:
    """The code alone: "usd", "USD - U.S. Dollar", "USD United States Dollar"."""
    bare = text.strip()
    return bare[:3] if _CALLED.fullmatch(bare) else bare.upper()


CLEANERS: Final[Mapping[str, Callable[[str], str]]] = {
    "phone": _number,
    "currency_code": _currency,
    "effective_to": lambda text: (
        "" if text == "9999-12-31" else text
    ),  # how systems without nulls write that it has no end
    "external_id": str.strip,  # the blanks at its ends are the table's
    "customer_type": lambda text: text.strip().lower(),
    "country": country,
}
