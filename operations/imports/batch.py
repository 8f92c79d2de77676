"""What the rows of one batch do, within its transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from models.db.customers import records as customers
from models.db.imports import execution as sql
from models.db.tx import Row
from models.imports.updates import Lists, update_of
from operations.commands import SYSTEM
from operations.work import Work

_KEYS: Final = ("name_key", "email_key", "tax_id_key")


@dataclass
class Batch:
    """What a batch did. `rows`: the outcomes of rows that made no customer. `stopped_at`: the failed row that ended it."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    stopped_at: int | None = None

    def note(self, row_no: int, outcome: str, codes: Sequence[str], record_id: str | None = None) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)
        self.rows.append({"row_no": row_no, "outcome": outcome, "codes": list(codes) or None, "record_id": record_id})

    def add(self, other: "Batch") -> None:
        """What another batch did, done by this one."""
        for outcome in ("created", "updated", "skipped", "failed"):
            setattr(self, outcome, getattr(self, outcome) + getattr(other, outcome))
        self.rows += other.rows


@dataclass(frozen=True)
class Fate:
    """What becomes of a special row: failed, skipped, updated (`target`), or created after all."""

    outcome: str
    codes: tuple[str, ...] = ()
    target: str | None = None


def fate(s: Any, mode: str) -> Fate:
    """Decided by the row's own faults, by whom it meets now, and by on_duplicate. Pure."""
    if not s["ok"]:
        return Fate("failed", tuple(dict.fromkeys(e["code"] for e in s["errors"] or ())))
    targets = {t for t in (s["by_email"], s["by_tax"]) if t is not None}
    target = min(targets, default=None)
    flagged = s["duplicate"] or ()
    if len(targets) > 1 or (mode != "update" and s["in_file"] and "DUPLICATE_AMBIGUOUS" in flagged):
        return Fate("failed", ("DUPLICATE_AMBIGUOUS",))
    elsewhere = {s["by_external"], s["external_claim"]} - {None, target}
    if not targets and not s["in_file"] and not s["claimed"]:
        if not elsewhere and "EXTERNAL_ID_CONFLICT" not in flagged:
            return Fate("created")  # whom validation met is gone
        return Fate("failed", ("EXTERNAL_ID_CONFLICT",), s["by_external"])
    codes = _duplicate_codes(s, target)
    if mode == "skip":
        return Fate("skipped", codes, target)
    if mode == "error" or (target is None and s["claimed"]):
        return Fate("failed", codes, target)
    if elsewhere:
        return Fate("failed", ("EXTERNAL_ID_CONFLICT",), s["by_external"])
    if target is not None and s["external_id"] is not None and s["met_external"] not in (None, s["external_id"]):
        return Fate("failed", ("EXTERNAL_ID_CONFLICT",), target)
    if target is not None and (claimed := _claimed_by_others(s, target)):
        return Fate("failed", claimed, target)
    return Fate("created") if target is None else Fate("updated", codes, target)


def _claimed_by_others(s: Any, target: str) -> tuple[str, ...]:
    """Of the keys that the row would give its customer: those that an open change of somebody else has asked for."""
    asked = [("email_claim", "DUPLICATE_EMAIL"), ("tax_claim", "DUPLICATE_TAX_ID")]
    return tuple(code for column, code in asked if s[column] not in (None, target))


def _duplicate_codes(s: Any, target: str | None) -> tuple[str, ...]:
    if s["in_file"] and (target is None or s["met_own"]):
        return ("DUPLICATE_IN_FILE",)
    found = [("by_email", "DUPLICATE_EMAIL"), ("by_tax", "DUPLICATE_TAX_ID")]
    codes = tuple(code for column, code in found if s[column] is not None)
    return codes or tuple(s["duplicate"] or ("DUPLICATE_EMAIL",))


class Collision(Exception):
    """Somebody has made a customer with a key of this batch since validation: roll back, and look at every row."""


