"""Files of banks with one thing changed, and what must still hold of what is read of them."""

import random
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest

from models.cash.references import mentions_of
from models.cash.statements import Statement, StatementLine
from models.errors import Refusal
from tests.unit.statements.samples import SAMPLES, Sample

__all__ = ["SAMPLES", "mutate", "wrong"]

NOISE = [bytes([n]) for n in range(32, 127)] + [
    b"\n",
    b"\r",
    b"\t",
    b"\x00",
    b"\xff",
    b"\xc3\xa9",
    b"\xe2\x80\x93",
    b"\x1e",
]


@dataclass(frozen=True)
class Mutation:
    """A changed file. `meant`: whether it changes an amount, a date, a sign or a currency, so that it says something else."""

    data: bytes
    at: int
    what: str
    meant: bool


def mutate(sample: Sample, seed: int) -> Mutation:
    """One change: a character replaced, left out or put in, a line left out, doubled or cut, two lines exchanged, the end cut."""
    dice = random.Random(seed)
    data, at = sample.data, dice.randrange(len(sample.data))
    kind = dice.choice(["replace", "replace", "delete", "insert", "insert", "drop line", "double line", "cut", "swap"])
    end = at + 1
    match kind:
        case "replace":
            changed = data[:at] + dice.choice(NOISE) + data[at + 1 :]
        case "delete":
            end = at + dice.choice([1, 1, 2, 5])
            changed = data[:at] + data[end:]
        case "insert":
            end = at
            changed = data[:at] + dice.choice(NOISE) + data[at:]
        case "cut":
            end = len(data)
            changed = data[:at]
        case _:
            lines = data.splitlines(keepends=True)
            n = dice.randrange(len(lines))
            at, end = sum(map(len, lines[:n])), sum(map(len, lines[: n + 1]))
            if kind == "drop line":
                lines[n : n + 1] = []
            elif kind == "double line":
                lines[n:n] = [lines[n]]
            else:
                m = dice.randrange(len(lines))
                lines[n], lines[m] = lines[m], lines[n]
            changed = b"".join(lines)
    touched = kind not in ("replace", "delete", "insert") or any(a <= end and at <= b for a, b in sample.spans())
    return Mutation(changed, at, kind, touched)


Told = tuple[str, int, str]


def told(statements: list[Statement]) -> list[Told]:
    return [(x.booking_date.isoformat(), x.amount_minor, x.currency_code) for s in statements for x in s.lines]


@cache
def _unchanged(sample: Sample) -> list[Statement]:
    return sample.read(sample.data)


def wrong(sample: Sample, m: Mutation) -> str | None:
    """What is wrong with how a changed file is read; None where it is read right, with a warning, or refused with a place."""
    before = _unchanged(sample)
    try:
        after = sample.read(m.data)
    except Refusal as refusal:
        if refusal.code != "STATEMENT_UNREADABLE":
            return f"refused as {refusal.code}"
        return None if "line" in refusal.extra else f"refused without a place: {refusal.detail}"
    warned = {w.code for s in after for w in s.warnings} - {w.code for s in before for w in s.warnings}
    if warned or any(len(s.warnings) > len(b.warnings) for s, b in zip_longest(after, before, fillvalue=before[0])):
        return None
    was, now = told(before), told(after)
    if m.what in ("drop line", "double line", "cut", "swap"):
        as_they_stand = (
            m.what == "swap" and sample.value_lines
        )  # an amount and a balance may fit the other way round, too
        return (None if as_they_stand else _whole_lines(was, now)) or _whole_references(sample, before, after)
    changed = [pair for pair in zip_longest(was, now) if pair[0] != pair[1]]
    if not m.meant and changed:
        return f"a change beside the values is read as {changed}"
    # The date of a BAI2 group and the currency of an account are those of all its lines.
    one_date = all(a and b and a[1:] == b[1:] for a, b in changed) or all(
        a and b and a[:2] == b[:2] for a, b in changed
    )
    if len(now) != len(was) or (len(changed) > (1 if m.what != "delete" else 2) and not one_date):
        return f"one change is read as {len(changed)}: {changed[:3]}"
    return _references(m, before, after)


def _references(m: Mutation, before: list[Statement], after: list[Statement]) -> str | None:
    """No line names what another one named, and none what stands nowhere in the file as it is."""
    was, now = [line for s in before for line in s.lines], [line for s in after for line in s.lines]
    written = {_bare(m.data.decode(encoding, "replace")) for encoding in ("utf-8", "latin-1")}
    for n, (old, new) in enumerate(zip(was, now, strict=True)):
        others = {word for k, other in enumerate(was) if k != n for word in _named(other)}
        for word in _named(new) - _named(old):
            if word in others or not any(_bare(word.split()[-1]) in text for text in written):
                return f"line {n + 1} names {word!r}"
    return None


def _whole_references(sample: Sample, before: list[Statement], after: list[Statement]) -> str | None:
    """Nor is a reference, of pieces that stood on several lines and belonged together nowhere."""
    known = {word for s in before for line in s.lines for word in _named(line)}
    written = [_bare(row.decode("latin-1")) for row in sample.data.splitlines()]
    made_up = [
        word
        for s in after
        for line in s.lines
        for word in _named(line) - known
        if not any(_bare(word) in row for row in written)
    ]
    return f"made up: {made_up}" if made_up else None


def _named(line: StatementLine) -> set[str]:
    """What a line names for sure, in its surest spelling."""
    sure = (m for m in mentions_of(line.all_texts) if m.doubt is None and m.counts and not m.weak and m.spellings)
    return {m.spellings[0][0] for m in sure}


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum()).casefold()


def _whole_lines(was: list[Told], now: list[Told]) -> str | None:
    """Whole lines may be lost or doubled where a format has no sum to tell; none may be made up of two."""
    made_up = [line for line in now if line not in was]
    return f"made up: {made_up}" if made_up else None
