"""The custom search attributes, and their registration with Temporal (docs/api.md, section 8: names and types, no personal
data)."""

from collections.abc import Mapping
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

KEYWORD, DATETIME = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, IndexedValueType.INDEXED_VALUE_TYPE_DATETIME

KEYS: Final[Mapping[str, SearchAttributeKey[str]]] = {
    name: SearchAttributeKey.for_keyword(name)
    for name in (
        "OrgId", "ProcessType", "CustomerId", "ChangeId", "ImportId", "PaymentId", "CurrentStep", "AwaitingRole", "Lane",
    )
}  # fmt: skip
ORG, PROCESS, CUSTOMER, CHANGE, IMPORT, PAYMENT, STEP, ROLE, LANE = KEYS.values()
DUE: Final = SearchAttributeKey.for_datetime("DueAt")
SEARCH_ATTRIBUTES: Final[Mapping[str, "IndexedValueType.ValueType"]] = {
    **dict.fromkeys(KEYS, KEYWORD),
    DUE.name: DATETIME,
}


class NotPermitted(Exception):
    """This login may not register search attributes (Temporal Cloud, for one). `commands`: what an operator runs."""

    def __init__(self, commands: list[str]) -> None:
        super().__init__("this login may not register search attributes with Temporal")
        self.commands = commands


async def register_search_attributes(client: Client) -> list[str]:
    """Register what is missing in the client's namespace; the names that were. Raises NotPermitted."""
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = {name: kind for name, kind in SEARCH_ATTRIBUTES.items() if name not in known.custom_attributes}
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
    except RPCError as error:
        if error.status in (
            RPCStatusCode.PERMISSION_DENIED,
            RPCStatusCode.UNIMPLEMENTED,
            RPCStatusCode.UNAUTHENTICATED,
        ):
            raise NotPermitted(operator_commands(client.namespace)) from error
        raise
    return sorted(missing)


def operator_commands(namespace: str) -> list[str]:
    """The commands that register every attribute, for an operator to run."""
    words = {KEYWORD: "Keyword", DATETIME: "Datetime"}
    return [
        f"temporal operator search-attribute create --namespace {namespace} --name {name} --type {words[kind]}"
        for name, kind in SEARCH_ATTRIBUTES.items()
    ]
