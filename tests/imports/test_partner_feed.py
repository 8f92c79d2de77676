"""Files of a watched folder become imports, each content exactly once."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from operations.imports import feed as import_feed
from tests.imports.in_process import Desk, another, desk
from tests.imports.support import mark, table, until
from tests.stack_fixtures.private import PrivateStack


@pytest.fixture
def clerk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield another(d)


def put(home: Path, org: str, name: str, content: bytes, entity: str = "le_us", *, age: float = 60) -> Path:
    path = home / org / entity / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    return path


def test_each_content_is_taken_once_also_when_a_crash_comes_before_it_is_put_away(clerk: Desk, tmp_path: Path) -> None:
    first = put(tmp_path, clerk.org, "a.csv", table([("A", "a@x.com")]))
    put(
        tmp_path, clerk.org, "growing.csv", b"name,email\n", age=-600
    )  # still being written, however long this test takes
    put(tmp_path, clerk.org, "b.csv.part", table([("B", "b@x.com")]))
    put(tmp_path, "org_nobody", "c.csv", table([("C", "c@x.com")]))
    found = import_feed.collect(clerk.engine, tmp_path)
    assert len(found) == 1
    assert import_feed.collect(clerk.engine, tmp_path) == found
    import_feed.put_away(clerk.engine, tmp_path, [found[0].import_id])
    assert not first.exists()
    assert len(list((first.parent / "done").iterdir())) == 1
    put(tmp_path, clerk.org, "the same again.csv", table([("A", "a@x.com")]))
    assert import_feed.collect(clerk.engine, tmp_path) == found
    rows = clerk.sql("SELECT status, source, submitted_by FROM customer_imports WHERE org_id = :org")
    assert rows == [{"status": "STAGING", "source": "partner_feed", "submitted_by": "partner_feed"}]


def test_a_folder_of_no_legal_entity_is_somebodys_exception(clerk: Desk, tmp_path: Path) -> None:
    path = put(tmp_path, clerk.org, "a.csv", table([("A", "a@x.com")]), entity="le_mars")
    assert import_feed.collect(clerk.engine, tmp_path) == []
    assert len(list((path.parent / "rejected").iterdir())) == 1
    found = clerk.sql("SELECT kind, reason_code, owner_role FROM exceptions WHERE org_id = :org")
    assert found == [{"kind": "partner_feed", "reason_code": "LEGAL_ENTITY_NOT_FOUND", "owner_role": "ops"}]


@pytest.mark.soak
def test_the_schedule_brings_a_file_to_its_review(private_stack: Callable[..., PrivateStack], tmp_path: Path) -> None:
    stack = private_stack(ARFLOW_PARTNER_FEED_HOME=str(tmp_path / "feed")).start()
    org = stack.organisation()
    put(tmp_path / "feed", org, "partner.csv", table([(mark(), "p@example.com")], "company,mail"))
    with stack.client(org, "u_clerk", "ar_clerk") as who:
        for _ in range(1200):
            if items := who.get("/v1/customer-imports").json()["items"]:
                break
            time.sleep(0.1)
        ready = until(who, items[0]["id"], "AWAITING_REVIEW")
        assert (ready["status"], ready["source"], ready["total_rows"]) == ("AWAITING_REVIEW", "partner_feed", 1)
