"""The receivables of four month ends, held against the file to the cent and against the ledger."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from demo.context import Demo
from demo.dataset import CURRENCY, Buckets, aging_on, read_dataset
from models.money import major

MONTH_ENDS: Final = (date(2012, 6, 30), date(2012, 9, 30), date(2013, 1, 31), date(2013, 12, 31))
ENTITY: Final = "le_us"
_COLUMNS: Final = ("not_due_minor", "overdue_1_29_minor", "days_30_minor", "days_60_minor", "days_90plus_minor")
_HEADINGS: Final = (
    "month end",
    "customers",
    "not due",
    "1-29 days",
    "30-59",
    "60-89",
    "90 and more",
    f"total {CURRENCY}",
)


def show_month_ends(ctx: Demo) -> None:
    """One report per month end; a cut history has its own last days."""
    days = [day for day in MONTH_ENDS if ctx.history_until is None or day <= ctx.history_until]
    ctx.tell.step("The receivables of four month ends, against the list kept outside")
    rows = [_month_end(ctx, day) for day in days or [ctx.history_until or MONTH_ENDS[0]]]
    ctx.tell.table(_HEADINGS, rows)
    ctx.tell.claim("every customer's figures are the file's, to the cent", holds=True)
    ctx.tell.claim("and the totals are the ledger's control account", holds=True)
    ctx.tell.see(f"/v1/reports/ar-aging?as_of={MONTH_ENDS[1]}")


def _month_end(ctx: Demo, day: date) -> tuple[str, ...]:
    """The row of one day; ClaimFailed where the API, the file and the ledger do not say the same."""
    report = ctx.controller.get(f"/v1/reports/ar-aging?as_of={day}").json()
    expected = aging_on(read_dataset(ctx.history_until), day)
    found = {i["customer_name"]: _buckets(i) for i in report["items"] if any(_buckets(i))}
    wrong = sorted(c for c in expected.keys() | found.keys() if expected.get(c) != found.get(c))
    ctx.tell.require(f"on {day} every customer's aging is the file's", not wrong, _difference(wrong, expected, found))
    control = next(c for c in report["control"] if c["legal_entity_id"] == ENTITY)
    totals = [sum(b[n] for b in expected.values()) for n in range(5)]
    ledger = control["ledger_minor"]
    ctx.tell.require(f"on {day} the control account is the total", ledger == sum(totals), control)
    return (str(day), str(len(expected)), *(major(t, CURRENCY) for t in (*totals, sum(totals))))


def _buckets(item: Mapping[str, Any]) -> Buckets:
    not_due, overdue, thirty, sixty, ninety = (item[c] for c in _COLUMNS)
    return not_due, overdue, thirty, sixty, ninety


def _difference(wrong: list[str], expected: Mapping[str, Buckets], found: Mapping[str, Buckets]) -> str:
    return "; ".join(f"{c}: file {expected.get(c)}, API {found.get(c)}" for c in wrong[:5])