class Execution:
    """One batch: the rows that meet nobody by one statement, the special ones after it in file order.

    Which rows are special is what validation found; `careful` asks the master for every row. What validation could not
    know yet shows as a Collision.
    """

    def __init__(self, work: Work, row: Row, *, careful: bool) -> None:
        self._work, self._tx, self._row = work, work.tx, row
        self._careful = careful
        self._id: str = row["id"]
        self._mode: str = row["options"]["on_duplicate"]
        self._stop: bool = row["options"]["stop_on_error"]
        self._careful |= sql.plan_for_batches(work.tx)
        self._batch = Batch()
        self._customers: dict[str, dict[str, Any]] = {}
        self._lists: dict[str, Lists] = {}
        self._changed: dict[str, None] = {}

    def run(self, first: int, last: int) -> Batch:
        """Execute the rows first..last; under stop_on_error up to the first that fails."""
        specials = self._specials(first, last)
        numbers = [s["row_no"] for s in specials]
        if not self._stop or not specials:
            self._create(first, last, numbers)
        made = not self._stop and self._batch.created > 0
        if made and any(s["in_file"] for s in specials):
            specials = self._specials(first, last, numbers)
        self._one_by_one(specials, first, last)
        self._save()
        return self._batch

    def _one_by_one(self, specials: Sequence[Row], first: int, last: int) -> None:
        waiting = list(specials)
        numbers = [s["row_no"] for s in waiting]
        wanted = sql.wanted(self._tx, self._id, numbers) if self._mode == "update" else {}
        done = first - 1
        while waiting:
            s = waiting.pop(0)
            moved = self._stop and self._create(done + 1, s["row_no"] - 1, ())
            done = s["row_no"]
            if moved and s["in_file"]:
                s, *waiting = self._specials(s["row_no"], last, numbers)
            what = fate(s, self._mode)
            if what.outcome == "created":
                moved = self._create(done, done, ())
            elif what.outcome == "updated":
                moved = self._update(s, what, wanted[done], waiting)
            else:
                moved = False
                self._batch.note(done, what.outcome, what.codes, what.target)
            if self._stop and self._batch.failed:
                self._batch.stopped_at = done
                return
            if moved and waiting:
                # Keys have changed hands: whom the rest meets is another question now.
                self._save()
                waiting = self._specials(done + 1, last, numbers)
        if self._stop and specials:
            self._create(done + 1, last, ())

    def _specials(self, first: int, last: int, only: Sequence[int] | None = None) -> list[Row]:
        found = sql.specials(self._tx, self._id, first, last, flagged_only=not self._careful)
        keep = None if only is None else set(only)
        return [s for s in found if keep is None or s["row_no"] in keep]

    def _create(self, first: int, last: int, but: Sequence[int]) -> bool:
        if last < first or len(but) == last - first + 1:
            return False
        made = sql.create(self._tx, self._row, first, last, but, SYSTEM)
        if made < 0:
            raise Collision
        self._batch.created += made
        return made > 0

    def _update(self, s: Row, what: Fate, wanted: Row, waiting: Sequence[Row]) -> bool:
        """Change the met customer where the row says something else. Whether a key of it changed."""
        target = str(what.target)
        if target not in self._customers:
            others = (fate(w, self._mode).target for w in waiting)
            ids = {target, *(o for o in others if o is not None)} - self._customers.keys()
            self._customers |= sql.lock_customers(self._tx, sorted(ids))
        now = self._customers.get(target)
        entities = self._row["entities"]
        if now is None or (entities is not None and now["legal_entity_id"] not in entities):
            self._batch.note(s["row_no"], "failed", ("ENTITY_UNKNOWN",), target)
            return False
        lists = self._lists_of(target, waiting) if wanted["related"] else {}
        update = update_of(now, lists, wanted)
        codes = (*what.codes, *(s["warnings"] or ()))
        if update.refused:
            self._batch.note(s["row_no"], "failed", (update.refused, *codes), target)
            return False
        self._batch.note(s["row_no"], "updated", codes if update.diff else (*codes, "NO_CHANGE"), target)
        if not update.diff:
            return False
        if wanted["related"]:
            customers.save_lists(self._tx, target, lists, update.lists)
            self._lists[target] = update.lists
        keys_before = [now[k] for k in (*_KEYS[1:], "external_id")]
        now |= update.fields | {k: wanted[k] for k in _KEYS if wanted[k] is not None}
        now["version"] += 1
        self._changed[target] = None
        said = {"import_id": self._id, "row": s["row_no"], "version": now["version"]}
        self._work.audit(target, "customer.updated", said | {"diff": update.diff})
        self._work.emit(
            "customer.updated", target, {"customer_id": target, "import_id": self._id, "version": now["version"]}
        )
        return keys_before != [now[k] for k in (*_KEYS[1:], "external_id")]

    def _lists_of(self, target: str, waiting: Sequence[Row]) -> Lists:
        """The customer's related records; asked for those of all that wait at once."""
        if target not in self._lists:
            others = (fate(w, self._mode).target for w in waiting)
            ids = {target, *(o for o in others if o in self._customers)} - self._lists.keys()
            self._lists |= customers.lists_of(self._tx, sorted(ids))
        return self._lists[target]

    def _save(self) -> None:
        sql.save_customers(self._tx, [self._customers[c] for c in self._changed])
        self._changed.clear()
