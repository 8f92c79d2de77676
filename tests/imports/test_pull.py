"""Customers pulled from Salesforce: against a server that speaks its shapes on a real socket, and misbehaves."""

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from demo.crm import CREDENTIAL, Crm
from models.db.engine import transaction
from models.db.imports import files, imports
from models.ids import new_id
from models.imports.records import Import, ImportStatus
from models.imports.records import Pull as State
from operations.imports import pulling
from operations.imports import staging as import_staging
from operations.imports import validation as import_validation
from sources.access import Access
from sources.protocol import CODES
from tests.imports.in_process import CALM, Desk, another, desk, failure, summary

Row = dict[str, Any]


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


@pytest.fixture
def crm() -> Iterator[Crm]:
    made = Crm(page_size=3)
    yield made
    made.close()


def account(n: int, **more: Any) -> Row:
    contact = {
        "Email": f"ann.{n}@example.com",
        "FirstName": "Ann",
        "LastName": f"Lee {n}",
        "Title": "Buyer",
        "Phone": None,
    }
    return {"Id": f"001{n:012d}AAA", "Name": f"Company {n}", "Phone": "+1 555 0100", "BillingCountry": "United States",
            "BillingCity": "Austin", "BillingStreet": f"{n} Main St\nFloor 2", "Contacts": [contact], **more}  # fmt: skip


class Pull:
    """One import that is pulled, driven as its process does."""

    def __init__(self, d: Desk, crm: Crm, secret: str | None = CREDENTIAL, seconds: float = 5, **options: Any) -> None:
        self.desk, self.crm = d, crm
        self.connector = pulling.Connector(Access(lambda *_: secret, local=True), seconds)
        with transaction(d.engine, d.org) as tx:
            tx.insert("source_connections", [{
                "name": "crm", "kind": "salesforce", "base_url": crm.url, "credential": "crm", "panels": [], "timeout_ms": 1000,
                "max_concurrent": 2, "enabled": True, "updated_at": tx.now, "updated_by": "u_ops",
            }])  # fmt: skip
        self.id = d.submit({"source": "salesforce", "connection": "crm", **options}, "pull:crm", 0)

    @property
    def row(self) -> Import:
        return self.desk.row(self.id)

    @property
    def state(self) -> State:
        state = self.row.pull
        assert state is not None
        return state

    def slice(self, seconds: float = CALM, beat: Any = lambda _: None) -> None:
        pulling.pull(self.desk.engine, self.desk.org, self.id, self.connector, beat, seconds)

    def at_once(self) -> None:
        """Do not wait until the source may be asked again."""
        self.becomes(replace(self.state, next_attempt_at=None))

    def becomes(self, state: State) -> None:
        """As if the pull stood there."""
        with transaction(self.desk.engine, self.desk.org) as tx:
            one = imports.get(tx, self.id, lock=True)
            imports.save(tx, one, replace(one, pull=state))

    def to_the_end(self, tries: int = 60) -> Import:
        for _ in range(tries):
            if not self.row.is_pulling:
                break
            self.slice(0.0)
            if self.row.is_pulling:
                self.at_once()
        return self.row

    def staged(self) -> Import:
        assert self.to_the_end().status == "STAGING", self.row.failure
        import_staging.stage(self.desk.engine, self.desk.org, self.id, lambda _: None)
        return self.row

    def ids(self) -> list[str]:
        raws = self.desk.sql("SELECT raw FROM import_lines WHERE import_id = :id ORDER BY row_no", id=self.id)
        return [next(csv.reader(io.StringIO(r["raw"])))[0] for r in raws]


def fill(crm: Crm, n: int) -> list[str]:
    crm.accounts.rows = [account(k) for k in range(n)]
    random.Random(n).shuffle(crm.accounts.rows)
    return sorted(r["Id"] for r in crm.accounts.rows)


