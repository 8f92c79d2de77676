"""Which invoices a remittance names: for certain, weakly, doubtfully, or in two ways at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from models.cash.invoice_book import InvoiceBook, OpenInvoice
from models.cash.mentions import Doubt, Mention

Invoices = dict[str, OpenInvoice]


@dataclass
class Named:
    """What the texts of a line name.

    `surely` and `weakly` may be paid. `ambiguous`: one name, several invoices. `doubtful`: named by what may be cut,
    chopped up or copied wrongly; a candidate for a person. `unresolved`: something that looks like a reference and is
    no invoice's. `own_numbers`: ids named by nothing but a bare number that the payer gave the payment.
    """

    surely: Invoices = field(default_factory=dict)
    weakly: Invoices = field(default_factory=dict)
    ambiguous: Invoices = field(default_factory=dict)
    doubtful: Invoices = field(default_factory=dict)
    doubt: Doubt | None = None
    has_mention: bool = False
    unresolved: list[Mention] = field(default_factory=list)
    own_numbers: set[str] = field(default_factory=set)

    @property
    def all(self) -> tuple[OpenInvoice, ...]:
        return tuple((self.surely | self.weakly).values())


def names(mentions: Iterable[Mention], book: InvoiceBook, payers: frozenset[str]) -> Named:
    """Looks every mention up. `payers`: the customers whose invoices the payer may mean; empty where nobody knows."""
    named = Named()
    otherwise: set[str] = set()
    for mention in mentions:
        named.has_mention = named.has_mention or not mention.weak
        _take(mention, book, payers, named, otherwise)
    named.weakly = {key: invoice for key, invoice in named.weakly.items() if key not in named.surely}
    named.doubtful = {key: invoice for key, invoice in named.doubtful.items() if key not in named.surely}
    named.own_numbers -= otherwise
    return named


def _take(mention: Mention, book: InvoiceBook, payers: frozenset[str], named: Named, otherwise: set[str]) -> bool:
    """Files what a mention names; whether it names anything."""
    if contested := _contested(mention, book, payers):
        named.doubtful.update(contested)
        named.doubt = named.doubt or Doubt.CUT
        return True
    if mention.doubt is not None:
        found = _everything(mention, book)
        if found:
            named.doubtful.update(found)
            named.doubt = named.doubt or mention.doubt
        elif mention.counts:
            named.unresolved.append(mention)
        return bool(found)
    found = _surest(mention, book)
    if len(found) > 1:
        named.ambiguous.update({} if mention.weak else found)
        return True
    if found:
        (named.weakly if mention.weak else named.surely).update(found)
        (named.own_numbers if mention.own and mention.is_bare_number else otherwise).update(found)
        return True
    before = len(named.unresolved)
    taken = [_take(part, book, payers, named, otherwise) for part in mention.parts]  # all of them, not the first alone
    any_part = any(taken)
    if not any_part and mention.counts:
        del named.unresolved[before:]
        named.unresolved.append(mention)
    return any_part


def _surest(mention: Mention, book: InvoiceBook) -> Invoices:
    """The invoices of the surest spelling that is known."""
    for rank in mention.spellings:
        if found := {invoice.id: invoice for token in rank for invoice in book.named(token)}:
            return found
    return {}


def _everything(mention: Mention, book: InvoiceBook) -> Invoices:
    """The invoices of the surest spelling, or of the parts where no spelling is known."""
    if found := _surest(mention, book):
        return found
    return {key: invoice for part in mention.parts for key, invoice in _everything(part, book).items()}


def _contested(mention: Mention, book: InvoiceBook, payers: frozenset[str]) -> Invoices:
    """The invoices of both readings, where the pieces of a chopped text name others alone than they do together.

    Pieces of full width run on, so the whole is believed where the payer is the customer of what it names.
    """
    if not mention.rivals:
        return {}
    joined = _everything(mention, book)
    alone = {key: invoice for rival in mention.rivals for key, invoice in _everything(rival, book).items()}
    if alone.keys() <= joined.keys():
        return {}
    if joined and all(invoice.customer_id in payers for invoice in joined.values()):
        return {}
    return joined | alone
