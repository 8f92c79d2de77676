"""Exceptions handed on and resolved. Both join the trail of the record that the exception is about."""

from models.db import exceptions
from models.errors import Refusal
from models.exceptions.answers import ExceptionAnswer, exception_answer
from models.exceptions.records import ExceptionRecord, ExceptionStatus
from models.exceptions.requests import AssignException, ResolveException
from models.facts import Facts
from operations.exception_kinds import ExceptionKind, kind_of
from operations.runner import operation
from operations.work import Outcome, Work


@operation("assign_exception", AssignException, ExceptionAnswer)
def assign_exception(work: Work, asked: AssignException) -> Outcome[ExceptionAnswer]:
    """Hand it to a role or to a person: the one it lies with afterwards, and what it is about with it where that has an owner."""
    e, kind = _locked(work)
    exceptions.assign(work.tx, e.id, owner_role=asked.owner_role, owner_user=asked.owner_user)
    kind.assigned(work, e, asked)
    changed = {
        "before": {"owner_role": e.owner_role, "owner_user": e.owner_user},
        "after": {"owner_role": asked.owner_role, "owner_user": asked.owner_user},
        "note": asked.note,
    }
    return _audited(work, e, "exception.assigned", changed)


@operation("resolve_exception", ResolveException, ExceptionAnswer)
def resolve_exception(work: Work, asked: ResolveException) -> Outcome[ExceptionAnswer]:
    """It is dealt with. Resolving a dispute's exception ends the dispute of the invoice too; a deduction's ends with that."""
    e, kind = _locked(work)
    exceptions.resolve(work.tx, e.id, who=work.cmd.actor, code=asked.code, note=asked.note)
    kind.resolved(work, e, asked)
    changed = {"before": {"status": "open"}, "after": {"status": "resolved"}, "note": asked.note}
    return _audited(work, e, "exception.resolved", changed, asked.code)


def _locked(work: Work) -> tuple[ExceptionRecord, ExceptionKind]:
    """The exception, locked after what it hangs on."""
    seen = exceptions.get_exception(work.tx, str(work.cmd.resource_id))
    kind = kind_of(seen)
    kind.lock(work.tx, seen.subject_id)
    return _mine(work, exceptions.get_exception(work.tx, seen.id, lock=True)), kind


def _mine(work: Work, e: ExceptionRecord) -> ExceptionRecord:
    """403 for what lies on somebody else's desk or in another entity; 409 for what is resolved already."""
    if e.legal_entity_id is not None:
        work.require_entity(e.legal_entity_id)
    elif work.cmd.entities is not None:
        raise Refusal("FORBIDDEN", f"Exception {e.id} is of the whole organisation: your token is not.")
    if not e.may_write(work.cmd.actor, work.cmd.roles):
        raise Refusal("FORBIDDEN", f"Exception {e.id} lies with {e.owner_user or e.owner_role}.")
    if e.status is not ExceptionStatus.OPEN:
        raise Refusal("EXCEPTION_CLOSED", f"Exception {e.id} was resolved by {e.resolved_by}.")
    return e


def _audited(
    work: Work, e: ExceptionRecord, action: str, changed: Facts, reason_code: str | None = None
) -> Outcome[ExceptionAnswer]:
    about = {"exception_id": e.id, "kind": e.kind, "reason_code": e.reason_code}
    work.audit(e.subject_id, action, {**about, **changed}, reason_code=reason_code)
    return Outcome(exception_answer(exceptions.get_exception(work.tx, e.id), work.now))
