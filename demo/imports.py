"""The walk through a bulk import: an export of Salesforce accounts with the faults such files have (see docs/imports.md)."""

import csv
import io
import json
from typing import Any, Final

from demo.context import Demo
from demo.import_exports import walk_exports
from demo.import_pull import walk_pull
from demo.import_waiting import wait_for

GOOD: Final = 600
HEADER: Final = (
    "Account ID", "Account Name", "Type", "Email", "Phone", "Tax ID", "Credit Limit", "Payment Terms", "Account Currency",
    "Billing Street", "Billing City", "Billing State/Province", "Billing Zip/Postal Code", "Billing Country",
)  # fmt: skip
TRADES: Final = (
    "Bakery",
    "Brewing",
    "Ceramics",
    "Dairy",
    "Logistics",
    "Optics",
    "Printing",
    "Robotics",
    "Textiles",
    "Timber",
)
TOWNS: Final = (
    ("Austin", "TX", "78701", "United States"), ("Boise", "ID", "83702", "United States"),
    ("Leeds", "", "LS1 4AP", "United Kingdom"),
    ("Lyon", "", "69001", "France"), ("Bremen", "", "28195", "Germany"),
)  # fmt: skip


def walk_imports(ctx: Demo) -> None:
    """Upload, see what would happen, decide, watch, read the report, correct and upload again; then pull."""
    ctx.tell.chapter("Six hundred accounts from the CRM")
    import_id = _upload(ctx)
    _review(ctx, import_id)
    _execute(ctx, import_id)
    failed = _report(ctx, import_id)
    _again(ctx, failed)
    walk_exports(ctx)
    walk_pull(ctx)


def export(walk: str) -> list[list[str]]:
    """Rows as Salesforce's report export writes them: good ones, and one of each fault."""
    rows = [_account(walk, n) for n in range(GOOD)]
    faulty = {
        40: ("Email", "accounts(at)example.com"),
        90: ("Email", ""),
        150: ("Account Currency", "US$"),
        210: ("Payment Terms", "Net 90"),
        280: ("Tax ID", "1.23457E+11"),
        350: ("Credit Limit", "-500"),
        420: ("Account Name", ""),
    }
    for n, (column, value) in faulty.items():
        rows[n][HEADER.index(column)] = value
    rows[500] = _account(walk, 5)  # the same account exported twice
    rows[505][HEADER.index("Credit Limit")] = "2500000.00"
    rows[510][HEADER.index("Account Name")] = f'=HYPERLINK("http://example.com","{walk}")'
    return rows


def _account(walk: str, n: int) -> list[str]:
    town, state, code, country = TOWNS[n % len(TOWNS)]
    name = f"{TRADES[n % len(TRADES)]} {walk} {n}"
    mail = f"accounts.{walk}.{n}@example.com"
    return [
        f"001{walk}{n:06d}", name, "Customer", mail, f"+1 555 01{n:05d}"[:15], f"98-{walk}{n:05d}", "25000.00", "Net 30", "USD",
        f"{n + 1} Market Street\nFloor 2", town, state, code, country,
    ]  # fmt: skip


def _file(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, *rows])
    return ("\ufeff" + out.getvalue()).encode()


def _send(ctx: Demo, content: bytes, **options: Any) -> dict[str, Any]:
    said = {"source": "salesforce", "legal_entity_id": "le_us", **options}
    files = {"file": ("salesforce-accounts.csv", content, "text/csv")}
    answer = ctx.clerk.call("POST", "/v1/customer-imports", expect=202, files=files, data={"options": json.dumps(said)})
    sent: dict[str, Any] = answer.json()
    return sent


def _upload(ctx: Demo) -> str:
    ctx.tell.step(f"The clerk uploads Salesforce's account export: {GOOD} rows, a few of them as such files are")
    content = _file(export(ctx.walk))
    sent = _send(ctx, content, batch_size=20)
    ctx.tell.see(f"/v1/customer-imports/{sent['id']}")
    ctx.tell.see_run(sent["workflow_id"])
    again = _send(ctx, content, batch_size=20)
    ctx.tell.same("uploaded twice by mistake, it is the same import", again["id"], sent["id"])
    return str(sent["id"])


