"""Each panel against SQL written by hand, on seeded random data; aging against the payments of the cash process."""

import random
from datetime import timedelta
from typing import Any

import pytest

from models.db.customer_360 import view as customer_360
from models.db.engine import fetch_once
from models.errors import Refusal
from tests.books import Books, today
from tests.view360.test_view import put, view

STAGES = ["Prospecting", "proposal", "NEGOTIATION", "Closed Won", "closed-lost"]
STATUSES = [
    "draft",
    "sent",
    "Accepted",
    "rejected",
    "open",
    "Closed",
    "resolved",
    "active",
    "Cancelled",
    "shipped",
    "terminated",
]
OPEN = {
    "opportunities": "upper(replace(replace(stage, ' ', '_'), '-', '_')) NOT IN ('CLOSED_WON', 'CLOSED_LOST')",
    "quotes": "lower(status) NOT IN ('accepted', 'rejected', 'closed', 'cancelled') "
    "AND (expiry_date IS NULL OR expiry_date >= current_date)",
    "orders": "true",
    "cases": "lower(status) NOT IN ('closed', 'resolved', 'cancelled')",
    "contracts": "lower(status) NOT IN ('terminated', 'cancelled', 'closed')",
}
ORDER = {
    "opportunities": "close_date, id",
    "quotes": "expiry_date NULLS LAST, id",
    "orders": "coalesce(order_date, ship_date, created_at::date) DESC, id DESC",
    "cases": "array_position(ARRAY['urgent', 'high', 'normal', 'low', 'whenever'], lower(priority)), sla_due_at NULLS LAST, id",
    "contracts": "renewal_date, id",
}
LIMIT = {"orders": 20}


def records(rng: random.Random, kind: str, customers: list[str]) -> list[dict[str, Any]]:
    day = today()

    def on(low: int, high: int) -> str:
        return str(day + timedelta(days=rng.randint(low, high)))

    made = []
    for n in range(rng.randint(20, 90)):
        r: dict[str, Any] = {"external_id": f"{kind}-{n}", "customer_id": rng.choice(customers)}
        if kind == "opportunities":
            r |= {"name": f"O{n}", "value_minor": rng.randrange(10**9), "currency_code": rng.choice(["USD", "JPY", "KWD"]),
                  "stage": rng.choice(STAGES), "close_date": on(-60, 200)}  # fmt: skip
        elif kind == "quotes":
            r |= {"status": rng.choice(STATUSES)} | ({"expiry_date": on(-5, 30)} if rng.random() < 0.8 else {})
        elif kind == "orders":
            r |= {"status": rng.choice(STATUSES)}
            r |= {f: on(-400, 10) for f in ("ship_date", "order_date") if rng.random() < 0.6}
        elif kind == "cases":
            r |= {"subject": f"S{n}", "status": rng.choice(STATUSES), "sla_status": "on_track",
                  "priority": rng.choice(["urgent", "High", "normal", "LOW", "whenever"])}  # fmt: skip
            r |= {"sla_due_at": on(-3, 3) + "T12:00:00Z"} if rng.random() < 0.5 else {}
        elif kind == "contracts":
            r |= {"status": rng.choice(STATUSES), "renewal_date": on(-30, 400), "arr_minor": rng.randrange(10**8),
                  "currency_code": "GBP", "notice_days": rng.choice([0, 30, 90])}  # fmt: skip
        else:
            r |= {"score": rng.randint(0, 10), "surveyed_at": on(-700, 0)}
        made.append(r)
    return made


