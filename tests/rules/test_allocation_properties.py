"""What holds of every session, whatever is paid, owed and worth."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from models.cash.allocation import Funds, OpenInvoice, Plan, Request, plan
from models.errors import Refusal

DAY = date(2026, 3, 10)
AMOUNTS = st.integers(1, 10**7)
WORTHS = st.integers(0, 10**7)


@dataclass(frozen=True)
class Case:
    """A session as asked."""

    funds: Funds
    invoices: dict[str, OpenInvoice]
    requests: list[Request]
    rate: Decimal | None


@st.composite
def cases(draw: st.DrawFn, *, foreign: bool) -> Case:
    """A session of up to six invoices, in the payment's currency or across."""
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"])) if foreign else "USD"
    rate = draw(st.decimals("0.001", "500", places=3)) if foreign else None
    invoices, requests = {}, []
    for n in range(draw(st.integers(1, 6))):
        balance = draw(AMOUNTS)
        one = OpenInvoice(f"invoice_{n}", "cust_a", "le_us", currency, DAY, balance, balance, draw(WORTHS), False)
        invoices[one.id] = one
        requests.append(Request(one.id, draw(AMOUNTS if foreign else st.integers(1, balance))))
    available = sum(r.applied_minor for r in requests) + draw(st.sampled_from([0, 0, 1, 500]))
    funds = Funds("pay_1", "cust_a", "le_us", "USD", DAY, available, draw(WORTHS))
    return Case(funds, invoices, requests, rate)


def decided(case: Case) -> Plan | None:
    try:
        return plan(case.funds, case.requests, case.invoices, case.rate, overpayment_named=True)
    except Refusal as refused:
        if refused.code not in {"APPLIED_EXCEEDS_BALANCE", "APPLIED_TOO_SMALL"}:
            raise
        return None


def holds(case: Case, done: Plan) -> None:
    funds = case.funds
    assert done.applied_minor == sum(a.applied_minor for a in done.allocations)
    assert done.applied_minor + done.remainder_minor == funds.available_minor
    cash = sum(a.functional_cash_minor for a in done.allocations)
    assert done.functional_applied_minor == cash
    assert cash + done.functional_remainder_minor == funds.functional_available_minor
    if done.remainder_minor == 0:
        assert done.functional_remainder_minor == 0, "money that is used up is worth nothing any more"
    for a in done.allocations:
        assert 0 <= a.new_balance_minor < a.invoice.balance_minor
        assert 0 <= a.functional_cash_minor <= funds.functional_available_minor
        assert 0 <= a.functional_relief_minor <= a.invoice.functional_balance_minor
        if a.new_balance_minor == 0:
            assert a.functional_relief_minor == a.invoice.functional_balance_minor, "a settled invoice is worth nothing"


@given(cases(foreign=False))
def test_nothing_is_lost_in_one_currency(case):
    done = decided(case)
    assert done is not None
    assert all(a.invoice_applied_minor == a.applied_minor and a.fx_rate == 1 for a in done.allocations)
    holds(case, done)


@given(cases(foreign=True))
def test_nothing_is_lost_across_currencies(case):
    done = decided(case)
    if done is not None:
        holds(case, done)


@settings(max_examples=200)
@given(cases(foreign=False), st.randoms(use_true_random=False))
def test_sessions_one_after_another_use_a_payment_up_as_one_session_does(case, random):
    """The lines in any order and any number of sessions: in the end the same balances, and nothing is left behind."""
    funds, left = case.funds, list(case.requests)
    random.shuffle(left)
    while left:
        now = [left.pop() for _ in range(random.randint(1, len(left)))]
        done = plan(funds, now, case.invoices, None, overpayment_named=True)
        funds = Funds(
            funds.payment_id, funds.customer_id, funds.legal_entity_id, funds.currency_code, funds.payment_date,
            done.remainder_minor, done.functional_remainder_minor,
        )  # fmt: skip
    assert funds.available_minor == case.funds.available_minor - sum(r.applied_minor for r in case.requests)
    assert funds.available_minor or not funds.functional_available_minor


@given(cases(foreign=True))
def test_without_the_word_nothing_is_left_over_but_what_was_open(case):
    """Where the session is allowed in silence, the money is no more than the invoices can take."""
    try:
        done = plan(case.funds, case.requests, case.invoices, case.rate, overpayment_named=False)
    except Refusal:
        return
    holds(case, done)
    assert case.rate is not None
    if done.remainder_minor > 1:
        assert any(a.new_balance_minor for a in done.allocations)
