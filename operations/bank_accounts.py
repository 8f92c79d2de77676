"""A bank account's particulars, changed directly by a controller."""

from models.db import lookups, master_data
from models.master_data.answers import BankAccountAnswer, bank_account_answer
from models.master_data.requests import ChangeBankAccount
from operations.runner import operation
from operations.work import Outcome, Work


@operation("change_bank_account", ChangeBankAccount, BankAccountAnswer)
def change_bank_account(work: Work, asked: ChangeBankAccount) -> Outcome[BankAccountAnswer]:
    """Change what is sent of a bank account; null takes a number away."""
    account = lookups.bank_account(work.tx, str(work.cmd.resource_id), lock=True)
    work.require_entity(account.legal_entity_id)
    after = asked.applied_to(account)
    master_data.change_bank_account(work.tx, after)
    work.audit(
        work.tx.org_id, "bank_account.changed",
        {"bank_account_id": account.id, "before": bank_account_answer(account), "after": bank_account_answer(after)},
    )  # fmt: skip
    return Outcome(bank_account_answer(after))
