"""Submitting a change: create, update, deactivate, reactivate, delete. Nothing of the customer is touched yet.

What is asked is validated against the record as it is now, kept with its diff, warnings and chain of steps, and
validated again when it is executed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from models.checks import LARGE_CREDIT_LIMIT
from models.customers import diff as diffs
from models.customers.approval import Chain, open_chain
from models.customers.approval_policy import ApprovalPolicy, lane, plan
from models.customers.bodies import CustomerCreate
from models.customers.patch import CustomerPatch
from models.customers.record import Record, created, patched, touched_entities
from models.db.customers import changes
from models.db.customers import records as customers
from models.db.customers.standing import standing_of
from models.db.lookups import refuse_missing
from models.db.tx import Tx
from models.errors import Refusal
from models.ids import new_id
from models.keys import email_key, external_id_key, tax_id_key
from models.messages.changes import change_of
from operations import carried
from operations.customers.policies import policy_of
from operations.customers.references import check_references, similar_customer
from operations.customers.visibility import require_cover, require_visible
from operations.runner import untyped_operation
from operations.work import Outcome, Work

TEXT: Final = {
    "CREDIT_LIMIT_LARGE": "The credit limit is above 1,000,000.",
    "OPEN_BALANCE": "The customer has open invoices or unapplied money.",
    "NO_CHANGE": "The change leaves the customer as it is.",
}


@dataclass(frozen=True)
class Proposal:
    """What a change would do to the record as it is now. `before` is None for a create."""

    operation: str
    customer_id: str
    before: Record | None
    after: Record
    version: int | None

    @property
    def diff(self) -> diffs.Diff:
        return diffs.diff(self.before, self.after)

    @property
    def concerns(self) -> list[str]:
        """The legal entities whose people decide it: the owner's, and those whose overrides it changes; where an update
        changes nothing but overrides, theirs alone."""
        changed = self.diff
        touched = touched_entities(changed)
        if self.operation == "update" and touched and all(c["path"].startswith("/entity_overrides/") for c in changed):
            return touched
        return sorted({self.after["legal_entity_id"], *touched})


@untyped_operation("customer.create", carried.Change("submitted"))
def submit_create(work: Work) -> Outcome[Any]:
    """202 with the change, or the change that holds the external id already."""
    body = CustomerCreate.model_validate(work.cmd.body)
    replay = _replay(work, body.external_id)
    if replay is not None:
        return replay
    work.require_entity(body.legal_entity_id)
    return _submit(work, propose_create(work, work.cmd.body, work.cmd.resource_id or new_id("cust")))


@untyped_operation("customer.update", carried.Change("submitted"))
def submit_update(work: Work) -> Outcome[Any]:
    """202 with the change. `If-Match` is part of the command's body under `if_match`."""
    return _submit(work, propose_update(work, str(work.cmd.resource_id), work.cmd.body["patch"], work.cmd.body))


@untyped_operation("customer.deactivate", carried.Change("submitted"))
def submit_deactivate(work: Work) -> Outcome[Any]:
    return _submit(work, propose_status(work, str(work.cmd.resource_id), "deactivate"))


@untyped_operation("customer.reactivate", carried.Change("submitted"))
def submit_reactivate(work: Work) -> Outcome[Any]:
    return _submit(work, propose_status(work, str(work.cmd.resource_id), "reactivate"))


@untyped_operation("customer.delete", carried.Change("submitted"))
def submit_delete(work: Work) -> Outcome[Any]:
    """A hard delete: refused where the customer has transactions, unless policy and request force it."""
    proposal = propose_status(work, str(work.cmd.resource_id), "delete")
    refuse_with_transactions(work.tx, proposal.customer_id, bool(work.cmd.body.get("force")))
    return _submit(work, proposal)


def refuse_with_transactions(tx: Tx, customer_id: str, force: bool) -> bool:
    """Whether the customer has transactions that a forced deletion keeps. Raises HAS_TRANSACTIONS where it must not."""
    if not customers.has_transactions(tx, customer_id):
        return False
    if force and policy_of(tx).force_delete:
        return True
    raise Refusal("HAS_TRANSACTIONS", "The customer has invoices or payments: deactivate it instead.")


def propose_create(work: Work, body: dict[str, Any], customer_id: str) -> Proposal:
    """The new record. Raises on what its references or duplicates do not allow."""
    after = created(CustomerCreate.model_validate(body), _ordered_ids())
    check_references(work.tx, None, after)
    return Proposal("create", customer_id, None, after, None)


def propose_update(work: Work, customer_id: str, patch: dict[str, Any], body: dict[str, Any]) -> Proposal:
    """The record after the patch. Raises VERSION_MISMATCH, the 404 of a related record, and as `propose_create`."""
    before, version = _current(work, customer_id)
    wanted = body.get("if_match")
    if wanted is not None and str(version) not in wanted:
        raise Refusal("VERSION_MISMATCH", f"The customer is at version {version}.", version=version)
    after = patched(before, CustomerPatch.model_validate(patch), _ordered_ids())
    check_references(work.tx, before, after)
    return Proposal("update", customer_id, before, after, version)


