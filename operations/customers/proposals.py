"""What a change would do to the customer as it is now, and who has to approve it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from models.answers import WarningAnswer
from models.approvals.plan import PlannedStep
from models.checks import LARGE_CREDIT_LIMIT
from models.customers import diff as diffs
from models.customers.approval_policy import plan
from models.customers.bodies import CreateCustomer
from models.customers.change_records import ChangeOperation
from models.customers.diff import Diff, Difference
from models.customers.limits import changed_limits
from models.customers.patch import PatchCustomer
from models.customers.record import created, patched
from models.customers.records import Customer, CustomerDetails
from models.db.customers import claims
from models.db.customers import customers as store
from models.db.customers.claims import Kind
from models.db.tx import Tx
from models.errors import Refusal
from models.ids import new_id
from models.keys import email_key, external_id_key, tax_id_key
from models.master_data.records import CustomerStatus
from models.money import in_units, spelt
from operations.customers.paying import check_paying
from operations.customers.policies import policy_of
from operations.customers.references import check_references, similar_customer
from operations.customers.visibility import may_be_named, require_visible
from operations.work import Work

_ELSEWHERE: Final = "a customer of another legal entity"
_TEXT: Final = {
    "CREDIT_LIMIT_LARGE": "The credit limit is above 1,000,000.",
    "OPEN_BALANCE": "The customer has open invoices or unapplied money.",
    "NO_CHANGE": "The change leaves the customer as it is.",
    "REASON_MISSING": "Nobody has said why: no reason code was given.",
}


@dataclass(frozen=True)
class Proposal:
    """What a change would do to the customer. `before` is None for a create; a deletion leaves `after` as it is."""

    operation: ChangeOperation
    customer_id: str
    before: CustomerDetails | None
    after: CustomerDetails
    version: int | None

    @cached_property
    def diff(self) -> Diff:
        if self.operation == "delete":
            return [Difference(path="/status", before=self.after.status.value, after="deleted")]
        return diffs.diff(self.before, self.after)

    @property
    def external_id(self) -> str | None:
        """Under which the new customer is created."""
        return self.after.external_id if self.operation == "create" else None

    @property
    def concerns(self) -> list[str]:
        """The legal entities whose people decide it: the owner's, and those whose overrides it changes; where an update
        changes nothing but overrides, theirs alone."""
        touched = diffs.touched_entities(self.diff)
        if self.operation == "update" and touched and all(c.path.startswith("/entity_overrides/") for c in self.diff):
            return touched
        return sorted({self.after.legal_entity_id, *touched})


def propose_create(work: Work, body: CreateCustomer, customer_id: str) -> Proposal:
    """The new customer. Raises on what its references or duplicates do not allow."""
    after = created(body, _ordered_ids())
    check_references(work.tx, None, after)
    check_paying(work.tx, customer_id, None, after, work.cmd.entities)
    return Proposal("create", customer_id, None, after, None)


def propose_update(
    work: Work, customer_id: str, patch: PatchCustomer, versions: Sequence[str] | None = None
) -> Proposal:
    """The customer after the patch. Raises VERSION_MISMATCH where it is at none of `versions`, the 404 of a related record,
    and as `propose_create`."""
    now = _current(work, customer_id)
    if versions is not None and str(now.version) not in versions:
        raise Refusal("VERSION_MISMATCH", f"The customer is at version {now.version}.", version=now.version)
    after = patched(now.details, patch, _ordered_ids())
    check_references(work.tx, now.details, after)
    check_paying(work.tx, customer_id, now.details, after, work.cmd.entities)
    return Proposal("update", customer_id, now.details, after, now.version)


def propose_deactivation(work: Work, customer_id: str) -> Proposal:
    """No new invoices for the customer. Raises CUSTOMER_INACTIVE."""
    return _propose_status(work, customer_id, "deactivate", CustomerStatus.INACTIVE)


def propose_reactivation(work: Work, customer_id: str) -> Proposal:
    """The end of a deactivation. Raises CUSTOMER_ACTIVE."""
    return _propose_status(work, customer_id, "reactivate", CustomerStatus.ACTIVE)


def _propose_status(work: Work, customer_id: str, operation: ChangeOperation, status: CustomerStatus) -> Proposal:
    now = _current(work, customer_id)
    if now.details.status is status:
        raise Refusal(f"CUSTOMER_{status.name}", f"The customer is {status.value} already.")
    return Proposal(operation, customer_id, now.details, replace(now.details, status=status), now.version)


def propose_deletion(work: Work, customer_id: str) -> Proposal:
    """The customer's erasure."""
    now = _current(work, customer_id)
    return Proposal("delete", customer_id, now.details, now.details, now.version)


def _current(work: Work, customer_id: str) -> Customer:
    found = store.get(work.tx, customer_id)
    require_visible(found.details, work.cmd.entities)
    return found


def _ordered_ids() -> Callable[[str], str]:
    last = ""

    def next_id(prefix: str) -> str:
        # Related records are listed by id: those of one body keep the order in which they were given.
        nonlocal last
        while (made := new_id(prefix)).split("_")[1] <= last:
            pass
        last = made.split("_")[1]
        return made

    return next_id


def approvals_needed(tx: Tx, p: Proposal) -> list[PlannedStep]:
    """The approvals that the proposal needs under the organisation's policy."""
    return plan(policy_of(tx), p.operation, diffs.new_credit_limits(p.diff))


