"""The bank's statement of each month, made of the data set's settlements.

What a customer paid on one day is one credit that names all its invoices, as payers do it. The last month comes as
CAMT.053 with structured references, the others as CSV with a line of text.
"""

import io
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock
from typing import Any, Final

from demo.console import ClaimFailed
from demo.context import Demo
from demo.dataset import CURRENCY, SettledInvoice
from models.cash.statements import Statement, StatementLine
from statement_readers.write_camt import write_camt
from statement_readers.write_csv import write_csv

ACCOUNT: Final = "US-DEMO-000001"
PATIENCE_SECONDS: Final = 120


@dataclass(frozen=True)
class MonthStatement:
    """A file as the bank would send it. `invoices` and `total_minor` are what its lines pay."""

    month: str
    filename: str
    content: bytes
    lines: int
    invoices: int
    total_minor: int


def monthly_statements(invoices: Iterable[SettledInvoice], until: date | None = None) -> list[MonthStatement]:
    """The months in order; settlements after `until` have not happened."""
    months: dict[str, list[SettledInvoice]] = defaultdict(list)
    for invoice in invoices:
        if until is None or invoice.settled <= until:
            months[invoice.settled.strftime("%Y-%m")].append(invoice)
    made, balance = [], 0
    for month in sorted(months):
        paid = months[month]
        write = _camt if month == max(months) else _csv
        name, content, lines = write(month, paid, balance)
        total = sum(i.total_minor for i in paid)
        made.append(MonthStatement(month, name, content, lines, len(paid), total))
        balance += total
    return made


def worked_off(ctx: Demo, statement_id: str) -> dict[str, Any]:
    """The statement once its process has ended; ClaimFailed where that takes too long."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while True:
        found: dict[str, Any] = ctx.bank.get(f"/v1/statements/{statement_id}").json()
        if found["status"] != "PROCESSING":
            return found
        if time.monotonic() > patience:
            raise ClaimFailed(f"{statement_id} is worked off within {PATIENCE_SECONDS} s, but it is not")
        time.sleep(0.1)


def _csv(month: str, paid: Sequence[SettledInvoice], _opening: int) -> tuple[str, bytes, int]:
    lines = [_line(n, credit, in_text=True) for n, credit in enumerate(_credits(paid), 1)]
    out = io.StringIO(newline="")
    write_csv(out, lines)
    return f"statement-{month}.csv", out.getvalue().encode(), len(lines)


def _camt(month: str, paid: Sequence[SettledInvoice], opening: int) -> tuple[str, bytes, int]:
    lines = tuple(_line(n, credit, in_text=False) for n, credit in enumerate(_credits(paid), 1))
    last = max(line.booking_date for line in lines)
    statement = Statement(
        account_ref=ACCOUNT,
        statement_ref=f"{month}-1",
        currency_code=CURRENCY,
        opening_minor=opening,
        closing_minor=opening + sum(line.amount_minor for line in lines),
        from_date=last.replace(day=1),
        to_date=last,
        lines=lines,
    )
    out = io.BytesIO()
    write_camt(out, statement, created_at=datetime.combine(last, clock(23), UTC))
    return f"statement-{month}.xml", out.getvalue(), len(lines)


def _credits(paid: Sequence[SettledInvoice]) -> list[list[SettledInvoice]]:
    """What each customer paid on each day, in the order of the days."""
    together: dict[tuple[date, str], list[SettledInvoice]] = defaultdict(list)
    for invoice in paid:
        together[(invoice.settled, invoice.customer)].append(invoice)
    return [together[key] for key in sorted(together)]


def _line(number: int, credit: Sequence[SettledInvoice], *, in_text: bool) -> StatementLine:
    numbers = tuple(i.number for i in credit)
    word = "Invoice" if len(numbers) == 1 else "Invoices"
    return StatementLine(
        line=number,
        booking_date=credit[0].settled,
        value_date=credit[0].settled,
        amount_minor=sum(i.total_minor for i in credit),
        currency_code=CURRENCY,
        payer=credit[0].customer,
        remittance_text=f"{word} {' and '.join(numbers)}" if in_text else None,
        structured_references=() if in_text else numbers,
    )
