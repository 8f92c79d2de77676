"""Two builds side by side on one database under load, forward and back: nobody notices, nothing is lost or done twice."""

import asyncio
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.db.migrate import _scripts
from tests.cash_desk.books import wrong
from tests.customers.desk import ROLES
from tests.production import load
from tests.production.afterwards import each_once
from tests.production.load import Caller, Change, Paid, Read
from tests.production.shape import Build, Production, folder, production

ROOT = Path(__file__).parents[2]
OLD = ("api-1", "api-2", "worker-1", "worker-2")
NEW = ("api-3", "api-4", "worker-3", "worker-4")
VERSIONS = "models/db/migrations/versions"
ADDED = '''"""What a newer build adds, and an older one does not know."""

from alembic import op

from models.db.migrations.run_sql import index_beside

revision = "9999_of_a_newer_build"
down_revision = "{head}"


def upgrade() -> None:
    op.execute("ALTER TABLE payments ADD COLUMN of_a_newer_build bigint")
    op.execute("CREATE TABLE of_a_newer_build (id bigint PRIMARY KEY)")
    index_beside("payments_of_a_newer_build", "payments (of_a_newer_build)")
'''


def before_the_newest_migration(into: Path) -> tuple[Build, Build]:
    """The commit before the newest migration, and this tree. Skips where there is no history."""

    def git(*words: str) -> bytes:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
        if done.returncode != 0 or not done.stdout:
            pytest.skip(f"no history here: git {words[0]} said {done.stderr.decode()[:200]!r}")
        return done.stdout

    added = git("log", "-1", "--format=%H", "--diff-filter=A", "--", VERSIONS).decode().strip()
    before = git("rev-parse", f"{added}^").decode().strip()
    into.mkdir()
    subprocess.run(["tar", "-x", "-C", into], input=git("archive", before), check=True)
    return Build("1.0.0", into), Build("2.0.0")


def with_a_migration_more(into: Path) -> tuple[Build, Build]:
    """This tree, and a copy of it that has another migration."""
    shutil.copytree(ROOT, into, ignore=shutil.ignore_patterns(".*", "__pycache__", "tests", "docs", "bench"))
    text = ADDED.format(head=_scripts().get_current_head())
    (into / VERSIONS / "9999_of_a_newer_build.py").write_text(text)
    return Build("1.0.0"), Build("2.0.0", into)


@pytest.mark.soak
@pytest.mark.parametrize("builds", [before_the_newest_migration, with_a_migration_more])
async def test_builds_follow_one_another_and_back_and_nobody_notices(
    builds: Callable[[Path], tuple[Build, Build]], record_property: Callable[[str, object], None]
) -> None:
    home = folder()
    old, new = builds(home / "other")
    async with production(home) as shape:
        said = await followed(shape, old, new)
    record_property("builds", said)
    print(said)  # noqa: T201 - make soak reports its figures
    shutil.rmtree(home)  # of a trial that failed it stays: its logs say why


