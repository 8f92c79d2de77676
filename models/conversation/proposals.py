"""A proposal: something that would be done, shown with its effect, and done once by the hand of a person.

OPEN → COMMITTED | DECLINED | STALE; one that was not committed by `expires_at` never will be.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from models.answers import JsonObject, WarningAnswer, answer
from models.errors import Refusal
from models.values import Body, Code, RecordId

GOOD_FOR: Final = timedelta(hours=24)
COMMIT_PATH: Final = "/v1/proposals/{}/commit"
_COMMITTING: Final = re.compile(r"/v1/proposals/(prop_[0-9a-z]{26})/commit")
LEAVING: Final = frozenset({"refunds_payable"})
"""Accounts whose credit means that money will leave."""


class ProposalStatus(StrEnum):
    """OPEN until it is committed, declined, or found to show what would no longer happen."""

    OPEN = "OPEN"
    COMMITTED = "COMMITTED"
    DECLINED = "DECLINED"
    STALE = "STALE"


Confirmation = Literal["elicitation", "page"]
"""How the person says yes: in the assistant's own dialogue, or on the page that they open signed in."""


@dataclass(frozen=True, slots=True)
class Proposable:
    """An operation that may be proposed: the permission that it needs, the kind of record that it is about, or that it makes,
    and whether only the page confirms it."""

    permission: str
    record: str | None = None
    makes: str = ""
    by_page: bool = False


PROPOSABLE: Final[Mapping[str, Proposable]] = MappingProxyType(
    {
        "customer.create": Proposable("changes.submit", makes="cust"),
        "customer.update": Proposable("changes.submit", "cust"),
        "customer.deactivate": Proposable("changes.submit", "cust"),
        "customer.reactivate": Proposable("changes.submit", "cust"),
        "customer.delete": Proposable("changes.submit", "cust"),
        "change.decide": Proposable("changes.decide", "chg", by_page=True),
        "change.delegate": Proposable("changes.decide", "chg", by_page=True),
        "change.withdraw": Proposable("changes.submit", "chg"),
        "import.submit": Proposable("imports.submit", makes="imp"),
        "import.pause": Proposable("imports.submit", "imp"),
        "import.resume": Proposable("imports.submit", "imp"),
        "import.cancel": Proposable("imports.submit", "imp"),
        "import.decide": Proposable("imports.decide", "imp", by_page=True),
        "import.delegate": Proposable("imports.decide", "imp", by_page=True),
        "import.withdraw": Proposable("imports.submit", "imp"),
        "approval.decide": Proposable("changes.decide", "apr", by_page=True),
        "approval.delegate": Proposable("changes.decide", "apr", by_page=True),
        "approval.withdraw": Proposable("changes.submit", "apr"),
        "assign_payment": Proposable("payments.apply", "pay"),
        "apply_payment": Proposable("payments.apply", "pay"),
        "apply_credit": Proposable("payments.apply", "cred"),
        "reverse_payment": Proposable("payments.apply", "pay"),
        "unapply_application": Proposable("payments.apply", "papp"),
        "undo_adjustment": Proposable("payments.apply", "adj"),
        "create_write_off": Proposable("payments.apply", makes="wo"),
        "reverse_write_off": Proposable("payments.apply", "wo"),
        "open_deduction": Proposable("payments.apply", makes="ded"),
        "resolve_deduction": Proposable("payments.apply", "ded"),
        "create_credit_note": Proposable("payments.apply", makes="cn"),
        "apply_credit_note": Proposable("payments.apply", "cn"),
        "unapply_credit_note": Proposable("payments.apply", "cnapp"),
        "void_credit_note": Proposable("payments.apply", "cn"),
    }
)
"""What may be proposed: an operation by its name, and the kind of record that it is about."""


class MakeProposal(Body):
    """An operation by its name, the record that it is about, and its body as its own path takes it."""

    operation: Code
    record_id: RecordId | None = None
    body: dict[str, JsonValue] = Field(default_factory=dict)


class KeptProposal(MakeProposal):
    """As it is kept: the body as its operation takes it; who brought it, with their budgets; which one it replaces."""

    agent: str | None = None
    client: str | None = None
    writes_per_hour: int | None = None
    amount_minor_per_day: int | None = None
    budget_currency: str | None = None
    replaces: RecordId | None = None


class ConfirmProposal(Body):
    """How the person said yes."""

    by: Confirmation


