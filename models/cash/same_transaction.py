"""Whether two lines of different files are one movement of money, told by the bank's own reference.

A reference that names a transaction comes again with the same day and amount, though the bank may write the rest in other
words, or at greater length. Some banks count from 1 in each file, or give a day's receipts one reference: where the two
lines name different invoices or different payers, nothing is decided, and a person is asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from models.cash.bank_texts import BankText
from models.cash.returned import strong_references
from models.keys import company_key

NO_TRANSACTION = {"", "0", "NONREF", "NOREF", "NOTPROVIDED", "NOTAVAILABLE", "NA", "N/A", "NONE", "NULL"}
"""What stands where a bank has no reference."""


class PayerAndTexts(Protocol):
    """A line as far as it tells who paid what."""

    @property
    def payer(self) -> str | None: ...
    @property
    def texts(self) -> Sequence[BankText]: ...


def names_a_transaction(bank_ref: str | None) -> bool:
    """Whether it is a reference at all: some banks fill the field with zeros, or say that there is none."""
    bare = (bank_ref or "").strip().upper()
    return bare not in NO_TRANSACTION and bool(bare.strip("0-. "))


def likeness(one: PayerAndTexts, other: PayerAndTexts) -> int:
    """2: they share a reference; 1: nothing speaks against it; 0: they name different invoices, or different payers."""
    ours, theirs = strong_references(one.texts), strong_references(other.texts)
    if ours & theirs:
        return 2
    if ours and theirs:
        return 0
    return 1 if _may_be_one_payer(one.payer, other.payer) else 0


def _may_be_one_payer(one: str | None, other: str | None) -> bool:
    if not one or not other:
        return True
    ours, theirs = company_key(one).split(), company_key(other).split()
    return not ours or not theirs or bool(set(ours) & set(theirs))


@dataclass(frozen=True, slots=True)
class Paired:
    """`same`: of our lines, by number, the known line that each is; `doubtful`: those that may be one of the known lines, and
    may be another movement. What is in neither is new."""

    same: Mapping[int, int] = field(default_factory=dict)
    doubtful: Mapping[int, Sequence[int]] = field(default_factory=dict)


def pair(
    ours: Sequence[PayerAndTexts], known: Sequence[PayerAndTexts], exact: Iterable[tuple[int, int]] = ()
) -> Paired:
    """Pairs our lines with known ones of the same reference, day and amount; both by their place in the sequence.

    Each known line is one of ours at most. `exact` are those that say the same to the letter. Of the others the likest
    come first; so the same lines are paired in the same way whatever part of them is looked at.
    """
    same = dict(exact)
    for wanted in (2, 1):
        for n, line in enumerate(ours):
            if n in same:
                continue
            taken = set(same.values())
            for k, candidate in enumerate(known):
                if k not in taken and likeness(line, candidate) == wanted:
                    same[n] = k
                    break
    left = [k for k in range(len(known)) if k not in set(same.values())]
    return Paired(same, {n: left for n in range(len(ours)) if n not in same and left})
