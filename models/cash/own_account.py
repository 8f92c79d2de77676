"""Which statements of a bank's file are those of the account that it was sent for.

A file may hold several accounts, or be sent for the wrong one. What names another account is left out; what names none is
believed only in the account's own currency.
"""

from collections.abc import Sequence

from models.cash.statement_requests import ReadStatement
from models.cash.statements import StatementWarning
from models.errors import Refusal
from models.master_data.records import BankAccount

ANOTHER_ACCOUNT = "STATEMENT_OF_ANOTHER_ACCOUNT"


def own_statements(
    account: BankAccount, read: Sequence[ReadStatement]
) -> tuple[list[ReadStatement], list[StatementWarning]]:
    """The account's statements, and a warning for each other account that the file names.

    Refusals STATEMENT_ACCOUNT_MISMATCH where none is the account's; where the account has no number to know it by,
    STATEMENT_ACCOUNT_AMBIGUOUS for a file of several accounts. STATEMENT_CURRENCY_MISMATCH where nothing but the currency
    says whose a statement is, and it is another's.
    """
    refs = list(dict.fromkeys(s.account_ref for s in read if s.account_ref is not None))
    if account.iban is None and account.account_number is None:
        if len({_bare(ref) for ref in refs}) > 1:
            raise Refusal(
                "STATEMENT_ACCOUNT_AMBIGUOUS",
                f"The file holds statements of {len(refs)} accounts; give bank account {account.id} its iban or "
                "account_number, so that its own are known.",
            )
        _require_currency(account, read)
        return list(read), []
    others = [ref for ref in refs if not is_of(account, ref)]
    own = [s for s in read if s.account_ref not in others]
    if read and not own:
        raise Refusal(
            "STATEMENT_ACCOUNT_MISMATCH",
            f"No statement of the file is bank account {account.id}'s, going by its iban and account_number.",
        )
    _require_currency(account, [s for s in own if s.account_ref is None])
    return own, [
        StatementWarning(ANOTHER_ACCOUNT, f"What the file says of account {ref} was left out.") for ref in others
    ]


def is_of(account: BankAccount, ref: str) -> bool:
    """Whether a bank means this account: by its IBAN or number, behind a bank code and a slash, or with the currency."""
    known = {_bare(number) for number in (account.iban, account.account_number) if number}
    named = {_bare(ref), *(_bare(part) for part in ref.split("/"))}
    named |= {name.removesuffix(account.currency_code) for name in named}
    return not known.isdisjoint(named) or not {n.lstrip("0") for n in known}.isdisjoint(
        n.lstrip("0") for n in named if n
    )


def _bare(ref: str) -> str:
    """Letters and digits alone, in upper case."""
    return "".join(filter(str.isalnum, ref)).upper()


def _require_currency(account: BankAccount, read: Sequence[ReadStatement]) -> None:
    for s in read:
        for currency in (s.currency_code, *(x.currency_code for x in s.lines)):
            if currency not in (None, account.currency_code):
                raise Refusal(
                    "STATEMENT_CURRENCY_MISMATCH",
                    f"The file is in {currency}; bank account {account.id} is kept in {account.currency_code}.",
                )
