"""Texts that a format has chopped into pieces, put together again.

A piece that is shorter than its width ends a word: the bank broke there. One that fills its width runs on in the next,
and the place is remembered, because a word may have ended there by chance.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from models.cash.bank_texts import BankText, Role
from statement_readers.fields import MAX_NAME, MAX_TEXT, folded


@dataclass(frozen=True, slots=True)
class Joined:
    """A whole text, with the offsets of its seams."""

    text: str
    seams: tuple[int, ...] = ()
    cut: bool = False

    def part(self, start: int, end: int) -> "Joined":
        """What stands between two offsets, trimmed; cut only where the end is the whole's."""
        raw = self.text[start:end]
        text = raw.strip()
        first = start + len(raw) - len(raw.lstrip())
        inside = tuple(seam - first for seam in self.seams if first < seam < first + len(text))
        return Joined(text, inside, self.cut and end >= len(self.text))

    def as_bank_text(self, field: str, role: Role) -> BankText | None:
        return BankText(field, self.text, role, self.seams, self.cut) if self.text else None


def join(pieces: Iterable[tuple[str, bool]], *, cut: bool = False, limit: int = MAX_TEXT) -> Joined:
    """Pieces in order, each with whether it fills its width. `cut`: the last one may lack its end."""
    text = ""
    seams: list[int] = []
    full = False
    for piece, runs_on in pieces:
        part = folded(piece)
        if not part.strip():
            text, full = (f"{text} " if text and not text.endswith(" ") else text), False
            continue
        if not text or text.endswith(" "):
            part = part.lstrip()
        elif not part.startswith(" "):
            if full:
                seams.append(len(text))
            else:
                part = f" {part}"
        text += part
        full = runs_on
    cut = (cut and not text.endswith(" ")) or len(text.rstrip()) > limit
    whole = text[:limit].rstrip()
    return Joined(whole, tuple(seam for seam in seams if seam < len(whole)), cut)


def bank_text(field: str, text: str | None, role: Role = Role.SHOWN, *, width: int | None = None) -> BankText | None:
    """One text of a field that holds at most `width` characters; None where it is empty."""
    limit = MAX_TEXT if role is Role.TEXT else MAX_NAME
    written = (text or "").strip()
    return join([(written, False)], cut=len(written) == width, limit=limit).as_bank_text(field, role)


def kept(*texts: BankText | None) -> tuple[BankText, ...]:
    """Those of the texts that say something, each once."""
    return tuple(dict.fromkeys(text for text in texts if text is not None))
