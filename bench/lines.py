"""A session of every kind of line against a plain one, in one run, by HTTP, one after another, taking turns request by request:
what else the machine does in a minute meets all of them. Processor time is of sessions of one way in a row.

Each way applies a payment to invoices of its own. Plain: money alone, to one invoice and to ten. Mixed: the same ten
invoices, with discounts in time, write-offs, bank fees, tax withheld, several of them on one invoice, and a credit note.
"""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import psycopg

from bench.apply import at_rest
from bench.http import Connection
from bench.processor import processor_seconds
from bench.report import Figure, percentile
from bench.stack import BenchStack

ORG = "org_bench_lines"
PAYMENTS = "/v1/customer-payments"
TERMS: Final = "2-10-NET30"
DUE: Final = 100_000
"""Of each invoice, in cents."""

MIXED: Final[Sequence[dict[str, int]]] = (
    {"discount": 2_000}, {"write_off": 37}, {"bank_fee": 1_500}, {"tax_withheld": 5_000}, {"write_off": 50, "bank_fee": 100},
    {"discount": 1_900}, {"tax_withheld": 100, "write_off": 9}, {"bank_fee": 2_500}, {}, {},
)  # fmt: skip
"""What each of the ten invoices owes less beside the money; the last two have part of a credit note."""
CREDITED: Final = 4_000

Body = dict[str, Any]
Way = Callable[[Sequence[str], str], Body]
Measured = dict[str, defaultdict[str, list[float]]]


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    customers = stack.organisation(ORG, 1)
    return asyncio.run(_run(stack, customers[0], rounds=3 if quick else 8, n=15 if quick else 40))


def one_plain(invoices: Sequence[str], note: str) -> Body:
    """Money to one invoice."""
    return {"applications": [{"invoice_id": invoices[0], "applied_minor": DUE}]}


def ten_plain(invoices: Sequence[str], note: str) -> Body:
    """Money to ten invoices."""
    return {"applications": [{"invoice_id": i, "applied_minor": DUE} for i in invoices]}