async def followed(shape: Production, old: Build, new: Build) -> str:
    """The older build serves; the newer comes, and stays alone; the older comes back, and stays alone. Under load."""
    await asyncio.to_thread(shape.command, old, "migrate")
    for name in OLD:
        shape.start(name, old)
    await asyncio.to_thread(shape.wait_ready, 240)
    org = "org_builds"
    shape.command(old, "org", "create", org, "--name", "Builds")
    made = shape.command(old, "customer", "create", "--org", org, "--name", "A", "--email", "a@example.com")
    payer = made.strip()

    def caller(who: str) -> Caller:
        return Caller(shape.base_url, shape.token(org, who, *ROLES[who]))

    over, read, changes = threading.Event(), Read(), list[Change]()
    paid = [Paid() for _ in range(3)]
    callers = [caller("u_clerk") for _ in paid]
    people = {who: caller(who) for who in ("u_ae", "u_clerk", "u_manager", "u_controller")}
    submitting = caller("u_clerk")
    decided = (people["u_manager"], people["u_controller"])
    with ThreadPoolExecutor(5) as pool:
        loads = [pool.submit(load.pay, over, c, payer, p) for c, p in zip(callers, paid, strict=True)]
        loads.append(pool.submit(load.read, over, people["u_ae"], read))
        loads.append(pool.submit(load.submit, over, submitting, decided, changes))
        try:
            begun = [await asyncio.to_thread(load.submitted, people["u_clerk"]) for _ in range(3)]
            await forward(shape, old, new, begun, people)
            begun += [await asyncio.to_thread(load.submitted, people["u_clerk"]) for _ in range(2)]
            await back(shape, old, new, begun, people)
            assert not any(done.done() for done in loads), [d.exception() for d in loads if d.done()]
        finally:
            over.set()
        for done in loads:
            await asyncio.to_thread(done.result, 240)
    everybody = (*callers, *people.values(), submitting)
    for one in everybody:
        one.close()
    seen = sum((c.seen for c in everybody), Counter[str]())
    assert [odd for c in everybody for odd in c.odd] == []
    assert {status for status in seen if status not in ("200", "201", "202")} == set(), seen
    assert {c.status for c in changes} == {"APPROVED"}
    payments = [payment for p in paid for payment in p.payments]
    each_once(shape.postgres.url("arflow_owner"), org, payer, payments)
    assert await asyncio.to_thread(wrong, shape.postgres.embedded.url(), org) == []
    await asyncio.to_thread(shape.command, new, "verify")
    assert shape.unexpected() == []
    return f"{len(payments)} payments, {len(changes)} changes, {len(read.answers)} reads: {dict(seen)}"


async def forward(shape: Production, old: Build, new: Build, begun: list[str], people: dict[str, Caller]) -> None:
    """As the runbook says."""
    assert "database migrated" in await asyncio.to_thread(shape.command, new, "migrate")
    await asyncio.sleep(5)
    decide(people["u_manager"], begun[0])
    for name in NEW[2:] + NEW[:2]:
        shape.start(name, new)
    await shape.ready(*NEW[:2])
    await current(shape, new, new)
    await asyncio.sleep(5)
    decide(people["u_controller"], begun[0], "APPROVED")
    for name in OLD:
        assert await shape.stop(name) == 0
    await asyncio.sleep(15)
    decide(people["u_manager"], begun[1])
    decide(people["u_controller"], begun[1], "APPROVED")


async def back(shape: Production, old: Build, new: Build, begun: list[str], people: dict[str, Caller]) -> None:
    """As the runbook says."""
    decide(people["u_manager"], begun[3])
    assert "database migrated" in await asyncio.to_thread(shape.command, old, "migrate")
    for name in OLD:
        shape.start(name, old)
    await shape.ready(*OLD[:2])
    await asyncio.sleep(10)
    await asyncio.to_thread(shape.command, old, "builds", "promote", old.name)
    await asyncio.sleep(5)
    for name in NEW[2:] + NEW[:2]:
        assert await shape.stop(name) == 0
    await current(shape, old, old)
    await asyncio.sleep(15)
    for change in begun[2:]:
        if change != begun[3]:
            decide(people["u_manager"], change)
        decide(people["u_controller"], change, "APPROVED")


async def current(shape: Production, asking: Build, expected: Build, seconds: float = 120) -> None:
    """Until new chains begin on this build."""
    async with asyncio.timeout(seconds):
        while True:
            said = await asyncio.to_thread(shape.command, asking, "builds", "list")
            if any(line.startswith(f"{expected.name}\t") and "current" in line for line in said.splitlines()):
                return
            await asyncio.sleep(2)


def decide(who: Caller, change: str, status: str | None = None) -> None:
    """One step approved; the change is in this state then."""
    path = f"/v1/customer-changes/{change}/decisions"
    said = who.post(path, {"decision": "approve"}, waits_for_people=True)
    assert status in (None, said["status"]), said