def test_accounts_become_customers_with_their_first_contact(clerk: Desk, crm: Crm) -> None:
    crm.accounts.custom = ("Email__c", "Credit_Limit__c", "Segment__c", "Secret__c")
    silent = account(3, Contacts=[{"Email": None, "LastName": "No address"}])
    crm.accounts.rows = [
        account(1, Email__c="office@example.com", Credit_Limit__c=5000.5, Segment__c="gold"),
        account(2),
        silent,
    ]
    one = Pull(clerk, crm, mapping={"Segment__c": "metadata.segment"})
    assert one.staged().status == "VALIDATING"
    import_validation.validate(clerk.engine, clerk.org, one.id, lambda _: None, CALM)
    assert summary(one.row).codes == {"FIELD_REQUIRED": 1}
    clerk.finish(one.id)
    made = clerk.sql("SELECT * FROM customers WHERE org_id = :org ORDER BY external_id")
    assert [(m["name"], m["email"], m["external_id"]) for m in made] == [
        ("Company 1", "office@example.com", "001000000000001AAA"), ("Company 2", "ann.2@example.com", "001000000000002AAA"),
    ]  # fmt: skip
    assert (str(made[0]["credit_limit"]), made[0]["metadata"], made[1]["metadata"]) == (
        "5000.5",
        {"segment": "gold"},
        {},
    )
    contacts = clerk.sql("SELECT name, email, role FROM customer_contacts WHERE org_id = :org ORDER BY email")
    assert contacts[0] == {"name": "Ann Lee 1", "email": "ann.1@example.com", "role": "Buyer"}
    (address, _) = clerk.sql("SELECT lines, country FROM customer_addresses WHERE org_id = :org ORDER BY lines")
    assert address == {"lines": ["1 Main St", "Floor 2"], "country": "US"}
    assert "Secret__c" not in " ".join(crm.queries)


def test_pages_are_followed_each_kept_with_its_bookmark(clerk: Desk, crm: Crm) -> None:
    ids = fill(crm, 10)
    one = Pull(clerk, crm)
    one.slice(0.0)
    assert (one.state.pulled, one.state.total, one.row.status) == (3, 10, "STAGING")
    assert one.staged().total_rows == 10
    assert one.ids() == ids
    assert [q for q in crm.queries if q.startswith("SELECT")] == crm.queries[1:2], "one query, then its locator"
    assert clerk.sql(
        "SELECT action FROM audit_events WHERE org_id = :org AND subject_id = :id ORDER BY seq", id=one.id
    ) == [{"action": a} for a in ("import.submitted", "import.pulled", "import.staged")]
    lines = clerk.sql("SELECT line FROM import_lines WHERE import_id = :id ORDER BY row_no", id=one.id)
    assert [r["line"] for r in lines] == [2 + 2 * n for n in range(10)], "each street has two lines"


def test_nothing_is_lost_or_doubled_whenever_a_worker_dies(clerk: Desk, crm: Crm) -> None:
    ids = fill(crm, 31)
    chance = random.Random(5)
    one = Pull(clerk, crm)

    class Killed(BaseException): ...

    def dies(_: int) -> None:
        if chance.random() < 0.15:
            raise Killed

    deaths = 0
    while one.row.status == "STAGING" and one.row.is_pulling:
        # Dead before the page is kept, in the middle of keeping it, or just after.
        keep, at = files.keep_piece, chance.random()

        def kept(*args: Any, keep: Any = keep, at: float = at) -> None:
            if at < 0.2:
                raise Killed
            keep(*args)
            if at < 0.4:
                raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "keep_piece", kept)
            try:
                one.slice(CALM, dies)
            except Killed:
                deaths += 1
        one.connector = pulling.Connector(
            Access(lambda *_: CREDENTIAL, local=True), 5
        )  # another process: no token, no guard
        if chance.random() < 0.3:
            crm.accounts.locators.clear()  # and the locator has run out meanwhile
    assert deaths > 5
    assert one.staged().total_rows == 31
    assert one.ids() == ids
    assert any("WHERE Id > '001" in q for q in crm.queries)


def test_an_overtaken_attempt_keeps_nothing(clerk: Desk, crm: Crm) -> None:
    fill(crm, 9)
    one = Pull(clerk, crm)

    def overtaken(_: int) -> None:
        import_staging.claim(clerk.engine, clerk.org, one.id, ImportStatus.STAGING)

    with pytest.raises(import_staging.Superseded):
        one.slice(CALM, overtaken)
    assert one.state.pulled == 3
    assert one.staged().total_rows == 9


