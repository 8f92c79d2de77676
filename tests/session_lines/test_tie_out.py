"""Whatever is done in whatever order: every report of every day ties to the control account, and so does what was known then."""

import random
from datetime import date, timedelta
from itertools import pairwise

import pytest

from models.errors import Refusal
from models.ids import new_id
from tests.books import Books, today
from tests.credit_notes.desk import note, settle
from tests.deductions.desk import decide, deduction
from tests.session_lines.desk import apply, beside, breaches, item, person

FIRST = date(2026, 1, 1)


def some_day(dice: random.Random) -> str:
    return (FIRST + timedelta(days=dice.randrange(70))).isoformat()


def live_through(books: Books, dice: random.Random, steps: int) -> tuple[list[str], list[str]]:
    """A desk's quarter: invoices in two currencies, sessions of several lines, some of it undone, some left out of a payment and
    decided, some credited or written off without one; refusals leave nothing."""
    for week in range(12):
        books.rate("EUR", "USD", FIRST + timedelta(days=7 * week), f"1.{20 + week % 7:02}")
    customers = [books.customer() for _ in range(3)]
    moments: list[str] = []
    for n in range(steps):
        customer, currency = dice.choice(customers), dice.choice(("USD", "USD", "EUR"))
        total = dice.randrange(50, 40_000)
        invoice = books.invoice(customer, total, some_day(dice), currency=currency, tax_minor=total // 9)
        money = dice.randrange(1, total)
        kinds = dice.sample(["bank_fee", "tax_withheld", "write_off"], 2)
        left = total - money
        parts = [beside(kind, minor) for kind, minor in zip(kinds, (left // 2, left // 3), strict=True) if minor]
        try:
            payment = books.pay(customer, money + dice.choice((0, 0, 500)), some_day(dice), currency)
            rest = left - sum(p["amount_minor"] for p in parts)
            out = [deduction(invoice, dice.randrange(1, rest + 1))] if rest and dice.randrange(3) else []
            lines = item(invoice, money, *parts)
            done = apply(books, payment, lines, by="controller", overpayment="unapplied", deductions=out)
            what = dice.randrange(9)
            if what == 0:
                books.unapply(done["applications"][0]["id"], dice.choice((None, "2026-04-01")))
            elif what == 1 and parts:
                books.do("undo_adjustment", done["adjustments"][0]["id"], {"reason_code": "WRONG"})
            elif what == 2:
                books.reverse(payment, dice.choice((None, "2026-03-20")))
            elif what < 6 and out:
                decide(books, done["deductions"][0]["id"], dice.choice(("accept", "reject")), by="controller")
            elif what == 6:
                body = {"invoice_id": invoice, "amount_minor": 1, "reason_code": "SMALL_BALANCE"}
                books.do("create_write_off", new_id("wo"), body, person(books, "controller"))
            elif what > 6:
                credit = note(books, customer, dice.randrange(2, 5_000), some_day(dice), currency_code=currency)
                if what == 7:
                    settle(books, credit, (invoice, 1))
        except Refusal as refused:
            if refused.code not in (
                "APPROVAL_REQUIRED", "DATE_BEFORE_PAYMENT", "FX_RATE_MISSING", "INVOICE_NOT_OPEN",
                "APPLIED_EXCEEDS_BALANCE",
            ):  # fmt: skip
                raise
        if n == steps // 2:
            books.close_period("2026-01")
        moments.append(books.moment().isoformat())
    return customers, moments


def _now_it_is_one_truth(books: Books, customers: list[str]) -> None:
    """Control account, invoices less open notes, what is disputed, the view, and what was told: the same figures."""
    sql = """SELECT (SELECT sum(functional_balance_minor) FROM invoices WHERE org_id = :org AND voided_at IS NULL)
        - (SELECT coalesce(sum(functional_balance_minor), 0) FROM credit_notes
           WHERE org_id = :org AND posted_at IS NOT NULL AND voided_at IS NULL) AS due,
      (SELECT sum(functional_debit_minor - functional_credit_minor) FROM journal_lines
       WHERE org_id = :org AND account = 'accounts_receivable') AS ledger"""
    (row,) = books.sql(sql)
    assert row["due"] == row["ledger"]
    left_out = books.get("/v1/deductions", limit="200")["items"]
    assert {d["status"] for d in left_out} > {"OPEN"}, "some are decided, some not"
    for customer in customers:
        view, own = books.get(f"/v1/customers/{customer}/360/panels/ar_aging")["data"], books.aging(customer)
        figures = (
            "total_minor",
            "net_minor",
            "disputed_minor",
            "credit_notes_minor",
            "unapplied_minor",
            "credits_minor",
        )
        assert [view[f] for f in figures] == [own[f] for f in figures]
        open_ = [d for d in left_out if d["customer_id"] == customer and d["status"] == "OPEN"]
        disputed = {i["id"]: i["disputed_minor"] for i in own["invoices"] if i["disputed_minor"]}
        assert disputed.keys() == {d["invoice_id"] for d in open_}
        assert sum(disputed.values()) <= sum(d["amount_minor"] for d in open_)
    told = books.sql("SELECT data FROM outbox_events WHERE org_id = :org AND type = 'ar.payment.applied'")
    said = {x["deduction_id"]: x["amount_minor"] for e in told for x in e["data"].get("deductions", ())}
    assert said == {d["id"]: d["amount_minor"] for d in left_out}


@pytest.mark.parametrize("seed", [1, 2])
def test_every_report_of_every_day_ties(books: Books, seed: int) -> None:
    dice = random.Random(seed)
    customers, moments = live_through(books, dice, 14)
    days = [FIRST + timedelta(days=n) for n in range(0, 110, 11)] + [today()]
    for day in days:
        report = books.get("/v1/reports/ar-aging", as_of=day)
        assert [c["difference_minor"] for c in report["control"]] == [0] * len(report["control"]), day
        of_customers = {c: books.aging(c, as_of=day) for c in customers}
        for i in report["items"]:
            own = {b["currency_code"]: b["total_minor"] for b in of_customers[i["customer_id"]]["by_currency"]}
            theirs = {b["currency_code"]: b["total_minor"] for b in i["by_currency"]}
            assert own == theirs, (day, i["customer_id"])
        cash = books.get("/v1/reports/unapplied-cash", as_of=day)
        assert [c["difference_minor"] for c in cash["control"]] == [0] * len(cash["control"]), day
    for since, until in pairwise(days):
        moved = books.get("/v1/reports/ar-roll-forward", **{"from": since, "to": until})
        assert [i["difference_minor"] for i in moved["items"]] == [0] * len(moved["items"]), (since, until)
    assert breaches(books) == {}
    _now_it_is_one_truth(books, customers)
    # What was known at the end is what is known; and a day asked for as of a moment stays what it was answered then.
    for customer in customers:
        now, known = (
            books.aging(customer, as_of="2026-03-31"),
            books.aging(customer, as_of="2026-03-31", known_at=moments[-1]),
        )
        assert {k: v for k, v in now.items() if k != "known_at"} == {k: v for k, v in known.items() if k != "known_at"}


def test_a_day_as_it_was_known_stays_as_it_was_answered(books: Books) -> None:
    dice = random.Random(7)
    customers, _ = live_through(books, dice, 6)
    asked = [(c, d, books.moment().isoformat()) for c in customers for d in ("2026-02-10", "2026-03-31")]
    told = [books.aging(c, as_of=d, known_at=at) for c, d, at in asked]
    live_through_more = [books.invoice(c, 1_000, "2026-01-03") for c in customers]
    for c, invoice in zip(customers, live_through_more, strict=True):
        apply(books, books.pay(c, 900, "2026-01-09"), item(invoice, 900, beside("bank_fee", 100)))
    for adjustment in books.get("/v1/adjustments", status="posted", limit="200")["items"]:
        books.do("undo_adjustment", adjustment["id"], {"reason_code": "WRONG"})
    assert [books.aging(c, as_of=d, known_at=at) for c, d, at in asked] == told
