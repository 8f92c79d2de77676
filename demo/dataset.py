"""The public data set in demo/data: two years of invoices, each settled in full on one day.

What was open on a day follows from the file alone. It is computed here without any of the engine's code, so that the
engine can be held against it.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).parent / "data" / "accounts-receivable-2012-2013.csv"
CURRENCY: Final = "USD"

Buckets = tuple[int, int, int, int, int]
"""Minor units by days past due: none, 1 to 29, 30 to 59, 60 to 89, 90 and more."""


@dataclass(frozen=True)
class SettledInvoice:
    """One row. `total_minor` in cents of a dollar."""

    number: str
    customer: str
    issued: date
    due: date
    total_minor: int
    disputed: bool
    settled: date

    def open_on(self, day: date) -> bool:
        return self.issued <= day < self.settled


def read_dataset(until: date | None = None) -> list[SettledInvoice]:
    """The invoices by issue date and number; with `until`, those issued by then."""
    with FILE.open(newline="", encoding="utf-8") as f:
        rows = [_invoice(row) for row in csv.DictReader(f)]
    return sorted((r for r in rows if until is None or r.issued <= until), key=lambda r: (r.issued, r.number))


def aging_on(invoices: Iterable[SettledInvoice], day: date) -> dict[str, Buckets]:
    """Customer → what was open at the end of that day, by days past due; customers who owed nothing are left out."""
    owed: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for invoice in invoices:
        if invoice.open_on(day):
            owed[invoice.customer][_bucket((day - invoice.due).days)] += invoice.total_minor
    return {customer: (b[0], b[1], b[2], b[3], b[4]) for customer, b in owed.items()}


def _bucket(days_past_due: int) -> int:
    return 0 if days_past_due <= 0 else 1 + min(days_past_due // 30, 3)


def _invoice(row: Mapping[str, str]) -> SettledInvoice:
    return SettledInvoice(
        number=row["invoiceNumber"],
        customer=row["customerID"],
        issued=_day(row["InvoiceDate"]),
        due=_day(row["DueDate"]),
        total_minor=int(Decimal(row["InvoiceAmount"]) * 100),
        disputed=row["Disputed"] == "Yes",
        settled=_day(row["SettledDate"]),
    )


def _day(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007 - a calendar date, in no time zone
