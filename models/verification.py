"""What `arflow verify` says of one check. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from models.facts import Facts

NAMED = 50


@dataclass
class Finding:
    """One check of one organisation. `what` counts what was looked at; `breaches` name the records that are wrong.

    Only the first breaches are named, the others counted, so that a ruined database does not exhaust memory.
    """

    check: str
    what: str = ""
    breaches: list[str] = field(default_factory=list)
    unnamed: int = 0
    waiting: list[str] = field(default_factory=list)
    """What is no breach of the books, and somebody should look at."""

    def breach(self, text: str) -> None:
        if len(self.breaches) < NAMED:
            self.breaches.append(text)
        else:
            self.unnamed += 1

    def breach_each(self, rows: Iterable[Facts], said: str) -> None:
        """A breach for each row, in these words: `{name}` stands for what the row has under this name."""
        for row in rows:
            self.breach(said.format_map(row))

    @property
    def ok(self) -> bool:
        return not self.breaches
