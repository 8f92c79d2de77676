"""How a payment is applied to invoices: the order of the refusals, and amounts to the minor unit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from models.cash.adjustments import AdjustmentKind, AskedAdjustment
from models.cash.allocation import Funds, OpenInvoice, Plan, Request, check_invoices, plan, rates
from models.errors import Refusal
from tests.rules.refusals import is_sentence

PAID = date(2026, 3, 10)
FUNDS = Funds("pay_1", "cust_a", "le_us", "USD", PAID, 1000, 1000)


def invoice(
    id: str = "invoice_1", balance: int = 1000, *, worth: int | None = None, currency: str = "USD", **other: object
) -> OpenInvoice:
    held = balance if worth is None else worth
    one = OpenInvoice(id, "cust_a", "le_us", currency, date(2026, 3, 1), balance, balance, held, False)
    return replace(one, **other)  # type: ignore[arg-type]


def decide(
    funds: Funds, lines: list[tuple[OpenInvoice, int]] | list[tuple[OpenInvoice, Request]], *, named: bool = False,
    stored: str | None = None, at_most: int | None = None,
) -> Plan:  # fmt: skip
    requests = [r if isinstance(r, Request) else Request(i.id, r) for i, r in lines]
    known = {i.id: i for i, _ in lines}
    rate = None if stored is None else Decimal(stored)
    return plan(funds, requests, known, rate, overpayment_named=named, at_most=at_most)


def refusal(code: str, *args: object, **kw: object) -> Refusal:
    with pytest.raises(Refusal) as e:
        decide(*args, **kw)  # type: ignore[arg-type]
    assert e.value.code == code
    assert is_sentence(e.value.detail)
    return e.value


# What lowers an invoice beside the money


def beside(applied: int, *parts: int) -> Request:
    fees = tuple(AskedAdjustment(AdjustmentKind.BANK_FEE, minor, "FEE") for minor in parts)
    return Request("invoice_1", applied, adjustments=fees)


def test_money_and_what_is_beside_it_settle_an_invoice_and_all_that_it_is_carried_at():
    (a,) = decide(replace(FUNDS, available_minor=900), [(invoice(worth=1101), beside(900, 60, 40))]).allocations
    assert (a.invoice_applied_minor, a.functional_relief_minor) == (900, 991)
    assert [x.functional_minor for x in a.adjustments] == [66, 44]
    assert (a.relieved_minor, a.functional_relieved_minor, a.new_balance_minor) == (1000, 1101, 0)


def test_what_is_beside_the_money_leaves_less_to_pay():
    over = refusal("APPLIED_EXCEEDS_BALANCE", FUNDS, [(invoice(), beside(900, 101))], named=True)
    assert over.extra == {"invoice_id": "invoice_1", "balance_due_minor": 1000}
    assert over.detail.startswith("9.00 USD and 1.01 USD beside it is to be applied")
    assert "beside" not in refusal("APPLIED_EXCEEDS_BALANCE", FUNDS, [(invoice(balance=5), 6)], named=True).detail
    for parts, open_ in (((60, 40), 900), ((1000,), 0), ((1100,), 0)):
        silent = refusal("OVERPAYMENT_REQUIRES_CREDIT", FUNDS, [(invoice(), beside(10, *parts))])
        assert silent.extra == {"available_minor": 1000, "open_balance_minor": open_}


def test_one_minor_unit_settles_what_is_left_across_currencies_and_nothing_that_is_paid():
    yen = invoice(balance=1, currency="JPY")
    one = replace(FUNDS, available_minor=1, functional_available_minor=1)
    (a,) = decide(one, [(yen, 1)], stored="150").allocations
    assert a.invoice_applied_minor == 1
    refusal("APPLIED_EXCEEDS_BALANCE", one, [(replace(yen, balance_minor=0), 1)], stored="150", named=True)


# Step 1: what the invoices alone decide


VOID = invoice("invoice_v", void=True)
STRANGER = invoice("invoice_s", customer_id="cust_b")
ELSEWHERE = invoice("invoice_e", legal_entity_id="le_uk")
FOREIGN = invoice("invoice_f", currency="EUR")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ([FOREIGN, ELSEWHERE, STRANGER, VOID], "INVOICE_VOID"),
        ([FOREIGN, ELSEWHERE, STRANGER], "INVOICE_CUSTOMER_MISMATCH"),
        ([FOREIGN, ELSEWHERE], "LEGAL_ENTITY_MISMATCH"),
        ([FOREIGN], "MIXED_INVOICE_CURRENCIES"),
    ],
)
def test_invoices_are_refused_in_the_order_void_customer_entity_currency(wrong, code):
    with pytest.raises(Refusal) as e:
        check_invoices(FUNDS, [invoice(), *wrong])
    assert e.value.code == code
    if code == "MIXED_INVOICE_CURRENCIES":
        assert e.value.extra == {"currencies": ["EUR", "USD"]}
        assert "EUR, USD" in e.value.detail
    else:
        assert e.value.extra == {"invoice_id": wrong[-1].id}
        assert wrong[-1].id in e.value.detail


def test_the_first_wrong_invoice_is_named_wherever_it_stands():
    for at in range(3):
        several = [invoice("invoice_1"), invoice("invoice_2")]
        several.insert(at, STRANGER)
        with pytest.raises(Refusal, match="invoice_s"):
            check_invoices(FUNDS, several)


def test_invoices_of_one_foreign_currency_are_fine():
    check_invoices(FUNDS, [FOREIGN, replace(FOREIGN, id="invoice_g")])
    check_invoices(FUNDS, [])


# The rate of a line


def test_a_rate_is_the_one_given_else_implied_else_stored():
    eur, known = invoice(currency="EUR"), {"invoice_1": invoice(currency="EUR")}
    both = Request(eur.id, 1000, Decimal("0.9"), 800)
    stored = Decimal("0.7")
    assert rates(FUNDS, [both], known, stored) == [Decimal("0.9")]
    assert rates(FUNDS, [replace(both, fx_rate=None)], known, stored) == [Decimal("0.8")]
    assert rates(FUNDS, [replace(both, fx_rate=None, invoice_applied_minor=None)], known, stored) == [stored]


def test_without_any_rate_there_is_no_session():
    refused = refusal("FX_RATE_MISSING", FUNDS, [(invoice(currency="EUR"), 1000)])
    assert refused.extra == {"base": "USD", "quote": "EUR", "date": "2026-03-10"}
    assert "USD to EUR" in refused.detail


@pytest.mark.parametrize(
    ("line", "loc"),
    [
        (Request("invoice_1", 10, Decimal("1.1")), "/applications/1/fx_rate"),
        (Request("invoice_1", 10, None, 9), "/applications/1/invoice_applied_minor"),
    ],
)
def test_in_one_currency_there_is_nothing_to_convert(line, loc):
    refused = refusal("VALIDATION_FAILED", FUNDS, [(invoice("invoice_0"), 1), (invoice(), line)])
    assert [(e.loc, e.code, e.detail) for e in refused.errors] == [(loc, "FX_NOT_APPLICABLE", refused.detail)]


def test_what_says_the_same_twice_is_no_contradiction():
    said = decide(FUNDS, [(invoice(), Request("invoice_1", 1000, Decimal("1.0"), 1000))])
    assert (said.allocations[0].fx_rate, said.allocations[0].invoice_applied_minor) == (Decimal(1), 1000)


# Steps 2 and 3


@pytest.mark.parametrize("applied", [1, 600, 5000])
def test_more_money_than_is_open_is_refused_whatever_is_applied(applied):
    refused = refusal("OVERPAYMENT_REQUIRES_CREDIT", FUNDS, [(invoice(balance=999), applied)])
    assert refused.extra == {"available_minor": 1000, "open_balance_minor": 999}
    assert "10.00 USD available, the selected invoices 9.99 USD open" in refused.detail


def test_what_is_open_is_the_sum_of_the_selected_invoices():
    two = [(invoice("invoice_1", 400), 400), (invoice("invoice_2", 600), 600)]
    assert decide(FUNDS, two).remainder_minor == 0
    refused = refusal("OVERPAYMENT_REQUIRES_CREDIT", FUNDS, two[:1])
    assert refused.extra["open_balance_minor"] == 400


def test_with_the_word_said_the_rest_stays():
    done = decide(FUNDS, [(invoice(balance=999), 999)], named=True)
    assert (done.applied_minor, done.remainder_minor, done.functional_remainder_minor) == (999, 1, 1)
    empty = decide(FUNDS, [], named=True)
    assert (empty.allocations, empty.remainder_minor, empty.functional_applied_minor) == ((), 1000, 0)


def test_the_payment_is_exceeded_before_an_invoice_is():
    refused = refusal("APPLIED_EXCEEDS_PAYMENT", FUNDS, [(invoice(balance=1000), 1001)])
    assert refused.extra == {"applied_minor": 1001, "available_minor": 1000}
    assert refused.detail == "10.01 USD is to be applied, 10.00 USD is available."
    refusal("APPLIED_EXCEEDS_PAYMENT", FUNDS, [(invoice(balance=10), 1001)], named=True)


def test_an_invoice_takes_no_more_than_its_balance():
    lines = [(invoice("invoice_1", 700), 100), (invoice("invoice_2", 300), 301)]
    refused = refusal("APPLIED_EXCEEDS_BALANCE", FUNDS, lines)
    assert refused.extra == {"invoice_id": "invoice_2", "balance_due_minor": 300}
    assert refused.detail == "3.01 USD is to be applied to invoice invoice_2, which has 3.00 USD open."


def test_no_more_is_spent_than_a_named_part_of_the_funds_holds():
    lines = [(invoice(), 300)]
    assert decide(FUNDS, lines, named=True, at_most=300).remainder_minor == 700
    refused = refusal("APPLIED_EXCEEDS_PAYMENT", FUNDS, lines, named=True, at_most=299)
    assert refused.extra["available_minor"] == 299
    refused = refusal("APPLIED_EXCEEDS_PAYMENT", FUNDS, [(invoice(balance=5000), 1001)], named=True, at_most=9000)
    assert refused.extra["available_minor"] == 1000


def test_an_application_counts_from_the_later_of_payment_and_issue():
    early, late = invoice("invoice_1", 500), invoice("invoice_2", 500, issue_date=date(2026, 3, 11))
    done = decide(FUNDS, [(early, 500), (late, 500)])
    assert [a.effective_date for a in done.allocations] == [PAID, date(2026, 3, 11)]


def test_an_invoice_is_relieved_in_its_own_rates_share_and_wholly_when_settled():
    done = decide(FUNDS, [(invoice(balance=3000, worth=100), 1000)])
    assert done.allocations[0].functional_relief_minor == 33
    assert done.allocations[0].new_balance_minor == 2000
    rest = decide(replace(FUNDS, available_minor=2000), [(invoice(balance=2000, worth=67), 2000)])
    assert rest.allocations[0].functional_relief_minor == 67


# Across currencies


EUROS = replace(FUNDS, available_minor=1000, functional_available_minor=1000)


def test_across_currencies_both_amounts_and_the_rate_are_kept():
    done = decide(EUROS, [(invoice(balance=2000, worth=2200, currency="EUR"), 1000)], stored="0.9")
    a = done.allocations[0]
    assert (a.applied_minor, a.invoice_applied_minor, a.fx_rate) == (1000, 900, Decimal("0.9"))
    assert (a.functional_cash_minor, a.functional_relief_minor) == (1000, 990)


def test_the_other_side_may_be_stated_exactly():
    line = Request("invoice_1", 1000, None, 777)
    done = decide(EUROS, [(invoice(balance=777, currency="EUR"), line)])
    assert (done.allocations[0].invoice_applied_minor, done.allocations[0].fx_rate) == (777, Decimal("0.777"))


@pytest.mark.parametrize(("applied", "settles"), [(998, False), (999, True), (1000, True), (1001, True), (1002, False)])
def test_a_minor_unit_more_or_less_settles_an_invoice_of_another_currency(applied, settles):
    eur = invoice(balance=100, currency="EUR")  # needs 1000 at 0.1
    funds = replace(EUROS, available_minor=5000)
    if applied > 1001:
        assert decide(funds, [(eur, 1004)], named=True, stored="0.1").allocations[0].invoice_applied_minor == 100
        refusal("APPLIED_EXCEEDS_BALANCE", funds, [(eur, 1006)], named=True, stored="0.1")
    elif settles:
        done = decide(funds, [(eur, applied)], named=True, stored="0.1")
        assert done.allocations[0].new_balance_minor == 0
    else:
        precise = invoice(balance=10_000, currency="EUR")  # needs 1000 at 10
        assert decide(funds, [(precise, applied)], named=True, stored="10").allocations[0].new_balance_minor == 20


@pytest.mark.parametrize("applied", [1002, 1500, 5000])
def test_far_more_than_an_invoice_of_another_currency_needs_is_too_much_for_it(applied):
    eur = invoice(balance=10_000, currency="EUR")
    funds = replace(EUROS, available_minor=5000)
    refused = refusal("APPLIED_EXCEEDS_BALANCE", funds, [(eur, applied)], named=True, stored="10")
    assert refused.extra == {"invoice_id": "invoice_1", "balance_due_minor": 10_000}


def test_a_unit_too_much_that_settles_is_no_overpayment():
    eur = invoice(balance=10_000, currency="EUR")
    funds = replace(EUROS, available_minor=1001)
    assert decide(funds, [(eur, 1001)], stored="10").remainder_minor == 0
    refused = refusal("OVERPAYMENT_REQUIRES_CREDIT", funds, [(eur, 1000)], stored="10")
    assert refused.extra == {"available_minor": 1001, "open_balance_minor": 1000}
    refusal("OVERPAYMENT_REQUIRES_CREDIT", replace(funds, available_minor=1002), [(eur, 1002)], stored="10")


def test_in_one_currency_a_unit_too_much_is_too_much():
    refusal("OVERPAYMENT_REQUIRES_CREDIT", replace(FUNDS, available_minor=1001), [(invoice(), 1001)])
    refusal("APPLIED_EXCEEDS_BALANCE", replace(FUNDS, available_minor=1001), [(invoice(), 1001)], named=True)


def test_a_unit_less_in_one_currency_leaves_a_unit_open():
    assert decide(FUNDS, [(invoice(), 999)]).allocations[0].new_balance_minor == 1


def test_less_than_a_minor_unit_of_the_invoice_is_too_little():
    funds = replace(EUROS, currency_code="JPY", available_minor=1)
    dinars = invoice(balance=500_000, currency="EUR")
    refused = refusal("APPLIED_TOO_SMALL", funds, [(dinars, 1)], stored="0.004")
    assert refused.extra == {"invoice_id": "invoice_1"}
    assert decide(funds, [(dinars, 1)], stored="0.01").allocations[0].invoice_applied_minor == 1