def warnings_of(tx: Tx, p: Proposal, *, given_reason: bool = True) -> list[WarningAnswer]:
    """What every approver should see before deciding. `given_reason`: whether one was, of what ends a customer."""
    found: list[WarningAnswer] = []
    if any(limit > LARGE_CREDIT_LIMIT for limit in diffs.new_credit_limits(p.diff)):
        found.append(_warning("CREDIT_LIMIT_LARGE"))
    if p.before is None or p.before.name != p.after.name:
        other = similar_customer(tx, p.after.name, p.customer_id)
        if other is not None:  # it stands before all who cover what the change concerns, however narrow their tokens
            whose = f"customer {other}'s" if may_be_named(tx, other, p.concerns) else f"that of {_ELSEWHERE}"
            found.append(WarningAnswer(code="NAME_SIMILAR", detail=f"The name is similar to {whose}."))
    if p.operation in {"deactivate", "delete"} and store.open_balance(tx, p.customer_id):
        found.append(_warning("OPEN_BALANCE"))
    if p.operation == "update" and not p.diff:
        found.append(_warning("NO_CHANGE"))
    if not given_reason:
        found.append(_warning("REASON_MISSING"))
    return [*found, *_about_limits(tx, p)]


def _about_limits(tx: Tx, p: Proposal) -> list[WarningAnswer]:
    """A limit that what is open exceeds already, and one that becomes another amount by its currency alone."""
    if p.before is None or p.operation != "update":
        return []
    home = store.functional_currencies(tx, {p.after.legal_entity_id, *p.after.entity_overrides})
    changes = list(changed_limits(p.before, p.after, home))
    owed = store.open_by_currency(tx, p.customer_id) if changes else {}
    found: list[WarningAnswer] = []
    for c in changes:
        whose = "" if c.entity is None else f"At {c.entity}: "
        minor, currency = owed.get(c.after.currency, 0), c.after.currency
        if c.after.amount is not None and in_units(minor, currency) > c.after.amount:
            detail = f"{whose}{spelt(minor, currency)} are open, more than the new limit of {c.after}."
            found.append(WarningAnswer(code="CREDIT_LIMIT_BELOW_OPEN", detail=detail))
        if c.is_by_currency_alone:
            detail = (
                f"{whose}The limit was {c.before} and becomes {c.after}: its currency changes, its number does not."
            )
            found.append(WarningAnswer(code="CREDIT_LIMIT_CURRENCY", detail=detail))
    return found


def _warning(code: str) -> WarningAnswer:
    return WarningAnswer(code=code, detail=_TEXT[code])


@dataclass(frozen=True)
class _Unique:
    """How a value is compared, and the refusal's code where another customer has it."""

    key: Callable[[str], str]
    code: str


UNIQUE: Final[Mapping[Kind, _Unique]] = {
    "email": _Unique(email_key, "DUPLICATE_EMAIL"),
    "tax_id": _Unique(tax_id_key, "DUPLICATE_TAX_ID"),
    "external_id": _Unique(external_id_key, "EXTERNAL_ID_CONFLICT"),
}
"""What no two customers have, and an open change reserves."""


def unique_values(customer: CustomerDetails) -> dict[Kind, str]:
    """The customer's keys of what no two customers have."""
    values: dict[Kind, str | None] = {
        "email": customer.email, "tax_id": customer.tax_id, "external_id": customer.external_id
    }  # fmt: skip
    return {kind: UNIQUE[kind].key(value) for kind, value in values.items() if value}


def taken(tx: Tx, kind: Kind, holder: str, entities: Collection[str] | None, meanwhile: str = "") -> Refusal:
    """The refusal where a customer or an open change has it. `entities`: those of whoever is told (None: all); others' are
    not named."""
    code, noun = UNIQUE[kind].code, kind.replace("_", " ")
    external = kind == "external_id"  # answered as where it was used for another customer
    if not may_be_named(tx, holder, entities):
        detail = f"The {noun} belongs to {_ELSEWHERE}{meanwhile}."
        return Refusal(code, detail, fields=[]) if external else Refusal(code, detail)
    detail = f"The {noun} belongs to {holder}{meanwhile}."
    if external:
        return Refusal(code, detail, conflicting_id=holder, id=holder, fields=[])
    return Refusal(code, detail, conflicting_id=holder)


def claim_keys(tx: Tx, change_id: str, p: Proposal, entities: Collection[str] | None) -> None:
    """Reserve a new e-mail, tax id and external id until the change ends. `entities`: those of the caller's token.

    Raises DUPLICATE_EMAIL, DUPLICATE_TAX_ID, EXTERNAL_ID_CONFLICT.
    """
    before = {} if p.before is None else unique_values(p.before)
    for kind, key in unique_values(p.after).items():
        if before.get(kind) == key:
            continue
        holder = claims.claim(tx, kind, key, change_id, p.customer_id) or claims.taken_by(tx, kind, key)
        if holder is not None and holder != p.customer_id:
            raise taken(tx, kind, holder, entities)


def refuse_taken(tx: Tx, customer_id: str, after: CustomerDetails, concerns: Collection[str]) -> None:
    """As `claim_keys` raises, where another customer has something of it by now. `concerns`: the legal entities of the change,
    whose people will read why it failed."""
    for kind, key in unique_values(after).items():
        holder = claims.taken_by(tx, kind, key)
        if holder is not None and holder != customer_id:
            raise taken(tx, kind, holder, concerns, " meanwhile")
