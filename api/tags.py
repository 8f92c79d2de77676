"""The nouns under which the description groups its operations, in the order in which a reader wants them."""

from typing import Final, Literal

Tag = Literal[
    "payments",
    "invoices",
    "credit notes",
    "deductions",
    "customers",
    "approvals",
    "statements",
    "reconciliations",
    "imports",
    "exceptions",
    "aging",
    "reports",
    "ledger",
    "audit",
    "events",
    "webhooks",
    "customer 360",
    "sources",
    "books",
    "operations",
    "conversation",
    "health",
]

DESCRIBED: Final[dict[Tag, str]] = {
    "payments": "Record money received, apply it to invoices, decide what becomes of an overpayment; unapply, reverse.",
    "invoices": "What customers owe: create, one or 500 at a time; void; take into dispute and out again.",
    "credit notes": "What takes an invoice back, or a part of it: issue, apply alone or in a payment's session, unapply, void.",
    "deductions": "What payers leave out of their payments: stated, disputed, accepted or rejected.",
    "customers": "The master record. What is written here is a change: it takes effect once it is approved.",
    "approvals": "Changes and their chains of approval: decide, delegate, withdraw, resubmit; policies, absences, evidence.",
    "statements": "A bank's files: each line becomes a payment, applied where the match is certain.",
    "reconciliations": "Agree a bank account's payments with its statement, and lock them.",
    "imports": "Files of customers, or pulls from a CRM: checked row by row, reviewed, carried out in batches.",
    "exceptions": "What needs a person: whose it is, why, and by when.",
    "aging": "One customer's open items by age, as of any day.",
    "reports": "Aging, trial balance, unapplied cash and roll-forward of the whole organisation.",
    "ledger": "Journal entries: what each posting debited and credited.",
    "audit": "Who did what, when and why; refusals too.",
    "events": "Everything that happened, in order, to read on from where one stopped.",
    "webhooks": "The same events sent to an address, signed; deliveries seen and sent again.",
    "customer 360": "One customer on one screen: receivables, opportunities, orders, cases, contracts, contacts.",
    "sources": "Records of other systems, sent here or fetched from a connection.",
    "books": "Legal entities, bank accounts, accounts, terms, rates, periods, dimensions, settings.",
    "operations": "What became of a write that was answered 202.",
    "conversation": "What an assistant proposes: shown with its effect, carried out once by the hand of a person.",
    "health": "For whoever runs it: alive, ready, metrics.",
}
"""In that order."""
