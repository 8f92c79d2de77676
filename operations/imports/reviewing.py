"""The review of imports as a family of approvals: decided, delegated, withdrawn as whatever is under approval. What it
approves is carried out batch by batch, by the import's own process."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from models.approvals.chain import ChangeStatus, Decision
from models.approvals.records import StepDecision
from models.db.imports import files, imports
from models.db.tx import Tx
from models.errors import FieldError, Refusal
from models.facts import Facts
from models.imports.answers import ImportAnswer, import_answer
from models.imports.records import Import, ImportStatus
from models.imports.review import Review, review_of
from operations.approvals.families import FAMILIES, Family, Store
from operations.imports.ends import end_import
from operations.work import Work


class _Reviews:
    """Reviews are kept with their imports."""

    def get(self, tx: Tx, import_id: str, /, *, lock: bool = False) -> Review:
        return review_of(imports.get(tx, import_id, lock=lock))

    def now_at(self, engine: Engine, org_id: str, import_id: str, /) -> tuple[Review, datetime] | None:
        """Its process has an eye of its own."""
        return None

    def save(self, tx: Tx, before: Review, after: Review, /) -> None:
        imports.save(tx, before.file, after.file)

    def add_decision(self, tx: Tx, import_id: str, decision: StepDecision, /) -> None:
        """It is kept in its step."""


class ImportReviews(Family[Review]):
    """Reviews of imports. Their steps are shown behind the validation, which is the first."""

    store: Store[Review] = _Reviews()
    word, noun = "import", "import"
    decided = "import.decided"
    reminded = "import.reminded"
    escalated = "import.review_overdue"
    overdue = "import_overdue"
    first_step = 2

    def ids(self, one: Review) -> Facts:
        return {"import_id": one.id}

    def must_be_open(self, one: Review) -> None:
        """Raises IMPORT_CLOSED, IMPORT_NOT_AWAITING_REVIEW."""
        must_be_open(one.file)
        if not one.chain.steps:
            status = one.file.status
            raise Refusal("IMPORT_NOT_AWAITING_REVIEW", f"The import is {status}: there is nothing to decide yet.")

    def refusal(self, no: Refusal) -> Refusal:
        """A step out of turn, in the words of imports."""
        if no.code != "STEP_NOT_PENDING":
            return no
        return Refusal("IMPORT_NOT_AWAITING_REVIEW", no.detail, **no.extra)

    def may(self, decision: Decision) -> None:
        """A file is not corrected here: it is uploaded anew."""
        if decision is Decision.RETURN:
            detail = "An import is approved or rejected: a corrected file is uploaded anew."
            raise Refusal("VALIDATION_FAILED", detail, errors=[FieldError("/decision", "FIELD_INVALID", detail)])

    def may_be_at_once(self, one: Review) -> bool:
        """The last approval sets its process to work, batch by batch."""
        return False

    def carry_out(self, tx: Tx, one: Review, request_id: str) -> None:
        raise AssertionError("an import is carried out by its own process")

    def answer(self, one: Review) -> ImportAnswer:
        return import_answer(one.file)

    def over(self, work: Work, one: Review) -> Review:
        """It ends rejected, or cancelled by its uploader."""
        rejected = one.chain.status is ChangeStatus.REJECTED
        if not rejected:
            files.drop_file(work.tx, one.id)
        status = ImportStatus.REJECTED if rejected else ImportStatus.CANCELLED
        return replace(one, file=end_import(work, one.file, status))


def must_be_open(one: Import) -> Import:
    """Raises IMPORT_CLOSED."""
    if not one.is_open:
        raise Refusal("IMPORT_CLOSED", f"The import has ended: {one.status}.", status_now=one.status.value)
    return one


REVIEWS: Final = ImportReviews()
FAMILIES["imp"] = REVIEWS
