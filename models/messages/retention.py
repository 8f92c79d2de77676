"""What a clean-up is started with: one kind of record, in every organisation."""

from dataclasses import dataclass


@dataclass
class PruneInput:
    """`days`: how long rows of `table` are kept; an operator changes it in the schedule."""

    table: str
    days: int
