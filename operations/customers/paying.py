"""Whom a customer may be said to pay for: customers that there are, others than itself, and nobody who pays for it."""

from models.customers.paying import circle
from models.customers.records import CustomerDetails, RelatedRecords
from models.db.customers import paying
from models.db.lookups import refuse_missing
from models.db.tx import Tx
from models.errors import FieldError, Refusal

Pays = CustomerDetails | RelatedRecords
"""What says for whom a customer pays."""


def check_paying(
    tx: Tx, customer_id: str, before: Pays | None, after: Pays, entities: frozenset[str] | None = None
) -> None:  # fmt: skip
    """Refuse what a change newly says of whom the customer pays for: CUSTOMER_NOT_FOUND and as for any record that a body
    names, PAYS_FOR_SELF, PAYS_FOR_CIRCLE. `entities`: those of the caller's token, None for all."""
    old = {} if before is None else before.pays_for
    new = [one for i, one in after.pays_for.items() if old.get(i) != one]
    if not new:
        return
    named = {one.customer_id for one in new}
    if customer_id in named:
        raise _refused("PAYS_FOR_SELF", "A customer pays its own invoices without being told to.")
    seen = paying.seen_from(tx, named)
    for other in sorted(named):
        if other not in seen:
            refuse_missing(tx, "customer", other)
        if entities is not None and entities.isdisjoint(seen[other]):
            raise Refusal("FORBIDDEN", f"Your token does not cover the legal entity of customer {other}.")
    paying.hold_still(tx)
    paid = circle(customer_id, new, paying.links_from(tx, named))
    if paid is not None:
        raise _refused(
            "PAYS_FOR_CIRCLE", f"Customer {paid} pays for this one on some of these days, itself or through others."
        )


def _refused(code: str, detail: str) -> Refusal:
    return Refusal(code, detail, errors=[FieldError("/pays_for", code, detail)])
