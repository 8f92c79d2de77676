"""What the server offers beside its tools: records and evidence as resources, and prompts for the common jobs."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    Prompt,
    PromptMessage,
    ReadResourceResult,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
)

from conversation.api import Api, Refused
from conversation.bounds import bounded
from conversation.trail_jobs import FIRST_LINES, PATHS

_RECORD: Final = "arflow://record/"
_EVIDENCE: Final = "arflow://evidence/"
TEMPLATES: Final = (
    ResourceTemplate(
        name="record",
        title="A record",
        uri_template=_RECORD + "{id}",
        description="A customer, invoice, payment, change, import or any other record, by its id.",
        mime_type="application/json",
    ),
    ResourceTemplate(
        name="evidence",
        title="The evidence of a change",
        uri_template=_EVIDENCE + "{change_id}",
        description="Who submitted a change, what it changes, who decided, when and why, with its audit chain.",
        mime_type="application/json",
    ),
)
PROMPTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "apply_todays_receipts": (
            "Apply today's receipts",
            "Look at unmatched_receipts. For each one with a customer, choose among the open invoices by what the bank said; "
            "where it is not plain, ask me. Show me what you would apply with propose_application, then commit what I agree to. "
            "Leave to me what you are not sure of.",
        ),
        "set_up_a_customer": (
            "Set up a customer",
            "Ask me for the name, the e-mail, the legal entity, the addresses and the payment terms of a new customer. Look with "
            "find_customers whether we have it already. Read amounts and terms with read_words. Show me "
            "propose_customer_create, then commit it.",
        ),
        "what_waits_for_me": (
            "What waits for me",
            "Show me with waiting_for_me what waits, the soonest due first. For each approval say in two sentences what it "
            "changes and what to look at. I decide; propose_decision prepares it, and I confirm on the page.",
        ),
        "prepare_a_meeting": (
            "Prepare a customer meeting",
            "Ask me which customer. With prepare_customer_meeting tell me on one page what is going on: contracts, cases, "
            "opportunities, what is owed and since when, and three things to bring up.",
        ),
    }
)
"""Our own words, and nobody's else: title and text by name."""


async def list_resources(_: Any, __: PaginatedRequestParams | None) -> ListResourcesResult:
    """None by itself: records are read by their ids."""
    return ListResourcesResult(resources=[])


async def list_templates(_: Any, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
    """What a resource's address looks like."""
    return ListResourceTemplatesResult(resource_templates=list(TEMPLATES))


async def read_resource(api: Api, uri: str) -> ReadResourceResult:
    """A record, or a change's evidence, as the API answers it. Raises MCPError."""
    try:
        path = _path(uri)
        found = await api.get(path, {"lines": FIRST_LINES} if path.startswith(PATHS["stmt"]) else None)
    except Refused as no:
        raise MCPError(INVALID_PARAMS, f"{no.code}: {no}") from None
    shown, cuts = bounded(found)
    text = TextResourceContents(
        uri=uri, mime_type="application/json", text=json.dumps(shown, ensure_ascii=False),
        _meta={"arflow/texts": "data", "arflow/cut": cuts},
    )  # fmt: skip
    return ReadResourceResult(contents=[text], cache_scope="private")


def _path(uri: str) -> str:
    if uri.startswith(_EVIDENCE):
        return f"/v1/customer-changes/{quote(uri.removeprefix(_EVIDENCE), safe='')}/evidence"
    record_id = uri.removeprefix(_RECORD)
    path = PATHS.get(record_id.partition("_")[0])
    if not uri.startswith(_RECORD) or path is None:
        raise MCPError(
            INVALID_PARAMS, "There is no such resource: arflow://record/{id}, arflow://evidence/{change_id}."
        )
    return f"{path}/{quote(record_id, safe='')}"


async def list_prompts(_: Any, __: PaginatedRequestParams | None) -> ListPromptsResult:
    """The common jobs."""
    return ListPromptsResult(
        prompts=[Prompt(name=name, title=title, description=text) for name, (title, text) in PROMPTS.items()]
    )


async def get_prompt(_: Any, params: GetPromptRequestParams) -> GetPromptResult:
    """One of them, as the person would say it."""
    if params.name not in PROMPTS:
        raise MCPError(INVALID_PARAMS, "There is no such prompt.")
    title, text = PROMPTS[params.name]
    said = PromptMessage(role="user", content=TextContent(type="text", text=text))
    return GetPromptResult(description=title, messages=[said])
