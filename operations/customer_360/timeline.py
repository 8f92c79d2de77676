"""What sources say of the timeline: calls, e-mails, meetings and notes beside those that our people logged."""

from collections.abc import Sequence

from models.customer_360.panels import TIMELINE
from models.customer_360.records import Activity, HeardActivity
from models.db.customer_360 import activities
from models.ids import new_id
from operations.work import Work


def write_heard(work: Work, source: str, customer_id: str, said: Sequence[HeardActivity]) -> None:
    """The latest activities of a customer as the source has them. What is older than them stays as it was heard.

    The notes are in no trail: they may be personal, and go when the customer does.
    """
    known = {one.external_id: one for one in activities.heard(work.tx, source, customer_id)}
    oldest = min((one.occurred_at for one in said), default=None) if len(said) >= TIMELINE else None
    named = {one.external_id for one in said}
    gone = [
        one.id
        for external_id, one in known.items()
        if external_id not in named and (oldest is None or one.occurred_at >= oldest)
    ]
    new: list[Activity] = []
    for one in said:
        before = known.get(one.external_id)
        if before is not None and (before.type, before.notes, before.occurred_at) == (
            one.type,
            one.notes,
            one.occurred_at,
        ):
            continue
        if before is not None:
            gone.append(before.id)
        new.append(
            Activity(
                id=new_id("act") if before is None else before.id, customer_id=customer_id, type=one.type, notes=one.notes,
                contact_id=None, occurred_at=one.occurred_at, logged_by=f"source:{source}", created_at=work.now, source=source,
                external_id=one.external_id,
            )
        )  # fmt: skip
    if gone or new:
        activities.replace_heard(work.tx, gone, new)
    for activity in new:
        facts = {"customer_id": customer_id, "type": activity.type, "source": source}
        work.audit(activity.id, "activity.heard", {"after": facts})
