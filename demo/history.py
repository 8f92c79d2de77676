"""Loads two years of business through the product's own doors, as a company would that moves in.

Customers come from a file, invoices by `invoices:batch`, and one bank statement per month is made of the settlements and
uploaded; the statements apply themselves. Every door is idempotent, so a second run finds all of it there.
"""

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from rich.progress import Progress

from demo.bank_statements import MonthStatement, monthly_statements, worked_off
from demo.console import ClaimFailed
from demo.context import Demo
from demo.dataset import CURRENCY, SettledInvoice, read_dataset
from demo.people import ORG_NAME
from models.money import major, spelt

T = TypeVar("T")
R = TypeVar("R")

BANK_ACCOUNT: Final = "bank_us"
BATCH: Final = 125
"""Invoices a request. The door takes 500; with fewer, several requests are under way and the progress can be seen."""
AT_ONCE: Final = 3


def load_history(ctx: Demo) -> None:
    """Customers, invoices, statements; each checked for what came of it."""
    ctx.tell.chapter("Before she starts: two years of business")
    invoices = read_dataset(ctx.history_until)
    _organisation(ctx)
    customers = _customers(ctx, sorted({i.customer for i in invoices}))
    with _confirmations_off(ctx):
        _invoices(ctx, invoices, customers)
        _statements(ctx, monthly_statements(invoices, ctx.history_until))


def create_customers(ctx: Demo, rows: Sequence[dict[str, str]]) -> list[str]:
    """Create customers past approval by the command that is there for it; their ids in order."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
        file.flush()
        return ctx.arflow("customer", "create", "--org", ctx.org_id, "--file", file.name).stdout.split()


def _organisation(ctx: Demo) -> None:
    if not ctx.controller.get("/v1/legal-entities").json()["items"]:
        ctx.arflow("org", "create", ctx.org_id, "--name", ORG_NAME)


def _customers(ctx: Demo, codes: Sequence[str]) -> dict[str, str]:
    """Code in the file → customer id. The file names nobody, so the code is the name."""
    ctx.tell.step(f"Customers from a file: arflow customer create --org {ctx.org_id} --file customers.csv")
    rows = [{"external_id": code, "name": code, "email": f"payables@{code.lower()}.example"} for code in codes]
    ids = create_customers(ctx, rows)
    ctx.tell.same(f"{len(codes)} customers are there", len(set(ids)), len(codes))
    return dict(zip(codes, ids, strict=True))


@contextmanager
def _confirmations_off(ctx: Demo) -> Iterator[None]:
    """Nobody is written to about what he paid years ago; what is paid from now on is confirmed again."""
    ctx.controller.patch("/v1/settings", {"remittance_confirmation": "off"})
    try:
        yield
    finally:
        ctx.controller.patch("/v1/settings", {"remittance_confirmation": "send"})


def _invoices(ctx: Demo, invoices: Sequence[SettledInvoice], customers: dict[str, str]) -> None:
    ctx.tell.step(f"{len(invoices):,} invoices: POST /v1/invoices:batch, {BATCH} a request")
    batches = [invoices[at : at + BATCH] for at in range(0, len(invoices), BATCH)]

    def send(batch: Sequence[SettledInvoice]) -> bool:
        """Whether the batch had been sent before."""
        body = {"invoices": [_invoice(i, customers) for i in batch]}
        key = {"Idempotency-Key": f"demo-history-{batch[0].number}-{len(batch)}"}
        answer = ctx.clerk.post("/v1/invoices:batch", body, headers=key)
        for item in answer.json()["items"]:
            if item["status"] == "failed":
                raise ClaimFailed(f"invoice {batch[item['index']].number} is issued, but: {item['error']}")
        return "Idempotent-Replayed" in answer.headers

    with ctx.tell.progress() as progress:
        before = _at_once(send, batches, progress, "invoices", [len(b) for b in batches])
    total = sum(i.total_minor for i in invoices)
    ctx.tell.claim(f"all are there, {spelt(total, CURRENCY)} in all{_found(before)}", holds=True)
    ctx.tell.see("/v1/invoices?status=open")


def _invoice(invoice: SettledInvoice, customers: dict[str, str]) -> dict[str, Any]:
    return {
        "customer_id": customers[invoice.customer],
        "external_id": invoice.number,
        "issue_date": invoice.issued.isoformat(),
        "due_date": invoice.due.isoformat(),
        "currency_code": CURRENCY,
        "total_minor": invoice.total_minor,
    }


def _statements(ctx: Demo, months: Sequence[MonthStatement]) -> None:
    ctx.tell.step(f"{len(months)} bank statements: POST /v1/bank-accounts/{BANK_ACCOUNT}/statements")
    runs: list[str] = []

    def upload(month: MonthStatement) -> bool:
        """Whether the same file had been uploaded before."""
        files = {"file": (month.filename, month.content)}
        answer = ctx.bank.post(f"/v1/bank-accounts/{BANK_ACCOUNT}/statements", files=files, expect=202)
        done = worked_off(ctx, answer.json()["id"])
        found = {k: done[k] for k in ("status", "lines_total", "applied", "unmatched", "warnings")}
        due = {
            "status": "COMPLETED",
            "lines_total": month.lines,
            "applied": month.lines,
            "unmatched": 0,
            "warnings": [],
        }
        if found != due:
            raise ClaimFailed(f"{month.filename} applies itself: {due}, but: {found}")
        runs.append(answer.headers["X-Workflow-Id"])
        return "Idempotent-Replayed" in answer.headers

    with ctx.tell.progress() as progress:
        before = _at_once(upload, months, progress, "bank lines", [m.lines for m in months])
    lines, invoices = sum(m.lines for m in months), sum(m.invoices for m in months)
    received = major(sum(m.total_minor for m in months), CURRENCY)
    ctx.tell.claim(f"{lines:,} receipts paid {invoices:,} invoices by themselves, {received} {CURRENCY}", holds=True)
    ctx.tell.happened(f"{months[-1].filename} is CAMT.053, the others CSV{_found(before)}")
    ctx.tell.see("/v1/statements")
    ctx.tell.see_run(runs[-1])


def _at_once(
    work: Callable[[T], R], items: Sequence[T], progress: Progress, name: str, weights: Sequence[int]
) -> list[R]:
    """Do `work` for the items, a few at a time, showing how far it has come."""
    task = progress.add_task(name, total=sum(weights))

    def one(item: T, weight: int) -> R:
        done = work(item)
        progress.advance(task, weight)
        return done

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, items, weights))


def _found(before: Sequence[bool]) -> str:
    """What is said of a second run."""
    return " (found from an earlier run)" if all(before) else ""
