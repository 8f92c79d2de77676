"""Acting from the view: an activity on the contact timeline, a new opportunity."""

from datetime import date, timedelta
from typing import Any

from models.customer_360.source_records import KINDS
from models.db import lookups
from models.db.customer_360 import activities, source_records
from models.db.tx import Row
from models.errors import FieldError, Refusal
from models.ids import new_id
from models.master_data.records import BilledCustomer
from operations.customer_360.source_records import staged
from operations.runner import untyped_operation
from operations.work import Outcome, Work

AHEAD = timedelta(days=1)  # how far in the future an activity may be dated


@untyped_operation("log_activity")
def log_activity(work: Work) -> Outcome[Any]:
    """An activity joins the customer's timeline, and its contact's."""
    b = work.cmd.body
    customer = _customer(work, b["customer_id"])
    if b["contact_id"] is not None:
        _own_contact(work, customer.id, b["contact_id"])
    row = {
        "id": work.cmd.resource_id,
        "customer_id": customer.id,
        "type": b["type"],
        "notes": b["notes"],
        "contact_id": b["contact_id"],
        "occurred_at": _occurred(work, b["occurred_at"]),
        "logged_by": work.cmd.actor,
        "created_at": work.now,
    }
    work.tx.insert("activities", [row])
    # The notes stay in the activity, which nobody can change: they may be personal, and go when the customer does.
    facts = {"customer_id": customer.id, "type": b["type"], "contact_id": b["contact_id"]}
    _told(work, "activity", row["id"], customer.id, facts, "activity.logged")
    return Outcome(activities.activity_body(row), 201)


@untyped_operation("create_opportunity")
def create_opportunity(work: Work) -> Outcome[Any]:
    """A new opportunity of the customer, started from the view."""
    b = work.cmd.body
    customer = _customer(work, b["customer_id"])
    kind = KINDS["opportunities"]
    given = {k: v for k, v in b.items() if k != "external_id" or v is not None}
    record = kind.record.model_validate({"external_id": work.cmd.resource_id, **given})
    row = kind.row(record, work.now.date())
    before = source_records.known(work.tx, kind, source_records.BUILT_IN, [row["external_id"]]).get(row["external_id"])
    if before is not None:
        return _replay(before, {**row, "closed": before["closed"]})  # which follows from the stage
    (row,) = staged(work, {"/stage": row})
    stamped = {"created_by": work.cmd.actor, "created_at": work.now, "updated_at": work.now}
    new = {"id": work.cmd.resource_id or new_id("opp"), "source": source_records.BUILT_IN, **row, **stamped}
    work.tx.insert("opportunities", [new])
    facts = {
        "customer_id": customer.id,
        **{f: b[f] for f in ("value_minor", "currency_code", "stage")},
        "close_date": row["close_date"].isoformat(),
    }
    _told(work, "opportunity", new["id"], customer.id, facts, "opportunity.created")
    return Outcome(source_records.record_body(kind, _as_json(new)), 201)


def _replay(before: Row, row: dict[str, Any]) -> Outcome[Any]:
    differing = sorted(source_records.changed_fields(before, row))
    if differing:
        detail = f"external_id was used for another opportunity ({before['id']}); different: {', '.join(differing)}."
        raise Refusal("EXTERNAL_ID_CONFLICT", detail, fields=differing, id=before["id"])
    return Outcome(source_records.record_body(KINDS["opportunities"], _as_json(before)), 201, replayed=True)


def _as_json(row: Any) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}


def _customer(work: Work, customer_id: str) -> BilledCustomer:
    customer = lookups.customer(work.tx, customer_id)
    work.require_entity(customer.legal_entity_id)
    return customer


def _own_contact(work: Work, customer_id: str, contact_id: str) -> None:
    contact = activities.contact(work.tx, contact_id)
    if contact["customer_id"] != customer_id:
        raise Refusal("CONTACT_CUSTOMER_MISMATCH", f"{contact_id} is a contact of another customer.")


def _occurred(work: Work, given: str | None) -> Any:
    from datetime import datetime

    if given is None:
        return work.now
    at = datetime.fromisoformat(given)
    if at > work.now + AHEAD:
        wrong = FieldError("/occurred_at", "FIELD_RANGE", "An activity lies at most a day ahead")
        raise Refusal("VALIDATION_FAILED", "One field is not valid: the activity lies in the future.", errors=[wrong])
    return at


def _told(work: Work, noun: str, record_id: str, customer_id: str, facts: dict[str, Any], event: str) -> None:
    """The trail of the record and of its customer, and the event."""
    work.audit(record_id, event, {"after": facts})
    work.audit(customer_id, event, {f"{noun}_id": record_id})
    work.emit(event, record_id, {f"{noun}_id": record_id, **facts})
