"""Exceptions handed on and resolved. Both join the trail of the record that the exception is about."""

from typing import Any

from models.db import lookups
from models.db.exceptions import exception_body, get_exception
from models.db.tx import Row
from models.errors import Refusal
from models.exceptions import may_write
from operations.cash.invoices import LOCK, end_dispute
from operations.runner import operation
from operations.work import Outcome, Work


@operation("assign_exception")
def assign_exception(work: Work) -> Outcome:
    """Hand it to a role or to a person: the one it lies with afterwards."""
    e = _mine(work, get_exception(work.tx, str(work.cmd.resource_id), lock=True))
    after = {"owner_role": work.cmd.body.get("owner_role"), "owner_user": work.cmd.body.get("owner_user")}
    work.tx.later(
        "UPDATE exceptions SET owner_role = :owner_role, owner_user = :owner_user WHERE org_id = :org AND id = :id",
        id=e["id"],
        **after,
    )
    said = {"before": {name: e[name] for name in after}, "after": after, "note": work.cmd.body.get("note")}
    return _said(work, e, "exception.assigned", said)


@operation("resolve_exception")
def resolve_exception(work: Work) -> Outcome:
    """It is dealt with. Resolving a dispute's exception ends the dispute of the invoice too."""
    seen = get_exception(work.tx, str(work.cmd.resource_id))
    invoice = None
    if seen["kind"] == "invoice_dispute":  # invoices are locked before anything that hangs on them
        invoice = lookups.find(work.tx, "invoice", LOCK, seen["subject_id"])
    e = _mine(work, get_exception(work.tx, seen["id"], lock=True))
    code, note = work.cmd.body["resolution_code"], work.cmd.body.get("note")
    work.tx.later(
        "UPDATE exceptions SET status = 'resolved', resolved_at = :at, resolved_by = :who, resolution_code = :code, "
        "note = :note WHERE org_id = :org AND id = :id",
        at=work.now,
        who=work.cmd.actor,
        code=code,
        note=note,
        id=e["id"],
    )
    if invoice is not None and invoice["disputed_at"] is not None:
        end_dispute(work, invoice["id"], code)
    said = {"before": {"status": "open"}, "after": {"status": "resolved"}, "note": note}
    return _said(work, e, "exception.resolved", said, code)


def _mine(work: Work, e: Row) -> Row:
    """403 for what lies on somebody else's desk or in another entity; 409 for what is resolved already."""
    if e["legal_entity_id"] is not None:
        work.require_entity(e["legal_entity_id"])
    elif work.cmd.entities is not None:
        raise Refusal("FORBIDDEN", f"Exception {e['id']} is of the whole organisation: your token is not.")
    if not may_write(e, work.cmd.actor, work.cmd.roles):
        raise Refusal("FORBIDDEN", f"Exception {e['id']} lies with {e['owner_user'] or e['owner_role']}.")
    if e["status"] != "open":
        raise Refusal("EXCEPTION_CLOSED", f"Exception {e['id']} was resolved by {e['resolved_by']}.")
    return e


def _said(work: Work, e: Row, action: str, said: dict[str, Any], reason_code: str | None = None) -> Outcome:
    about = {"exception_id": e["id"], "kind": e["kind"], "reason_code": e["reason_code"]}
    work.audit(e["subject_id"], action, about | said, reason_code=reason_code)
    return Outcome(exception_body(get_exception(work.tx, e["id"]), work.now))