@pytest.mark.parametrize(
    ("script", "code", "waits"),
    [
        (["error"], "SOURCE_UNAVAILABLE", 1),
        (["dies"], "SOURCE_UNAVAILABLE", 1),
        (["hang"], "SOURCE_TIMEOUT", 1),
        (["garbage"], "SOURCE_RESPONSE_INVALID", 1),
        (["shapeless"], "SOURCE_RESPONSE_INVALID", 1),
        (["busy"], "SOURCE_RATE_LIMITED", 1),
        (["limit", "limit", "limit"], "SOURCE_RATE_LIMITED", 4),
    ],
    ids=lambda v: v[0] if isinstance(v, list) else None,
)
def test_what_passes_is_asked_again_later_from_where_it_stood(
    clerk: Desk, crm: Crm, script: list[str], code: str, waits: int
) -> None:
    ids = fill(crm, 7)
    one = Pull(clerk, crm, seconds=0.5)
    one.slice(0.0)
    crm.script = list(script)
    for _ in script:
        one.at_once()
        one.slice(0.0)
        assert (one.row.status, one.state.error, one.state.pulled) == ("STAGING", code, 3)
    asked = len(crm.queries)
    one.slice(0.0)
    assert len(crm.queries) == asked, "it is left alone until its time"
    assert one.state.failures == len(script)
    assert one.state.next_attempt_at is not None
    (soon,) = clerk.sql("SELECT (pull ->> 'next_attempt_at')::timestamptz - now() < make_interval(secs => :s) AND "
                        "(pull ->> 'next_attempt_at')::timestamptz - now() > make_interval(secs => :s / 2.0) AS soon "
                        "FROM customer_imports WHERE id = :id", id=one.id, s=waits)  # fmt: skip
    assert soon["soon"]
    crm.released.set()
    assert one.staged().total_rows == 7
    assert one.ids() == ids
    assert one.state.error is None


def test_a_token_that_runs_out_between_pages_is_renewed_by_whichever_grant_the_secret_is_for(
    clerk: Desk, crm: Crm
) -> None:
    fill(crm, 9)
    for secret in (CREDENTIAL, f"{CREDENTIAL}:{crm.refresh_token}"):
        one = Pull(another(clerk), crm, secret=secret)
        crm.sign_ins, crm.token = 0, "first"
        one.slice(0.0)
        crm.token = "second"
        assert one.staged().total_rows == 9
        assert crm.sign_ins == 2


@pytest.mark.parametrize(
    ("trouble", "code", "line"),
    [
        ({"secret": "demo-client:wrong"}, "SOURCE_SIGN_IN_REFUSED", 2),
        ({"secret": f"{CREDENTIAL}:revoked"}, "SOURCE_SIGN_IN_REFUSED", 2),
        ({"secret": None}, "SOURCE_NOT_CONFIGURED", 2),
        ({"mode": "redirect"}, "SOURCE_REDIRECTED", 5),
        ({"mode": "huge"}, "SOURCE_RESPONSE_TOO_LARGE", 5),
        ({"mode": "garbage"}, "SOURCE_RESPONSE_INVALID", 5),
        ({"announced": 8}, "SOURCE_RESPONSE_INVALID", None),
    ],
    ids=lambda v: "-".join(map(str, v.values())) if isinstance(v, dict) else None,
)
def test_what_does_not_pass_ends_the_import_with_its_place_and_an_exception(
    clerk: Desk, crm: Crm, monkeypatch: pytest.MonkeyPatch, trouble: Row, code: str, line: int | None
) -> None:
    from sources import guard, salesforce_accounts

    monkeypatch.setattr(salesforce_accounts, "PAGE_BYTES", 1 << 20)
    monkeypatch.setattr(guard, "FAILURES_TO_OPEN", 100)
    fill(crm, 7)
    one = Pull(clerk, crm, **({"secret": trouble["secret"]} if "secret" in trouble else {}))
    if "secret" not in trouble:
        crm.accounts.announced = trouble.get("announced")
        one.slice(0.0)
        crm.mode = trouble.get("mode", "ok")
    row = one.to_the_end()
    ended = failure(row)
    assert (row.status, ended.code) == ("FAILED", code)
    assert (ended.line == (line or ended.line), ended.column) == (True, 1)
    assert ended.detail.startswith(CODES[code])
    assert clerk.sql("SELECT 1 FROM import_files WHERE org_id = :org") == []
    found = clerk.sql(
        "SELECT owner_user, reason_code FROM exceptions WHERE org_id = :org AND subject_id = :id", id=one.id
    )
    assert found == [{"owner_user": "u_clerk", "reason_code": code}]


