"""Acting from the view: an activity on the contact timeline, a new opportunity."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from models.customer_360.answers import ActivityAnswer, OpportunityAnswer, activity_answer
from models.customer_360.kinds import KINDS
from models.customer_360.records import Activity, Opportunity
from models.customer_360.requests import CreateOpportunity, LogActivity
from models.customer_360.source_records import OpportunityRecord
from models.db import lookups
from models.db.customer_360 import activities, source_records
from models.errors import FieldError, Refusal
from models.facts import Facts
from models.master_data.records import BilledCustomer
from operations.customer_360.source_records import with_known_stages
from operations.external_ids import refuse_another
from operations.runner import operation
from operations.work import Outcome, Work

AHEAD: Final = timedelta(days=1)
"""How far in the future an activity may be dated."""
_OPPORTUNITIES: Final = KINDS["opportunities"]


@operation("log_activity", LogActivity, ActivityAnswer)
def log_activity(work: Work, asked: LogActivity) -> Outcome[ActivityAnswer]:
    """An activity joins the customer's timeline, and its contact's."""
    customer = _customer(work)
    if asked.contact_id is not None and activities.customer_of_contact(work.tx, asked.contact_id) != customer.id:
        raise Refusal("CONTACT_CUSTOMER_MISMATCH", f"{asked.contact_id} is a contact of another customer.")
    activity = Activity(
        id=str(work.cmd.resource_id),
        customer_id=customer.id,
        type=asked.type,
        notes=asked.notes,
        contact_id=asked.contact_id,
        occurred_at=_occurred(work, asked.occurred_at),
        logged_by=work.cmd.actor,
        created_at=work.now,
    )
    work.add("activities", [activity])
    # The notes stay in the activity, which nobody can change: they may be personal, and go when the customer does.
    facts = {"customer_id": customer.id, "type": activity.type, "contact_id": activity.contact_id}
    _record(work, "activity", activity.id, customer.id, facts, "activity.logged")
    return Outcome(activity_answer(activity), 201)


@operation("create_opportunity", CreateOpportunity, OpportunityAnswer)
def create_opportunity(work: Work, asked: CreateOpportunity) -> Outcome[OpportunityAnswer]:
    """A new opportunity of the customer, started from the view. An external_id that names the same one is a repetition."""
    customer, new = _customer(work), str(work.cmd.resource_id)
    said = OpportunityRecord(
        external_id=asked.external_id or new,
        customer_id=customer.id,
        name=asked.name,
        value_minor=asked.value_minor,
        currency_code=asked.currency_code,
        stage=asked.stage,
        close_date=asked.close_date,
    )
    opportunity = said.facts(work.now.date())
    known = source_records.known(work.tx, _OPPORTUNITIES, source_records.BUILT_IN, [said.external_id])
    if (before := known.get(said.external_id)) is not None:
        return _repeated(work, before, opportunity)
    (opportunity,) = with_known_stages(work, {"/stage": opportunity})
    source_records.insert(work.tx, _OPPORTUNITIES, new, opportunity, work.cmd.actor)
    facts: Facts = {
        "customer_id": customer.id,
        "value_minor": opportunity.value_minor,
        "currency_code": opportunity.currency_code,
        "stage": opportunity.stage,
        "close_date": opportunity.close_date,
    }
    _record(work, "opportunity", new, customer.id, facts, "opportunity.created")
    return Outcome(_opportunity(work, new), 201)


def _repeated(work: Work, before: source_records.Known, now: Opportunity) -> Outcome[OpportunityAnswer]:
    assert isinstance(before.facts, Opportunity)
    if before.facts.customer_id != now.customer_id:  # whose it is is told to those who may see that customer
        work.require_entity(lookups.customer(work.tx, before.facts.customer_id).legal_entity_id)
    fields = sorted(source_records.changed_fields(before.facts, replace(now, closed=before.facts.closed)))
    refuse_another(f"another opportunity ({before.id})", fields, before.id)
    return Outcome(_opportunity(work, before.id), 201, replayed=True)


def _opportunity(work: Work, opportunity_id: str) -> OpportunityAnswer:
    found, _ = source_records.get(work.tx, _OPPORTUNITIES, opportunity_id)
    assert isinstance(found, OpportunityAnswer)
    return found


def _customer(work: Work) -> BilledCustomer:
    customer = lookups.customer(work.tx, str(work.cmd.subject_id))
    work.require_entity(customer.legal_entity_id)
    return customer


def _occurred(work: Work, given: datetime | None) -> datetime:
    if given is None:
        return work.now
    if given > work.now + AHEAD:
        wrong = FieldError("/occurred_at", "FIELD_RANGE", "An activity lies at most a day ahead")
        raise Refusal("VALIDATION_FAILED", "One field is not valid: the activity lies in the future.", errors=[wrong])
    return given


def _record(work: Work, noun: str, record_id: str, customer_id: str, facts: Facts, event: str) -> None:
    """The trail of the record and of its customer, and the event."""
    work.audit(record_id, event, {"after": facts})
    work.audit(customer_id, event, {f"{noun}_id": record_id})
    work.emit(event, record_id, {f"{noun}_id": record_id, **facts})
