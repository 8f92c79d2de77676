"""What docs/api.md, section 5, says of an import as others see it: its JSON, its process in Temporal, its event, its refusals."""

import asyncio
import http.client
import json
import time
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from temporalio.client import Client

from models.imports.columns import FIELDS
from tests.catalogue import assert_as_catalogued
from tests.imports.conftest import People
from tests.imports.in_process import Desk, another, desk
from tests.imports.support import code, completed, decide, mark, reviewed, send, table, until

GB = 1024**3


async def test_an_import_is_found_and_asked_in_temporal_and_told_of_in_the_feed(
    people: People, temporal_client: Client
) -> None:
    word = mark()
    ready = await asyncio.to_thread(
        reviewed, people.clerk, table([(word, f"{word}@example.com"), ("", "x@example.com")])
    )
    assert (ready["id"][:4], ready["lane"], ready["total_rows"], ready["error_rows"]) == ("imp_", "yellow", 2, 1)
    handle = temporal_client.get_workflow_handle(ready["workflow_id"])
    ours = {
        "OrgId": people.org, "ProcessType": "CustomerImport", "ImportId": ready["id"], "Lane": "yellow",
        "CurrentStep": "AWAITING_REVIEW", "AwaitingRole": "manager",
    }  # fmt: skip
    for _ in range(1200):  # Temporal shows it a moment after the database
        found = {k.name: v for k, v in (await handle.describe()).typed_search_attributes}
        if found.get("AwaitingRole"):
            break
        await asyncio.sleep(0.1)
    assert {name: found.get(name) for name in ours} == ours
    due = datetime.fromisoformat(ready["steps"][1]["due_at"])
    assert abs((found["DueAt"] - due).total_seconds()) < 5
    progress = await handle.query("progress")
    assert (progress["status"], progress["total_rows"], progress["error_rows"], progress["awaiting_role"]) == (
        "AWAITING_REVIEW", 2, 1, "manager",
    )  # fmt: skip
    assert (await asyncio.to_thread(decide, people.manager, ready["id"])).status_code == 200
    done = await asyncio.to_thread(until, people.clerk, ready["id"])
    result = await handle.result()
    assert (result["status"], result["total_rows"]) == (done["status"], 2)
    for _ in range(1200):
        mine = {"subject": ready["id"], "limit": 200}
        feed = (await asyncio.to_thread(people.controller.get, "/v1/events", params=mine)).json()["items"]
        if ended := [e for e in feed if e["type"] == "import.completed"]:
            break
        await asyncio.sleep(0.1)
    (event,) = ended
    assert_as_catalogued([event])
    assert (event["type"], event["specversion"]) == ("import.completed", "1.0")
    counted = {c: event["data"][c] for c in ("status", "total_rows", "created", "failed")}
    assert counted == {"status": "COMPLETED_WITH_ERRORS", "total_rows": 2, "created": 1, "failed": 1}


def test_a_file_that_cannot_be_read_ends_with_its_place_on_the_uploaders_desk(people: People) -> None:
    sent = send(people.clerk, f"name,email\nA,a@x.com\n{mark()}\0,b@x.com\n".encode())
    assert sent.status_code == 202
    done = until(people.clerk, sent.json()["id"])
    at = f"/v1/customer-imports/{done['id']}"
    assert (done["status"], done["failure"]["code"], done["failure"]["line"], done["failure"]["column"]) == (
        "FAILED", "NUL_CHARACTER", 3, 9,
    )  # fmt: skip
    assert [s["status"] for s in done["steps"]] == ["REJECTED", "SKIPPED"]
    assert people.clerk.get(f"{at}/rows").json()["items"] == []
    assert people.clerk.get(f"{at}/report.csv").text == "line,outcome,codes,details,customer_id\r\n"
    assert code(decide(people.manager, done["id"])) == (409, "IMPORT_CLOSED")
    mine = people.clerk.get("/v1/exceptions", params={"status": "open", "owner": "me"}).json()["items"]
    (found,) = [e for e in mine if e["subject_id"] == done["id"]]
    assert (found["kind"], found["reason_code"], found["owner_user"]) == ("import_failed", "FILE_UNREADABLE", "u_clerk")


