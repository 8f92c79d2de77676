"""What a source is: something that can be asked for one customer's records of one kind, or for all customers page by
page, and may fail."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from models.customer_360.records import SourceFacts
from models.outgoing import Hosts

CODES: Final[Mapping[str, str]] = {
    "SOURCE_TIMEOUT": "The source did not answer in time.",
    "SOURCE_UNAVAILABLE": "The source cannot be reached or refuses to answer.",
    "SOURCE_RESPONSE_INVALID": "The source answered something that cannot be read.",
    "SOURCE_RESPONSE_TOO_LARGE": "The source answered more than is taken.",
    "SOURCE_RATE_LIMITED": "The source takes no more requests for a while.",
    "SOURCE_REDIRECTED": "The source sends to another address, which is not followed.",
    "SOURCE_SIGN_IN_REFUSED": "The source refuses the connection's credential.",
    "SOURCE_QUERY_REFUSED": "The source refuses the query.",
    "SOURCE_CIRCUIT_OPEN": "The source has failed repeatedly and is left alone for a while.",
    "SOURCE_BUSY": "The source is asked as much as it may be.",
    "SOURCE_NOT_CONFIGURED": "The source's connection is not complete.",
    "SOURCE_HOST_REFUSED": "The connection's address is none that may be asked.",
    "SOURCE_CUSTOMER_UNKNOWN": "The customer is not linked to a record of the source.",
}
"""What can go wrong, in words for whoever looks at it."""


class SourceError(Exception):
    """A source could not be asked, or not be understood. `code` is one of CODES; it carries nothing of the answer.

    `retry_after`: for how many seconds the source wants to be left alone, where it says so.
    """

    def __init__(self, code: str, why: str = "", retry_after: float | None = None) -> None:
        assert code in CODES
        super().__init__(f"{code}: {why}" if why else code)
        self.code = code
        self.retry_after = retry_after

    @property
    def blames_the_source(self) -> bool:
        """Whether this counts against the source (opens its circuit), or is a matter of one customer or of us."""
        return self.code not in (
            "SOURCE_CUSTOMER_UNKNOWN",
            "SOURCE_NOT_CONFIGURED",
            "SOURCE_HOST_REFUSED",
            "SOURCE_BUSY",
            "SOURCE_CIRCUIT_OPEN",
        )


@dataclass(frozen=True)
class Connection:
    """One organisation's access to one external system. `secret` is what the credential's name stood for; `hosts` are
    those that the operator lets connections of the kind lead to."""

    org_id: str
    name: str
    kind: str
    base_url: str
    secret: str | None
    timeout_seconds: float
    max_concurrent: int
    hosts: Hosts

    @property
    def key(self) -> tuple[str, str]:
        return self.org_id, self.name


@dataclass(frozen=True)
class Asked:
    """Whose records are asked for: the customer by our id, by the source's, and the currency where it names none."""

    customer_id: str
    source_customer_id: str
    currency_code: str


class Source(Protocol):
    """An adapter. Stateless but for its access tokens; safe to use from several threads' event loops."""

    panels: frozenset[str]
    """What it can serve."""

    async def fetch(self, connection: Connection, panel: str, asked: Asked) -> Sequence[SourceFacts]:
        """The customer's open records, as the panel's kind keeps them. Raises SourceError.

        The caller bounds the time; the adapter bounds what it reads.
        """
        ...


@dataclass(frozen=True)
class Bookmark:
    """Where a pull of customers stands. `page`: the source's own word for the next page; `last`: the last record's id, from
    which to go on where that word has lost its meaning; `pulled`: records so far; `before`: records before this query."""

    page: str | None = None
    last: str | None = None
    pulled: int = 0
    before: int = 0


@dataclass(frozen=True)
class CustomerPage:
    """Records as rows of texts in the order of the columns. `total`: how many the source has in all; None where it does not
    say."""

    rows: Sequence[Sequence[str]]
    total: int | None
    bookmark: Bookmark
    complete: bool


class CustomerSource(Protocol):
    """A connector that imports pull customers from. Stateless but for its access tokens."""

    async def columns(self, connection: Connection, also: Collection[str]) -> list[str]:
        """The columns that it will deliver: those known to the source's preset, and those of `also` that it has."""
        ...

    async def page(self, connection: Connection, columns: Sequence[str], at: Bookmark) -> CustomerPage:
        """The records after the bookmark, in an order that a pull can be taken up in. Raises SourceError."""
        ...
