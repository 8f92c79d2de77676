"""The adapters there are, by the `kind` of a connection."""

from collections.abc import Mapping
from typing import Final

from sources.protocol import Source
from sources.salesforce import Salesforce

ADAPTERS: Final[Mapping[str, Source]] = {"salesforce": Salesforce()}
PANELS: Final[Mapping[str, frozenset[str]]] = {kind: adapter.panels for kind, adapter in ADAPTERS.items()}
