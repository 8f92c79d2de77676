"""What the API's door asks of a change before its process hears of a person's act."""

import json
from collections.abc import Sequence
from typing import Final

from models.answers import WarningAnswer
from models.approvals.chain import ChangeStatus
from models.customers.change_answers import SubmittedChangeAnswer, submitted_answer
from models.messages.changes import change_workflow_id

OPEN_CHANGE: Final = """SELECT status, customer_id, warnings::text FROM customer_changes WHERE org_id = :org AND id = :id
  AND status IN ('PENDING_APPROVAL', 'FAILED')"""
"""One of our changes (`id`), where it can still be moved on."""


def open_change(row: Sequence[bytes | None] | None, change_id: str) -> SubmittedChangeAnswer | None:
    """What `OPEN_CHANGE` answered, as a submission is answered."""
    if row is None:
        return None
    status, customer_id, warnings = ((column or b"").decode() for column in row)
    said = [WarningAnswer(**warning) for warning in json.loads(warnings)]
    return submitted_answer(
        change_id, change_workflow_id(change_id), customer_id, status=ChangeStatus(status), warnings=said
    )
