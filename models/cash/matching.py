"""The matching rule: which open invoices a credit line of a bank statement pays.

Source: the contract's paragraph on bank statements. A credit is applied by itself only where its remittance names open
invoices, by id or external_id, of one customer, and the amount equals their balances; or names one invoice and is
smaller. Everything else is left to a person, with the reason and with suggestions. The rule never guesses between two
readings, and the same input always gives the same answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from models.cash.references import Mention, extract_mentions, extract_references, reference_key
from models.cash.statements import StatementLine

__all__ = [
    "Credit",
    "InvoiceBook",
    "Match",
    "MatchKind",
    "OpenInvoice",
    "Suggestion",
    "Unmatched",
    "extract_references",
    "match_credit",
    "reference_key",
]

MAX_SUGGESTIONS = 10


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


@dataclass(frozen=True, slots=True)
class Credit:
    """Money that came in: amount above zero, in minor units. `legal_entity_id` is the bank account's, None if any."""

    amount_minor: int
    currency_code: str
    legal_entity_id: str | None = None
    remittance_text: str | None = None
    structured_references: tuple[str, ...] = ()

    @classmethod
    def of(cls, line: StatementLine, legal_entity_id: str | None) -> "Credit":
        """A statement line's remittance is its text and the payer's own reference."""
        text = " ; ".join(part for part in (line.reference, line.remittance_text) if part)
        return cls(line.amount_minor, line.currency_code, legal_entity_id, text, line.structured_references)

    def references(self) -> list[str]:
        """What to look invoices up by: compare `reference_key` of these with that of ids and external_ids."""
        return extract_references(self.remittance_text, self.structured_references)


class MatchKind(StrEnum):
    EXACT = "exact"
    PARTIAL = "partial"
    NONE = "none"


