"""The words of sources, as our rules compare them: what has ended, what is urgent.

Words keep the source's spelling; rules compare their keys: "Closed Won", "closed-won" and "CLOSED_WON" are one stage.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a list written as one text."""
    return frozenset(text.split())


ENDED_STAGES: Final = words(
    """WON LOST CLOSED CLOSED_WON CLOSED_LOST CLOSEDWON CLOSEDLOST CLOSED_LOST_TO_COMPETITION CANCELLED CANCELED
    DISQUALIFIED ABANDONED NO_DECISION"""
)
ENDED_QUOTES: Final = words(
    """ACCEPTED REJECTED DENIED DECLINED EXPIRED CANCELLED CANCELED WITHDRAWN CONVERTED ORDERED VOID WON LOST CLOSED"""
)
ENDED_ORDERS: Final = words("DELIVERED COMPLETED COMPLETE CANCELLED CANCELED RETURNED CLOSED VOID")
ENDED_CASES: Final = words("CLOSED RESOLVED SOLVED DONE CANCELLED CANCELED DUPLICATE")
ENDED_CONTRACTS: Final = words("ENDED EXPIRED CANCELLED CANCELED TERMINATED CHURNED RENEWED SUPERSEDED CLOSED")
_URGENCY: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BLOCKER": 1, "CRITICAL": 1, "URGENT": 1, "P1": 1, "SEV1": 1, "HIGHEST": 1, "HIGH": 2, "P2": 2, "SEV2": 2,
        "MEDIUM": 3, "NORMAL": 3, "STANDARD": 3, "P3": 3, "SEV3": 3, "LOW": 4, "P4": 4, "SEV4": 4, "LOWEST": 5, "P5": 5,
    }
)  # fmt: skip
LEAST_URGENT: Final = 6


def word_key(word: str) -> str:
    """The word as our rules compare it: UPPER_SNAKE."""
    return re.sub(r"[^A-Z0-9]+", "_", word.strip().upper()).strip("_")


def has_ended(status: str, ended: frozenset[str]) -> bool:
    """Whether a status is one of those that end its record."""
    return word_key(status) in ended


def priority_rank(priority: str) -> int:
    """1 is the most urgent; a word that we do not know sorts last."""
    return _URGENCY.get(word_key(priority), LEAST_URGENT)
