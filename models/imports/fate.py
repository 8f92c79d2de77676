"""What becomes of a row that is not simply a new customer: by its own faults, by whom it meets, and by on_duplicate."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.imports.checked import RowFault
from models.imports.records import Outcome
from models.imports.requests import OnDuplicate


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialRow:
    """A row that is faulty or repeated, or that a customer or an open change meets.

    `by_email`, `by_tax`, `by_external`: the customers that have its keys now; `met_external`: the external id of whom it
    meets, `met_own`: whom this import made. `claimed`: an open change has asked for its e-mail or tax id; `…_claim`: of
    which customer. `in_file`: an earlier row of the file has one of its keys; `duplicate`: what validation said of it.
    """

    row_no: int
    ok: bool
    errors: Sequence[RowFault] | None
    warnings: Sequence[str] | None
    in_file: bool
    duplicate: Sequence[str] | None
    external_id: str | None
    by_email: str | None
    by_tax: str | None
    by_external: str | None
    met_external: str | None
    met_own: bool
    claimed: bool
    email_claim: str | None
    tax_claim: str | None
    external_claim: str | None


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a special row: failed, skipped, updated (`target`), or created after all."""

    outcome: Outcome
    codes: tuple[str, ...] = ()
    target: str | None = None


def fate(row: SpecialRow, mode: OnDuplicate) -> Fate:
    """Decided by the row's own faults, by whom it meets now, and by on_duplicate."""
    if not row.ok:
        return Fate("failed", tuple(dict.fromkeys(e.code for e in row.errors or ())))
    targets = {t for t in (row.by_email, row.by_tax) if t is not None}
    target = min(targets, default=None)
    flagged = row.duplicate or ()
    if len(targets) > 1 or (mode != "update" and row.in_file and "DUPLICATE_AMBIGUOUS" in flagged):
        return Fate("failed", ("DUPLICATE_AMBIGUOUS",))
    elsewhere = {row.by_external, row.external_claim} - {None, target}
    if not targets and not row.in_file and not row.claimed:
        if not elsewhere and "EXTERNAL_ID_CONFLICT" not in flagged:
            return Fate("created")  # whom validation met is gone
        return Fate("failed", ("EXTERNAL_ID_CONFLICT",), row.by_external)
    codes = _duplicate_codes(row, target)
    if mode == "skip":
        return Fate("skipped", codes, target)
    if mode == "error" or (target is None and row.claimed):
        return Fate("failed", codes, target)
    if elsewhere:
        return Fate("failed", ("EXTERNAL_ID_CONFLICT",), row.by_external)
    if target is None:
        return Fate("created")
    if row.external_id is not None and row.met_external not in (None, row.external_id):
        return Fate("failed", ("EXTERNAL_ID_CONFLICT",), target)
    if claimed := _claimed_by_others(row, target):
        return Fate("failed", claimed, target)
    return Fate("updated", codes, target)


def _claimed_by_others(row: SpecialRow, target: str) -> tuple[str, ...]:
    """Of the keys that the row would give its customer: those that an open change of somebody else has asked for."""
    asked = ((row.email_claim, "DUPLICATE_EMAIL"), (row.tax_claim, "DUPLICATE_TAX_ID"))
    return tuple(code for claim, code in asked if claim not in (None, target))


def _duplicate_codes(row: SpecialRow, target: str | None) -> tuple[str, ...]:
    if row.in_file and (target is None or row.met_own):
        return ("DUPLICATE_IN_FILE",)
    found = ((row.by_email, "DUPLICATE_EMAIL"), (row.by_tax, "DUPLICATE_TAX_ID"))
    codes = tuple(code for met, code in found if met is not None)
    return codes or tuple(row.duplicate or ("DUPLICATE_EMAIL",))
