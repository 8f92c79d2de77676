"""The adapters there are, by the `kind` of a connection."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from models.outgoing import Hosts
from sources.hubspot import HubSpot
from sources.hubspot_companies import HubSpotCompanies
from sources.protocol import CustomerSource, Source
from sources.salesforce import Salesforce
from sources.salesforce_accounts import SalesforceAccounts

ADAPTERS: Final[Mapping[str, Source]] = {"salesforce": Salesforce(), "hubspot": HubSpot()}
PANELS: Final[Mapping[str, frozenset[str]]] = {kind: adapter.panels for kind, adapter in ADAPTERS.items()}
CUSTOMERS: Final[Mapping[str, CustomerSource]] = {"salesforce": SalesforceAccounts(), "hubspot": HubSpotCompanies()}
"""The connectors that imports pull customers from; the kind is also the import's source."""

HOSTS: Final[Mapping[str, tuple[str, ...]]] = {
    "salesforce": (
        "*.salesforce.com", "*.force.com", "*.salesforce.mil", "*.force.mil", "*.sfcrmproducts.cn", "*.sfcrmapps.cn",
    ),
    "hubspot": ("api.hubapi.com", "api-eu1.hubapi.com", "api-na1.hubapi.com"),
}  # fmt: skip
"""The vendors' own hosts."""
_THIS_MACHINE: Final = tuple(
    f"{scheme}{host}:*" for scheme in ("http://", "") for host in ("127.0.0.1", "localhost", "[::1]")
)


@cache
def hosts_of(kind: str, configured: str | None, *, local: bool) -> Hosts:
    """Where connections of the kind may lead: as the operator says (`configured`), else the vendor's hosts, and with
    `local` this machine."""
    if configured is not None:
        return Hosts.parse(configured)
    return Hosts.of((*HOSTS[kind], *(_THIS_MACHINE if local else ())))