def _review(ctx: Demo, import_id: str) -> None:
    ctx.tell.step("Every row is judged by the rules of a single customer; nothing is created yet")
    now = wait_for(ctx, import_id, "AWAITING_REVIEW", "FAILED")
    would = now["summary"]["would"]
    ctx.tell.table(("finding", "rows", "first seen in row"), [
        (code, str(rows), str(now["summary"]["sample_rows"][code][0])) for code, rows in now["summary"]["codes"].items()
    ])  # fmt: skip
    ctx.tell.same("seven rows are invalid, one repeats another, the rest would be created", would, {
        "create": GOOD - 8, "update": 0, "skip": 1, "fail": 7,
    })  # fmt: skip
    first = ctx.clerk.get(f"/v1/customer-imports/{import_id}/rows?outcome=error&limit=1").json()["items"][0]
    fault = first["errors"][0]
    ctx.tell.happened(
        f"Line {first['line']}, column {fault['column_no']} ({fault['column']}): {fault['code']}. {fault['detail']}"
    )
    ctx.tell.same("no customer has come of it so far", now["created"], 0)
    ctx.clerk.post(f"/v1/customer-imports/{import_id}/decisions", {"decision": "approve"}, expect=403)
    ctx.tell.claim("the clerk who uploaded the file may not approve it", True)


def _execute(ctx: Demo, import_id: str) -> None:
    ctx.tell.step("The manager approves; batches of 20 are committed one by one, each with its audit trail")
    decided = ctx.manager.post(
        f"/v1/customer-imports/{import_id}/decisions", {"decision": "approve", "comment": "as agreed with sales"}
    )
    total = decided.json()["batches_total"]
    path = f"/v1/customer-imports/{import_id}/events"
    last: dict[str, Any] = {}
    with ctx.tell.progress() as shown, ctx.clerk.client.stream("GET", path) as events:
        task = shown.add_task("batches", total=total)
        for line in events.iter_lines():
            if line.startswith("data: "):
                last = json.loads(line[6:])
                shown.update(task, completed=last["batches_done"])
    found = {c: last[c] for c in ("created", "updated", "skipped", "failed", "not_attempted")}
    ctx.tell.same(f"{GOOD - 8} customers created, one repetition skipped, seven rows failed", found, {
        "created": GOOD - 8, "updated": 0, "skipped": 1, "failed": 7, "not_attempted": 0,
    })  # fmt: skip
    ctx.tell.same("every row has exactly one outcome", sum(found.values()), last["total_rows"])


def _report(ctx: Demo, import_id: str) -> list[int]:
    ctx.tell.step("The report says what became of each line, and no spreadsheet takes a cell of it for a formula")
    text = ctx.clerk.get(f"/v1/customer-imports/{import_id}/report.csv").text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    failed = [n for n, r in enumerate(rows) if r["outcome"] == "failed"]
    ctx.tell.table(
        ("line", "outcome", "codes"), [(rows[n]["line"], rows[n]["outcome"], rows[n]["codes"]) for n in failed]
    )
    ctx.tell.same("one line for each row of the file", len(rows), GOOD)
    ctx.tell.claim(
        "the formula in row 511 is text with an apostrophe before it", rows[510]["Account Name"].startswith("'=")
    )
    ctx.tell.see(f"/v1/customer-imports/{import_id}/report.csv")
    made = ctx.clerk.get(f"/v1/customers/{rows[0]['customer_id']}").json()
    ctx.tell.same("a created customer has the name of its row", made["name"], rows[0]["Account Name"])
    return failed


def _again(ctx: Demo, failed: list[int]) -> None:
    ctx.tell.step("The clerk corrects the failed rows and uploads only those")
    rows = [_account(ctx.walk, n) for n in failed]
    sent = _send(ctx, _file(rows), on_duplicate="error")
    wait_for(ctx, sent["id"], "AWAITING_REVIEW", "FAILED")
    ctx.manager.post(f"/v1/customer-imports/{sent['id']}/decisions", {"decision": "approve"})
    done = wait_for(ctx, sent["id"], "COMPLETED", "COMPLETED_WITH_ERRORS", "STOPPED", "FAILED")
    ctx.tell.same("all of them are customers now", (done["status"], done["created"]), ("COMPLETED", len(failed)))
