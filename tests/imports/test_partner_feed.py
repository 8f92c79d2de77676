"""Files of a watched folder become imports, each content exactly once."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.messages.imports import import_workflow_id
from operations.imports import feed as import_feed
from operations.imports import staging
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


def test_a_folder_whose_name_is_no_name_is_somebodys_exception_too(clerk: Desk, tmp_path: Path) -> None:
    content = table([("A", "a@x.com")])
    put(tmp_path, clerk.org, "a.csv", content, entity="le\nus")
    assert import_feed.collect(clerk.engine, tmp_path) == []
    sql = "SELECT reason_code, subject_id, detail FROM exceptions WHERE org_id = :org"
    assert clerk.sql(sql) == [
        {
            "reason_code": "FEED_FOLDER_INVALID",
            "subject_id": f"feed:{hashlib.sha256(content).hexdigest()[:24]}",
            "detail": {"file": "a.csv"},
        }
    ]


def test_a_file_is_kept_whole_as_a_request_of_the_feeds_own(clerk: Desk, tmp_path: Path) -> None:
    content = table([("A", "a@x.com"), ("B", "b@x.com")])
    put(tmp_path, clerk.org, "a.csv", content)
    (taken,) = import_feed.collect(clerk.engine, tmp_path)
    digest = hashlib.sha256(content).hexdigest()
    (command,) = clerk.sql("SELECT * FROM commands WHERE org_id = :org")
    names = "id", "operation", "path", "idem_key", "actor", "roles", "resource_id", "subject_id", "workflow_id"
    assert [command[name] for name in names] == [
        taken.command_id, "import.submit", "/feeds/le_us", digest, "partner_feed", ["ar_clerk"], taken.import_id,
        taken.import_id, import_workflow_id(taken.import_id),
    ]  # fmt: skip
    assert (taken.org_id, taken.import_id[:4], command["request_id"][:4]) == (clerk.org, "imp_", "req_")
    (kept,) = clerk.sql("SELECT file_hash, file_bytes, legal_entity_id FROM customer_imports WHERE org_id = :org")
    assert kept == {"file_hash": digest, "file_bytes": len(content), "legal_entity_id": "le_us"}
    staging.stage(clerk.engine, clerk.org, taken.import_id, lambda _: None)
    assert clerk.row(taken.import_id).total_rows == 2


def test_what_is_hidden_or_elsewhere_is_no_file_of_the_feed(clerk: Desk, tmp_path: Path) -> None:
    hidden = put(tmp_path, clerk.org, ".a.csv", table([("A", "a@x.com")]))
    (hidden.parent / "link.csv").symlink_to(hidden)
    (hidden.parent / "folder").mkdir()
    assert import_feed.collect(clerk.engine, tmp_path) == []
    assert sorted(p.name for p in hidden.parent.iterdir()) == [".a.csv", "folder", "link.csv"]


def test_only_files_whose_import_was_started_are_put_away(clerk: Desk, tmp_path: Path) -> None:
    first, second = (put(tmp_path, clerk.org, f"{n}.csv", table([(n, f"{n}@x.com")])) for n in "ab")
    found = import_feed.collect(clerk.engine, tmp_path)
    import_feed.put_away(clerk.engine, tmp_path, [found[1].import_id])
    assert (first.exists(), second.exists()) == (True, False)
    (away,) = (second.parent / "done").iterdir()
    assert away.name.endswith("-b.csv")
    import_feed.put_away(clerk.engine, tmp_path, [one.import_id for one in found])
    assert (first.exists(), len(list((first.parent / "done").iterdir()))) == (False, 2)


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
