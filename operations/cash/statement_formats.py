"""A bank's own CSV is described for a bank account, directly by a controller."""

from models.cash.statement_format_requests import (
    CreateStatementFormat,
    StatementFormatAnswer,
    statement_format_answer,
)
from models.db import lookups
from models.db.cash import statement_formats
from models.errors import FieldError, Refusal
from operations.runner import operation
from operations.work import Outcome, Work


@operation("create_statement_format", CreateStatementFormat, StatementFormatAnswer)
def create_statement_format(work: Work, asked: CreateStatementFormat) -> Outcome[StatementFormatAnswer]:
    """Describe a format. The same description of the same name again is the same format; another one is refused, because
    statements were read by the first. Refusals BANK_ACCOUNT_NOT_FOUND, ALREADY_EXISTS."""
    account = lookups.bank_account(work.tx, str(work.cmd.resource_id))
    work.require_entity(account.legal_entity_id)
    described = asked.as_format(account.id, work.now, work.cmd.actor)
    known = statement_formats.find(work.tx, account.id, asked.name)
    if known == described:
        return Outcome(statement_format_answer(known), 201, replayed=True)
    if known is not None:
        wrong = f"Bank account {account.id} has another statement format of this name; give this one a name of its own."
        raise Refusal("ALREADY_EXISTS", wrong, errors=[FieldError("/name", "ALREADY_EXISTS", wrong)])
    work.tx.insert("statement_formats", [described])
    after = statement_format_answer(described)
    work.audit(work.tx.org_id, "statement_format.created", {"bank_account_id": account.id, "after": after})
    return Outcome(after, 201)