class DeclineProposal(Body):
    """Why not, if one likes to say."""

    reason_code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRecord:
    """A proposal as it is kept. `amount_minor`: what its entries move, in `amount_currency`: the one that the agent's budget is
    in, else the functional one; None where there are several, which counts in all."""

    id: str
    operation: str
    record_id: str
    body: JsonObject
    effect: JsonObject
    effect_hash: str
    warnings: Sequence[WarningAnswer]
    confirmation: Confirmation
    customer_id: str | None
    actor: str
    agent: str | None
    client: str | None
    writes_per_hour: int | None
    amount_minor_per_day: int | None
    amount_minor: int
    budget_currency: str | None
    amount_currency: str | None
    status: ProposalStatus
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    confirmed_by: Confirmation | None
    command_id: str | None
    successor_id: str | None

    @property
    def conversation(self) -> JsonObject:
        """What the trail says of whoever brought it: agent and client, the proposal, and the effect that was shown."""
        said = {"agent": self.agent, "client": self.client, "proposal_id": self.id, "effect_hash": self.effect_hash}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def summary(self) -> str:
        """What Temporal's UI says of the process that carries it out."""
        said = f"{self.operation.replace('_', ' ').replace('.', ' ').capitalize()} {self.record_id}, by conversation"
        return said if self.client is None else f"{said} ({self.client[:40]})"

    @property
    def memo(self) -> Mapping[str, str]:
        """What is shown beside it there."""
        said = {"proposal": self.id, "client": self.client, "agent": self.agent}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def found_by(self) -> Mapping[str, str]:
        """By what else such a process is found there."""
        return {"PaymentId": self.record_id} if self.record_id.startswith("pay_") else {}

    def require_committable(self, now: datetime) -> None:
        """Raises PROPOSAL_CLOSED, PROPOSAL_EXPIRED, PROPOSAL_STALE."""
        if self.status is ProposalStatus.STALE:
            raise stale(self.successor_id)
        if self.status is not ProposalStatus.OPEN:
            raise Refusal("PROPOSAL_CLOSED", f"The proposal is {self.status.lower()}.", status_of_proposal=self.status)
        if now >= self.expires_at:
            raise Refusal("PROPOSAL_EXPIRED", f"The proposal was good until {self.expires_at:%Y-%m-%d %H:%M} UTC.")


def stale(successor_id: str | None) -> Refusal:
    """What was shown is not what would happen now."""
    detail = "What was shown is not what would happen now. Look at the new effect, and commit that."
    return Refusal("PROPOSAL_STALE", detail, proposal_id=successor_id)


@answer
class ProposalAnswer:
    """A proposal. `effect` is what its operation would answer, with the journal entries that it would post; `in_words` says it
    for a person. `confirmation`: `page` where only the page at `confirm_path` confirms it. `expired`: it can no longer be
    committed."""

    proposal_id: str
    status: ProposalStatus
    operation: str
    record_id: str
    effect: JsonObject
    in_words: Sequence[str]
    warnings: Sequence[WarningAnswer]
    effect_hash: str
    confirmation: Confirmation
    confirm_path: str
    proposed_by: str
    agent: str | None
    client: str | None
    made_at: datetime
    expires_at: datetime
    expired: bool
    ended_at: datetime | None
    successor_id: str | None


@answer
class CommittedProposalAnswer:
    """A proposal that was carried out. `result`: what its operation answered, with `http_status`."""

    proposal_id: str
    status: Literal["COMMITTED", "UNDER_WAY"]
    operation: str
    record_id: str
    http_status: int
    result: JsonObject


def committing(path: str) -> str | None:
    """The proposal that a request at this path commits."""
    found = _COMMITTING.fullmatch(path)
    return None if found is None else found[1]


@dataclass(frozen=True, slots=True)
class Effect:
    """What an operation would do: as it is shown, and as it is compared. `amounts`: what its entries move, by currency."""

    shown: JsonObject
    hash: str
    warnings: Sequence[WarningAnswer]
    customer_id: str | None
    amounts: Mapping[str, int]
    money_leaves: bool


def hash_of(done: JsonValue, passing: Mapping[str, str]) -> str:
    """sha256 of what was done. `passing`: what is another one each time (new ids, moments), by what stands for it."""
    text = json.dumps(_lasting(done), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    for value, stands in sorted(passing.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(value, stands)
    return hashlib.sha256(text.encode()).hexdigest()


_DERIVED: Final = frozenset({"digest", "conversation"})
"""Members that follow from an id, or that only say how the write came."""


def _lasting(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _lasting(item) for name, item in value.items() if name not in _DERIVED}
    if isinstance(value, list):
        return [_lasting(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Spent:
    """What an agent has had carried out for a person: in the last hour, and in one currency since the day began (UTC)."""

    writes: int
    amount_minor: int


def require_budget(p: ProposalRecord, spent: Spent) -> None:
    """Raises BUDGET_EXCEEDED where one more would be more than the token allowed."""
    if p.writes_per_hour is not None and spent.writes >= p.writes_per_hour:
        detail = f"The agent may have {p.writes_per_hour} writes an hour carried out, and has had {spent.writes}."
        raise Refusal("BUDGET_EXCEEDED", detail, budget="writes_per_hour", retry_after=600)
    limit = p.amount_minor_per_day
    if limit is not None and p.amount_minor and spent.amount_minor + p.amount_minor > limit:
        detail = "What the agent may move in a day does not cover this."
        raise Refusal(
            "BUDGET_EXCEEDED",
            detail,
            budget="amount_minor_per_day",
            retry_after=3600,
            limit_minor=limit,
            used_minor=spent.amount_minor,
            amount_minor=p.amount_minor,
            currency_code=p.amount_currency,
        )