def propose_status(work: Work, customer_id: str, op: str) -> Proposal:
    """Deactivate, reactivate or delete. Raises CUSTOMER_INACTIVE or CUSTOMER_ACTIVE where it is so already."""
    before, version = _current(work, customer_id)
    if op == "deactivate" and before["status"] == "inactive":
        raise Refusal("CUSTOMER_INACTIVE", "The customer is inactive already.")
    if op == "reactivate" and before["status"] == "active":
        raise Refusal("CUSTOMER_ACTIVE", "The customer is active already.")
    status = {"deactivate": "inactive", "reactivate": "active", "delete": "deleted"}[op]
    return Proposal(op, customer_id, before, before | {"status": status}, version)


def _current(work: Work, customer_id: str) -> tuple[Record, int]:
    found = customers.load(work.tx, customer_id)
    if found is None:
        refuse_missing(work.tx, "customer", customer_id)
    record, row = found
    require_visible(work, record)
    return record, row["version"]


def _ordered_ids() -> Any:
    last = ""

    def next_id(prefix: str) -> str:
        # Related records are listed by id: those of one body keep the order in which they were given.
        nonlocal last
        while (made := new_id(prefix)).split("_")[1] <= last:
            pass
        last = made.split("_")[1]
        return made

    return next_id


def _submit(work: Work, p: Proposal) -> Outcome[Any]:
    tx, cmd = work.tx, work.cmd
    require_cover(work, p.concerns)
    changes.seen(tx, cmd.actor, cmd.roles, None if cmd.entities is None else sorted(cmd.entities))
    change_id = change_of(str(cmd.workflow_id))
    claim_keys(tx, change_id, p)
    name_customer(work, p.customer_id)
    policy = policy_of(tx)
    chain, row = planned(tx, policy, p, cmd.actor, 1)
    work.add(
        "customer_changes",
        [
            row
            | {
                "id": change_id,
                "operation": p.operation,
                "customer_id": p.customer_id,
                "legal_entity_id": p.after["legal_entity_id"],
                "external_id": p.after["external_id"] if p.operation == "create" else None,
                "status": chain.status.value,
                "round": 1,
                "returned": False,
                "mode": {"deactivate": "soft", "delete": "hard"}.get(p.operation),
                "force": bool(cmd.body.get("force")),
                "reason_code": cmd.body.get("reason_code"),
                "submitted_by": cmd.actor,
                "submitted_at": work.now,
                "command_id": cmd.id,
                "workflow_id": cmd.workflow_id or "",
                "body_hash": cmd.body_hash,
                "base_version": p.version,
                "request": cmd.body.get("patch", cmd.body),
                "deciders": [],
                "awaiting_step": 1,
                "awaiting_role": chain.steps[0].role,
                "awaiting_since": work.now,
                "remind_at": chain.steps[0].remind_at,
                "due_at": chain.steps[0].due_at,
            }
        ],
    )
    work.add("customer_change_steps", changes.chain_rows(change_id, chain))
    said = {"operation": p.operation, "customer_id": p.customer_id, "diff": row["diff"], "warnings": row["warnings"]}
    work.audit(change_id, "customer.change.submitted", said, reason_code=cmd.body.get("reason_code"))
    ids = {"change_id": change_id, "customer_id": p.customer_id, "operation": p.operation}
    work.emit("customer.change.submitted", change_id, ids)
    stands = standing_of(row | {"operation": p.operation, "customer_id": p.customer_id}, chain, work.now)
    answer = {"id": change_id, "workflow_id": cmd.workflow_id, "status": chain.status, "customer_id": p.customer_id}
    return Outcome(submitted_body(answer | {"warnings": row["warnings"]}), 202, aside=stands)


def name_customer(work: Work, customer_id: str) -> None:
    """Note whose the command is, once it is known: an erasure finds by it what was asked about the customer."""
    work.tx.later(
        "UPDATE commands SET customer_id = :customer WHERE org_id = :org AND id = :id",
        customer=customer_id,
        id=work.cmd.id,
    )


def planned(tx: Tx, policy: ApprovalPolicy, p: Proposal, submitter: str, round_: int) -> tuple[Chain, dict[str, Any]]:
    """The chain that the proposal needs, and the columns that follow from it."""
    changed = p.diff
    limits = [Decimal(str(v)) for v in _new_limits(changed)]
    steps = plan(policy, p.operation, limits)
    return open_chain(submitter, steps, tx.now, round_=round_), {
        "lane": lane(p.operation),
        "diff": changed,
        "warnings": _warnings(tx, p, limits),
        "entities": p.concerns,
    }


