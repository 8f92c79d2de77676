"""Journal entries: double-entry in the legal entity's functional currency, each line with its own currency beside it."""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Account(StrEnum):
    """The keys of the chart of accounts that postings use."""

    CASH = "cash"
    ACCOUNTS_RECEIVABLE = "accounts_receivable"
    UNAPPLIED_CASH = "unapplied_cash"
    CUSTOMER_CREDITS = "customer_credits"
    REVENUE = "revenue"
    TAX_PAYABLE = "tax_payable"
    FX_GAIN_LOSS = "fx_gain_loss"
    WRITE_OFF = "write_off"
    SALES_DISCOUNTS = "sales_discounts"
    BANK_FEES = "bank_fees"
    TAX_WITHHELD = "tax_withheld"


@dataclass(frozen=True)
class JournalLine:
    """Debit or credit, in minor units of `currency_code` and of the entry's functional currency."""

    account: str
    debit_minor: int
    credit_minor: int
    currency_code: str
    functional_debit_minor: int
    functional_credit_minor: int
    customer_id: str | None = None
    invoice_id: str | None = None
    bank_account_id: str | None = None


@dataclass
class JournalEntry:
    """An entry being built. `source_id` is the payment or invoice it was made for."""

    id: str
    entry_date: date
    kind: str
    source_id: str
    legal_entity_id: str
    functional_currency: str
    lines: list[JournalLine] = field(default_factory=list)

    def debit(self, account: str, minor: int, currency: str, functional: int, **tags: str | None) -> None:
        if minor or functional:
            self.lines.append(JournalLine(account, minor, 0, currency, functional, 0, **tags))

    def credit(self, account: str, minor: int, currency: str, functional: int, **tags: str | None) -> None:
        if minor or functional:
            self.lines.append(JournalLine(account, 0, minor, currency, 0, functional, **tags))

    def settle_fx(self) -> None:
        """Book what the functional amounts lack to fx_gain_loss: a credit is a gain."""
        gain = sum(line.functional_debit_minor - line.functional_credit_minor for line in self.lines)
        if gain > 0:
            self.credit(Account.FX_GAIN_LOSS, gain, self.functional_currency, gain)
        elif gain < 0:
            self.debit(Account.FX_GAIN_LOSS, -gain, self.functional_currency, -gain)

    @property
    def balanced(self) -> bool:
        return (
            sum(line.functional_debit_minor for line in self.lines)
            == sum(line.functional_credit_minor for line in self.lines)
            and len(self.lines) >= 2
        )

    def digest(self) -> str:
        """sha256 over the entry as it was posted; the audit trail carries it, so an altered line is found."""
        head = f"{self.id}|{self.entry_date}|{self.kind}|{self.source_id}|{self.legal_entity_id}|{self.functional_currency}"
        rows = (
            f"{n}|{x.account}|{x.debit_minor}|{x.credit_minor}|{x.currency_code}|{x.functional_debit_minor}"
            f"|{x.functional_credit_minor}|{x.customer_id or ''}|{x.invoice_id or ''}|{x.bank_account_id or ''}"
            for n, x in enumerate(self.lines, 1)
        )
        return hashlib.sha256("\n".join((head, *rows)).encode()).hexdigest()


def reversing(entries: list[JournalEntry], entry: JournalEntry) -> JournalEntry:
    """Fill `entry` with the opposite of everything `entries` did, netted per account, currency and tags."""
    net: dict[tuple[str, str, str | None, str | None, str | None], list[int]] = {}
    for e in entries:
        for line in e.lines:
            key = (line.account, line.currency_code, line.customer_id, line.invoice_id, line.bank_account_id)
            sums = net.setdefault(key, [0, 0])
            sums[0] += line.debit_minor - line.credit_minor
            sums[1] += line.functional_debit_minor - line.functional_credit_minor
    for (account, currency, customer, invoice, bank), (minor, functional) in net.items():
        tags = {"customer_id": customer, "invoice_id": invoice, "bank_account_id": bank}
        if minor or functional:  # each of the two on its own side: they may point in opposite directions
            entry.lines.append(
                JournalLine(
                    account,
                    max(-minor, 0),
                    max(minor, 0),
                    currency,
                    max(-functional, 0),
                    max(functional, 0),
                    **tags,
                )
            )
    return entry