class Unmatched(StrEnum):
    """Why a credit was left to a person, in the order in which the reasons are tried."""

    NO_REFERENCE = "NO_REFERENCE"
    REFERENCE_UNKNOWN = "REFERENCE_UNKNOWN"
    AMBIGUOUS_REFERENCE = "AMBIGUOUS_REFERENCE"
    ALREADY_PAID = "ALREADY_PAID"
    SEVERAL_CUSTOMERS = "SEVERAL_CUSTOMERS"
    ENTITY_DIFFERS = "ENTITY_DIFFERS"
    CURRENCY_DIFFERS = "CURRENCY_DIFFERS"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An invoice that a person may want. `reason` is NAMED, SAME_AMOUNT or SAME_PAYER."""

    invoice_id: str
    external_id: str
    customer_id: str
    balance_minor: int
    currency_code: str
    reason: str

    def as_dict(self) -> dict[str, str | int]:
        return {
            "invoice_id": self.invoice_id,
            "external_id": self.external_id,
            "customer_id": self.customer_id,
            "balance_due_minor": self.balance_minor,
            "currency_code": self.currency_code,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Match:
    """`allocations` are (invoice id, applied minor units) by due date, then id; empty for NONE. `customer_id` is the
    one customer of all named invoices, also where nothing is applied; None where there is not exactly one."""

    kind: MatchKind
    allocations: tuple[tuple[str, int], ...] = ()
    customer_id: str | None = None
    reason_code: Unmatched | None = None
    suggestions: tuple[Suggestion, ...] = ()


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
        found = [self._invoices[invoice_id] for invoice_id in self._by_key.get(reference_key(token), ())]
        exact = [invoice for invoice in found if token in (invoice.id, invoice.external_id)]
        return exact or found

    def claim(self, match: Match) -> None:
        """Takes what a match applies out of the balances, so that no later line claims it again."""
        for invoice_id, applied in match.allocations:
            invoice = self._invoices[invoice_id]
            if applied < 1 or applied > invoice.balance_minor:
                raise ValueError("a match claims more than the invoice's balance")
            self._invoices[invoice_id] = replace(invoice, balance_minor=invoice.balance_minor - applied)


@dataclass(frozen=True, slots=True)
class _Named:
    """What a remittance names: invoices for certain, invoices by weak mentions only, and whether a name is double."""

    surely: tuple[OpenInvoice, ...]
    weakly: tuple[OpenInvoice, ...]
    ambiguous: tuple[OpenInvoice, ...]
    has_mention: bool

    @property
    def all(self) -> tuple[OpenInvoice, ...]:
        return tuple({invoice.id: invoice for invoice in (*self.surely, *self.weakly)}.values())


def match_credit(credit: Credit, book: InvoiceBook, likely: Sequence[OpenInvoice] = ()) -> Match:
    """Decides one credit against the balances as they stand in `book`; claims nothing.

    `likely` are further open invoices the caller thinks of (the payer's name, the amount): suggestions only.
    Raises ValueError for an amount below 1.
    """
    if credit.amount_minor < 1:
        raise ValueError("only money that came in is matched")
    named = _names(credit, book)
    reason = None if named.ambiguous else (_exact(credit, named) or _partial(credit, named))
    if isinstance(reason, Match):
        return reason
    return Match(
        MatchKind.NONE,
        customer_id=_one_customer(named.all),
        reason_code=_reason(credit, named),
        suggestions=_suggestions(credit, named, book, likely),
    )


def _names(credit: Credit, book: InvoiceBook) -> _Named:
    surely: dict[str, OpenInvoice] = {}
    weakly: dict[str, OpenInvoice] = {}
    ambiguous: dict[str, OpenInvoice] = {}
    has_mention = False
    for mention in extract_mentions(credit.remittance_text, credit.structured_references):
        has_mention = has_mention or not mention.weak
        for found, weak in _resolve(mention, book):
            if len(found) > 1:
                ambiguous.update({} if weak else {invoice.id: invoice for invoice in found})
            elif found:
                (weakly if weak else surely)[found[0].id] = found[0]
    only_weakly = tuple(invoice for key, invoice in weakly.items() if key not in surely)
    return _Named(tuple(surely.values()), only_weakly, tuple(ambiguous.values()), has_mention)


def _resolve(mention: Mention, book: InvoiceBook) -> list[tuple[list[OpenInvoice], bool]]:
    """The invoices of the surest spelling that is known; of the parts only where no spelling is. With its weakness."""
    for rank in mention.spellings:
        found = {invoice.id: invoice for token in rank for invoice in book.named(token)}
        if found:
            return [(list(found.values()), mention.weak)]
    return [pair for part in mention.parts for pair in _resolve(part, book)]


def _exact(credit: Credit, named: _Named) -> Match | None:
    """The sure names alone first: a year in the text must not spoil them; then all names together."""
    for invoices in (named.surely, named.all):
        open_ones = _open(invoices)
        if (
            open_ones
            and _fits(credit, open_ones)
            and sum(invoice.balance_minor for invoice in open_ones) == credit.amount_minor
        ):
            allocations = tuple((invoice.id, invoice.balance_minor) for invoice in open_ones)
            return Match(MatchKind.EXACT, allocations, open_ones[0].customer_id)
    return None


def _partial(credit: Credit, named: _Named) -> Match | None:
    """One invoice, named for certain and nothing else named beside it, and less money than its balance."""
    if len(named.all) != 1 or not named.surely:
        return None
    invoice = named.surely[0]
    if not _fits(credit, (invoice,)) or credit.amount_minor >= invoice.balance_minor:
        return None
    return Match(MatchKind.PARTIAL, ((invoice.id, credit.amount_minor),), invoice.customer_id)


def _open(invoices: Iterable[OpenInvoice]) -> list[OpenInvoice]:
    return sorted(
        (invoice for invoice in invoices if invoice.balance_minor > 0),
        key=lambda invoice: (invoice.due_date, invoice.id),
    )


def _fits(credit: Credit, invoices: Sequence[OpenInvoice]) -> bool:
    return (
        _one_customer(invoices) is not None
        and all(invoice.currency_code == credit.currency_code for invoice in invoices)
        and all(credit.legal_entity_id in (None, invoice.legal_entity_id) for invoice in invoices)
    )


def _one_customer(invoices: Sequence[OpenInvoice]) -> str | None:
    customers = {invoice.customer_id for invoice in invoices}
    return customers.pop() if len(customers) == 1 else None


def _reason(credit: Credit, named: _Named) -> Unmatched:
    invoices = named.surely or named.all
    open_ones = _open(invoices)
    if named.ambiguous:
        return Unmatched.AMBIGUOUS_REFERENCE
    if not invoices:
        return Unmatched.REFERENCE_UNKNOWN if named.has_mention else Unmatched.NO_REFERENCE
    if not open_ones:
        return Unmatched.ALREADY_PAID
    if _one_customer(open_ones) is None:
        return Unmatched.SEVERAL_CUSTOMERS
    if any(credit.legal_entity_id not in (None, invoice.legal_entity_id) for invoice in open_ones):
        return Unmatched.ENTITY_DIFFERS
    if any(invoice.currency_code != credit.currency_code for invoice in open_ones):
        return Unmatched.CURRENCY_DIFFERS
    return Unmatched.AMOUNT_DIFFERS


def _suggestions(
    credit: Credit, named: _Named, book: InvoiceBook, likely: Sequence[OpenInvoice]
) -> tuple[Suggestion, ...]:
    """Named open invoices first, then the caller's in their order: those of the same amount before the others."""
    found = {invoice.id: _suggest(invoice, "NAMED") for invoice in _open((*named.all, *named.ambiguous))}
    current = [book.get(invoice.id) if invoice.id in book else invoice for invoice in likely]
    others = [i for i in current if i.balance_minor > 0 and i.currency_code == credit.currency_code]
    others.sort(key=lambda invoice: invoice.balance_minor != credit.amount_minor)
    for invoice in others:
        same_amount = invoice.balance_minor == credit.amount_minor
        found.setdefault(invoice.id, _suggest(invoice, "SAME_AMOUNT" if same_amount else "SAME_PAYER"))
    return tuple(found.values())[:MAX_SUGGESTIONS]


def _suggest(invoice: OpenInvoice, reason: str) -> Suggestion:
    return Suggestion(
        invoice.id, invoice.external_id, invoice.customer_id, invoice.balance_minor, invoice.currency_code, reason
    )
