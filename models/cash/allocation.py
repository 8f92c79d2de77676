"""How a payment is applied to invoices: the rules of an application session, pure.

The order of the refusals is that of docs/api.md, section 3, Apply. Amounts are minor units; `applied_minor` is in the
payment's currency, `invoice_applied_minor` in the invoice's.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.cash.adjustments import AskedAdjustment, PlannedAdjustment, planned
from models.errors import FieldError, Refusal
from models.money import convert, convert_back, implied_rate, share, spelt


@dataclass(frozen=True)
class Funds:
    """The money a session may spend: a payment's available cash, or one customer credit of it."""

    payment_id: str
    customer_id: str
    legal_entity_id: str
    currency_code: str
    payment_date: date
    available_minor: int
    functional_available_minor: int


@dataclass(frozen=True)
class OpenInvoice:
    """An invoice as it stands, locked."""

    id: str
    customer_id: str
    legal_entity_id: str
    currency_code: str
    issue_date: date
    total_minor: int
    balance_minor: int
    functional_balance_minor: int
    void: bool


@dataclass(frozen=True)
class Request:
    """One line of the session as asked."""

    invoice_id: str
    applied_minor: int
    fx_rate: Decimal | None = None
    invoice_applied_minor: int | None = None
    adjustments: tuple[AskedAdjustment, ...] = ()

    @property
    def adjusted_minor(self) -> int:
        return sum(a.amount_minor for a in self.adjustments)


@dataclass(frozen=True)
class Allocation:
    """One application as decided. functional_*: what leaves cash and what leaves receivables, functional currency."""

    invoice: OpenInvoice
    applied_minor: int
    invoice_applied_minor: int
    fx_rate: Decimal
    functional_cash_minor: int
    functional_relief_minor: int
    effective_date: date
    adjustments: tuple[PlannedAdjustment, ...] = ()

    @property
    def relieved_minor(self) -> int:
        """What the invoice owes less, by the money and beside it."""
        return self.invoice_applied_minor + sum(a.asked.amount_minor for a in self.adjustments)

    @property
    def functional_relieved_minor(self) -> int:
        """What receivables lose by it."""
        return self.functional_relief_minor + sum(a.functional_minor for a in self.adjustments)

    @property
    def new_balance_minor(self) -> int:
        return self.invoice.balance_minor - self.relieved_minor


@dataclass(frozen=True)
class Plan:
    """The session's allocations and what is left of the funds."""

    allocations: tuple[Allocation, ...]
    applied_minor: int
    functional_applied_minor: int
    remainder_minor: int
    functional_remainder_minor: int


def check_invoices(funds: Funds, invoices: Sequence[OpenInvoice], pays_for: Collection[str] = ()) -> None:
    """Step 1: refusals that the selected invoices alone decide. `pays_for`: the other customers whose invoices the payer pays on
    the payment date."""
    for i in invoices:
        if i.void:
            raise Refusal("INVOICE_VOID", f"Invoice {i.id} is void.", invoice_id=i.id)
    for i in invoices:
        if i.customer_id != funds.customer_id and i.customer_id not in pays_for:
            raise Refusal(
                "INVOICE_CUSTOMER_MISMATCH",
                f"Invoice {i.id} is another customer's, and pays_for of {funds.customer_id} does not say that it pays for that "
                "one.",
                invoice_id=i.id,
            )
    for i in invoices:
        if i.legal_entity_id != funds.legal_entity_id:
            raise Refusal(
                "LEGAL_ENTITY_MISMATCH",
                f"Invoice {i.id} belongs to legal entity {i.legal_entity_id}, the payment to {funds.legal_entity_id}.",
                invoice_id=i.id,
            )
    currencies = sorted({i.currency_code for i in invoices})
    if len(currencies) > 1:
        raise Refusal(
            "MIXED_INVOICE_CURRENCIES",
            f"One session takes invoices of one currency; these are in {', '.join(currencies)}.",
            currencies=currencies,
        )


def rates(
    funds: Funds, requests: Sequence[Request], invoices: Mapping[str, OpenInvoice], stored: Decimal | None
) -> list[Decimal]:
    """The rate of each line, invoice currency per payment currency. FX_RATE_MISSING where none is known."""
    found: list[Decimal] = []
    for n, r in enumerate(requests):
        target = invoices[r.invoice_id].currency_code
        if target == funds.currency_code:
            _same_currency(n, r)
            found.append(Decimal(1))
        elif r.fx_rate is not None:
            found.append(r.fx_rate)
        elif r.invoice_applied_minor is not None:
            found.append(implied_rate(r.applied_minor, r.invoice_applied_minor, funds.currency_code, target))
        elif stored is not None:
            found.append(stored)
        else:
            raise Refusal(
                "FX_RATE_MISSING",
                f"No rate from {funds.currency_code} to {target} serves {funds.payment_date}; give fx_rate, "
                "invoice_applied_minor, or store a rate.",
                base=funds.currency_code,
                quote=target,
                date=str(funds.payment_date),
            )
    return found


def _same_currency(n: int, r: Request) -> None:
    if r.fx_rate is not None and r.fx_rate != 1:
        wrong, loc = "A rate between equal currencies is 1.", f"/applications/{n}/fx_rate"
    elif r.invoice_applied_minor is not None and r.invoice_applied_minor != r.applied_minor:
        wrong, loc = "In one currency both amounts are the same.", f"/applications/{n}/invoice_applied_minor"
    else:
        return
    raise Refusal("VALIDATION_FAILED", wrong, errors=[FieldError(loc, "FX_NOT_APPLICABLE", wrong)])


