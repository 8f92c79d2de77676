"""Figures and their table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Figure:
    """One measured number. `goal` is the most (or, with `at_least`, the least) it should be."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "value": round(self.value, 4), "met": self.met}


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def table(figures: Sequence[Figure]) -> str:
    rows = [("figure", "value", "goal", "")]
    for f in figures:
        goal = "" if f.goal is None else f"{'≥' if f.at_least else '≤'} {f.goal:g}"
        met = {None: "", True: "met", False: "MISSED"}[f.met]
        rows.append((f.name, f"{f.value:,.2f} {f.unit}", goal, " ".join(x for x in (met, f.note) if x)))
    widths = [max(len(r[i]) for r in rows) for i in range(3)]
    return "\n".join("  ".join((*(c.ljust(w) for c, w in zip(r, widths, strict=False)), r[3])).rstrip() for r in rows)
