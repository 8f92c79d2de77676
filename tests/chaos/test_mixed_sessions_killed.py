"""A hundred times SIGKILL while clerks post sessions with every kind of line, and others decide and undo what those left.

Each session is money on two invoices, a bank fee, a write-off, tax withheld, a deduction and a credit note; every request
is repeated with its key until it is answered. In the end each payment is there once with each of its lines once, what was
decided or undone is so once, and the control account is what invoices owe less what credit notes have left.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count, cycle, islice
from typing import Any

import pytest

from models.ids import new_id
from stack.runtime import RunningStack
from tests.cash_desk.books import opened, wrong
from tests.chaos.clients import Client
from tests.chaos.test_killed_processes import wait_for
from tests.stack_fixtures.private import PrivateStack

CLERKS = 4
PARTS = ("API", "worker", "API", "worker", "PostgreSQL", "API", "worker", "API", "worker", "Temporal")
"""Who dies, in turn: those that may be many in production four times as often as the servers behind them."""
A, B, NOTE = 100_00, 60_00, 10_00
FEE, OFF, DEDUCTED, WITHHELD = 5_00, 1_00, 4_00, 2_00
PAID_A, PAID_B = A - FEE - OFF - DEDUCTED, B - WITHHELD - NOTE
FATES = {
    "left": ("FULLY_APPLIED", "OPEN", DEDUCTED, 0, 0),
    "accepted": ("FULLY_APPLIED", "ACCEPTED", 0, 0, 0),
    "fee undone, deduction rejected": ("FULLY_APPLIED", "REJECTED", DEDUCTED + FEE, 0, 0),
    "reversed": ("REVERSED", "WITHDRAWN", A, B, NOTE),
}
"""What a session has come to: its payment, its deduction, what its two invoices owe, what its credit note has left."""

LINES = """
SELECT p.id, p.status, d.status AS deduction, a.balance_due_minor AS a, b.balance_due_minor AS b, n.balance_minor AS note,
  (SELECT count(*) FROM application_sessions s WHERE s.org_id = p.org_id AND s.payment_id = p.id) AS sessions,
  (SELECT count(*) FROM payment_applications x WHERE x.org_id = p.org_id AND x.payment_id = p.id) AS applications,
  (SELECT count(*) FROM adjustments x WHERE x.org_id = p.org_id AND x.payment_id = p.id) AS adjustments,
  (SELECT count(*) FROM deductions x WHERE x.org_id = p.org_id AND x.payment_id = p.id) AS deductions,
  (SELECT count(*) FROM credit_note_applications x WHERE x.org_id = p.org_id AND x.payment_id = p.id) AS notes
FROM payments p
  JOIN invoices a ON a.org_id = p.org_id AND a.external_id = 'a-' || p.external_id
  JOIN invoices b ON b.org_id = p.org_id AND b.external_id = 'b-' || p.external_id
  JOIN credit_notes n ON n.org_id = p.org_id AND n.external_id = 'n-' || p.external_id
  LEFT JOIN deductions d ON d.org_id = p.org_id AND d.payment_id = p.id
