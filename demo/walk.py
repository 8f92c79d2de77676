"""The walk by hand: the envelopes of one day, on invoices that it raises itself, dated today (see docs/demo.md)."""

from typing import Final

from demo.bank_files import files_of_banks
from demo.bank_line import statement_of_today
from demo.context import Demo
from demo.corrections import reconciled_reversal, reversal, wrong_match
from demo.desk import Desk, money
from demo.evidence import audit_trail, verify, what_is_open
from demo.history import create_customers
from demo.receipts import duplicate_submission, partial_payment, three_invoices
from demo.remainders import overpayment, pounds_for_dollars, use_credit

CUSTOMER: Final = "Harbour Coffee Roasters"
INVOICES: Final = {
    "A": 120_000, "B": 30_000, "C": 45_050, "D": 8_990, "E": 12_500, "F": 50_000, "G": 20_000, "H": 131_050, "I": 130_000,
    "J": 24_000, "K": 24_000, "L": 38_000, "M": 41_000, "N": 15_000, "O": 9_900,
}  # fmt: skip
"""Name → total in cents."""


def walk(ctx: Demo) -> None:
    """Every envelope in turn."""
    ctx.tell.chapter("The post is opened")
    desk = _desk(ctx)
    statement_of_today(desk)
    files_of_banks(desk)
    partial_payment(desk)
    three_invoices(desk)
    duplicate_submission(desk)
    credit = overpayment(desk)
    use_credit(desk, credit)
    pounds_for_dollars(desk)
    wrong_match(desk)
    reversal(desk)
    reversed_payment = reconciled_reversal(desk)
    ctx.tell.chapter("Before she signs")
    what_is_open(desk)
    audit_trail(desk, reversed_payment)
    verify(desk)


def _desk(ctx: Demo) -> Desk:
    name = f"{CUSTOMER} {ctx.walk}"
    ctx.tell.step(f"The clerk bills {name} for the month")
    row = {"external_id": ctx.new("harbour"), "name": name, "email": f"{ctx.new('payables')}@harbour.example"}
    desk = Desk(ctx, create_customers(ctx, [row])[0], name)
    desk.raise_invoices(INVOICES)
    total = sum(INVOICES.values())
    ctx.tell.same(f"{len(INVOICES)} invoices dated today, {money(total)}, all open", desk.owed(), total)
    ctx.tell.see(f"/v1/invoices?customer_id={desk.customer_id}&status=open")
    return desk
