"""What a CAMT entry or transaction says beside the money, text by text: the searched ones first, then all the others."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from models.cash.bank_texts import BankText, Role
from models.cash.check_digits import is_iban
from models.cash.payment_references import OF_COUNTRY, Scheme, field_of_scheme, is_of, scheme_of_field
from models.cash.statements import StatementLine
from statement_readers.camt_xml import Element, local, money, text, text_at
from statement_readers.fields import MAX_TEXT, clean
from statement_readers.joining import bank_text, join, kept

ID_WIDTH, TEXT_WIDTH, NOTE_WIDTH = 35, 140, 500
OLD_WIDTHS = {27, 35, 65, 70, TEXT_WIDTH}
"""Lengths at which a piece of text may have been chopped: the schema's, and those of the formats it came through."""
MAX_TEXTS = 200

_ELSEWHERE = {
    "Amt",
    "CdtDbtInd",
    "RvslInd",
    "Sts",
    "BookgDt",
    "ValDt",
    "RmtInf",
    "AddtlTxInf",
    "AddtlNtryInf",
    "Chrgs",
}
_ELSEWHERE |= {"TtlNtries", "NtryDtls", "TtlChrgsAndTaxAmt"}


class Remittance(NamedTuple):
    """RmtInf: structured references in document order, the free text as one, what builds before this read of it."""

    structured: tuple[str, ...]
    free: str | None
    free_before: str | None
    texts: tuple[BankText, ...]


def read_remittance(info: Element | None) -> Remittance:
    structured: dict[str, None] = {}
    pieces: list[tuple[str, bool]] = []
    texts: list[BankText | None] = []
    before = ""
    cut = False
    for element in info if info is not None else ():
        match local(element):
            case "Ustrd":
                piece = element.text or ""
                pieces.append((piece, len(piece) in OLD_WIDTHS))
                cut = len(piece) == TEXT_WIDTH
                before += piece if len(piece) == TEXT_WIDTH else f"{piece} "
            case "Strd":
                for part in _with_amount(element, _structured(element)):
                    texts.append(part)
                    if part.role in (Role.DOCUMENT, Role.CREDITOR_REFERENCE):
                        structured[part.text] = None
                    elif part.role is Role.TEXT:
                        pieces.append((part.text, False))
                        before += f"{part.text} "
                        cut = part.cut
    # Additional texts stand in the free text, too, in their order; searched once.
    texts = [item for item in texts if item is not None and item.role is not Role.TEXT]
    free = join(pieces, cut=cut)
    everything = kept(*texts, free.as_bank_text("RmtInf/Ustrd", Role.TEXT))
    return Remittance(tuple(structured), free.text or None, clean(before, MAX_TEXT), everything)


def _with_amount(element: Element, parts: Iterator[BankText]) -> Iterator[BankText]:
    """What is paid of a document stands beside its number; where several documents share one amount, it is none of theirs."""
    amount = next((a for a in element.iterfind("{*}RfrdDocAmt/{*}RmtdAmt")), None)
    several = len([child for child in element if local(child) == "RfrdDocInf"]) != 1
    for part in parts:
        if part.role is Role.DOCUMENT and amount is not None and not several:
            minor, currency = money(amount)
            yield replace(part, amount_minor=minor, currency_code=currency)
        else:
            yield part


def _structured(element: Element) -> Iterator[BankText]:
    for part in element:
        match local(part):
            case "RfrdDocInf":
                yield from kept(bank_text("RfrdDocInf/Nb", text_at(part, "Nb"), Role.DOCUMENT, width=ID_WIDTH))
            case "CdtrRefInf":
                field = _of_issuer("CdtrRefInf/Ref", part)
                yield from kept(bank_text(field, text_at(part, "Ref"), Role.CREDITOR_REFERENCE, width=ID_WIDTH))
            case "AddtlRmtInf":
                yield from kept(bank_text("AddtlRmtInf", part.text, Role.TEXT, width=TEXT_WIDTH))
        yield from _leaves(part, f"Strd/{local(part)}", {"Nb", "Ref"})


def _of_issuer(field: str, part: Element) -> str:
    """The field, with the national scheme where the type of the reference names one: QRR in Switzerland, BBA in Belgium."""
    kind = text_at(part, "Tp", "CdOrPrtry", "Prtry")
    issuer = text_at(part, "Tp", "Issr")
    scheme = Scheme.OGM if issuer == "BBA" else next((scheme for scheme in Scheme if scheme == kind), None)
    return field if scheme is None else field_of_scheme(field, scheme)


def in_country(line: StatementLine, account_ref: str | None) -> StatementLine:
    """The line, where a creditor's reference of digits alone is of the national scheme of its account."""
    scheme = OF_COUNTRY.get((account_ref or "")[:2])
    if scheme is None or not line.structured_references or not is_iban(account_ref or ""):
        return line
    texts = (
        replace(text, field=field_of_scheme(text.field, scheme))
        if text.role is Role.CREDITOR_REFERENCE and not scheme_of_field(text.field) and is_of(scheme, text.text)
        else text
        for text in line.texts
    )
    return replace(line, texts=tuple(texts))


def note(field: str, element: Element | None, *, searched: bool) -> BankText | None:
    """AddtlTxInf and AddtlNtryInf: searched only where there is no remittance."""
    return bank_text(field, text(element), Role.TEXT if searched else Role.SHOWN, width=NOTE_WIDTH)


def everything_else(element: Element) -> tuple[BankText, ...]:
    """Every text below an element that is not read for itself: identifiers, parties, accounts, agents, codes."""
    return tuple(
        item for child in element if local(child) not in _ELSEWHERE for item in _leaves(child, local(child), set())
    )


def _leaves(element: Element, path: str, read: set[str]) -> Iterator[BankText]:
    for child in element:
        name = local(child)
        if len(child):
            yield from _leaves(child, f"{path}/{name}", read)
        elif name not in read and not child.get("Ccy"):
            yield from kept(bank_text(sys.intern(f"{path}/{name}"), child.text))
    if not len(element) and "/" not in path and not element.get("Ccy"):
        yield from kept(bank_text(sys.intern(path), element.text))


def in_order(*groups: tuple[BankText, ...]) -> tuple[BankText, ...]:
    """The texts of several places as one list, each once, the searched first; bounded."""
    texts = kept(*(text for group in groups for text in group))
    return tuple(sorted(texts, key=lambda item: item.role is Role.SHOWN))[:MAX_TEXTS]
