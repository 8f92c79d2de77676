"""Memory of API and worker over 10,000 payments by HTTP, 32 at once: flat, or there is a leak.

Every payment is recorded, with an invoice of its own, and one in four is applied (and confirmed).

The first half warms up (pools, caches, the allocator's arenas); what the second half adds is what counts.
"""

import asyncio

from bench.apply import WIDTH, concurrent, memory_of, prepare
from bench.http import Connection
from bench.report import Figure
from bench.stack import BenchStack

ORG = "org_bench_m"
MOST_MB = 8.0
"""What 5,000 payments may add, in all. A leak of 2 kB per payment would show."""


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    customers = stack.organisation(ORG, 64)
    return asyncio.run(_run(stack, customers, steps=10, n=100 if quick else 1000))


async def _run(stack: BenchStack, customers: list[str], *, steps: int, n: int) -> list[Figure]:
    token = stack.token(ORG, "u_clerk", "ar_clerk")
    lanes = [Connection(stack.port, token) for _ in range(WIDTH)]
    seen = [memory_of(stack)]
    for _ in range(steps):
        await concurrent(lanes, (await prepare(lanes, customers, n))[::4])
        seen.append(memory_of(stack))
    figures = []
    for part in ("API", "worker"):
        course = [m[part] for m in seen]
        told = "MB after each tenth: " + ", ".join(f"{mb:.0f}" for mb in course)
        figures += [
            Figure(f"memory of the {part} after {steps * n:,} payments", course[-1], "MB", note=told),
            Figure(
                f"memory that the second {steps * n // 2:,} added to the {part}",
                course[-1] - course[steps // 2],
                "MB",
                MOST_MB,
            ),
        ]
    return figures
