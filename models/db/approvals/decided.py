"""The command of a decision, for whoever is to be answered with its effect."""

from models.db.tx import Tx


def last(tx: Tx, approval_id: str, operation: str) -> tuple[str, str] | None:
    """The command of the latest decision, and the request that brought it."""
    row = tx.one(
        "SELECT id, request_id FROM commands WHERE org_id = :org AND resource_id = :id AND operation = :operation "
        "AND state = 'done' ORDER BY finished_at DESC LIMIT 1",
        id=approval_id,
        operation=operation,
    )
    return None if row is None else (row["id"], row["request_id"])


def answer_again(tx: Tx, command_id: str, answer: str) -> None:
    """Replace what a command was answered (JSON): its caller is told of the effect, however often asked."""
    tx.later(
        "UPDATE commands SET response = CAST(:body AS json) WHERE org_id = :org AND id = :id",
        id=command_id,
        body=answer,
    )
