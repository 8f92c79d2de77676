"""Lines of a bank, and the invoices that they may name, as the matching rule sees them."""

from collections.abc import Sequence

from models.cash.matching import Credit, OpenInvoice
from models.cash.records import Invoice
from models.cash.references import reference_key
from models.cash.returned import strong_references
from models.cash.statement_records import BankStatementLine
from models.db.tx import Tx
from models.master_data.records import BankAccount
from operations.cash.payers import payees_by_payer, payers_of


def credits_of(tx: Tx, bank: BankAccount, lines: Sequence[BankStatementLine]) -> dict[int, Credit]:
    """The lines as the matching rule sees them, by their numbers."""
    named = payers_of(tx, [x.payer for x in lines])
    payers = {x.line: named.get(x.payer or "", frozenset()) for x in lines}
    paid = payees_by_payer(tx, [(payer, x.booking_date) for x in lines for payer in payers[x.line]])
    return {
        x.line: Credit(
            x.amount_minor, x.currency_code, bank.legal_entity_id, texts=tuple(x.texts), payers=payers[x.line],
            pays_for={payer: paid.get((payer, x.booking_date), frozenset()) for payer in payers[x.line]},
        )
        for x in lines
    }  # fmt: skip


def as_named(i: Invoice) -> OpenInvoice:
    """An invoice as the matching rule sees it."""
    return OpenInvoice(
        i.id, i.external_id, i.customer_id, i.legal_entity_id, i.currency_code, i.balance_due_minor, i.due_date
    )


def waited_for(credit: Credit) -> list[str]:
    """The reference keys by which an invoice that comes later may answer the line. A plain word among others is none of them:
    every second invoice would wake the line."""
    numbers = (reference_key(r) for r in credit.references() if any(c.isdigit() for c in r))
    return sorted(strong_references(credit.bank_texts) | set(numbers))
