"""Tools that propose what is decided by others or about them: customers, approvals, imports."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field

from conversation.api import Refused
from conversation.customer_jobs import CustomerId
from conversation.jobs import Talk, job
from conversation.proposing import FIX, Proposed, propose, rest
from models.answers import JsonObject
from models.approvals.chain import Decision
from models.approvals.requests import DelegateStep
from models.customers.bodies import CreateCustomer
from models.customers.patch import PatchCustomer
from models.imports.requests import MAX_SAID, ImportOptions
from models.values import Body, Choice, Line, ReasonCode, RecordId, Text

_START: Final = "Correct options or content, and propose anew; a file that is too long is uploaded by the person."
_ACTS: Final[Mapping[str, str]] = MappingProxyType(
    {"start": "submit", "pause": "pause", "resume": "resume", "cancel": "cancel"}
)


@job("propose_customer_create", "Propose a new customer", CreateCustomer, Proposed, reads=False, next=FIX)
async def propose_customer_create(talk: Talk, asked: CreateCustomer) -> JsonObject:
    """Show what submitting a new customer would do: everything that belongs to it in one call (addresses, contacts, prices, tax
    profiles, credit limit, terms). Nothing is changed; commit submits it to its approvers."""
    return await propose(talk, "customer.create", None, rest(asked))


class ProposeCustomerUpdate(PatchCustomer):
    """The customer, and what changes: absent is unchanged, null is cleared, lists by add, update and delete."""

    customer_id: CustomerId = ""


@job("propose_customer_update", "Propose a customer's change", ProposeCustomerUpdate, Proposed, reads=False, next=FIX)
async def propose_customer_update(talk: Talk, asked: ProposeCustomerUpdate) -> JsonObject:
    """Show what a change of a customer would do. Absent fields stay, null clears one; related lists take items with `action`
    add, update or delete. Nothing is changed; commit submits it to its approvers."""
    return await propose(talk, "customer.update", asked.customer_id, rest(asked, "customer_id"))


class ProposeCustomerEnd(Body):
    """Which customer, and what becomes of it."""

    customer_id: CustomerId
    what: Literal["deactivate", "reactivate", "delete"]
    reason_code: ReasonCode | None = None


@job("propose_customer_end", "Propose to end or reopen a customer", ProposeCustomerEnd, Proposed, reads=False,
     destructive=True, next=FIX)  # fmt: skip
async def propose_customer_end(talk: Talk, asked: ProposeCustomerEnd) -> JsonObject:
    """Show what deactivating, reactivating or deleting (for good, with all personal data) a customer would do. Nothing is
    changed; commit submits it to its approvers."""
    body = {} if asked.what == "reactivate" else rest(asked, "customer_id", "what")
    return await propose(talk, f"customer.{asked.what}", asked.customer_id, body)


ApprovalId = Annotated[RecordId, Field(description="As waiting_for_me answers it (chg_… imp_… apr_…)")]


def noun_of(approval_id: str) -> str:
    """What the operations on an approval of this kind are called by."""
    return {"imp": "import", "apr": "approval"}.get(approval_id.partition("_")[0], "change")


class ProposeDecision(Body):
    """What is decided, and how. Rejecting and returning need a reason_code."""

    approval_id: ApprovalId
    decision: Choice[Decision]
    step: Annotated[int, Field(ge=1, le=10)] | None = None
    reason_code: ReasonCode | None = None
    comment: Text | None = None


@job("propose_decision", "Propose a decision", ProposeDecision, Proposed, reads=False, destructive=True, next=FIX)
async def propose_decision(talk: Talk, asked: ProposeDecision) -> JsonObject:
    """Show what approving, rejecting or returning would do. Only the person can confirm a decision, on the page whose address
    commit answers: you cannot."""
    return await propose(talk, f"{noun_of(asked.approval_id)}.decide", asked.approval_id, rest(asked, "approval_id"))


class ProposeDelegation(DelegateStep):
    """Whose step goes to whom."""

    approval_id: ApprovalId


@job("propose_delegation", "Propose to delegate a step", ProposeDelegation, Proposed, reads=False, next=FIX)
async def propose_delegation(talk: Talk, asked: ProposeDelegation) -> JsonObject:
    """Show what giving a step of an approval to another person would do. Only the person can confirm it, on a page."""
    return await propose(talk, f"{noun_of(asked.approval_id)}.delegate", asked.approval_id, rest(asked, "approval_id"))


class ProposeImport(Body):
    """A new import (`start`, with options and the content of a short file, or a connection to pull from), or what becomes of
    one."""

    what: Literal["start", "pause", "resume", "cancel"]
    import_id: Annotated[RecordId, Field(description="Which one is paused, resumed or cancelled (imp_…)")] | None = None
    options: ImportOptions | None = None
    file_name: Line | None = None
    content: (
        Annotated[str, Field(min_length=1, max_length=MAX_SAID, description="The file's text, such as CSV")] | None
    ) = None


@job("propose_import", "Propose an import", ProposeImport, Proposed, reads=False, next=_START)
async def propose_import(talk: Talk, asked: ProposeImport) -> JsonObject:
    """Show what starting an import of customers would do, or pausing, resuming or cancelling one. Started, it is validated and
    waits for a manager: no customer is created before. follow_import says where it stands, propose_decision decides it."""
    if (asked.what == "start") is (asked.import_id is not None):
        detail = "Give import_id of the import that is there; none to start one."
        raise Refused({"code": "VALIDATION_FAILED", "status": 422, "detail": detail})
    return await propose(talk, f"import.{_ACTS[asked.what]}", asked.import_id, rest(asked, "what", "import_id"))
