"""Checks of single values: what every door takes for a date, a currency, an amount, a text, an address.

Each takes what came in and returns what is to be stored, or raises `PydanticCustomError` whose `type` is the field's
stable code (docs/errors.md: `FIELD_REQUIRED DATE_INVALID EMAIL_INVALID …`) and whose message names the rule, never the
value. Inside a pydantic model the error gets its place by itself; elsewhere catch it and read `.type`. The field types of
request bodies that are made of them are in `models.values`, those of customers in `models.customers.bodies`.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import pycountry
from email_validator import EmailNotValidError, validate_email
from pydantic_core import PydanticCustomError

from models.invisible import deceptive, hidden_in_address, without
from models.money import is_currency, plain

EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2999, 12, 31)
LARGE_CREDIT_LIMIT: Final = Decimal(1_000_000)
_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DECIMAL_TEXT_LIMIT: Final = 64  # longer texts are refused before they are parsed

_PHONE: Final = re.compile(
    r"[+(]?[0-9][0-9 ().\-/]*(?:[\s,;]{0,2}(?:x|ext\.?|extn\.?|extension|;?ext=|#)\s?:?\s?[0-9]{1,10})?", re.IGNORECASE
)
_PHONE_SIGNS: Final = str.maketrans(
    dict.fromkeys("\u00a0\u2007\u2009\u200a\u202f\u3000", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d", "-")
    | {"\uff0b": "+", "\uff08": "(", "\uff09": ")", "\uff0e": "."}
    | {0xFF10 + n: str(n) for n in range(10)}
)
"""How typesetters and Japanese keyboards write the signs of a number."""
_DIGITS: Final = re.compile("[0-9]+")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAYS: Final = re.compile(r"[2-7][0-9]{4}(?:\.[0-9]+)?")
"""How spreadsheets keep a day of our time: as the number of days since 1900, or 1904."""
_MOMENT: Final = re.compile(
    _DAY.pattern + r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


def invalid(code: str, detail: str) -> PydanticCustomError:
    """The error of one value, by its stable code. Braces in the detail are literal."""
    return PydanticCustomError(code, "{detail}", {"detail": detail})


def _has_bad_character(value: str, *, lines: bool) -> bool:
    if value.isascii() and value.isprintable():
        return False
    if deceptive(value):
        return True
    for char in value:
        if unicodedata.category(char) in {"Cc", "Cs"} and not (lines and char in "\n\t"):
            return True
        if char in "\u2028\u2029" and not lines:
            return True
    return False


def printable(value: str, *, lines: bool = False) -> str:
    """The text unchanged; with `lines`, line feeds and tabs are allowed. Control characters, lone surrogates and deceptive
    invisible characters are refused: FIELD_FORMAT."""
    if _has_bad_character(value, lines=lines):
        raise invalid("FIELD_FORMAT", "Control characters and deceptive invisible characters are not allowed.")
    return value


def no_controls(value: str) -> str:
    """The text unchanged, for those of other systems: what cannot be seen stays, control characters are refused."""
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in value):
        raise invalid("FIELD_FORMAT", "Control characters are not allowed")
    return value


def not_blank(value: str) -> str:
    """The text unchanged, if something of it can be seen."""
    if not visible(value):
        raise invalid("FIELD_REQUIRED", "The text is blank")
    return value


def text(value: str, *, limit: int, least: int = 1, lines: bool = False) -> str:
    """A trimmed, NFC-normalised, printable text of `least` to `limit` characters."""
    if (
        value.isascii()
        and value.isprintable()
        and least <= len(value) <= limit
        and value[:1] != " " != value[-1:]
        and value
    ):
        return value  # most values: nothing to trim, to normalise or to refuse
    if lines:
        value = value.replace("\r\n", "\n")
    value = printable(value.strip(" \t\n\u00a0\u3000"), lines=lines)
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if least:
        not_blank(value)
    if len(value) < least:
        raise invalid("FIELD_LENGTH", f"At least {least} visible characters required.")
    if len(value) > limit:
        raise invalid("FIELD_LENGTH", f"At most {limit} characters.")
    return value


def visible(value: str) -> str:
    """The value without its invisible characters and outer spaces."""
    if value.isascii():
        return value.strip()
    return "".join(c for c in without(value) if unicodedata.category(c) != "Cf").strip()


def line(value: str) -> str:
    """One line of text, such as a name: 1 to 255 characters, in any script."""
    return text(value, limit=255)


def code(value: str) -> str:
    """A key of ours or of the customer's systems (tax code, item, dimension): printable, without spaces at its ends."""
    return text(value, limit=64)


def external_id(value: str) -> str:
    """An id in the caller's system, exactly as it is spelt there: 1 to 255 characters."""
    if len(value) > 255:
        raise invalid("FIELD_LENGTH", "At most 255 characters.")
    return not_blank(printable(value))


