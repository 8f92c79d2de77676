"""The matching rule: which open invoices a credit line of a bank statement pays.

Source: docs/api.md, section 3, Bank. A credit is applied by itself only where its remittance names open
invoices, by id or external_id, of one customer, and the amount equals their balances; or names one invoice and is
smaller. Everything else is left to a person, with the reason and with suggestions. The rule never guesses between two
readings, and the same input always gives the same answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import takewhile

from models.cash.bank_texts import BankText, Role, plain_texts
from models.cash.invoice_book import InvoiceBook, OpenInvoice
from models.cash.mentions import Doubt, Mention
from models.cash.naming import Named, names
from models.cash.references import extract_references, mentions_of, reference_key, references_of
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


@dataclass(frozen=True)
class Credit:
    """Money that came in: amount above zero, in minor units. `legal_entity_id` is the bank account's, None if any.

    `texts` is everything the bank said; without them, the remittance text and the structured references are.
    `payers`: the customers whom the payer's name may mean; empty where it is nobody's. `pays_for`: the other customers for
    whom each of them pays on that day.
    """

    amount_minor: int
    currency_code: str
    legal_entity_id: str | None = None
    remittance_text: str | None = None
    structured_references: tuple[str, ...] = ()
    texts: tuple[BankText, ...] = ()
    payers: frozenset[str] = field(default_factory=frozenset)
    pays_for: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, line: StatementLine, legal_entity_id: str | None) -> "Credit":
        """A statement line's remittance is all its texts, among them the payer's own reference."""
        return cls(line.amount_minor, line.currency_code, legal_entity_id, texts=line.all_texts)

    @property
    def bank_texts(self) -> tuple[BankText, ...]:
        return self.texts or plain_texts(None, self.remittance_text, self.structured_references)

    @cached_property
    def mentions(self) -> list[Mention]:
        """What its texts may name; read once, since they are looked up in the database first, then in what it has."""
        return mentions_of(self.bank_texts)

    def references(self) -> list[str]:
        """What to look invoices up by: compare `reference_key` of these with that of ids and external_ids."""
        return references_of(self.mentions)

    @property
    def paid_for(self) -> frozenset[str]:
        """The customers whose invoices are the payer's to pay, whoever of those of its name it is."""
        return self.payers.union(*(self.pays_for.get(payer, ()) for payer in self.payers))

    def is_another_payers(self, invoice: OpenInvoice) -> bool:
        """Whether the payer is known, and is neither the invoice's customer nor one who pays for it."""
        return bool(self.payers) and invoice.customer_id not in self.paid_for

    def payer_of(self, invoices: Iterable[OpenInvoice]) -> str | None:
        """Whose payment of these invoices it is: their one customer's where that is known to pay or nobody is; the one known
        payer's who pays for all of them; else their one customer's. None where they have several customers."""
        customers = {invoice.customer_id for invoice in invoices}
        own = next(iter(customers)) if len(customers) == 1 else None
        if not customers or own in self.payers:
            return own
        paying = [p for p in self.payers if customers <= {p, *self.pays_for.get(p, ())}]
        return paying[0] if len(paying) == 1 else own


class MatchKind(StrEnum):
    EXACT = "exact"
    PARTIAL = "partial"
    NONE = "none"


class Unmatched(StrEnum):
    """Why a credit was left to a person, in the order in which the reasons are tried."""

    NO_REFERENCE = "NO_REFERENCE"
    REFERENCE_UNKNOWN = "REFERENCE_UNKNOWN"
    AMBIGUOUS_REFERENCE = "AMBIGUOUS_REFERENCE"
    REFERENCE_CUT = "REFERENCE_CUT"
    CHECK_DIGITS_WRONG = "CHECK_DIGITS_WRONG"
    ALREADY_PAID = "ALREADY_PAID"
    SEVERAL_CUSTOMERS = "SEVERAL_CUSTOMERS"
    ENTITY_DIFFERS = "ENTITY_DIFFERS"
    CURRENCY_DIFFERS = "CURRENCY_DIFFERS"
    PAYER_DIFFERS = "PAYER_DIFFERS"
    REFERENCE_UNRESOLVED = "REFERENCE_UNRESOLVED"
    NUMBER_ALONE = "NUMBER_ALONE"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"


