"""A mapping of nothing, for parameters that are usually not given."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Never

EMPTY: Final[Mapping[str, Never]] = MappingProxyType({})
