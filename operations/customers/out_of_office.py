"""Who is away and who stands in. A stand-in decides by his own role: the absence passes on what was delegated."""

from models.approvals.records import Absence
from models.customers.approval_answers import OutOfOfficeAnswer, out_of_office_answer
from models.customers.requests import SetAbsence
from models.db.approvals import people
from models.db.tx import Tx, as_columns
from models.errors import FieldError, Refusal
from models.values import Empty
from operations.runner import operation
from operations.work import Outcome, Work


def absences(tx: Tx, user: str) -> OutOfOfficeAnswer:
    """One's own absence, and those for whom one stands in at the moment."""
    return out_of_office_answer(user, people.absence(tx, user), people.stands_in_for(tx, user))


@operation("out_of_office.put", SetAbsence, OutOfOfficeAnswer)
def put_absence(work: Work, asked: SetAbsence) -> Outcome[OutOfOfficeAnswer]:
    """Replace one's absence."""
    user, wrong = work.cmd.actor, None
    if asked.ends_at <= asked.starts_at:
        wrong = FieldError("/ends_at", "FIELD_RANGE", "ends_at lies before starts_at.")
    elif asked.delegate_user_id == user:
        wrong = FieldError("/delegate_user_id", "FIELD_INVALID", "Nobody stands in for himself.")
    if wrong is not None:
        raise Refusal("VALIDATION_FAILED", wrong.detail, errors=[wrong])
    absence = Absence(
        user_id=user,
        delegate_user_id=asked.delegate_user_id,
        starts_at=asked.starts_at,
        ends_at=asked.ends_at,
        updated_at=work.now,
    )
    people.put_absence(work.tx, absence)
    work.audit(work.tx.org_id, "out_of_office.set", {"after": as_columns(absence)})
    return Outcome(absences(work.tx, user))


@operation("out_of_office.delete", Empty, OutOfOfficeAnswer)
def delete_absence(work: Work, _: Empty) -> Outcome[OutOfOfficeAnswer]:
    """End one's absence."""
    people.delete_absence(work.tx, work.cmd.actor)
    work.audit(work.tx.org_id, "out_of_office.ended", {"user_id": work.cmd.actor})
    return Outcome(absences(work.tx, work.cmd.actor))
