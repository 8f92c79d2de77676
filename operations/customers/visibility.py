"""Which customers and changes a token restricted to legal entities covers."""

from collections.abc import Collection

from models.access import Principal
from models.customers.change_records import Change
from models.customers.records import CustomerDetails
from models.db.customers import change_lists, changes, claims, paying
from models.db.tx import Tx
from models.errors import Refusal
from operations.work import Work


def require_visible(customer: CustomerDetails, entities: frozenset[str] | None) -> None:
    """403 for a customer outside the legal entities of a token."""
    if not customer.is_visible_to(entities):
        raise Refusal("FORBIDDEN", "Your token does not cover this customer's legal entity.")


def require_cover(work: Work, entities: Collection[str]) -> None:
    """403 unless the caller's token covers every entity that a change would concern: not one of them changes another's
    part, nor submits what they may then neither see nor take back."""
    if work.cmd.entities is not None and not set(entities) <= work.cmd.entities:
        raise Refusal(
            "FORBIDDEN", f"The change concerns {', '.join(sorted(entities))}: your token does not cover them all."
        )


def require_change(change: Change, entities: frozenset[str] | None) -> None:
    """403 unless the token covers every entity that the change concerns: an override is its entity's people's."""
    if not change.is_covered_by(entities):
        raise Refusal("FORBIDDEN", "Your token does not cover this change's legal entities.")


def change_seen(tx: Tx, who: Principal, change_id: str) -> Change:
    """The change as this person sees it. One that nobody has looked at yet is SUBMITTED: there for its submitter, and for those
    whose token covers all that it may touch. Raises CHANGE_NOT_FOUND, FORBIDDEN."""
    try:
        change = changes.get(tx, change_id)
    except Refusal:
        kept = change_lists.submitted(tx, change_id)
        if kept is None or not (kept.chain.submitted_by == who.sub or kept.is_covered_by(who.entities)):
            raise
        return kept
    require_change(change, who.entities)
    return change


def may_be_named(tx: Tx, holder: str, entities: Collection[str] | None) -> bool:
    """Whether a customer or change is one that a token for these legal entities (None: all) covers. That another has a
    name or an address is said to everybody, since it is why they are refused; which one, to those who may see it."""
    if entities is None:
        return True
    if holder.startswith("chg_"):
        return set(claims.entities_of_change(tx, holder)) <= set(entities)
    return not paying.seen_from(tx, {holder}).get(holder, frozenset()).isdisjoint(entities)
