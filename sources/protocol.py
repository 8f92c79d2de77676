"""What a source is: something that can be asked for one customer's records of one kind, and may fail."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

CODES: Final = frozenset(
    {
        "SOURCE_TIMEOUT",
        "SOURCE_UNAVAILABLE",
        "SOURCE_RESPONSE_INVALID",
        "SOURCE_RESPONSE_TOO_LARGE",
        "SOURCE_CIRCUIT_OPEN",
        "SOURCE_BUSY",
        "SOURCE_NOT_CONFIGURED",
        "SOURCE_CUSTOMER_UNKNOWN",
    }
)


class SourceError(Exception):
    """A source could not be asked, or not be understood. `code` is one of CODES; it carries nothing of the answer."""

    def __init__(self, code: str, why: str = "") -> None:
        assert code in CODES
        super().__init__(f"{code}: {why}" if why else code)
        self.code = code

    @property
    def blames_the_source(self) -> bool:
        """Whether this counts against the source (opens its circuit), or is a matter of one customer or of us."""
        return self.code not in (
            "SOURCE_CUSTOMER_UNKNOWN",
            "SOURCE_NOT_CONFIGURED",
            "SOURCE_BUSY",
            "SOURCE_CIRCUIT_OPEN",
        )


@dataclass(frozen=True)
class Connection:
    """One organisation's access to one external system. `secret` is what the credential's name stood for."""

    org_id: str
    name: str
    kind: str
    base_url: str
    secret: str | None
    timeout_seconds: float
    max_concurrent: int

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

    async def fetch(self, connection: Connection, panel: str, asked: Asked) -> list[dict[str, Any]]:
        """The customer's open records as rows of the panel's table (models.customer_360.source_records). Raises SourceError.

        The caller bounds the time; the adapter bounds what it reads.
        """
        ...
