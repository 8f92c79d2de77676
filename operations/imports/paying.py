"""For whom the customers of rows pay: the rule of a customer's change, asked for the review and again when it is carried out."""

from typing import Final

from models.customers.records import RelatedRecords
from models.db.customers import customers
from models.db.imports import execution, matching
from models.db.tx import Tx
from models.errors import Refusal
from models.imports.records import Import
from models.imports.updates import update_of
from operations.customers.paying import check_paying

_BATCH: Final = 1_000
_NEW: Final = ""
"""The id of a customer that is not there yet: nobody can have named it."""


def refused_to_pay(
    tx: Tx,
    customer_id: str | None,
    before: RelatedRecords | None,
    after: RelatedRecords,
    entities: frozenset[str] | None,
) -> str | None:
    """The code of why the customer (None: a new one) may not pay for whom `after` newly names; None where it may."""
    try:
        check_paying(tx, customer_id or _NEW, before, after, entities)
    except Refusal as refusal:
        return refusal.errors[0].code if refusal.errors else refusal.code
    return None


def find_refused_to_pay(tx: Tx, one: Import) -> None:
    """Note on the rows whom nobody may be said to pay for."""
    last = 0
    while said := execution.paying(tx, one.id, last + 1, one.total_rows, _BATCH):
        last = max(said)
        met = matching.met_by(tx, one.id, sorted(said))
        wanted = execution.wanted(tx, one.id, sorted(met))
        now = execution.met_customers(tx, sorted(set(met.values())))
        has = customers.related_of(tx, sorted(set(met.values())))
        refused: dict[int, str] = {}
        for row_no, own in said.items():
            target = met.get(row_no)
            if target is None:
                code = refused_to_pay(tx, None, None, own, one.entities)
            elif one.options.on_duplicate == "update" and target in now:
                after = update_of(now[target], has[target], wanted[row_no]).related
                code = refused_to_pay(tx, target, has[target], after, one.entities)
            else:
                code = None
            if code is not None:
                refused[row_no] = code
        matching.note_refused(tx, one.id, refused)
