"""Which receipt a debit gives back: the one of its amount that shares a reference with it. And why, in the bank's own code."""

import re
from collections.abc import Iterable
from typing import Final

from models.cash.bank_texts import BankText, references_in
from models.cash.references import mentions_of, reference_key

RETURNED: Final = "RETURNED"
_CODE_FIELDS: Final = ("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry", ":86: RTRN")
_CODE: Final = re.compile(
    r"(?<![A-Z0-9/-])((?:AC|AG|AM|BE|DS|DT|ED|FF|FR|MD|MS|RC|RR|SL|SP|TM)[0-9]{2}|R(?:0[1-9]|[1-7][0-9]|8[0-5])"
    r"|AGNT|CNOR|CUST|DNOR|DUPL|FOCR|FRTR|NOAS|NOOR|TRAC|UPAY)(?![A-Z0-9/-])"
)
"""Return reasons of ISO 20022 and of Nacha (R01 to R85), as banks also write them into texts."""
_KIND_FIELDS: Final = ("/SubFmlyCd", "16 type code", ":61: transaction type")
_KIND: Final = re.compile(r"RRTN|RPCR|UPDD|PRDD|UPCQ|CQRV|55[578]|[A-Z]RTI")


def strong_references(texts: Iterable[BankText]) -> frozenset[str]:
    """What a line says that may name a receipt or its invoice: no plain words, dates or short numbers."""
    return frozenset(
        reference_key(token) for mention in mentions_of(texts) if not mention.weak for token in mention.tokens()
    )


def own_references(texts: Iterable[BankText], *more: str | None) -> frozenset[str]:
    """What a receipt is called: the references that stand in fields of their own, and what it was recorded by."""
    return frozenset(reference_key(reference) for reference in (*references_in(texts), *more) if reference)


def return_reason(texts: Iterable[BankText]) -> str:
    """RETURNED_AM04, RETURNED_R01: the bank's code for why; its code for what kind of return it is where it gives no other;
    RETURNED alone where it gives none."""
    said = list(texts)
    code = (
        next((t.text for t in said if t.field in _CODE_FIELDS), None)
        or next((found.group(1) for t in said if (found := _CODE.search(t.text.upper()))), None)
        or next((t.text for t in said if t.field.endswith(_KIND_FIELDS) and _KIND.fullmatch(t.text)), None)
    )
    bare = re.sub(r"[^A-Z0-9]+", "_", (code or "").upper()).strip("_")
    return f"{RETURNED}_{bare}"[:64] if bare else RETURNED