@pytest.mark.parametrize("seed", range(4))
def test_the_panels_of_records_are_what_sql_by_hand_finds(books: Books, seed: int) -> None:
    rng = random.Random(seed)
    customers = [books.customer(f"C{n}") for n in range(3)]
    for kind in [*OPEN, "nps_responses"]:
        assert put(books, kind, *records(rng, kind, customers)).status_code == 200
        if seed % 2:  # and again, changed
            assert put(books, kind, *records(rng, kind, customers)).status_code == 200
    for c in customers:
        panels = view(books, c)["panels"]
        for kind, where in OPEN.items():
            by_hand = books.sql(
                f"SELECT * FROM {kind} WHERE org_id = :org AND customer_id = %(c)s AND {where} "
                f"ORDER BY {ORDER[kind]} LIMIT {LIMIT.get(kind, 100)}",
                c=c,
            )
            shown = panels[kind]["data"]
            assert [r["id"] for r in shown] == [r["id"] for r in by_hand], kind
            fields = set(shown[0]) & set(by_hand[0]) - {"sla_status", "sla_due_at"} if shown else set()
            assert [{f: r[f] for f in fields} for r in shown] == [
                {f: r[f].isoformat() if hasattr(r[f], "isoformat") else r[f] for f in fields} for r in by_hand
            ]
        breached = {r["id"] for r in books.sql("SELECT id FROM cases WHERE org_id = :org AND sla_due_at < now()")}
        assert {r["id"] for r in panels["cases"]["data"] if r["sla_status"] == "breached"} == breached & {
            r["id"] for r in panels["cases"]["data"]
        }
        latest = books.sql(
            "SELECT score FROM nps_responses WHERE org_id = :org AND customer_id = %(c)s "
            "ORDER BY surveyed_at DESC, id DESC LIMIT 1",
            c=c,
        )
        assert (panels["nps"]["data"] or {}).get("latest") == (latest[0]["score"] if latest else None)


def trade(books: Books, rng: random.Random, customer: str, currencies: list[str], ahead: bool) -> None:
    """Invoices, payments, sessions, undoings, voids, credits, disputes: whatever the rules let pass."""
    day = today()
    last = 6 if ahead else 0
    invoices: list[tuple[str, str]] = []
    payments: list[tuple[str, str]] = []
    applied: list[str] = []
    for _ in range(60):
        currency = rng.choice(currencies)
        what = rng.random()
        try:
            if what < 0.35 or not invoices:
                issued = day - timedelta(days=rng.randint(-last, 200))
                due = issued + timedelta(days=rng.choice([0, 15, 30, 60]))
                invoices.append((books.invoice(customer, rng.randrange(1, 10**6), issued, due, currency), currency))
            elif what < 0.55:
                on = day - timedelta(days=rng.randint(-last, 100))
                payments.append((books.pay(customer, rng.randrange(1, 10**6), on, currency), currency))
            elif what < 0.8 and payments:
                payment, paid_in = rng.choice(payments)
                chosen = [i for i, c in invoices if c == paid_in]
                if chosen:
                    over = rng.choice(["customer_credit", "unapplied", "unapplied"])
                    done = books.apply(payment, (rng.choice(chosen), rng.randrange(1, 10**5)), overpayment=over)
                    applied += [a["id"] for a in done["applications"]]
            elif what < 0.86 and applied:
                books.unapply(applied.pop(), None if not ahead else str(day + timedelta(days=rng.randint(0, 5))))
            elif what < 0.9 and payments:
                books.reverse(
                    rng.choice(payments)[0], None if not ahead else str(day + timedelta(days=rng.randint(0, 5)))
                )
            elif what < 0.95:
                books.void(rng.choice(invoices)[0])
            else:
                books.do("dispute_invoice", rng.choice(invoices)[0], {"reason_code": "PRICE"})
        except Refusal:
            continue


