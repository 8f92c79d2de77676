"""What the rows of one batch do, within its transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from psycopg.errors import UniqueViolation

from models.customers.records import RelatedRecords
from models.db.customers import customers
from models.db.imports import execution as store
from models.facts import Fact, Facts
from models.imports.fate import Fate, SpecialRow, fate
from models.imports.records import Import, Outcome, RowOutcome
from models.imports.updates import MetCustomer, WantedRow, update_of
from operations.imports.ends import SYSTEM
from operations.imports.paying import refused_to_pay
from operations.work import Work


@dataclass
class Batch:
    """What a batch did. `rows`: the outcomes of rows that made no customer. `stopped_at`: the failed row that ended it."""

    created: int = 0
    rows: list[RowOutcome] = field(default_factory=list)
    stopped_at: int | None = None

    def note(self, row_no: int, outcome: Outcome, codes: Sequence[str], record_id: str | None = None) -> None:
        """What became of a row that made no customer."""
        self.rows.append(RowOutcome(row_no, outcome, list(codes) or None, record_id))

    def count(self, outcome: Outcome) -> int:
        """How many of these rows came to this."""
        return sum(row.outcome == outcome for row in self.rows)

    @property
    def has_failed(self) -> bool:
        return any(row.outcome == "failed" for row in self.rows)

    def add(self, other: "Batch") -> None:
        """What another batch did, done by this one."""
        self.created += other.created
        self.rows += other.rows


class Collision(Exception):
    """Somebody has made a customer with a key of this batch since validation: roll back, and look at every row."""


class Execution:
    """One batch: the rows that meet nobody by one statement, the special ones after it in file order.

    Which rows are special is what validation found; `careful` asks the master for every row. What validation could not
    know yet shows as a Collision.
    """

    def __init__(self, work: Work, one: Import, *, careful: bool) -> None:
        self._work, self._tx, self._import = work, work.tx, one
        self._mode, self._stop = one.options.on_duplicate, one.options.stop_on_error
        self._careful = careful | store.plan_for_batches(work.tx)
        self._batch = Batch()
        self._customers: dict[str, MetCustomer] = {}
        self._related: dict[str, RelatedRecords] = {}
        self._paying: dict[int, RelatedRecords] = {}
        self._changed: dict[str, None] = {}
        self._people: Facts = {
            "submitted_by": one.submitted_by,
            "approved": [
                {"step": s.step, "role": s.role, "decided_by": s.decided_by, "decided_at": s.decided_at}
                for s in one.steps
                if s.decided_by is not None
            ],
        }

    def run(self, first: int, last: int) -> Batch:
        """Execute the rows first..last; under stop_on_error up to the first that fails."""
        specials = self._specials(first, last)
        numbers = [s.row_no for s in specials]
        if not self._stop or not specials:
            self._create(first, last, numbers)
        made = not self._stop and self._batch.created > 0
        if made and any(s.in_file for s in specials):
            specials = self._specials(first, last, numbers)
        self._one_by_one(specials, first, last)
        self._save()
        return self._batch

    def _one_by_one(self, specials: Sequence[SpecialRow], first: int, last: int) -> None:
        waiting = list(specials)
        numbers = [s.row_no for s in waiting]
        wanted = store.wanted(self._tx, self._import.id, numbers) if self._mode == "update" else {}
        self._paying = store.paying(self._tx, self._import.id, first, last) if specials else {}
        done = first - 1
        while waiting:
            s = waiting.pop(0)
            moved = self._stop and self._create(done + 1, s.row_no - 1, ())
            done = s.row_no
            if moved and s.in_file:
                s, *waiting = self._specials(s.row_no, last, numbers)
            what = fate(s, self._mode)
            if what.outcome == "created" and (refused := self._refused_to_pay(done)):
                what, moved = Fate("failed", (refused,)), False
                self._batch.note(done, what.outcome, what.codes)
            elif what.outcome == "created":
                moved = self._create(done, done, ())
            elif what.outcome == "updated":
                moved = self._update(s, what, wanted[done], waiting)
            else:
                moved = False
                self._batch.note(done, what.outcome, what.codes, what.target)
            if self._stop and self._batch.has_failed:
                self._batch.stopped_at = done
                return
            if moved and waiting:
                # Keys have changed hands: whom the rest meets is another question now.
                self._save()
                waiting = self._specials(done + 1, last, numbers)
        if self._stop and specials:
            self._create(done + 1, last, ())

    def _specials(self, first: int, last: int, only: Sequence[int] | None = None) -> list[SpecialRow]:
        found = store.specials(self._tx, self._import.id, first, last, flagged_only=not self._careful)
        keep = None if only is None else set(only)
        return [s for s in found if keep is None or s.row_no in keep]

    def _create(self, first: int, last: int, but: Sequence[int]) -> bool:
        if last < first or len(but) == last - first + 1:
            return False
        try:
            made = store.create(self._tx, self._import, first, last, but, SYSTEM)
        except UniqueViolation as taken:
            if taken.diag.table_name != "customers":
                raise
            raise Collision from None
        self._batch.created += made
        return made > 0

    def _update(self, s: SpecialRow, what: Fate, wanted: WantedRow, waiting: Sequence[SpecialRow]) -> bool:
        """Change the met customer where the row says something else. Whether a key of it changed."""
        target = str(what.target)
        now = self._customer(target, waiting)
        entities = self._import.entities
        if now is None or (entities is not None and now.legal_entity_id not in entities):
            self._batch.note(s.row_no, "failed", ("ENTITY_UNKNOWN",), target)
            return False
        has = self._related_of(target, waiting) if wanted.related else RelatedRecords()
        update = update_of(now, has, wanted)
        codes = (*what.codes, *(s.warnings or ()))
        if update.refused:
            self._batch.note(s.row_no, "failed", (update.refused, *codes), target)
            return False
        if s.row_no in self._paying and (
            refused := refused_to_pay(self._work.tx, target, has, update.related, entities)
        ):
            self._batch.note(s.row_no, "failed", (refused, *codes), target)
            return False
        self._batch.note(s.row_no, "updated", codes if update.diff else (*codes, "NO_CHANGE"), target)
        if not update.diff:
            return False
        if wanted.related:
            customers.save_related(self._tx, target, has, update.related)
            self._related[target] = update.related
        after = replace(update.customer, version=now.version + 1)
        self._customers[target] = after
        self._changed[target] = None
        about: dict[str, Fact] = {"import_id": self._import.id, "version": after.version}
        said: Facts = {**about, "row": s.row_no, "diff": update.diff, **self._people}
        self._work.audit(target, "customer.updated", said)
        self._work.emit("customer.updated", target, about | {"customer_id": target})
        return now.meets_by != after.meets_by

    def _refused_to_pay(self, row_no: int) -> str | None:
        """Why the new customer of a row may not pay for whom the row names."""
        said = self._paying.get(row_no)
        return None if said is None else refused_to_pay(self._tx, None, None, said, self._import.entities)

    def _customer(self, target: str, waiting: Sequence[SpecialRow]) -> MetCustomer | None:
        """The customer, locked; those of all that wait are locked at once."""
        if target not in self._customers:
            ids = {target, *self._targets(waiting)} - self._customers.keys()
            self._customers |= store.lock_customers(self._tx, sorted(ids))
        return self._customers.get(target)

    def _related_of(self, target: str, waiting: Sequence[SpecialRow]) -> RelatedRecords:
        """The customer's related records; asked for those of all that wait at once."""
        if target not in self._related:
            ids = {target, *(self._targets(waiting) & self._customers.keys())} - self._related.keys()
            self._related |= customers.related_of(self._tx, sorted(ids))
        return self._related[target]

    def _targets(self, waiting: Collection[SpecialRow]) -> set[str]:
        found = (fate(w, self._mode).target for w in waiting)
        return {target for target in found if target is not None}

    def _save(self) -> None:
        store.save_customers(self._tx, [self._customers[c] for c in self._changed])
        self._changed.clear()