def ten_mixed(invoices: Sequence[str], note: str) -> Body:
    """Every kind of line."""
    applications = []
    for invoice, beside in zip(invoices, MIXED, strict=True):
        credited = 0 if beside else CREDITED // 2
        adjustments = [
            {"kind": kind, "amount_minor": minor, "reason_code": kind.upper(), "note": "Certificate 7"}
            for kind, minor in beside.items()
        ]
        paid = DUE - sum(beside.values()) - credited
        applications.append({"invoice_id": invoice, "applied_minor": paid, "adjustments": adjustments})
    netted = [{"credit_note_id": note, "invoice_id": i, "applied_minor": CREDITED // 2} for i in invoices[-2:]]
    return {"applications": applications, "credit_notes": netted}


WAYS: Final[dict[str, Way]] = {"one": one_plain, "ten": ten_plain, "mixed": ten_mixed}


async def _run(stack: BenchStack, customer: str, *, rounds: int, n: int) -> list[Figure]:
    clerk = Connection(stack.port, stack.token(ORG, "u_clerk", "ar_clerk"))
    manager = Connection(stack.port, stack.token(ORG, "u_manager", "ar_manager"))
    controller = Connection(stack.port, stack.token(ORG, "u_controller", "controller"))
    terms = {"code": TERMS, "days": 30, "discount_percent": "2", "discount_days": 10}
    await controller.json("POST", "/v1/payment-terms", terms)
    measured: Measured = {way: defaultdict(list) for way in WAYS}
    for way in WAYS.values():
        await _serial(clerk, await prepare(clerk, manager, customer, way, 5))
    await _analysed(stack)
    for _ in range(rounds):
        await _times(
            stack,
            clerk,
            {name: await prepare(clerk, manager, customer, way, n) for name, way in WAYS.items()},
            measured,
        )
        for name, way in WAYS.items():
            measured[name]["processor"].append(
                await _processor(stack, clerk, await prepare(clerk, manager, customer, way, n // 2))
            )
    return _figures(measured)


async def _times(
    stack: BenchStack, clerk: Connection, work: Mapping[str, list[tuple[str, Body]]], measured: Measured
) -> None:
    """Each way's next session in turn, and who begins in turn: what one leaves to the background meets each other one."""
    await at_rest(stack)
    times: dict[str, list[float]] = {way: [] for way in work}
    for k, sessions in enumerate(zip(*work.values(), strict=True)):
        order = list(zip(work, sessions, strict=True))
        for name, session in order[k % len(order) :] + order[: k % len(order)]:
            times[name] += await _serial(clerk, [session])
    for name, of in times.items():
        measured[name]["p50"].append(statistics.median(of))
        measured[name]["serial"] += of


async def _processor(stack: BenchStack, clerk: Connection, work: list[tuple[str, Body]]) -> float:
    """Seconds of processor time of all processes, per session."""
    await at_rest(stack)
    used = processor_seconds(stack.pids().values())
    await _serial(clerk, work)
    return (processor_seconds(stack.pids().values()) - used) / len(work)


async def _analysed(stack: BenchStack) -> None:
    """As every database is after its first minute: what is looked for before has no statistics, and is found more slowly."""
    async with await psycopg.AsyncConnection.connect(stack.database_url, autocommit=True) as conn:
        await conn.execute("ANALYZE")


def _figures(measured: Measured) -> list[Figure]:
    def over(name: str, of: str, figure: str = "p50") -> float:
        return statistics.median(a / b for a, b in zip(measured[name][figure], measured[of][figure], strict=True))

    figures = [
        Figure("ten invoices with every kind of line, p50 over ten paid by money alone", over("mixed", "ten"), "x", 1.2),
        Figure("ten invoices with every kind of line, p50 over one invoice paid by money alone", over("mixed", "one"), "x"),
        Figure("ten invoices paid by money alone, p50 over one", over("ten", "one"), "x"),
        Figure("every kind of line, processor time over money alone", over("mixed", "ten", "processor"), "x"),
    ]  # fmt: skip
    for name in WAYS:
        figures += [
            Figure(f"{name}, serial p50", statistics.median(measured[name]["serial"]) * 1000, "ms"),
            Figure(f"{name}, serial p99", percentile(measured[name]["serial"], 0.99) * 1000, "ms"),
            Figure(f"{name}, processor time", statistics.median(measured[name]["processor"]) * 1000, "ms"),
        ]
    return figures


async def prepare(clerk: Connection, manager: Connection, customer: str, way: Way, n: int) -> list[tuple[str, Body]]:
    """n recorded payments of new invoices: the path and the body of each one's session."""
    work = []
    for k in range(n):
        stamp = f"{time.time_ns()}-{k}"
        items = [
            {
                "customer_id": customer, "external_id": f"i{stamp}-{j}", "issue_date": "2026-10-10", "currency_code": "USD",
                "total_minor": DUE, "payment_terms": TERMS,
            }
            for j in range(10)
        ]  # fmt: skip
        made = await clerk.json("POST", "/v1/invoices:batch", {"invoices": items})
        note = ""
        if way is ten_mixed:
            credit = {
                "customer_id": customer, "external_id": f"n{stamp}", "issue_date": "2026-10-11", "currency_code": "USD",
                "total_minor": CREDITED, "reason_code": "RETURNED_GOODS", "invoice_id": made["items"][-1]["invoice"]["id"],
            }  # fmt: skip
            note = (await manager.json("POST", "/v1/credit-notes", credit))["id"]
        body = way([x["invoice"]["id"] for x in made["items"]], note)
        receipt = {
            "customer_id": customer, "payment_date": "2026-10-15", "currency_code": "USD", "external_id": f"p{stamp}",
            "amount_minor": sum(line["applied_minor"] for line in body["applications"]),
        }  # fmt: skip
        recorded = await clerk.json("POST", PAYMENTS, receipt)
        work.append((f"{PAYMENTS}/{recorded['id']}/apply", body))
    return work


async def _serial(c: Connection, work: list[tuple[str, Body]]) -> list[float]:
    times = []
    for path, body in work:
        began = time.perf_counter()
        done = await c.json("POST", path, body)
        times.append(time.perf_counter() - began)
        assert done["status"] == "FULLY_APPLIED", done
    return times