@pytest.mark.parametrize(("seed", "currencies", "ahead"), [
    (1, ["USD"], False), (2, ["USD"], False), (3, ["USD"], True), (4, ["USD", "GBP"], False), (5, ["EUR"], False),
    (6, ["USD", "EUR", "JPY"], True),
])  # fmt: skip
def test_aging_in_the_view_is_the_aging_of_the_books(
    books: Books, seed: int, currencies: list[str], ahead: bool
) -> None:
    rng = random.Random(seed)
    c = books.customer()
    for n in range(0, 230, 5):
        for quote, rate in (("GBP", "0.8"), ("EUR", "0.9"), ("JPY", "150")):
            books.rate("USD", quote, today() - timedelta(days=n - 10), rate)
    trade(books, rng, c, currencies, ahead)
    shown = view(books, c, "controller")["panels"]["ar_aging"]["data"]
    whole = books.aging(c)
    figures = set(whole) - {"invoices"}
    assert {f: shown[f] for f in figures} == {f: whole[f] for f in figures}
    assert [i["id"] for i in shown["invoices"]] == [i["id"] for i in whole["invoices"]][:50]
    assert all(whole["invoices"][n].items() <= i.items() for n, i in enumerate(shown["invoices"]))
    by_hand = books.sql(
        """SELECT coalesce(sum(open), 0)::bigint AS total_minor,
             coalesce(sum(open) FILTER (WHERE late < 30), 0)::bigint AS current_minor,
             coalesce(sum(open) FILTER (WHERE late BETWEEN 30 AND 59), 0)::bigint AS days_30_minor,
             coalesce(sum(open) FILTER (WHERE late BETWEEN 60 AND 89), 0)::bigint AS days_60_minor,
             coalesce(sum(open) FILTER (WHERE late >= 90), 0)::bigint AS days_90plus_minor
           FROM (SELECT current_date - i.due_date AS late, i.total_minor - coalesce((SELECT sum(a.invoice_applied_minor)
               FROM payment_applications a WHERE a.invoice_id = i.id AND a.effective_date <= current_date
                AND (a.undone_date IS NULL OR a.undone_date > current_date)), 0) AS open
             FROM invoices i WHERE i.org_id = :org AND i.customer_id = %(c)s AND i.issue_date <= current_date
              AND (i.void_date IS NULL OR i.void_date > current_date)) o""",
        c=c,
    )[0]
    if len(currencies) == 1:
        assert {f: shown[f] for f in by_hand} == dict(by_hand)
    assert len(shown["recent_payments"]) <= 10


def reversal_ahead(books: Books, c: str) -> None:
    books.reverse(books.pay(c, 700, today()), today() + timedelta(days=2))


def payment_ahead(books: Books, c: str) -> None:
    books.apply(books.pay(c, 700, today() + timedelta(days=3)), (books.invoice(c, 1000, today(), today()), 700))


def undone_ahead(books: Books, c: str) -> None:
    done = books.apply(books.pay(c, 700, today()), (books.invoice(c, 1000, today(), today()), 700))
    books.unapply(done["applications"][0]["id"], today() + timedelta(days=2))


def void_ahead(books: Books, c: str) -> None:
    invoice = books.invoice(c, 1000, today(), today())
    books.void(invoice)
    books.sql("UPDATE invoices SET void_date = void_date + 3 WHERE id = %(i)s", i=invoice)


def other_money(books: Books, c: str) -> None:
    books.rate("USD", "EUR", today(), "0.9")
    books.pay(c, 900, today(), "EUR")


def two_currencies(books: Books, c: str) -> None:
    books.rate("USD", "EUR", today(), "0.9")
    books.invoice(c, 900, today(), today(), "EUR")


@pytest.mark.parametrize("case", [reversal_ahead, payment_ahead, undone_ahead, void_ahead, other_money, two_currencies])
def test_each_reason_to_ask_for_the_whole_aging_is_seen_alone(books: Books, case: Any) -> None:
    c = books.customer()
    books.invoice(c, 500, today() - timedelta(days=100), today() - timedelta(days=70))
    case(books, c)
    shown, whole = view(books, c)["panels"]["ar_aging"]["data"], books.aging(c)
    assert {f: shown[f] for f in set(whole) - {"invoices"}} == {f: whole[f] for f in set(whole) - {"invoices"}}
    params = customer_360.parameters(books.org, c, None, invoices=True, payments=False)
    row = fetch_once(books.engine, books.org, customer_360.ONE["ar_aging"], params)
    assert row is not None
    assert row[customer_360.FIRST_PANEL] is None, "the view's own statement leaves this customer to the aging reads"
