"""Which receipt a debit gives back: the one of its amount that shares a reference with it."""

from collections.abc import Iterable

from models.cash.bank_texts import BankText
from models.cash.references import mentions_of, reference_key


def strong_references(texts: Iterable[BankText]) -> frozenset[str]:
    """What a line says that may name a receipt or its invoice: no plain words, dates or short numbers."""
    return frozenset(
        reference_key(token) for mention in mentions_of(texts) if not mention.weak for token in mention.tokens()
    )
