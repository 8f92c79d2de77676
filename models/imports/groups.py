"""Which columns of a file tell of one and the same address: the billing address's, or the mailing address's, never some of each.

Exports name an address more than once (Billing City and Mailing City; Bill to City and City; ORT01). Each naming is a
group. A row's address is taken from one group: the first that is complete, in the order of `RANKS`; where none is, the first
that says anything.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

RANKS: Final = ("", "billing", "billto", "plain", "mailing", "sap")
"""The groups of the customer's address. "" is what a mapping or the field's own name says: it goes with every group."""
_SAP: Final = frozenset({"stras", "ort01", "regio", "pstlz", "land1"})
_CALLED: Final = ("first", "middle", "last")
_NAME_PART: Final = re.compile(r"(?:contact)?(first|middle|last)name")
_NEEDED: Final = ("lines", "city", "country")


@dataclass(frozen=True)
class Part:
    """A column that fills a part (`lines`, `city`, …) of a related record; `group` as in RANKS."""

    column: int
    part: str
    group: str


def group_of(key: str, known: bool) -> str:
    """The group of a column by its normalised name; `known`: that the source's preset knows it."""
    if not known:
        return ""
    if key in _SAP:
        return "sap"
    return next((g for g in ("billing", "billto", "mailing") if key.startswith(g)), "plain")


def shared(parts: Sequence[Part]) -> Sequence[Part]:
    """The parts, where a name without any prefix cannot be an address of its own (a lone Country): it goes with every one."""
    own = {p.part for p in parts if p.group == "plain"}
    if not own or own & {"lines", "city"}:
        return parts
    return [Part(p.column, p.part, "") if p.group == "plain" else p for p in parts]


def chosen(parts: Sequence[Part], said: Mapping[int, str]) -> tuple[list[Part], list[Part]]:
    """(the columns that make the address, those of other groups that say something). `said`: the cells that say anything."""
    spoken = [p for p in parts if p.column in said]
    groups = [g for g in RANKS if any(p.group == g for p in spoken)]
    if not groups:
        return [], []
    own = _complete(p.part for p in spoken if not p.group)
    named = groups if own else [g for g in groups if g] or groups
    complete = [g for g in named if _complete(p.part for p in spoken if p.group in ("", g))]
    taken = (complete or named)[0]
    return (
        [p for p in spoken if p.group in ("", taken)],
        [p for p in spoken if p.group not in ("", taken)],
    )


def _complete(parts: Iterable[str]) -> bool:
    return set(_NEEDED) <= set(parts)


def before(part: Part, taken: Sequence[Part]) -> bool:
    """Whether the part's group would have come before the one that was taken, had it been complete."""
    return RANKS.index(part.group) < max(RANKS.index(p.group) for p in taken)


def name_of(spoken: Sequence[tuple[str, str]], together: bool) -> str:
    """A person's name from (normalised column name, text) in file order: the parts in the order in which one is called;
    else the first column, which holds a whole name, or all of them `together`, where a mapping says so."""
    parts = [(_CALLED.index(found[1]), text) for key, text in spoken if (found := _NAME_PART.fullmatch(key))]
    if parts:
        return " ".join(text for _, text in sorted(parts, key=lambda p: p[0]))
    return " ".join(text for _, text in spoken) if together else spoken[0][1]
