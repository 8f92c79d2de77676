"""How an operation's commands are executed: said beside its registration, read by whoever takes the request."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InPlace:
    """In one transaction, by the process that took the request."""


@dataclass(frozen=True)
class Posting:
    """By a process of its own, begun for this one command and answered at its commit."""

    process: str


@dataclass(frozen=True)
class Change:
    """By the process of a customer change, which hears of the command by this update: `submitted` begins the process."""

    update: str

    @property
    def begins(self) -> bool:
        """Whether the change, and its process, begin with the command."""
        return self.update == "submitted"


@dataclass(frozen=True)
class Approval:
    """By the process of an approval of its own, which hears of the command by this update."""

    update: str


@dataclass(frozen=True)
class Import:
    """By the process of an import: begun with the upload, or told of a person's act while it runs."""

    begins: bool = False


@dataclass(frozen=True)
class Statement:
    """In place; what was received is then worked off by a process."""


Execution = InPlace | Posting | Change | Approval | Import | Statement