class SuggestionReason(StrEnum):
    """Why an invoice is suggested."""

    NAMED = "NAMED"
    SIMILAR_NUMBER = "SIMILAR_NUMBER"
    SAME_AMOUNT = "SAME_AMOUNT"
    SAME_PAYER = "SAME_PAYER"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An open invoice that a person may want for a receipt; what it has open is in minor units of its currency."""

    invoice_id: str
    external_id: str
    customer_id: str
    balance_due_minor: int
    currency_code: str
    reason: SuggestionReason


@dataclass(frozen=True, slots=True)
class Match:
    """`allocations` are (invoice id, applied minor units) by due date, then id; empty for NONE. `customer_id` is the
    one customer of all named invoices, or the known payer who pays for all of them, also where nothing is applied; None where
    there is not exactly one."""

    kind: MatchKind
    allocations: tuple[tuple[str, int], ...] = ()
    customer_id: str | None = None
    reason_code: Unmatched | None = None
    suggestions: tuple[Suggestion, ...] = ()


def match_credit(
    credit: Credit, book: InvoiceBook, likely: Sequence[OpenInvoice] = (), similar: Sequence[OpenInvoice] = ()
) -> Match:
    """Decides one credit against the balances as they stand in `book`; claims nothing.

    `likely` are further open invoices the caller thinks of (the payer's name, the amount), `similar` those whose number is like
    one that is said: suggestions only.
    Raises ValueError for an amount below 1.
    """
    if credit.amount_minor < 1:
        raise ValueError("only money that came in is matched")
    named = names(credit.mentions, book, credit.paid_for)
    found = None
    if not named.ambiguous:
        found = _exact(credit, named) or _partial(credit, named) or _by_document(credit, named, book)
    if found is not None:
        return found
    return Match(
        MatchKind.NONE,
        customer_id=_whose(credit, named),
        reason_code=_reason(credit, named),
        suggestions=_suggestions(credit, named, book, likely, similar),
    )


def _whose(credit: Credit, named: Named) -> str | None:
    """Whose a receipt is that pays nothing by itself. Another entity's invoice says it of nobody: the account's people would be
    told that one's customer for a number that anybody may write into a transfer."""
    if not any(_of_the_account(credit, invoice) for invoice in named.all):
        return None
    customer_id = credit.payer_of(named.all)
    return None if credit.payers and customer_id not in credit.payers else customer_id


def _of_the_account(credit: Credit, invoice: OpenInvoice) -> bool:
    return credit.legal_entity_id in (None, invoice.legal_entity_id)


def _exact(credit: Credit, named: Named) -> Match | None:
    """The sure names alone first: a year in the text must not spoil them; then all names together, unless a weak one
    is the invoice of somebody whom the payer is known not to be."""
    for invoices in (tuple(named.surely.values()), named.all):
        open_ones = _open(invoices)
        if not open_ones or sum(invoice.balance_minor for invoice in open_ones) != credit.amount_minor:
            continue
        if any(credit.is_another_payers(invoice) and invoice.id in named.weakly for invoice in open_ones):
            continue
        if _fits(credit, open_ones):
            allocations = tuple((invoice.id, invoice.balance_minor) for invoice in open_ones)
            return Match(MatchKind.EXACT, allocations, credit.payer_of(open_ones))
    return None


def _partial(credit: Credit, named: Named) -> Match | None:
    """One invoice, named for certain and nothing else named beside it, and less money than its balance."""
    invoice = _in_part(credit, named)
    if invoice is None or _held_back(credit, named, invoice) is not None:
        return None
    return Match(MatchKind.PARTIAL, ((invoice.id, credit.amount_minor),), credit.payer_of((invoice,)))


def _by_document(credit: Credit, named: Named, book: InvoiceBook) -> Match | None:
    """What the payer says is paid of each document, where it says so of every one, the sums are the credit, and nothing speaks
    against the payment of a part."""
    documents = [text for text in credit.bank_texts if text.role is Role.DOCUMENT]
    if not documents or named.doubtful or any(not mention.own for mention in named.unresolved):
        return None
    paid: dict[str, int] = {}
    for document in documents:
        invoices = book.named(document.text)
        if len(invoices) != 1 or invoices[0].id in paid or document.currency_code != credit.currency_code:
            return None
        paid[invoices[0].id] = document.amount_minor or 0
    invoices = [book.get(invoice_id) for invoice_id in paid]
    fits = sum(paid.values()) == credit.amount_minor and all(0 < paid[i.id] <= i.balance_minor for i in invoices)
    others = {invoice.id for invoice in named.surely.values()} - paid.keys()
    if not fits or others or not _fits(credit, invoices) or any(map(credit.is_another_payers, invoices)):
        return None
    order = sorted(invoices, key=lambda invoice: (invoice.due_date, invoice.id))
    return Match(MatchKind.PARTIAL, tuple((i.id, paid[i.id]) for i in order), credit.payer_of(invoices))


def _in_part(credit: Credit, named: Named) -> OpenInvoice | None:
    if len(named.all) != 1 or not named.surely:
        return None
    (invoice,) = named.surely.values()
    return invoice if _fits(credit, (invoice,)) and credit.amount_minor < invoice.balance_minor else None


def _held_back(credit: Credit, named: Named, invoice: OpenInvoice) -> Unmatched | None:
    """Why an amount that does not confirm the name must not pay an invoice in part by itself."""
    if credit.is_another_payers(invoice):
        return Unmatched.PAYER_DIFFERS
    if named.doubtful or any(_may_be_one_of_ours(mention, invoice) for mention in named.unresolved):
        return Unmatched.REFERENCE_UNRESOLVED
    if invoice.id in named.own_numbers and invoice.customer_id not in credit.paid_for:
        return Unmatched.NUMBER_ALONE
    return None


def _may_be_one_of_ours(mention: Mention, invoice: OpenInvoice) -> bool:
    """What the payer calls the payment is a reference to another invoice only where it is written like this one."""
    if not mention.own:
        return True
    return any(_letters(token) in (_letters(invoice.external_id), _letters(invoice.id)) for token in mention.tokens())


def _letters(reference: str) -> str:
    return "".join(takewhile(str.isalpha, reference_key(reference)))


def _open(invoices: Iterable[OpenInvoice]) -> list[OpenInvoice]:
    return sorted(
        (invoice for invoice in invoices if invoice.balance_minor > 0),
        key=lambda invoice: (invoice.due_date, invoice.id),
    )


def _fits(credit: Credit, invoices: Sequence[OpenInvoice]) -> bool:
    return (
        credit.payer_of(invoices) is not None
        and all(invoice.currency_code == credit.currency_code for invoice in invoices)
        and all(_of_the_account(credit, invoice) for invoice in invoices)
    )


def _reason(credit: Credit, named: Named) -> Unmatched:
    invoices = tuple(named.surely.values()) or named.all
    open_ones = _open(invoices)
    if named.ambiguous:
        return Unmatched.AMBIGUOUS_REFERENCE
    if named.doubt is not None and named.doubtful and not open_ones:
        return Unmatched(named.doubt)
    if not invoices:
        return _unknown(named)
    if not any(_of_the_account(credit, invoice) for invoice in invoices):
        return Unmatched.ENTITY_DIFFERS  # whether it is paid, and whose, is that entity's
    if not open_ones:
        return Unmatched.ALREADY_PAID
    if credit.payer_of(open_ones) is None:
        return Unmatched.SEVERAL_CUSTOMERS
    if not all(_of_the_account(credit, invoice) for invoice in open_ones):
        return Unmatched.ENTITY_DIFFERS
    if any(invoice.currency_code != credit.currency_code for invoice in open_ones):
        return Unmatched.CURRENCY_DIFFERS
    in_part = _in_part(credit, named)
    if in_part is not None and (held_back := _held_back(credit, named, in_part)) is not None:
        return held_back
    if all(credit.is_another_payers(invoice) for invoice in open_ones):
        return Unmatched.PAYER_DIFFERS
    return Unmatched.AMOUNT_DIFFERS


def _unknown(named: Named) -> Unmatched:
    if any(mention.doubt is Doubt.CHECK_DIGITS and not mention.own for mention in named.unresolved):
        return Unmatched.CHECK_DIGITS_WRONG
    return Unmatched.REFERENCE_UNKNOWN if named.has_mention else Unmatched.NO_REFERENCE


def _suggestions(
    credit: Credit, named: Named, book: InvoiceBook, likely: Sequence[OpenInvoice], similar: Sequence[OpenInvoice]
) -> tuple[Suggestion, ...]:
    """Named open invoices first, then those of a similar number, then the caller's in their order: those of the same amount
    before the others. Another entity's is none, whatever names it: the money could not pay it, and who writes a number into a
    transfer would be shown what is open of it."""
    said = (named.surely | named.weakly | named.ambiguous | named.doubtful).values()
    found = {
        invoice.id: _suggest(invoice, SuggestionReason.NAMED)
        for invoice in _open(said)
        if credit.legal_entity_id in (None, invoice.legal_entity_id)
    }
    for invoice in similar:
        now = book.get(invoice.id) if invoice.id in book else invoice
        if now.balance_minor > 0 and now.currency_code == credit.currency_code:
            found.setdefault(now.id, _suggest(now, SuggestionReason.SIMILAR_NUMBER))
    current = [book.get(invoice.id) if invoice.id in book else invoice for invoice in likely]
    others = [i for i in current if i.balance_minor > 0 and i.currency_code == credit.currency_code]
    others.sort(key=lambda invoice: invoice.balance_minor != credit.amount_minor)
    for invoice in others:
        same_amount = invoice.balance_minor == credit.amount_minor
        reason = SuggestionReason.SAME_AMOUNT if same_amount else SuggestionReason.SAME_PAYER
        found.setdefault(invoice.id, _suggest(invoice, reason))
    return tuple(found.values())[:MAX_SUGGESTIONS]


def _suggest(invoice: OpenInvoice, reason: SuggestionReason) -> Suggestion:
    return Suggestion(
        invoice.id, invoice.external_id, invoice.customer_id, invoice.balance_minor, invoice.currency_code, reason
    )