WHERE p.org_id = %s"""

CONTROL = """
SELECT (SELECT sum(functional_debit_minor - functional_credit_minor) FROM journal_lines
         WHERE org_id = %(org)s AND account = 'accounts_receivable')::bigint AS control,
  (SELECT sum(functional_balance_minor) FROM invoices WHERE org_id = %(org)s AND voided_at IS NULL)::bigint AS owed,
  (SELECT sum(functional_balance_minor) FROM credit_notes
    WHERE org_id = %(org)s AND posted_at IS NOT NULL AND voided_at IS NULL)::bigint AS noted"""


class Office:
    """Clerks who post one session after the other, and their manager; `done` says what each payment has come to."""

    def __init__(self, stack: PrivateStack, org: str) -> None:
        self.customer = stack.customer(org, "Mixed", "mixed@example.com")
        self.clerk = Client(stack.base_url, stack.token(org, "u_clerk", "ar_clerk"))
        self.manager = Client(stack.base_url, stack.token(org, "u_manager", "ar_manager"))
        self.over = threading.Event()
        self.done: dict[str, str] = {}
        self._turns = count()

    def work(self) -> None:
        while not self.over.is_set():
            turn = next(self._turns)
            fate = list(FATES)[turn % len(FATES)]
            payment, session = self._posted(in_one_call=turn // len(FATES) % 2 == 0)
            self._follow_up(fate, payment, session)
            self.done[payment] = fate

    def _posted(self, *, in_one_call: bool) -> tuple[str, dict[str, Any]]:
        own, name = {"customer_id": self.customer, "currency_code": "USD"}, new_id("ext")
        issued = own | {"issue_date": "2026-01-05"}
        a, b = (
            self.clerk.post("/v1/invoices", issued | {"external_id": f"{which}-{name}", "total_minor": total})["id"]
            for which, total in (("a", A), ("b", B))
        )
        given = {"external_id": f"n-{name}", "total_minor": NOTE, "reason_code": "GOODS_RETURNED"}
        note = self.manager.post("/v1/credit-notes", issued | given)["id"]
        session = {
            "applications": [
                {"invoice_id": a, "applied_minor": PAID_A, "adjustments": [_beside("bank_fee", FEE), _beside("write_off", OFF)]},
                {"invoice_id": b, "applied_minor": PAID_B, "adjustments": [_beside("tax_withheld", WITHHELD)]},
            ],
            "credit_notes": [{"credit_note_id": note, "invoice_id": b, "applied_minor": NOTE}],
            "deductions": [{"invoice_id": a, "amount_minor": DEDUCTED, "reason_code": "DAMAGED_GOODS"}],
        }  # fmt: skip
        received = own | {"external_id": name, "payment_date": "2026-01-15", "amount_minor": PAID_A + PAID_B}
        if in_one_call:
            both = self.clerk.post("/v1/customer-payments", received | {"apply": session})
            return str(both["id"]), both["session"]
        payment = str(self.clerk.post("/v1/customer-payments", received)["id"])
        return payment, self.clerk.post(f"/v1/customer-payments/{payment}/apply", session)

    def _follow_up(self, fate: str, payment: str, session: dict[str, Any]) -> None:
        because = {"reason_code": "CHECKED"}
        decide = f"/v1/deductions/{session['deductions'][0]['id']}/resolve"
        if fate == "accepted":
            self.manager.post(decide, because | {"decision": "accept"})
        elif fate == "reversed":
            self.clerk.post(f"/v1/customer-payments/{payment}/reverse", because)
        elif fate != "left":
            self.manager.post(decide, because | {"decision": "reject"})
            (fee,) = (x["id"] for x in session["adjustments"] if x["kind"] == "bank_fee")
            self.clerk.post(f"/v1/adjustments/{fee}/undo", because)


def _beside(kind: str, minor: int) -> dict[str, Any]:
    return {"kind": kind, "amount_minor": minor, "reason_code": "SMALL_DIFFERENCE", "note": "CIS-4711"}


@pytest.mark.soak
def test_sessions_of_every_kind_of_line_survive_a_hundred_kills(
    private_stack: Callable[..., PrivateStack], record_property: Callable[[str, object], None]
) -> None:
    """`ARFLOW_SOAK_KILLS`: fewer or more than a hundred."""
    kills = int(os.environ.get("ARFLOW_SOAK_KILLS", "100"))
    stack, began = private_stack().start(), time.monotonic()
    org = stack.organisation()
    office = Office(stack, org)
    with ThreadPoolExecutor(CLERKS) as pool:
        clerks = [pool.submit(office.work) for _ in range(CLERKS)]
        try:
            for part in islice(cycle(PARTS), kills):
                seen = len(office.done)
                wait_for(
                    lambda seen=seen: len(office.done) > seen or any(c.done() for c in clerks), 300,  # type: ignore[misc]
                    lambda: "no session comes to its end",
                )  # fmt: skip
                stack.wait_restarted(part, stack.kill(part))
        finally:
            office.over.set()
        for clerk in clerks:
            clerk.result(360)
    assert office.clerk.odd == office.manager.odd == []
    runtime = RunningStack.read(stack.home)
    assert runtime is not None
    with opened(runtime.database_url) as c:
        found = c.execute(LINES, (org,)).fetchall()
        (books,) = c.execute(CONTROL, {"org": org}).fetchall()
    retries = office.clerk.retries + office.manager.retries
    said = f"{kills} kills, {len(found)} sessions, {retries} repetitions, {time.monotonic() - began:.0f} s; {books}"
    record_property("kills", said)
    sys.stderr.write(f"{said}\n")
    assert retries > 0, "nothing was interrupted: the run proved nothing"
    assert {r["id"]: (r["status"], r["deduction"], r["a"], r["b"], r["note"]) for r in found} == {
        payment: FATES[fate] for payment, fate in office.done.items()
    }
    times = ("sessions", "applications", "adjustments", "deductions", "notes")
    assert {tuple(r[one] for one in times) for r in found} == {(1, 2, 3, 1, 1)}
    assert books["control"] == books["owed"] - books["noted"]
    assert wrong(runtime.database_url, org) == []
    verified = stack.arflow("verify", check=False)
    assert verified.returncode == 0, verified.stdout
    assert stack.stop() == 0
