"""What the rows of an import would change of the customers that they meet: found for the review, by the rule of execution."""

from collections.abc import Sequence
from typing import Final

from models.customers.diff import Diff
from models.customers.records import RelatedRecords
from models.db.customers import customers
from models.db.imports import execution, matching
from models.db.tx import Tx
from models.imports.records import Import
from models.imports.summary import RowChange
from models.imports.updates import Update, update_of

_BATCH: Final = 1_000
SAMPLES: Final = 20


def find_refused(tx: Tx, one: Import) -> None:
    """Note on the rows of an import that may update what no update may do: another external id, records that answer to
    one name, what does not fit together."""
    if one.options.on_duplicate != "update":
        return
    matching.find_out_of_reach(tx, one)
    matching.find_other_external_ids(tx, one)
    after = 0
    while numbers := matching.rows_with_related(tx, one.id, after, _BATCH):
        refused = {n: u.refused for n, u in _updates(tx, one, numbers).items() if u.refused}
        matching.note_refused(tx, one.id, refused)
        after = numbers[-1]


def changes_of(tx: Tx, one: Import, numbers: Sequence[int]) -> dict[int, Diff]:
    """The diff that each of the rows would make now of the customer that it met; not of those that meet none."""
    if one.options.on_duplicate != "update" or not numbers:
        return {}
    return {n: u.diff for n, u in _updates(tx, one, numbers).items() if not u.refused}


def sample(tx: Tx, one: Import, first: Sequence[int]) -> list[RowChange]:
    """What the reviewer sees of the updates: those rows, then the next that change something, SAMPLES in all."""
    others = matching.rows_that_meet(tx, one.id, SAMPLES * 5)
    numbers = list(dict.fromkeys([*first, *others]))
    found = changes_of(tx, one, numbers)
    met = matching.met_by(tx, one.id, numbers)
    shown = [RowChange(row=n, customer_id=met[n], diff=found[n]) for n in numbers if found.get(n)]
    return shown[:SAMPLES]


def _updates(tx: Tx, one: Import, numbers: Sequence[int]) -> dict[int, Update]:
    met = matching.met_by(tx, one.id, numbers)
    wanted = execution.wanted(tx, one.id, sorted(met))
    now = execution.met_customers(tx, sorted(set(met.values())))
    has = customers.related_of(tx, sorted({c for n, c in met.items() if wanted[n].related}))
    return {n: update_of(now[c], has.get(c, RelatedRecords()), wanted[n]) for n, c in met.items() if c in now}