def plan(
    funds: Funds,
    requests: Sequence[Request],
    invoices: Mapping[str, OpenInvoice],
    stored_rate: Decimal | None,
    *,
    overpayment_named: bool,
    at_most: int | None = None,
) -> Plan:
    """Decide the session, or refuse it (steps 1 to 3). `overpayment_named`: the word was given now or before.
    `at_most`: what may be spent of the funds, where that is less than all."""
    selected = [invoices[r.invoice_id] for r in requests]
    # What adjustments leave: that much, and no more, is for the money to pay.
    payable = [i.balance_minor - r.adjusted_minor for r, i in zip(requests, selected, strict=True)]
    line_rates = rates(funds, requests, invoices, stored_rate)
    if not overpayment_named:
        _refuse_silent_overpayment(funds, requests, selected, payable, line_rates)
    total = sum(r.applied_minor for r in requests)
    available = funds.available_minor if at_most is None else min(at_most, funds.available_minor)
    if total > available:
        raise Refusal(
            "APPLIED_EXCEEDS_PAYMENT",
            f"{spelt(total, funds.currency_code)} is to be applied, {spelt(available, funds.currency_code)} is available.",
            applied_minor=total,
            available_minor=available,
        )
    left, functional_left = funds.available_minor, funds.functional_available_minor
    allocations: list[Allocation] = []
    for r, invoice, open_minor, rate in zip(requests, selected, payable, line_rates, strict=True):
        invoice_applied = _other_side(funds, r, invoice, open_minor, rate)
        if invoice_applied > open_minor:
            _refuse_excess(invoice, invoice_applied, r.adjusted_minor)
        cash = share(functional_left, r.applied_minor, left)
        relief = share(invoice.functional_balance_minor, invoice_applied, invoice.balance_minor)
        effective = max(funds.payment_date, invoice.issue_date)
        adjusted = planned(
            r.adjustments, invoice.balance_minor - invoice_applied, invoice.functional_balance_minor - relief
        )
        allocations.append(
            Allocation(invoice, r.applied_minor, invoice_applied, rate, cash, relief, effective, adjusted)
        )
        left, functional_left = left - r.applied_minor, functional_left - cash
    return Plan(tuple(allocations), total, funds.functional_available_minor - functional_left, left, functional_left)


def _refuse_excess(invoice: OpenInvoice, applied: int, adjusted: int) -> None:
    code = invoice.currency_code
    beside = f" and {spelt(adjusted, code)} beside it" if adjusted else ""
    raise Refusal(
        "APPLIED_EXCEEDS_BALANCE",
        f"{spelt(applied, code)}{beside} is to be applied to invoice {invoice.id}, which has "
        f"{spelt(invoice.balance_minor, code)} open.",
        invoice_id=invoice.id,
        balance_due_minor=invoice.balance_minor,
    )


def _refuse_silent_overpayment(
    funds: Funds, requests: Sequence[Request], invoices: Sequence[OpenInvoice], payable: Sequence[int],
    line_rates: Sequence[Decimal],
) -> None:  # fmt: skip
    open_balance = sum(
        _open_in_funds(funds, r.applied_minor, i, max(0, open_minor), rate)
        for r, i, open_minor, rate in zip(requests, invoices, payable, line_rates, strict=True)
    )
    if funds.available_minor > open_balance:
        raise Refusal(
            "OVERPAYMENT_REQUIRES_CREDIT",
            f"The payment has {spelt(funds.available_minor, funds.currency_code)} available, the selected invoices "
            f"{spelt(open_balance, funds.currency_code)} open: say what becomes of the rest with overpayment "
            '"customer_credit" or "unapplied".',
            available_minor=funds.available_minor,
            open_balance_minor=open_balance,
        )


def _open_in_funds(funds: Funds, applied_minor: int, invoice: OpenInvoice, open_minor: int, rate: Decimal) -> int:
    """What is open in the payment's currency. Across currencies a minor unit more that settles it is no rest."""
    needed = convert_back(open_minor, rate, funds.currency_code, invoice.currency_code)
    if invoice.currency_code != funds.currency_code and applied_minor == needed + 1:
        return applied_minor
    return needed


def _other_side(funds: Funds, r: Request, invoice: OpenInvoice, open_minor: int, rate: Decimal) -> int:
    """What the line takes off the invoice; across currencies one minor unit of the payment settles it."""
    if r.invoice_applied_minor is not None:
        return r.invoice_applied_minor
    if invoice.currency_code == funds.currency_code:
        return r.applied_minor
    needed = convert_back(open_minor, rate, funds.currency_code, invoice.currency_code)
    if open_minor > 0 and abs(needed - r.applied_minor) <= 1:
        return open_minor
    applied = convert(r.applied_minor, rate, funds.currency_code, invoice.currency_code)
    if applied < 1:
        raise Refusal(
            "APPLIED_TOO_SMALL",
            f"{spelt(r.applied_minor, funds.currency_code)} is less than one minor unit of {invoice.currency_code}.",
            invoice_id=invoice.id,
        )
    return applied
