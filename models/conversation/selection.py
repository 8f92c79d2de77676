"""Which of a customer's open invoices a person means: "the oldest three", "everything but the disputed one", "INV-7".

The words choose among what is there, or a question comes back. Nothing is guessed: a word that is not understood is asked
about.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open invoice. Dates as YYYY-MM-DD; the balance in minor units."""

    id: str
    external_id: str
    issue_date: str
    due_date: str
    balance_minor: int
    disputed: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """The ids that are meant, in the order in which they would be paid, or what to ask."""

    ids: Sequence[str] | None
    question: str | None = None


_NUMBERS: Final[Mapping[str, int]] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "dozen": 12,
}  # fmt: skip
_FILLERS: Final = frozenset(
    (
        "the", "a", "an", "of", "all", "them", "these", "those", "invoice", "invoices", "item", "items", "please", "apply",
        "pay", "to", "it", "its", "their", "for", "open", "one", "ones", "which", "that", "is", "are", "and", "my", "our",
        "just", "only", "take", "everything", "every",
    )
)  # fmt: skip
_BUT: Final = re.compile(r"\b(?:but|except(?:\s+for)?|without|excluding|apart\s+from|other\s+than|minus)\b")
_FIRST: Final = re.compile(r"\b(oldest|newest|latest|largest|biggest|smallest|first|last)\b")
_WORD: Final = re.compile(r"[\w][\w./#-]*")
_ORDERS: Final[Mapping[str, tuple[Callable[[Candidate], tuple[object, ...]], bool]]] = {
    "oldest": (lambda c: (c.due_date, c.issue_date, c.id), False),
    "first": (lambda c: (c.due_date, c.issue_date, c.id), False),
    "newest": (lambda c: (c.issue_date, c.due_date, c.id), True),
    "latest": (lambda c: (c.issue_date, c.due_date, c.id), True),
    "last": (lambda c: (c.issue_date, c.due_date, c.id), True),
    "largest": (lambda c: (c.balance_minor, c.id), True),
    "biggest": (lambda c: (c.balance_minor, c.id), True),
    "smallest": (lambda c: (c.balance_minor, c.id), False),
}


class _Unclear(Exception):
    """What to ask."""


def select(words: str, candidates: Sequence[Candidate], *, complete: bool = True) -> Selection:
    """The invoices that the words mean. `complete`: the candidates are all that the customer has open; what depends on the
    others is asked about where they are not."""
    said = " ".join(words.casefold().split()).strip(" .!?")
    parts = _BUT.split(said)
    try:
        chosen = _named(parts[0], candidates, complete, everything=len(parts) > 1)
        for left_out in parts[1:]:
            away = {c.id for c in _named(left_out, candidates, True)}
            chosen = [c for c in chosen if c.id not in away]
    except _Unclear as unclear:
        return Selection(None, str(unclear))
    if not chosen:
        return Selection(None, f"“{words}” leaves no open invoice. Which invoices are meant?")
    return Selection([c.id for c in chosen])


def _named(said: str, candidates: Sequence[Candidate], complete: bool, *, everything: bool = False) -> list[Candidate]:
    by_name = _by_reference(said, candidates)
    if by_name is not None:
        return by_name
    if found := _FIRST.search(said):
        if not complete and found[1] != "oldest" and found[1] != "first":
            raise _Unclear("There are more open invoices than can be looked through: name them by their numbers.")
        return _ordered(said, found, candidates)
    if not said.strip() and everything:
        return list(candidates)
    rest = [word for word in _WORD.findall(said) if word not in _FILLERS]
    if rest == ["disputed"]:
        return _disputed(said, candidates)
    if rest in (["undisputed"], ["not", "disputed"]):
        return [c for c in candidates if not c.disputed]
    if not rest and re.search(r"\b(all|everything|every)\b", said):
        if not complete:
            raise _Unclear(
                "There are more open invoices than one session takes: name them, or say the oldest how many."
            )
        return list(candidates)
    raise _Unclear(_which(" ".join(rest) or said, candidates))


def _disputed(said: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The disputed ones; where one is spoken of and there are several, which."""
    found = [c for c in candidates if c.disputed]
    if re.search(r"\bdisputed (one|invoice|item)\b", said) and len(found) > 1:
        raise _Unclear("More than one is disputed: " + _listed(found) + ". Which one is meant?")
    if not found:
        raise _Unclear("No open invoice is disputed. Which one is meant?")
    return found


def _by_reference(said: str, candidates: Sequence[Candidate]) -> list[Candidate] | None:
    """The invoices that the words name by number or id; None where they name none. Raises where a number fits several."""
    words = _WORD.findall(said)
    chosen: list[Candidate] = []
    others: list[str] = []
    for word in words:
        bare = word.strip("#.,")
        exact = [c for c in candidates if bare in (c.id.casefold(), c.external_id.casefold())]
        ending = [c for c in candidates if bare.isdigit() and len(bare) > 1 and _ends_with(c.external_id, bare)]
        found = exact or ending
        if len(found) > 1:
            raise _Unclear(f"“{word}” may be {_listed(found)}. Which one is meant?")
        if found:
            chosen += [c for c in found if c not in chosen]
        elif bare not in _FILLERS:
            others.append(word)
    if not chosen:
        return None
    if others:
        raise _Unclear(_which(" ".join(others), candidates))
    return chosen


def _ends_with(external_id: str, digits: str) -> bool:
    """Whether the number's last group of digits is this one, leading zeros aside: 7 is not 17."""
    groups = re.findall(r"[0-9]+", external_id)
    return bool(groups) and groups[-1].lstrip("0") == digits.lstrip("0")


def _ordered(said: str, found: "re.Match[str]", candidates: Sequence[Candidate]) -> list[Candidate]:
    key, backwards = _ORDERS[found[1]]
    rest = [w for w in _WORD.findall(said.replace(found[1], " ", 1)) if w not in _FILLERS or w in _NUMBERS]
    numbers = [_NUMBERS.get(word, int(word) if word.isdecimal() and len(word) < 5 else 0) for word in rest]
    if len(rest) > 1 or 0 in numbers:
        raise _Unclear(_which(said, candidates))
    many = numbers[0] if numbers else 1
    if not numbers and re.search(r"\b(invoices|items|ones)\b", said):
        raise _Unclear(f"How many of the {found[1]}?")
    if many > len(candidates):
        raise _Unclear(f"{len(candidates)} are open, not {many}: {_listed(candidates)}. Are all of them meant?")
    return sorted(candidates, key=key, reverse=backwards)[:many]


def _which(word: str, candidates: Sequence[Candidate]) -> str:
    return f"“{word}” names no open invoice. Open are {_listed(candidates) or 'none'}. Which are meant?"


def _listed(candidates: Iterable[Candidate]) -> str:
    names = [c.external_id for c in candidates]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
