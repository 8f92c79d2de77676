"""`arflow verify`: clean books pass; whatever the owner of the database changes or deletes is named."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.audit.chain import merkle_root
from models.db.engine import make_engine, transaction
from models.db.tx import Tx
from models.db.verify_seals import ROOTS
from operations.organisations import bootstrap_work
from operations.seals import seal
from operations.verify import checks, verify
from tests.books import Books
from tests.reads.histories import History


class Undone(Exception):
    """Ends a transaction that was only to show something."""


@dataclass
class Worked:
    """Books in which everything happened once, sealed."""

    books: Books
    names: dict[str, str]

    def tamper(self, sql: str) -> None:
        """As the owner of the database, with every trigger and foreign key off."""
        with transaction(self.books.owner, self.books.org) as tx:
            self.tampered(tx, sql)

    def tampered(self, tx: Tx, sql: str) -> None:
        tx.run("SET LOCAL session_replication_role = replica")
        assert tx.connection().execute(sql.format(org=f"'{self.books.org}'", **self.names)).rowcount > 0, sql

    def breaches_after(self, sql: str) -> dict[str, list[str]]:
        """What is named once the owner has done this; then it is undone."""
        (found,) = self.breaches_after_each([sql])
        return found

    def breaches_after_each(self, changes: Iterable[str], first: str | None = None) -> Iterator[dict[str, list[str]]]:
        """What is named after each of these alone (and `first` before them all); then all is undone."""
        with suppress(Undone), transaction(self.books.owner, self.books.org) as tx:
            if first is not None:
                tx.run(first)
            for sql in changes:
                tx.run("SAVEPOINT untouched")
                self.tampered(tx, sql)
                yield {f.check: f.breaches for f in checks(tx) if not f.ok}
                tx.run("ROLLBACK TO SAVEPOINT untouched")
            raise Undone

    def breaches(self) -> dict[str, list[str]]:
        return {f.check: f.breaches for f in verify(self.books.engine, self.books.org) if not f.ok}


def work(books: Books) -> Worked:
    books.rate("GBP", "USD", "2026-01-05", "1.25")
    books.rate("GBP", "USD", "2026-01-15", "1.30")
    customer = books.customer()
    first, second = (
        books.invoice(customer, 1000, "2026-01-05", tax_minor=70),
        books.invoice(customer, 900, "2026-01-06"),
    )
    sterling = books.invoice(customer, 500, "2026-01-05", currency="GBP")
    payment, bounced = books.pay(customer, 1300, "2026-01-15"), books.pay(customer, 40, "2026-01-16")
    waiting = books.pay(customer, 77, "2026-01-20")
    applied = books.apply(payment, (first, 1000), overpayment="customer_credit")
    books.spend(applied["credit_id"], (second, 200))
    books.apply(books.pay(customer, 300, "2026-01-15", "GBP"), (sterling, 300))
    lost = books.apply(bounced, (second, 40))
    books.reverse(bounced, "2026-01-18")
    wrong = books.apply(books.pay(customer, 60, "2026-01-17"), (second, 60))
    books.unapply(wrong["applications"][0]["id"], "2026-01-19")
    void = books.invoice(customer, 5, "2026-01-05")
    books.void(void)
    with transaction(books.engine, books.org, snapshot=True) as tx:
        seal(tx)
    names = {
        "customer": customer, "first": first, "second": second, "payment": payment, "waiting": waiting,
        "credit": applied["credit_id"], "entry": applied["journal_entry_id"], "lost": lost["applications"][0]["id"],
        "application": applied["applications"][0]["id"],
    }  # fmt: skip
    return Worked(books, names)


@pytest.fixture
def worked(books: Books) -> Worked:
    """See `work`."""
    return work(books)


@pytest.fixture(scope="module")
def untouched(database_url: str) -> Iterator[Worked]:
    """The same for tests that leave it as it is."""
    books = Books(database_url)
    yield work(books)
    books.close()


def test_clean_books_pass_every_check(untouched: Worked) -> None:
    findings = list(verify(untouched.books.engine, untouched.books.org))
    assert {f.check: f.breaches for f in findings if not f.ok} == {}
    assert [f.check for f in findings] == [
        "audit chains", "audit seals", "ledger entries", "records as audited", "payments", "invoices",
        "credit notes", "deductions", "receivables control", "cash", "unapplied cash", "customer credits", "rows in the trail",
        "events in the trail",
        "open work",
    ]  # fmt: skip
    what = {f.check: f.what for f in findings}
    assert what["payments"] == "5 payments"
    assert what["ledger entries"] == "12 entries"
    assert "1 seals, newest" in what["audit seals"]
    assert re.fullmatch(r"le_us [0-9,]+\.[0-9]{2} USD", what["receivables control"])


def test_random_histories_pass_every_check(books: Books) -> None:
    history = History(books, 7)
    history.run(40)
    books.close_period("2026-02")
    with transaction(books.engine, books.org, snapshot=True) as tx:
        seal(tx)
    history.run(40)
    assert [f.breaches for f in verify(books.engine, books.org) if not f.ok] == []


TRAIL = "WHERE org_id = {org} AND subject_id = '{payment}'"
TAMPERS = {
    # the trail
    "a payload": ("audit chains", "payment", f"UPDATE audit_events SET payload = payload || ' ' {TRAIL} AND seq = 2"),
    "a salt": ("audit chains", "payment", f"UPDATE audit_events SET salt = 'x' {TRAIL} AND seq = 2"),
    "an actor": ("audit chains", "payment", f"UPDATE audit_events SET actor = 'u_nobody' {TRAIL} AND seq = 1"),
    "a time": ("audit chains", "payment", f"UPDATE audit_events SET at = at + interval '1 s' {TRAIL} AND seq = 1"),
    "a reason": ("audit chains", "payment", f"UPDATE audit_events SET reason_code = 'X' {TRAIL} AND seq = 1"),
    "a digest": ("audit chains", "payment", f"UPDATE audit_events SET digest = sha256('x') {TRAIL} AND seq = 1"),
    "a hash": ("audit chains", "payment", f"UPDATE audit_events SET hash = sha256('x') {TRAIL} AND seq = 1"),
    "an event in the middle": ("audit chains", "payment", f"DELETE FROM audit_events {TRAIL} AND seq = 2"),
    "the last event": ("audit chains", "payment", f"DELETE FROM audit_events {TRAIL} AND seq = 3"),
    "all events": ("audit chains", "payment", f"DELETE FROM audit_events {TRAIL}"),
    "the head": ("audit chains", "payment", f"UPDATE audit_heads SET hash = sha256('x') {TRAIL}"),
    "the head's row": ("audit chains", "payment", f"DELETE FROM audit_heads {TRAIL}"),
    "a sealed head": ("audit seals", "payment", f"UPDATE audit_seal_heads SET hash = sha256('x') {TRAIL}"),
    "a seal's root": ("audit seals", "root", "UPDATE audit_seals SET root = sha256('x') WHERE org_id = {org}"),
    "a seal": ("audit seals", "it is gone", "DELETE FROM audit_seals WHERE org_id = {org}"),
    "a seal with its heads": (
        "audit seals", "it is gone",
        "WITH x AS (DELETE FROM audit_seal_heads WHERE org_id = {org}) DELETE FROM audit_seals WHERE org_id = {org}",
    ),
    "a sealed head's row": ("audit seals", "root", f"DELETE FROM audit_seal_heads {TRAIL}"),
    # the ledger
    "a line's amounts": (
        "ledger entries", "entry",
        "UPDATE journal_lines SET debit_minor = debit_minor * 2, credit_minor = credit_minor * 2, functional_debit_minor = "
        "functional_debit_minor * 2, functional_credit_minor = functional_credit_minor * 2 WHERE entry_id = '{entry}'",
    ),
    "a line's account": (
        "ledger entries", "entry",
        "UPDATE journal_lines SET account = 'revenue' WHERE entry_id = '{entry}' AND account = 'accounts_receivable'",
    ),
    "a line": ("ledger entries", "entry", "DELETE FROM journal_lines WHERE entry_id = '{entry}' AND line_no = 3"),
    "all lines": ("ledger entries", "entry", "DELETE FROM journal_lines WHERE entry_id = '{entry}'"),
    "an entry's date": (
        "ledger entries", "entry", "UPDATE journal_entries SET entry_date = '2026-01-31' WHERE id = '{entry}'",
    ),
    "an entry's time": (
        "ledger entries", "entry", "UPDATE journal_entries SET created_at = created_at + interval '1 s' WHERE id = '{entry}'",
    ),
    "an entry's row": ("ledger entries", "entry", "DELETE FROM journal_entries WHERE id = '{entry}'"),
    # the records
    "an amount": ("records as audited", "waiting", "UPDATE payments SET amount_minor = 78 WHERE id = '{waiting}'"),
    "a payment date": (
        "records as audited", "waiting", "UPDATE payments SET payment_date = '2026-01-01' WHERE id = '{waiting}'",
    ),
    "a due date": ("records as audited", "first", "UPDATE invoices SET due_date = '2027-01-01' WHERE id = '{first}'"),
    "a payment": ("records as audited", "waiting", "DELETE FROM payments WHERE id = '{waiting}'"),
    "an invoice": ("records as audited", "second", "DELETE FROM invoices WHERE id = '{second}'"),
    "applied_minor": ("payments", "payment", "UPDATE payments SET applied_minor = 1100 WHERE id = '{payment}'"),
    "a hold": ("payments", "payment", "UPDATE payments SET credit_held_minor = 99 WHERE id = '{payment}'"),
    "a credit": ("payments", "payment", "DELETE FROM customer_credits WHERE id = '{credit}'"),
    "a credit's rest": (
        "payments", "payment",
        "UPDATE customer_credits SET remaining_minor = 7, functional_remaining_minor = 7 WHERE id = '{credit}'",
    ),
    "an application": ("payments", "payment", "DELETE FROM payment_applications WHERE id = '{application}'"),
    "an effective date": (
        "payments", "application",
        "UPDATE payment_applications SET effective_date = '2026-01-10' WHERE id = '{application}'",
    ),
    "an undone application": (
        "payments", "lost",
        "UPDATE payment_applications SET unapplied_at = NULL, undone_date = NULL WHERE id = '{lost}'",
    ),
    "an application's amount": (
        "invoices", "first",
        "UPDATE payment_applications SET invoice_applied_minor = 999 WHERE id = '{application}'",
    ),
    "a balance": ("invoices", "second", "UPDATE invoices SET balance_due_minor = 0 WHERE id = '{second}'"),
    "a functional balance": (
        "receivables control", "le_us", "UPDATE invoices SET functional_balance_minor = 1 WHERE id = '{second}'",
    ),
    "a posted flag": ("cash", "le_us", "UPDATE payments SET posted = true WHERE id = '{waiting}'"),
    "a remainder": (
        "unapplied cash", "le_us", "UPDATE payments SET functional_available_minor = 5 WHERE id = '{payment}'",
    ),
    "a credit's worth": (
        "customer credits", "le_us", "UPDATE customer_credits SET functional_remaining_minor = 9 WHERE id = '{credit}'",
    ),
    # coverage
    "a customer's chain": (
        "rows in the trail", "customer",
        "WITH x AS (DELETE FROM audit_heads WHERE subject_id = '{customer}') DELETE FROM audit_events "
        "WHERE subject_id = '{customer}'",
    ),
    "an event's subject": (
        "events in the trail", "cust_nobody",
        "UPDATE outbox_events SET subject = 'cust_nobody' WHERE org_id = {org} AND type = 'customer.created'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERS)
def test_tampering_is_named(untouched: Worked, what: str) -> None:
    check, record, sql = TAMPERS[what]
    breaches = untouched.breaches_after(sql)
    assert check in breaches, breaches
    assert any(untouched.names.get(record, record) in text for text in breaches[check]), breaches


def test_an_entry_smuggled_in_with_its_digest_is_named(untouched: Worked) -> None:
    """Balanced, well-formed: but no audit event names it."""
    found = untouched.breaches_after(
        "WITH e AS (INSERT INTO journal_entries (org_id, id, entry_date, kind, source_id, legal_entity_id, functional_currency,"
        " digest) SELECT org_id, 'je_smuggled', entry_date, kind, source_id, legal_entity_id, functional_currency, digest"
        " FROM journal_entries WHERE id = '{entry}')"
        " INSERT INTO journal_lines SELECT org_id, 'je_smuggled', line_no, account, debit_minor, credit_minor, currency_code,"
        " functional_debit_minor, functional_credit_minor, customer_id, invoice_id, bank_account_id FROM journal_lines"
        " WHERE entry_id = '{entry}'"
    )
    assert any("je_smuggled: no audit event names the entry" in text for text in found["ledger entries"])


def test_a_rewritten_chain_is_named_by_the_seal(worked: Worked) -> None:
    """A chain forged anew from its beginning is consistent with itself: only the seal tells."""
    worked.tamper(
        "WITH x AS (DELETE FROM audit_heads WHERE subject_id = '{waiting}') DELETE FROM audit_events "
        "WHERE subject_id = '{waiting}'"
    )
    with transaction(worked.books.engine, worked.books.org) as tx:
        event = (
            f'[{{"subject_id":"{worked.names["waiting"]}","id":"aud_x","actor":"u","action":"note","payload":"{{}}"}}]'
        )
        tx.run("SELECT audit_append(:org, :at, CAST(:e AS json))", at=tx.now, e=event)
    found = worked.breaches()
    assert "audit chains" not in found
    assert any(worked.names["waiting"] in text for text in found["audit seals"])


def test_an_erased_customer_still_verifies(worked: Worked) -> None:
    customer = worked.names["customer"]
    with transaction(worked.books.engine, worked.books.org) as tx:
        tx.run("SELECT erase_customer(:s, 'chg_x', true)", s=customer)
    chain = worked.books.get("/v1/audit-events", subject_id=customer)["items"]
    assert [(e["action"], e["erased"]) for e in chain] == [("customer.bootstrapped", True), ("trail.erased", False)]
    assert chain[1]["payload"] == {"change_id": "chg_x", "subjects": {customer: 1}}
    assert worked.breaches() == {}


def test_a_content_erased_without_its_customer_is_named(worked: Worked) -> None:
    """Taking it away is not enough; and of the books nothing is ever erased, whatever is said."""
    customer, payment = worked.names["customer"], worked.names["payment"]
    owner = make_engine(worked.books.engine.url.render_as_string(hide_password=False), pool_size=1, role=None)
    with transaction(owner, worked.books.org) as tx:
        assert tx.scalar("SELECT audit_erase(:s)", s=customer) == 1
    assert worked.breaches() == {
        "audit chains": [f"{customer}: the payload of event 1 was taken away, and no erasure tells of it"]
    }
    with transaction(owner, worked.books.org) as tx:
        work = bootstrap_work(tx, "u_forger")
        tx.run("SELECT audit_erase(:s)", s=payment)
        work.audit(customer, "trail.erased", {"subjects": {customer: 1, payment: 3}})
        work.flush()
    gone = [f"{payment}: the payload of event {n} was taken away, and no erasure tells of it" for n in (1, 2, 3)]
    owner.dispose()
    assert worked.breaches()["audit chains"] == gone


def test_a_head_that_a_seal_stored_long_ago_is_named_when_it_goes(worked: Worked) -> None:
    """Superseded since, and older than the seals whose roots over everything are recomputed."""
    books = worked.books
    for day in range(ROOTS + 1):
        books.pay(worked.names["customer"], 5 + day, "2026-01-21")
        with transaction(books.engine, books.org, snapshot=True) as tx:
            seal(tx)
    assert worked.breaches() == {}
    first = "sealed_at = (SELECT min(sealed_at) FROM audit_seals WHERE org_id = {org})"
    superseded = f"org_id = {{org}} AND {first} AND subject_id = {{org}}"
    oldest = books.sql("SELECT min(sealed_at) AS at FROM audit_seals WHERE org_id = :org")[0]["at"].isoformat()
    assert worked.breaches_after(f"DELETE FROM audit_seal_heads WHERE {superseded}") == {
        "audit seals": [f"seal of {oldest}: the heads that it stored are not those that the trail names"]
    }


def test_seals_store_only_what_moved_and_cover_everything(worked: Worked) -> None:
    books = worked.books
    stored = books.sql("SELECT count(*) AS n FROM audit_seal_heads WHERE org_id = :org")[0]["n"]
    books.pay(worked.names["customer"], 5, "2026-01-21")
    with transaction(books.engine, books.org, snapshot=True) as tx:
        seal(tx)
    # the payment's head, and that of the organisation's own chain, which names the first seal
    assert books.sql("SELECT count(*) AS n FROM audit_seal_heads WHERE org_id = :org")[0]["n"] == stored + 2
    seals = books.sql("SELECT heads FROM audit_seals WHERE org_id = :org ORDER BY sealed_at")
    assert [s["heads"] for s in seals] == [stored, stored + 1]
    assert worked.breaches() == {}


@pytest.mark.parametrize("leaves", range(10))
def test_the_root_is_that_of_pairing_level_by_level(leaves: int) -> None:
    level = [hashlib.sha256(bytes([n])).digest() for n in range(leaves)]
    root = merkle_root(iter(level))
    level = level or [hashlib.sha256(b"").digest()]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(p[0] + p[1]).digest() if len(p) == 2 else p[0] for p in pairs]
    assert root == level[0]


def test_the_command_prints_a_line_per_check_and_fails_on_a_breach(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from cli.main import app
    from settings import get_settings

    monkeypatch.setenv("ARFLOW_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("ARFLOW_HOME", str(tmp_path))  # where no key is
    get_settings.cache_clear()
    good, bad = work(Books(fresh_database_url, "org_good")), work(Books(fresh_database_url, "org_bad"))
    clean = CliRunner().invoke(app, ["verify"])
    assert clean.exit_code == 0, clean.output
    assert len(clean.output.splitlines()) == 30
    bad.tamper("DELETE FROM journal_lines WHERE entry_id = '{entry}' AND line_no = 1")
    broken = CliRunner().invoke(app, ["verify"])
    assert broken.exit_code == 1
    assert "org_bad  BREACH  ledger entries" in broken.output
    assert bad.names["entry"] in broken.output
    assert CliRunner().invoke(app, ["verify", "--org", "org_good"]).exit_code == 0
    assert CliRunner().invoke(app, ["verify", "--org", "org_nobody"]).exit_code == 1
    good.books.close()
    bad.books.close()
    get_settings.cache_clear()
