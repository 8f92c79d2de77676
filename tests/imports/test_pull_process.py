"""A pull through the API, a real worker, Temporal and PostgreSQL; and under SIGKILL."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo.crm import CREDENTIAL, Crm
from tests.imports.conftest import People
from tests.imports.support import code, counts, decide, mark, see, until
from tests.imports.test_pull import account, fill
from tests.stack_fixtures.private import PrivateStack

OPTIONS = '{"source": "salesforce", "legal_entity_id": "le_us", "connection": "sales"}'


@pytest.fixture
def crm() -> Iterator[Crm]:
    made = Crm(page_size=3)
    yield made
    made.close()


def connect(ops: httpx2.Client, org: str, home: Path, crm: Crm, name: str = "sales", **more: Any) -> None:
    """What ops does once: the secret on the worker's disk, the connection by its name."""
    secrets = home / "secrets" / org
    secrets.mkdir(parents=True, exist_ok=True)
    (secrets / "sales-secret").write_text(CREDENTIAL)
    body = {"kind": "salesforce", "base_url": crm.url, "credential": "sales-secret", "panels": [], **more}
    assert ops.put(f"/v1/source-connections/{name}", json=body).status_code == 200


def pull(who: httpx2.Client, options: str = OPTIONS, **more: Any) -> httpx2.Response:
    """Without a file: as multipart, as a form would send it."""
    return who.post("/v1/customer-imports", files={"options": (None, options)}, **more)


def test_a_pull_is_reviewed_and_executed_like_a_file(people: People, crm: Crm) -> None:
    word = mark()
    crm.accounts.rows = [account(n, Name=f"{word} {n}", Contacts=[{"Email": f"{word}.{n}@example.com", "LastName": "Lee"}])
                         for n in range(7)]  # fmt: skip
    crm.accounts.rows.append(account(7, Contacts=[]))
    connect(people.person("u_ops", "ops"), people.org, people.stack.home, crm)
    crm.script = ["ok", "busy", "limit", "ok", "error"]
    answer = pull(people.clerk)
    assert (answer.status_code, answer.json()["status"]) == (202, "STAGING"), answer.text
    import_id = answer.json()["id"]
    again = pull(people.clerk)
    assert (again.json()["id"], again.headers.get("Idempotent-Replayed")) == (import_id, "true")
    ready = until(people.clerk, import_id, "AWAITING_REVIEW")
    assert (ready["status"], ready["total_rows"], ready["error_rows"]) == ("AWAITING_REVIEW", 8, 1), ready
    assert (ready["pull"]["connection"], ready["pull"]["pulled"], ready["pull"]["complete"]) == ("sales", 8, True)
    assert ready["file_hash"] is not None
    assert code(decide(people.clerk, import_id)) == (403, "FORBIDDEN")
    assert decide(people.manager, import_id).status_code == 200
    done = until(people.clerk, import_id)
    assert (done["status"], counts(done)) == ("COMPLETED_WITH_ERRORS", {"created": 7, "failed": 1})
    report = people.clerk.get(f"/v1/customer-imports/{import_id}/report.csv").text
    assert "001000000000007AAA" in report
    assert "FIELD_REQUIRED" in report
    later = pull(people.clerk)
    assert later.json()["id"] != import_id, "what the source holds by now is another question"
    until(people.clerk, later.json()["id"], "AWAITING_REVIEW")


def test_what_cannot_be_pulled_is_refused_at_once(people: People, crm: Crm) -> None:
    ops = people.person("u_ops", "ops")
    connect(ops, people.org, people.stack.home, crm, "off", enabled=False)
    assert code(pull(people.clerk, OPTIONS.replace('"sales"', '"nobody"'))) == (404, "SOURCE_CONNECTION_NOT_FOUND")
    assert code(pull(people.clerk, OPTIONS.replace('"sales"', '"off"'))) == (404, "SOURCE_CONNECTION_NOT_FOUND")
    assert code(pull(people.clerk, OPTIONS.replace('"salesforce"', '"csv"'))) == (422, "VALIDATION_FAILED")
    nothing = pull(people.clerk, '{"source": "salesforce", "legal_entity_id": "le_us"}')
    assert (code(nothing), nothing.json()["errors"][0]["loc"]) == ((422, "VALIDATION_FAILED"), "/file")
    both = people.clerk.post("/v1/customer-imports", files={"file": ("a.csv", b"a")}, data={"options": OPTIONS})
    assert (code(both), both.json()["errors"][0]["loc"]) == ((422, "VALIDATION_FAILED"), "/options/connection")
    assert code(pull(ops)) == (403, "FORBIDDEN")


def test_a_pull_is_cancelled_while_its_source_is_away(people: People, crm: Crm) -> None:
    crm.accounts.rows = [account(1)]
    connect(people.person("u_ops", "ops"), people.org, people.stack.home, crm, "slow")
    crm.mode = "limit"
    import_id = pull(people.clerk, OPTIONS.replace('"sales"', '"slow"')).json()["id"]
    for _ in range(1200):
        if (now := see(people.clerk, import_id))["pull"]["error"]:
            break
        time.sleep(0.1)
    assert (now["status"], now["pull"]["error"]) == ("STAGING", "SOURCE_RATE_LIMITED")
    assert people.clerk.post(f"/v1/customer-imports/{import_id}/cancel").json()["status"] == "CANCELLED"


@pytest.mark.soak
def test_each_record_is_there_once_whenever_the_worker_is_killed(private_stack: Callable[..., PrivateStack]) -> None:
    stack, crm = private_stack().start(), Crm(page_size=20, mode="slow", delay_seconds=0.3)
    ids = fill(crm, 1_000)
    with ExitStack() as opened:
        opened.callback(crm.close)
        org = stack.organisation()
        clerk, ops = (
            opened.enter_context(stack.client(org, u, r)) for u, r in (("u_clerk", "ar_clerk"), ("u_ops", "ops"))
        )
        connect(ops, org, stack.home, crm)
        import_id = pull(clerk).json()["id"]
        seen = 0
        for _ in range(4):
            while (now := see(clerk, import_id))["status"] == "STAGING" and now["pull"]["pulled"] <= seen:
                pass
            seen = now["pull"]["pulled"]
            stack.wait_restarted("worker", stack.kill("worker"))
        ready = until(clerk, import_id, "AWAITING_REVIEW", seconds=300)
        assert (ready["status"], ready["total_rows"]) == ("AWAITING_REVIEW", 1_000)
        report = clerk.get(f"/v1/customer-imports/{import_id}/report.csv").text
        assert [i for i in ids if report.count(i) != 1] == []
