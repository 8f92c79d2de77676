"""One thing in a remittance that the payer may have meant as an invoice."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

MAX_LENGTH = 128


class Doubt(StrEnum):
    """Why a mention names nothing by itself, whatever it looks like."""

    CUT = "REFERENCE_CUT"
    CHECK_DIGITS = "CHECK_DIGITS_WRONG"


@dataclass(frozen=True, slots=True)
class Mention:
    """`spellings` in ranks, the surest first. `weak`: a plain word, a short number, a date or amount: too little to
    name an invoice unless the money fits too. `parts`: what it may consist of, should no spelling be known. `rivals`:
    what its pieces say, should they not belong together. `counts`: while no invoice is known by it, it is a reference
    that is unresolved. `own`: the payer's own number of the payment."""

    spellings: tuple[tuple[str, ...], ...]
    weak: bool = False
    parts: tuple["Mention", ...] = ()
    rivals: tuple["Mention", ...] = ()
    doubt: Doubt | None = None
    counts: bool = False
    own: bool = False

    def tokens(self) -> Iterator[str]:
        for rank in self.spellings:
            yield from rank
        for other in (*self.parts, *self.rivals):
            yield from other.tokens()

    @property
    def is_bare_number(self) -> bool:
        return bool(self.spellings) and self.spellings[0][0].isdigit()


def spelled(
    whole: str, loose: Iterable[str], *, weak: bool, parts: tuple[Mention, ...] = (), doubt: Doubt | None = None,
    counts: bool = False, own: bool = False,
) -> Mention:  # fmt: skip
    """A mention of two ranks: as written, and the looser spellings that fit into a name."""
    others = tuple(item for item in dict.fromkeys(loose) if item and item != whole and len(item) <= MAX_LENGTH)
    return Mention(((whole,), others) if others else ((whole,),), weak, parts, (), doubt, counts, own)