def email(value: str) -> str:
    """An RFC 5322 address (addr-spec): quoted local parts, IP literals and internationalised addresses included.

    Display names, comments, folding white space and every control character are refused (no header injection), so
    are local parts over 64 octets, addresses over 254, and host names without a dot.
    """
    if (
        len(value) > 1000
        or any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in value)
        or hidden_in_address(value)
    ):
        raise invalid("EMAIL_INVALID", "Not a valid email address (RFC 5322).")
    try:
        found = validate_email(
            value,
            check_deliverability=False,
            allow_quoted_local=True,
            allow_domain_literal=True,
            allow_smtputf8=True,
            globally_deliverable=False,
            test_environment=True,  # RFC 5322 knows nothing of .test being reserved
        )
    except EmailNotValidError:
        raise invalid("EMAIL_INVALID", "Not a valid email address (RFC 5322).") from None
    if "." not in found.domain and not found.domain.startswith("["):
        raise invalid("EMAIL_INVALID", "The address's host name needs a dot.")
    if len(value.encode()) > 254 or len(value.rpartition("@")[0].encode()) > 64:
        raise invalid("EMAIL_INVALID", "An email address has at most 254 octets, 64 before the @.")
    return value


def decimal(value: object) -> Decimal:
    """A number exactly as it was written: a text of digits with at most one point, or a JSON number."""
    if isinstance(value, str):
        if len(value) > _DECIMAL_TEXT_LIMIT or not _DECIMAL.fullmatch(value):
            raise invalid("DECIMAL_INVALID", "A decimal is written as digits with at most one point")
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise invalid("FIELD_TYPE", "A decimal is a JSON string or number")
    number = Decimal(value)
    if not number.is_finite():
        raise invalid("DECIMAL_INVALID", "NaN and infinity are not amounts.")
    return number


def amount(value: object, *, digits: int = 15, places: int = 4, negative_code: str = "FIELD_RANGE") -> Decimal:
    """A decimal that is not negative, of at most `digits` digits before the point and `places` behind it."""
    number = decimal(value)
    if number < 0:
        raise invalid(negative_code, "Must not be negative.")
    if number and number.adjusted() >= digits:
        raise invalid("FIELD_LENGTH", f"At most {digits} digits before the decimal point.")
    if number and (number.adjusted() < -places or number != round(number, places)):
        raise invalid("FIELD_LENGTH", f"At most {places} digits after the decimal point.")
    return plain(number)


def credit_limit(value: object) -> Decimal:
    """A credit limit: ≥ 0, in units (not minor units) of the customer's or the override's currency."""
    return amount(value, negative_code="CREDIT_LIMIT_NEGATIVE")


def currency(value: str) -> str:
    """An ISO 4217 code in upper case that has minor units (metals and funds codes have none)."""
    if not value.isupper() or not is_currency(value):
        raise invalid("CURRENCY_INVALID", "Not a currency of ISO 4217 with minor units.")
    return value


@lru_cache(maxsize=1024)
def _is_country(value: str) -> bool:
    return len(value) == 2 and value.isascii() and pycountry.countries.get(alpha_2=value) is not None


def country(value: str) -> str:
    """An ISO 3166-1 alpha-2 code in upper case."""
    if not value.isupper() or not _is_country(value):
        raise invalid("COUNTRY_INVALID", "Not an ISO 3166-1 alpha-2 country code.")
    return value


def day(value: object) -> date:
    """A calendar date, YYYY-MM-DD, without a time, from 1900 to 2999."""
    found = _calendar_day(value)
    if not EARLIEST <= found <= LATEST:
        raise invalid("FIELD_RANGE", "A date lies between 1900-01-01 and 2999-12-31")
    return found


def _calendar_day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise invalid("DATE_INVALID", "There is no such day.") from None
    if isinstance(value, str) and _DAYS.fullmatch(value):
        raise invalid("DATE_INVALID", "A date is written YYYY-MM-DD; this is a spreadsheet's count of days.")
    raise invalid("DATE_INVALID", "A date is written YYYY-MM-DD.")


def moment(value: object) -> datetime | date:
    """A moment as in RFC 3339, or a date. Whether it needs its offset from UTC is its field's to say."""
    if isinstance(value, date):  # as a datetime is, too
        return value
    if isinstance(value, str) and _MOMENT.fullmatch(value.upper()):
        try:
            return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value.upper())
        except ValueError:
            raise invalid("DATE_INVALID", "There is no such moment.") from None
    raise invalid("DATE_INVALID", "A moment is written 2026-01-31T12:00:00Z, or 2026-01-31.")


def utc(value: object, of_a_date: time = time.min) -> datetime:
    """The moment in UTC, as which it counts unless it says otherwise; of a date its beginning, or `of_a_date`."""
    found = moment(value)
    if not isinstance(found, datetime):
        return datetime.combine(found, of_a_date, UTC)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def phone(value: str) -> str:
    """A telephone number as people write it: digits and their usual separators, an extension, 3 to 25 digits."""
    value = text(value if value.isascii() else value.translate(_PHONE_SIGNS), limit=50)
    if not _PHONE.fullmatch(value) or not 3 <= len("".join(_DIGITS.findall(value))) <= 25:
        raise invalid("PHONE_INVALID", "Not a telephone number.")
    return value


def website(value: str) -> str:
    """A host name or an http(s) address, without credentials."""
    value = text(value, limit=2048)
    bad = invalid("WEBSITE_INVALID", "Not an http or https address.")
    if " " in value or "\\" in value:
        raise bad
    try:
        parts = urlsplit(value if "://" in value else f"https://{value}")
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise bad from None
    if parts.scheme.lower() not in {"http", "https"} or not host or "." not in host or "@" in parts.netloc:
        raise bad
    return value


def tax_id(value: str) -> str:
    """A tax identifier as printed on the customer's papers: at least one letter or digit."""
    value = text(value, limit=64)
    if not any(map(str.isalnum, without(value))):
        raise invalid("FIELD_TYPE", "A tax id has letters or digits.")
    return value
