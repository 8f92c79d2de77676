"""Approvals of every kind: one of them, or a page of them, the oldest first. Each kind is asked for its own, in its own order,
and a page merges the beginnings of those."""

from collections.abc import Collection, Sequence
from heapq import merge
from itertools import islice

from models.access import Principal
from models.approvals.answers import ApprovalAnswer
from models.approvals.approval import Approval
from models.approvals.approval_answer import approval_answer
from models.approvals.chain import ChangeStatus
from models.approvals.kinds import ApprovalKind, moment_of
from models.customers.change_answers import change_answer
from models.customers.change_records import Change
from models.db.approvals import approvals
from models.db.customers import change_lists, customers
from models.db.imports import imports, reviews
from models.db.tx import Tx
from models.errors import Refusal
from models.imports.answers import import_answer
from models.imports.records import Import
from models.inbox.answers import approval_of_change, approval_of_import, named
from models.inbox.wanted import Wanted, kinds_seen
from operations.approvals.requests import APPROVALS
from operations.customers.visibility import change_seen


def approval(tx: Tx, who: Principal, approval_id: str) -> ApprovalAnswer:
    """The approval of this id. Raises CHANGE_NOT_FOUND, IMPORT_NOT_FOUND, APPROVAL_NOT_FOUND, FORBIDDEN."""
    prefix = approval_id.partition("_")[0]
    if prefix == "chg":
        found = approval_of_change(change_answer(change_seen(tx, who, approval_id)))
    elif prefix == "imp":
        one = imports.get(tx, approval_id)
        if not who.sees_entity(one.legal_entity_id):
            raise Refusal("FORBIDDEN", f"Your token does not cover legal entity {one.legal_entity_id}.")
        found = approval_of_import(import_answer(one))
    else:
        asked = approvals.get(tx, approval_id)
        APPROVALS.require_cover(asked, who.entities)
        found = approval_answer(asked)
    if found.kind not in kinds_seen(who):
        raise Refusal("FORBIDDEN", f"Your roles do not read approvals of the kind {found.kind}.")
    return with_names(tx, [found])[0]


def page(tx: Tx, wanted: Wanted) -> Sequence[ApprovalAnswer]:
    """Up to `limit` approvals, the oldest first."""
    seen = kinds_seen(wanted.who)
    found = [
        [approval_of_change(change_answer(c)) for c in _changes(tx, wanted)] if "customer_change" in seen else [],
        [approval_of_import(import_answer(i)) for i in _imports(tx, wanted)] if "import" in seen else [],
        [approval_answer(a) for a in _others(tx, wanted, seen)],
    ]
    return with_names(tx, list(islice(merge(*found, key=lambda a: moment_of(a.id)), wanted.limit)))


def with_names(tx: Tx, found: Sequence[ApprovalAnswer]) -> Sequence[ApprovalAnswer]:
    """The approvals with their customers' names as they are now: of a customer to come, that which was asked for."""
    asked = [a.customer_id for a in found if a.customer_id is not None]
    names = customers.names_of(tx, asked) if asked else {}
    return [named(a, names.get(str(a.customer_id))) for a in found]


def _changes(tx: Tx, w: Wanted) -> Sequence[Change]:
    if "customer_change" not in w.kinds:
        return []
    after = None if w.after is None else f"chg_{w.after}"
    if w.awaiting:
        mine = change_lists.inbox(
            tx, user=w.who.sub, roles=w.roles, entities=w.who.entities, after=after, limit=w.limit
        )
        return [c for c in mine if not w.submitted]
    status = next(iter(w.statuses)).value if len(w.statuses) == 1 else None
    return change_lists.list_changes(
        tx, w.who.entities, status=status, waiting=status is None, customer_id=None, operation=None,
        submitted_by=w.submitted_by, after=after, limit=w.limit,
    )  # fmt: skip


def _imports(tx: Tx, w: Wanted) -> Sequence[Import]:
    if "import" not in w.kinds:
        return []
    statuses = w.statuses & {ChangeStatus.PENDING_APPROVAL} if w.awaiting else w.statuses
    return reviews.reviews(
        tx, w.who.entities, statuses=statuses, submitted_by=w.submitted_by,
        awaiting=(w.who.sub, w.roles) if w.awaiting else None,
        after=None if w.after is None else f"imp_{w.after}", limit=w.limit,
    )  # fmt: skip


def _others(tx: Tx, w: Wanted, seen: Collection[ApprovalKind]) -> Sequence[Approval]:
    kinds = set(w.kinds) & set(seen) - {"customer_change", "import"}
    if not kinds:
        return []
    statuses = w.statuses & {ChangeStatus.PENDING_APPROVAL} if w.awaiting else w.statuses
    return approvals.page(
        tx, w.who.entities, kinds=kinds, statuses=statuses, submitted_by=w.submitted_by,
        awaiting=(w.who.sub, w.roles) if w.awaiting else None,
        after=None if w.after is None else f"apr_{w.after}", limit=w.limit,
    )  # fmt: skip
