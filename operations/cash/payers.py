"""Who the payers of bank lines may be, by their names; and for whom a payer pays."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from models.cash.allocation import Funds, OpenInvoice
from models.db.cash.payers import customers_named, customers_of_companies, paid_on
from models.db.tx import Tx
from models.keys import LEGAL_FORMS, company_key, name_key


def payers_of(tx: Tx, names: Sequence[str | None]) -> dict[str, frozenset[str]]:
    """The customers of each payer's name: those of the very name, else those whose names differ in the legal form.

    A name that is nobody's is not in the answer.
    """
    own = {name: name_key(name) for name in names if name}
    known = customers_named(tx, set(own.values()) - {""})
    company = {name: company_key(name) for name, key in own.items() if key not in known}
    alike = customers_of_companies(tx, set(company.values()) - {""}, LEGAL_FORMS)
    found = {name: known.get(key) or alike.get(company[name]) for name, key in own.items()}
    return {name: customers for name, customers in found.items() if customers}


def payees_by_payer(tx: Tx, payers: Collection[tuple[str, date]]) -> dict[tuple[str, date], frozenset[str]]:
    """For whom each of these customers pays on its day, beside itself."""
    return paid_on(tx, sorted(set(payers)))


def payees_of(tx: Tx, funds: Funds, invoices: Iterable[OpenInvoice]) -> frozenset[str]:
    """The others whose invoices the payer pays on the payment date; not asked for where all invoices are its own."""
    if all(i.customer_id == funds.customer_id for i in invoices):
        return frozenset()
    payer = (funds.customer_id, funds.payment_date)
    return paid_on(tx, [payer]).get(payer, frozenset())
