"""What a bank says about a line, text by text, with what its format may have done to it.

Old formats are narrow: a text is chopped into pieces of a width, a reference is cut at a limit. Where that may have
happened is kept beside the text, so that whoever looks for invoices knows which words to believe.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a text is to the search for invoices."""

    REFERENCE = "reference"
    """A column or field for references: one as a whole, or several."""
    DOCUMENT = "document"
    """The number of a document that is paid, as the payer's books have it."""
    CREDITOR_REFERENCE = "creditor_reference"
    """A field for the reference that the creditor gave: ISO 11649 or a national scheme."""
    OWN_REFERENCE = "own_reference"
    """The payer's own number of the payment. It may be an invoice's, and often is not."""
    TEXT = "text"
    NAME = "name"
    """A name that may hold a reference, because its format has no better place."""
    SHOWN = "shown"
    """Shown to people, never searched: accounts, codes, mandates, names."""


@dataclass(frozen=True, slots=True)
class BankText:
    """`field` is the format's own name of the place. `seams` are the offsets at which pieces of full width were joined:
    a word that spans one may be two. `cut`: the text fills its field, so its last word may lack its end. `amount_minor`: what the
    payer says is paid of this document, in minor units of `currency_code`."""

    field: str
    text: str
    role: Role = Role.SHOWN
    seams: tuple[int, ...] = ()
    cut: bool = False
    amount_minor: int | None = None
    currency_code: str | None = None


def plain_texts(reference: str | None, text: str | None, structured: Iterable[str] = ()) -> tuple[BankText, ...]:
    """The texts of a line that came without them: nothing is known of pieces and limits."""
    found = [BankText("structured_reference", item, Role.CREDITOR_REFERENCE) for item in structured]
    if reference:
        found.append(BankText("reference", reference, Role.REFERENCE))
    if text:
        found.append(BankText("remittance_text", text, Role.TEXT))
    return tuple(found)


def references_in(texts: Iterable[BankText]) -> list[str]:
    """The references that stand in fields of their own, each once: what a person is shown first."""
    roles = {Role.REFERENCE, Role.DOCUMENT, Role.CREDITOR_REFERENCE, Role.OWN_REFERENCE}
    return list(dict.fromkeys(item.text for item in texts if item.role in roles))
