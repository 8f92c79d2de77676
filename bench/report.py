"""Figures and their table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

NOISE: Final = 0.1
"""The share by which a ratio differs from one run to the next on a machine that others use."""


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


def kept(name: str, results: Path) -> Mapping[str, float]:
    """The figures of a benchmark as they were kept last, by their names."""
    file = results / f"{name}.json"
    return {f["name"]: f["value"] for f in json.loads(file.read_text())["figures"]} if file.exists() else {}


def worse(before: Mapping[str, float], figures: Sequence[Figure]) -> list[str]:
    """Of the figures with a goal, those that are worse than before by more than noise."""
    found = []
    for f in figures:
        was = before.get(f.name)
        if f.goal is not None and was and (f.value < was * (1 - NOISE) if f.at_least else f.value > was * (1 + NOISE)):
            found.append(f"{f.name}: {f.value:,.2f} {f.unit}, kept {was:,.2f}")
    return found
