"""Payment references of national schemes, which prove themselves by check digits as ISO 11649 does: the Swiss QRR, the Belgian
OGM (VCS), the Norwegian KID, the Finnish viite, the Swedish OCR, the Danish FIK.

    +++090/9337/55493+++  →  OGM 090933755493         21 00000 00003 13947 14300 09017  →  QRR 210000000003139471430009017
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from models.cash.mentions import Doubt, Mention, spelled


class Scheme(StrEnum):
    QRR = "QRR"
    OGM = "OGM"
    KID = "KID"
    VIITE = "VIITE"
    OCR = "OCR"
    FIK = "FIK"


OF_COUNTRY: Final = {
    "BE": Scheme.OGM,
    "DK": Scheme.FIK,
    "FI": Scheme.VIITE,
    "NO": Scheme.KID,
    "SE": Scheme.OCR,
}
"""What a creditor's reference of digits alone is, on an account of the country. A Swiss one is known by its 27 digits."""

_SHAPES: Final = {
    Scheme.QRR: re.compile(r"[0-9]{27}"),
    Scheme.OGM: re.compile(r"[0-9]{12}"),
    Scheme.KID: re.compile(r"[0-9]{2,25}|[0-9]{1,24}-"),
    Scheme.VIITE: re.compile(r"[0-9]{4,20}"),
    Scheme.OCR: re.compile(r"[0-9]{2,25}"),
    Scheme.FIK: re.compile(r"[0-9]{15,16}"),
}
_PADDED: Final = {Scheme.QRR, Scheme.VIITE, Scheme.FIK}
"""Where zeros before the reference fill a width and mean nothing."""
_LABEL: Final = re.compile(
    r"(?P<KID>KID)|(?P<OCR>OCR)|(?P<VIITE>VIITE)|(?P<OGM>OGM|VCS)|(?P<QRR>QRR)|(?P<FIK>FIK)", re.IGNORECASE
)
_LABELLED: Final = re.compile(rf"(?:{_LABEL.pattern})(?:-?(?:NR|NRO|NUMERO|NO|NUMMER))?[.:#=]*", re.IGNORECASE)
_GLUED: Final = re.compile(rf"(?:{_LABEL.pattern})(?:-?(?:NR|NRO|NO))?[.:#=]+(?P<digits>[0-9]+-?)", re.IGNORECASE)
_MARKED_OGM: Final = re.compile(r"[+*]{3}([0-9]{3})/([0-9]{4})/([0-9]{5})[+*]{3}")
_BARE_OGM: Final = re.compile(r"([0-9]{3})/([0-9]{4})/([0-9]{5})")
PRINTED_GROUPS: Final = (2, 5, 5, 5, 5, 5)
"""How many digits the groups have in which a QRR is printed."""
_CARRIES: Final = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)


def scheme_of_field(field: str) -> Scheme | None:
    """The scheme that a reader has put behind a field's name: CdtrRefInf/Ref (KID)."""
    name = field[field.rfind("(") + 1 : -1] if field.endswith(")") else ""
    return next((scheme for scheme in Scheme if scheme == name), None)


def field_of_scheme(field: str, scheme: Scheme) -> str:
    return f"{field} ({scheme})"


def scheme_of_label(word: str) -> Scheme | None:
    """KID, KID:, OCR-nr, Viitenro, VCS, …: the word in front of a reference."""
    found = _LABELLED.fullmatch(word)
    return Scheme(found.lastgroup) if found and found.lastgroup else None


def is_of(scheme: Scheme, digits: str) -> bool:
    return _SHAPES[scheme].fullmatch(digits) is not None


def fits(scheme: Scheme, digits: str) -> bool:
    """Whether a reference of the scheme has its right check digits."""
    return is_of(scheme, digits) and digits in _with_check_digits(scheme, digits)


def mention_in(written: str, scheme: Scheme | None = None, *, cut: bool = False) -> Iterator[Mention]:
    """What a word says that is a reference: of the scheme that it is said to be of, or by its shape. Nothing where it is none."""
    compact = written.replace(" ", "")
    if scheme is not None and is_of(scheme, compact):
        yield from mentions(scheme, compact, written, cut=cut)
        return
    if ogm := _MARKED_OGM.fullmatch(compact):
        yield from mentions(Scheme.OGM, "".join(ogm.groups()), written, cut=cut)
    elif ogm := _BARE_OGM.fullmatch(compact):
        yield from mentions(Scheme.OGM, "".join(ogm.groups()), written, cut=cut, to_the_letter=True)
    elif is_of(Scheme.QRR, compact):
        yield from mentions(Scheme.QRR, compact, written, cut=cut)
    elif glued := _GLUED.fullmatch(compact):
        scheme = next(scheme for scheme in Scheme if glued.group(scheme))
        if is_of(scheme, glued.group("digits")):
            yield from mentions(scheme, glued.group("digits"), written, cut=cut)


def mentions(
    scheme: Scheme, digits: str, written: str, *, cut: bool = False, to_the_letter: bool = False
) -> Iterator[Mention]:
    """A reference of the scheme. One whose check digits do not fit was copied wrongly: it names nothing by itself, and may mean
    the reference of the right ones. `to_the_letter`: it may be another sort of number, and is that where an invoice bears it."""
    doubt = Doubt.CUT if cut else None
    if fits(scheme, digits):
        yield spelled(digits, [written, *_writings(scheme, digits)], weak=False, doubt=doubt, counts=True)
        return
    if to_the_letter:
        yield Mention(((written,),), doubt=doubt, counts=True)
    right = _with_check_digits(scheme, digits)
    loose = [written, *(writing for number in right for writing in (number, *_writings(scheme, number)))]
    yield spelled(digits, loose, weak=False, doubt=Doubt.CHECK_DIGITS, counts=True)


def _writings(scheme: Scheme, digits: str) -> list[str]:
    """The other ways in which an invoice's own number may be this reference."""
    found = [digits.lstrip("0")] if scheme in _PADDED else []
    if scheme is Scheme.OGM:
        printed = f"{digits[:3]}/{digits[3:7]}/{digits[7:]}"
        found += [printed, f"+++{printed}+++", f"***{printed}***"]
    elif scheme is Scheme.QRR:
        found.append(" ".join([digits[:2], *(digits[at : at + 5] for at in range(2, 27, 5))]))
    return found


def _with_check_digits(scheme: Scheme, digits: str) -> tuple[str, ...]:
    """The reference with the right check digits; two, where the scheme lets creditors choose between two ways."""
    body = digits[:-1]
    match scheme:
        case Scheme.QRR:
            return (body + _modulus_10_recursive(body),)
        case Scheme.OGM:
            return (digits[:10] + f"{int(digits[:10]) % 97 or 97:02d}",)
        case Scheme.VIITE:
            return (body + str(-_weighted(body, (7, 3, 1)) % 10),)
        case Scheme.KID:
            return body + _luhn(body), body + _modulus_11(body)
        case Scheme.OCR | Scheme.FIK:
            return (body + _luhn(body),)


def _modulus_10_recursive(body: str) -> str:
    carry = 0
    for digit in body:
        carry = _CARRIES[(carry + int(digit)) % 10]
    return str(-carry % 10)


def _luhn(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 - place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def _modulus_11(body: str) -> str:
    check = -_weighted(body, (2, 3, 4, 5, 6, 7)) % 11
    return "-" if check == 10 else str(check)


def _weighted(body: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weights[place % len(weights)] for place, digit in enumerate(reversed(body)))
