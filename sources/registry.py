"""The adapters there are, by the `kind` of a connection."""

from collections.abc import Mapping
from typing import Final

from sources.protocol import CustomerSource, Source
from sources.salesforce import Salesforce
from sources.salesforce_accounts import SalesforceAccounts

ADAPTERS: Final[Mapping[str, Source]] = {"salesforce": Salesforce()}
PANELS: Final[Mapping[str, frozenset[str]]] = {kind: adapter.panels for kind, adapter in ADAPTERS.items()}
CUSTOMERS: Final[Mapping[str, CustomerSource]] = {"salesforce": SalesforceAccounts()}
"""The connectors that imports pull customers from; the kind is also the import's source."""
