"""What became of writes that were answered with 202: their commands, by the process that carries them."""

from typing import Final

from models.db.tx import Tx
from models.messages.commands import command_of
from models.operation import KeptCommand

_OF_PROCESS: Final = "SELECT * FROM commands WHERE org_id = :org AND workflow_id = :id"


def command_of_process(tx: Tx, workflow_id: str, asked_by: str) -> KeptCommand | None:
    """The run's command. Where it carries several, such as a change's, the latest of the person who asks, if any is theirs; else
    of those that did something, for what somebody else was refused says nothing of the process."""
    sql = f"{_OF_PROCESS} AND id = :command"
    named = tx.record(KeptCommand, sql, id=workflow_id, command=command_of(workflow_id))
    sql = f"{_OF_PROCESS} ORDER BY (actor = :who) DESC, actor <> :who AND state = 'refused', created_at DESC LIMIT 1"
    return named or tx.record(KeptCommand, sql, id=workflow_id, who=asked_by)
