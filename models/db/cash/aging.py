"""What a customer owes on a day, in buckets: by days past due, payments counting from their payment date."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from models.cash.aging import Aged, Funds
from models.cash.open_items import OpenItem, OpenPayment
from models.cash.open_notes import OpenNote
from models.cash.report_answers import AgingAnswer, aged_invoice_answer, by_currency
from models.db.cash import rates
from models.db.cash.open_items import open_invoices, open_payments
from models.db.cash.open_notes import open_notes
from models.db.lookups import found
from models.db.tx import Tx
from models.money import convert, convert_back


def aging_of(
    tx: Tx, customer_id: str, as_of: date, known_at: datetime | None = None, entities: Collection[str] | None = None
) -> AgingAnswer:
    """The customer's aging on `as_of`, from what was recorded by `known_at` (None: by now), as the API answers it.

    Amounts in minor units of `currency_code`: the open invoices' currency if they have one, else the functional
    currency of the customer's legal entity, each invoice at its issue date's rate, money at its payment date's.
    `entities` leaves out what the caller's token does not cover. CUSTOMER_NOT_FOUND, FX_RATE_MISSING.
    """
    home = _functional_currency(tx, customer_id)
    invoices = open_invoices(tx, as_of, customer_id=customer_id, known_at=known_at, entities=entities)
    payments = open_payments(tx, as_of, customer_id=customer_id, known_at=known_at, entities=entities)
    currencies = {i.currency_code for i in invoices if i.balance_due_minor}
    shown = currencies.pop() if len(currencies) == 1 else home
    untranslated: dict[str, Aged] = {}
    total = Aged()
    for i in invoices:
        days = i.days_past_due(as_of)
        minor = _invoice_in(tx, i, shown)
        total.add(days, minor, i.disputed_part(minor))
        untranslated.setdefault(i.currency_code, Aged()).add(days, i.balance_due_minor, i.disputed_minor)
    for p in payments:
        left = p.funds
        untranslated.setdefault(p.currency_code, Aged()).put_funds(left.unapplied_minor, left.credits_minor)
        total.put_funds(*_money_in(tx, p, left, shown, invoices))
    for n in open_notes(tx, as_of, customer_id=customer_id, known_at=known_at, entities=entities):
        untranslated.setdefault(n.currency_code, Aged()).put_notes(n.balance_minor)
        total.put_notes(_note_in(tx, n, shown))
    return AgingAnswer(
        customer_id=customer_id,
        as_of=as_of,
        known_at=known_at,
        currency_code=shown,
        invoices=[aged_invoice_answer(i, as_of) for i in invoices],
        by_currency=by_currency(untranslated),
        **total.as_dict(),
    )


def _functional_currency(tx: Tx, customer_id: str) -> str:
    sql = """SELECT e.functional_currency FROM customers c JOIN legal_entities e ON e.org_id = c.org_id
      AND e.id = c.legal_entity_id WHERE c.org_id = :org AND c.id = :id"""
    currency: str | None = tx.scalar(sql, id=customer_id)
    return found(tx, "customer", customer_id, currency)


def _invoice_in(tx: Tx, i: OpenItem, currency: str) -> int:
    """The open balance in `currency`. In the functional one it is the ledger's own figure, so reports tie to it."""
    if i.currency_code == currency:
        return i.balance_due_minor
    if i.functional_currency == currency:
        return i.functional_balance_minor
    # Another entity's invoice, which that entity keeps in another functional currency.
    rate = rates.required_rate(tx, i.currency_code, currency, i.issue_date)
    return convert(i.balance_due_minor, rate, i.currency_code, currency)


def _note_in(tx: Tx, n: OpenNote, currency: str) -> int:
    """What is left of a credit note in `currency`; in the functional one it is the ledger's own figure."""
    if n.currency_code == currency:
        return n.balance_minor
    if n.functional_currency == currency:
        return n.functional_balance_minor
    rate = rates.required_rate(tx, n.currency_code, currency, n.issue_date)
    return convert(n.balance_minor, rate, n.currency_code, currency)


def _money_in(
    tx: Tx, p: OpenPayment, left: Funds, currency: str, invoices: Sequence[OpenItem]
) -> tuple[int, int]:  # fmt: skip
    """Unapplied and credits in `currency`; in the functional one, what the receipt is carried at."""
    if p.currency_code == currency:
        return left.unapplied_minor, left.credits_minor
    if p.functional_currency == currency:
        return left.functional_unapplied_minor, left.functional_credits_minor
    rate = rates.rate(tx, p.currency_code, currency, p.payment_date)
    if rate is not None:
        unapplied, credits = (
            convert(m, rate, p.currency_code, currency) for m in (left.unapplied_minor, left.credits_minor)
        )
        return unapplied, credits
    # No rate serves that day, and a payment in the functional currency needs none: take the one that the newest
    # of the open invoices, which all are in `currency`, was issued at.
    at = [i for i in invoices if i.functional_currency == p.functional_currency and i.currency_code == currency]
    if not at:
        rates.required_rate(tx, p.currency_code, currency, p.payment_date)
    newest = max(at, key=lambda i: (i.issue_date, i.id))
    worths = (left.functional_unapplied_minor, left.functional_credits_minor)
    unapplied, credits = (convert_back(w, newest.fx_rate, currency, p.functional_currency) for w in worths)
    return unapplied, credits