def test_a_next_page_at_another_address_is_not_followed(clerk: Desk, crm: Crm) -> None:
    fill(crm, 7)
    one = Pull(clerk, crm)
    one.slice(0.0)
    one.becomes(replace(one.state, page="http://169.254.169.254/latest/meta-data/"))
    asked = len(crm.queries)
    one.slice(0.0)
    assert (one.state.error, len(crm.queries)) == ("SOURCE_RESPONSE_INVALID", asked)


def test_a_source_that_stays_away_is_given_up_on_after_its_time(clerk: Desk, crm: Crm) -> None:
    fill(crm, 7)
    one = Pull(clerk, crm)
    crm.mode = "limit"
    one.slice(0.0)
    with transaction(clerk.engine, clerk.org) as tx:
        long_ago = tx.now - pulling.PATIENCE
    one.becomes(replace(one.state, failing_since=long_ago, next_attempt_at=None))
    one.slice(0.0)
    assert (one.row.status, failure(one.row).code) == ("FAILED", "SOURCE_RATE_LIMITED")


def test_a_huge_field_costs_its_row_only(clerk: Desk, crm: Crm) -> None:
    crm.page_size, crm.accounts.custom = 10, ("Rate__c", "Note__c")
    crm.accounts.rows = [
        account(1, Description="d" * 3_000_000), account(2), account(3, Description="a\0b \ud800"), account(4, Rate__c=1e300),
        account(5, **{f"Billing{p}": "x" * 200_000 for p in ("Street", "City", "State", "PostalCode", "Country")},
                **{f"Shipping{p}": "x" * 200_000 for p in ("Street", "City", "State", "PostalCode", "Country")}),
    ]  # fmt: skip
    one = Pull(clerk, crm, mapping={"Rate__c": "credit_limit", "Note__c": None})
    assert one.staged().total_rows == 5
    import_validation.validate(clerk.engine, clerk.org, one.id, lambda _: None, CALM)
    clerk.finish(one.id)
    assert [(n, o, c) for n, o, c in clerk.outcomes(one.id)] == [
        (1, "failed", ("FIELD_LENGTH",)), (2, "created", ()), (3, "created", ()), (4, "failed", ("FIELD_TYPE",)),
        (5, "failed", ("COLUMN_COUNT",)),
    ]  # fmt: skip


def test_cancelling_ends_a_pull_and_drops_what_it_fetched(clerk: Desk, crm: Crm) -> None:
    fill(crm, 9)
    one = Pull(clerk, crm)
    one.slice(0.0)
    clerk.act("import.cancel", one.id)
    asked = len(crm.queries)
    one.slice(0.0)
    assert (one.row.status, len(crm.queries)) == ("CANCELLED", asked)
    assert clerk.sql("SELECT 1 FROM import_files WHERE org_id = :org") == []


def test_the_name_of_a_connection_says_nothing_of_its_secret(clerk: Desk, crm: Crm) -> None:
    fill(crm, 3)
    one = Pull(clerk, crm)
    one.staged()
    everything = clerk.sql("SELECT to_jsonb(i)::text AS t FROM customer_imports i WHERE id = :id", id=one.id)
    everything += clerk.sql("SELECT payload AS t FROM audit_events WHERE org_id = :org")
    assert not any("demo-secret" in r["t"] or crm.token in r["t"] for r in everything)
    assert new_id("imp") != one.id
