"""The invoices that a chunk of lines may name, as the matching rule sees them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from models.cash.references import reference_key


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice as the rule sees it. `balance_minor` may be 0: a paid invoice that is named gets its own reason.
    Void invoices are not shown to the rule. external_id is unique within the organisation."""

    id: str
    external_id: str
    customer_id: str
    legal_entity_id: str
    currency_code: str
    balance_minor: int
    due_date: date


class Claim(Protocol):
    """What takes (invoice id, minor units) out of balances: a match."""

    @property
    def allocations(self) -> tuple[tuple[str, int], ...]: ...


class InvoiceBook:
    """The invoices that a chunk of lines may name, with balances that run down as lines claim them."""

    def __init__(self, invoices: Iterable[OpenInvoice]) -> None:
        self._invoices = {invoice.id: invoice for invoice in invoices}
        self._by_key: dict[str, dict[str, None]] = {}
        for invoice in self._invoices.values():
            for name in (invoice.id, invoice.external_id):
                self._by_key.setdefault(reference_key(name), {})[invoice.id] = None

    def get(self, invoice_id: str) -> OpenInvoice:
        return self._invoices[invoice_id]

    def __contains__(self, invoice_id: str) -> bool:
        return invoice_id in self._invoices

    def named(self, token: str) -> list[OpenInvoice]:
        """The invoices a token names. Spelled to the letter beats equal up to case."""
        known = self._by_key.get(reference_key(token))
        if known is None:
            return []
        found = [self._invoices[invoice_id] for invoice_id in known]
        exact = [invoice for invoice in found if token in (invoice.id, invoice.external_id)]
        return exact or found

    def claim(self, match: Claim) -> None:
        """Takes what a match applies out of the balances, so that no later line claims it again."""
        for invoice_id, applied in match.allocations:
            invoice = self._invoices[invoice_id]
            if applied < 1 or applied > invoice.balance_minor:
                raise ValueError("a match claims more than the invoice's balance")
            self._invoices[invoice_id] = replace(invoice, balance_minor=invoice.balance_minor - applied)
