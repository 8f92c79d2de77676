"""What is answered about a change of a customer."""

from collections.abc import Sequence

from models.answers import WarningAnswer, answer


@answer
class SubmittedChangeAnswer:
    """A change that was submitted. `status` is SUBMITTED, and what follows from looking at the customer still missing,
    where that has not been done yet."""

    change_id: str
    workflow_id: str
    status: str
    customer_id: str
    warnings: Sequence[WarningAnswer]


def submitted_answer(
    change_id: str, workflow_id: str, customer_id: str, *, status: str = "SUBMITTED", warnings: Sequence[WarningAnswer] = ()
) -> SubmittedChangeAnswer:  # fmt: skip
    """What a submission is answered: at once, or once it has been looked at."""
    return SubmittedChangeAnswer(
        change_id=change_id, workflow_id=workflow_id, customer_id=customer_id, status=status, warnings=warnings
    )