def test_what_is_no_upload_or_too_large_a_one_is_refused_before_it_is_read(people: People) -> None:
    assert code(people.clerk.post("/v1/customer-imports", json={"source": "csv"})) == (415, "UNSUPPORTED_MEDIA_TYPE")
    at = urlsplit(people.stack.base_url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)
    connection.putrequest("POST", "/v1/customer-imports")
    for name, value in (
        ("Authorization", people.clerk.headers["Authorization"]), ("Content-Type", "multipart/form-data; boundary=x"),
        ("Content-Length", str(2 * GB + 1)),
    ):  # fmt: skip
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (413, "PAYLOAD_TOO_LARGE")
    connection.close()


def test_the_columns_that_sources_are_known_by_and_those_of_a_file_are_shown(people: People) -> None:
    said = people.clerk.get("/v1/customer-imports/presets").json()
    assert sorted(said["presets"]) == ["hubspot", "legacy_erp", "partner_feed", "salesforce"]
    assert set(said["fields"]) == set(FIELDS)
    assert said["presets"]["salesforce"]["accountname"] == "name"
    word = mark()
    content = f"Account ID;Account Name;Email;Shoe size\n1;{word};{word}@example.com;44\n".encode()
    done = completed(people.clerk, people.manager, content, source="salesforce")
    assert (done["delimiter"], [c["field"] for c in done["columns"]]) == (";", ["external_id", "name", "email", None])


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


ROWS = [
    ["Name, with; all of| them", "a@x.com", 'She\tsaid "so"'],
    ["Zoë 東京", "b@x.com", "two\nlines"],
    ["Plain", "c@x.com", ""],
]


@pytest.mark.parametrize(
    ("delimiter", "ending", "encoding"),
    [
        (",", "\r\n", "utf-8-sig"),
        (";", "\n", "utf-8"),
        ("\t", "\r\n", "utf-16"),
        ("|", "\r", "utf-8"),
        (",", "\r", "utf-32"),
    ],
)
def test_csv_is_read_as_spreadsheets_write_it(first_desk: Desk, delimiter: str, ending: str, encoding: str) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""').replace("\n", ending) + '"'

    lines = ["name,email,notes".replace(",", delimiter), *(delimiter.join(map(quoted, row)) for row in ROWS)]
    clerk = another(first_desk)
    done = clerk.run((ending.join(lines) + ending).encode(encoding), pieces=17)
    assert (done.status, done.created) == ("COMPLETED", 3)
    made = clerk.sql("SELECT name, email, notes FROM customers WHERE org_id = :org ORDER BY email")
    assert [[m["name"], m["email"], m["notes"] or ""] for m in made] == [
        [r[0].replace("\t", " "), *r[1:]] for r in ROWS
    ]
    lines_of = clerk.sql("SELECT line FROM import_lines WHERE import_id = :id ORDER BY row_no", id=done.id)
    assert [r["line"] for r in lines_of] == [2, 3, 5]


def test_progress_is_seen_before_the_end(people: People) -> None:
    word = mark()
    ready = reviewed(
        people.clerk, table([(f"{word} {n}", f"{word}.{n}@example.com") for n in range(2_000)]), batch_size=1
    )
    decide(people.manager, ready["id"])
    seen = set[int]()
    until_then = time.monotonic() + 120
    while len(seen) < 3 and time.monotonic() < until_then:
        now = people.clerk.get(f"/v1/customer-imports/{ready['id']}").json()
        if now["status"] == "EXECUTING":
            assert now["created"] == now["executed_rows"] == now["batches_done"] <= now["batches_total"] == 2_000
            seen.add(now["executed_rows"])
    assert len(seen) >= 3
    people.clerk.post(f"/v1/customer-imports/{ready['id']}/cancel")