def _new_limits(changed: diffs.Diff) -> list[Any]:
    found = [c["after"] for c in changed if c["path"].rsplit("/", 1)[-1] == "credit_limit"]
    overrides = [c["after"] for c in changed if c["path"].startswith("/entity_overrides/")]
    return [v for v in [*found, *(o.get("credit_limit") for o in overrides if isinstance(o, dict))] if v is not None]


def _warnings(tx: Tx, p: Proposal, limits: list[Decimal]) -> list[dict[str, Any]]:
    warnings: list[dict[str, Any]] = []
    if any(limit > LARGE_CREDIT_LIMIT for limit in limits):
        warnings.append({"code": "CREDIT_LIMIT_LARGE", "detail": TEXT["CREDIT_LIMIT_LARGE"]})
    if p.before is None or p.before["name"] != p.after["name"]:
        other = similar_customer(tx, p.after["name"], p.customer_id)
        if other is not None:
            warnings.append({"code": "NAME_SIMILAR", "detail": f"The name is similar to customer {other}'s."})
    if p.operation in {"deactivate", "delete"} and customers.open_balance(tx, p.customer_id):
        warnings.append({"code": "OPEN_BALANCE", "detail": TEXT["OPEN_BALANCE"]})
    if p.operation == "update" and not p.diff:
        warnings.append({"code": "NO_CHANGE", "detail": TEXT["NO_CHANGE"]})
    return warnings


CLAIMED: Final[Mapping[str, tuple[Callable[[str], str], str]]] = {
    "email": (email_key, "DUPLICATE_EMAIL"),
    "tax_id": (tax_id_key, "DUPLICATE_TAX_ID"),
    "external_id": (external_id_key, "EXTERNAL_ID_CONFLICT"),
}
"""What no two customers have, and an open change reserves: its key, and the code where it is taken."""


def taken(kind: str, holder: str, meanwhile: str = "") -> Refusal:
    """The refusal where a customer or an open change has it."""
    noun, code = kind.replace("_", " "), CLAIMED[kind][1]
    detail = f"The {noun} belongs to {holder}{meanwhile}."
    if kind == "external_id":  # as where it was used for another customer
        return Refusal(code, detail, conflicting_id=holder, id=holder, fields=[])
    return Refusal(code, detail, conflicting_id=holder)


def claim_keys(tx: Tx, change_id: str, p: Proposal) -> None:
    """Reserve a new e-mail, tax id and external id until the change ends.

    Raises DUPLICATE_EMAIL, DUPLICATE_TAX_ID, EXTERNAL_ID_CONFLICT.
    """
    before = p.before or {}
    for kind, (key_of, _) in CLAIMED.items():
        value, old = p.after[kind], before.get(kind)
        if value is None or (old is not None and key_of(old) == key_of(value)):
            continue
        holder = customers.claim(tx, kind, key_of(value), change_id, p.customer_id) or customers.taken_by(
            tx, kind, key_of(value)
        )
        if holder is not None and holder != p.customer_id:
            raise taken(kind, holder)


def submitted_body(change: Any) -> dict[str, Any]:
    """What a submission answers."""
    return {
        "change_id": change["id"],
        "workflow_id": change["workflow_id"],
        "status": change["status"],
        "customer_id": change["customer_id"],
        "warnings": change["warnings"],
    }


def _replay(work: Work, external_id: str | None) -> Outcome[Any] | None:
    if external_id is None:
        return None
    # Of two that race the second waits here and is a replay, not the first one's duplicate.
    work.tx.later(
        "SELECT pg_advisory_xact_lock(hashtextextended('customer:' || :org || ':' || :external, 0))",
        external=external_id,
    )
    known = changes.by_external_id(work.tx, external_id)
    if known is None:
        taken = work.tx.scalar(
            "SELECT id FROM customers WHERE org_id = :org AND external_id = :external", external=external_id
        )
        if taken is not None:  # imported or bootstrapped: there is no change to answer with
            raise Refusal("EXTERNAL_ID_CONFLICT", f"external_id belongs to customer {taken}.", id=taken, fields=[])
        return None
    work.require_entity(known["legal_entity_id"])
    name_customer(work, known["customer_id"])
    fields = _differing(known["request"], work.cmd.body)
    if fields:
        detail = f"external_id was used for customer {known['customer_id']}; different: {', '.join(fields)}."
        raise Refusal("EXTERNAL_ID_CONFLICT", detail, fields=fields, id=known["customer_id"])
    return Outcome(submitted_body(known), 202, replayed=True)


def _differing(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    one, two = (CustomerCreate.model_validate(b).model_dump(mode="json") for b in (first, second))
    return sorted(f for f in one if one[f] != two[f] and not (one[f] in (None, {}, []) and two[f] in (None, {}, [])))
