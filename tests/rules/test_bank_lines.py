"""A bank's file as it is taken: whose statements they are, which lines are receipts, and which are one movement said twice."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cash.bank_texts import BankText, Role
from models.cash.own_account import ANOTHER_ACCOUNT, is_of, own_statements
from models.cash.returned import return_reason
from models.cash.same_transaction import Paired, likeness, names_a_transaction, pair
from models.cash.statement_requests import ReadStatement, as_received
from models.cash.statements import ReadBefore, Statement, StatementLine, StatementWarning, line_external_id
from models.master_data.records import BankAccount
from tests.rules.refusals import is_sentence, refused

DAY, NOW = date(2026, 3, 10), datetime(2026, 3, 10, 12, tzinfo=UTC)
ACCOUNT = BankAccount(
    id="bank_us", legal_entity_id="le_us", currency_code="EUR", name="Main", iban="DE89 3704 0044 0532 0130 00",
    account_number="0532013000", created_at=NOW,
)  # fmt: skip
UNKNOWN = replace(ACCOUNT, iban=None, account_number=None)


def line(minor: int = 100, currency: str = "EUR", **more: object) -> StatementLine:
    return replace(StatementLine(1, DAY, DAY, minor, currency, remittance_text="INV-1"), **more)  # type: ignore[arg-type]


def statement(ref: str | None, currency: str | None = "EUR", *lines: StatementLine) -> Statement:
    return Statement(ref, None, currency, None, None, None, None, lines)


def taken(*read: Statement) -> list[ReadStatement]:
    return as_received("bank_us", b"file", "march.csv", read).statements


@pytest.mark.parametrize(("ref", "own"), [
    ("DE89370400440532013000", True), ("de89 3704 0044 0532 0130 00", True), ("0532013000", True), ("532013000", True),
    ("37040044/0532013000", True), ("0532013000EUR", True), ("37040044/532013000EUR", True),
    ("000DE89370400440532013000", True), ("EUR0532013000", False),
    ("DE89370400440532013001", False), ("0532013000USD", False), ("", False), ("/", False), ("EUR", False),
])  # fmt: skip
def test_a_bank_means_the_account_by_iban_or_number(ref: str, own: bool) -> None:
    assert is_of(ACCOUNT, ref) is own
    assert not is_of(UNKNOWN, ref)


def test_a_number_may_end_like_the_currency_or_begin_with_zeros() -> None:
    assert is_of(replace(UNKNOWN, account_number="77EUR"), "77EUR")
    assert is_of(replace(UNKNOWN, account_number="00077"), "77")
    assert not is_of(replace(UNKNOWN, account_number="00077"), "7")


def test_a_files_statements_of_other_accounts_are_left_out_each_with_one_warning() -> None:
    mine, silent = statement("0532013000", "EUR", line()), statement(None)
    others = [statement("111", "USD", line(currency="USD")), statement("222"), statement("111")]
    own, warnings = own_statements(ACCOUNT, taken(mine, *others, silent))
    assert [s.account_ref for s in own] == ["0532013000", None]
    assert [w.code for w in warnings] == [ANOTHER_ACCOUNT] * 2
    assert [("111" in w.detail, is_sentence(w.detail)) for w in warnings] == [(True, True), (False, True)]
    with refused("STATEMENT_ACCOUNT_MISMATCH"):
        own_statements(ACCOUNT, taken(*others))
    assert own_statements(ACCOUNT, []) == ([], [])
    assert own_statements(UNKNOWN, taken(silent, statement("1 1"), statement("11")))[1] == []
    for known in (replace(ACCOUNT, iban=None), replace(UNKNOWN, iban="111")):
        assert len(own_statements(known, taken(mine, statement("111"), statement("222")))[0]) == 1
    with refused("STATEMENT_ACCOUNT_AMBIGUOUS") as no:
        own_statements(UNKNOWN, taken(*others))
    assert " 2 accounts" in no[0].detail


def test_what_names_no_account_is_believed_in_the_accounts_own_currency() -> None:
    strange = (statement(None, "USD"), statement(None, None, line(), line(currency="USD")))
    for one in strange:
        for account, read in ((ACCOUNT, (statement("0532013000"), one)), (UNKNOWN, (one,))):
            with refused("STATEMENT_CURRENCY_MISMATCH") as no:
                own_statements(account, taken(*read))
            assert "in USD" in no[0].detail
            assert "in EUR" in no[0].detail
    assert own_statements(ACCOUNT, taken(statement("0532013000", "USD"), statement(None, None, line())))[1] == []


@pytest.mark.parametrize(("minor", "reversal", "why"), [
    (1, False, None), (1, True, "REVERSAL"), (-1, True, "RECEIPT_RETURNED"), (-1, False, "NOT_A_CREDIT"),
    (0, False, "NOT_A_CREDIT"),
])  # fmt: skip
def test_money_from_somebody_else_is_a_receipt(minor: int, reversal: bool, why: str | None) -> None:
    (read,) = taken(statement("1", "EUR", line(minor, reversal=reversal)))[0].lines
    assert (read.status, read.reason_code) == ("IGNORED" if why else "PENDING", why)


def test_all_that_was_read_is_taken() -> None:
    text = BankText("Ustrd", "INV-1", Role.TEXT, (3,), True, 55, "EUR")
    x = line(
        7,
        payer="A",
        reference="R",
        structured_references=("S",),
        bank_ref="B",
        entry_ref="E",
        entry_minor=70,
        texts=(text,),
    )
    read = replace(
        statement("1", "EUR", x), opening_minor=1, closing_minor=8, warnings=(StatementWarning("W", "Why."),)
    )
    received = as_received("bank_us", b"file", "march.csv", [read], "bank 1")
    assert (received.bank_account_id, received.file_name, received.format) == ("bank_us", "march.csv", "bank 1")
    (s,) = received.statements
    assert (s.account_ref, s.currency_code, s.opening_minor, s.closing_minor) == ("1", "EUR", 1, 8)
    assert [w.as_warning() for w in s.warnings] == [StatementWarning("W", "Why.")]
    (one,) = s.lines
    fields = ("booking_date", "value_date", "amount_minor", "currency_code", "payer", "reference", "remittance_text",
              "bank_ref", "entry_ref", "entry_minor")  # fmt: skip
    assert [getattr(one, f) for f in fields] == [getattr(x, f) for f in fields]
    assert one.structured_references == ["S"]
    assert [t.as_text() for t in one.texts] == [text]
    assert (one.external_id, one.external_id_before) == (line_external_id("bank_us", x), None)
    before = line(payer="now A", read_before=ReadBefore("A", None, "INV-1", None))
    (again,) = taken(statement("1", "EUR", before))[0].lines
    assert again.external_id_before == line_external_id("bank_us", replace(before, payer="A"))


def test_identical_lines_are_told_apart_within_an_account() -> None:
    one, two = replace(line(), occurrence=1), replace(line(), occurrence=2)
    first, second = taken(statement("1", "EUR", one), statement("2", "EUR", two))
    assert first.lines[0].external_id == second.lines[0].external_id
    (alone,) = taken(statement("1", "EUR", one, two))
    assert len({x.external_id for x in alone.lines}) == 2


@dataclass
class Said:
    payer: str | None = None
    reference: str | None = None

    @property
    def texts(self) -> list[BankText]:
        return [BankText("Ustrd", self.reference, Role.TEXT)] if self.reference else []


@pytest.mark.parametrize(("ref", "names"), [
    (None, False), (" ", False), ("NonRef", False), ("000-0.0", False), ("0", False), ("n/a", False), ("A1", True),
    ("0010", True), ("X0", True),
])  # fmt: skip
def test_what_stands_where_a_bank_has_no_reference_names_nothing(ref: str | None, names: bool) -> None:
    assert names_a_transaction(ref) is names


@pytest.mark.parametrize(("one", "other", "like"), [
    (Said("A", "INV-1001"), Said("B", "for INV-1001"), 2), (Said("Acme", "INV-1001"), Said("Acme", "INV-2002"), 0),
    (Said("Acme", "INV-1001"), Said("Acme Ltd"), 1), (Said("Acme"), Said("Bolt", "INV-1001"), 0), (Said(), Said("Bolt"), 1),
    (Said("Acme"), Said(), 1), (Said("ACME GMBH"), Said("the acme company"), 1), (Said("Acme"), Said("..."), 1),
    (Said("..."), Said("Acme"), 1),
])  # fmt: skip
def test_two_lines_are_alike_by_what_they_name(one: Said, other: Said, like: int) -> None:
    assert likeness(one, other) == likeness(other, one) == like


def test_the_likest_are_one_and_what_may_be_either_is_asked() -> None:
    a, b, silent = Said("Acme", "INV-1001"), Said("Bolt", "INV-2002"), Said()
    assert pair([silent, a], [a, silent]) == Paired({1: 0, 0: 1}, {})
    assert pair([a], [b]) == Paired({}, {0: [0]})
    assert pair([a], []) == Paired({}, {})
    assert pair([a, a], [a]) == Paired({0: 0}, {})
    assert pair([a, b, silent], [Said("Bolt"), Said("Cord", "INV-3003")]) == Paired({1: 0, 2: 1}, {})
    assert pair([a, b], [a, b], [(0, 0)]) == Paired({0: 0, 1: 1}, {})
    assert pair([a, silent], [b, a], [(1, 1)]) == Paired({1: 1}, {0: [0]})


@given(st.lists(st.sampled_from([Said("Acme", "INV-1001"), Said("Acme"), Said("Bolt"), Said()]), max_size=4), st.data())
def test_each_known_line_is_one_of_ours_at_most(ours: list[Said], data: st.DataObject) -> None:
    known = data.draw(st.lists(st.sampled_from(ours), max_size=4)) if ours else []
    paired = pair(ours, known)
    assert len(set(paired.same.values())) == len(paired.same)
    assert not paired.same.keys() & paired.doubtful.keys()
    assert all(likeness(ours[n], known[k]) for n, k in paired.same.items())


@pytest.mark.parametrize(("texts", "reason"), [
    ([], "RETURNED"), ([("RtrInf/Rsn/Cd", "AM04")], "RETURNED_AM04"), ([("Ustrd", "return am04 x")], "RETURNED_AM04"),
    ([("RtrInf/Rsn/Prtry", "no funds!")], "RETURNED_NO_FUNDS"), ([("Ustrd", "R01 insufficient")], "RETURNED_R01"),
    ([("Ustrd", "R86"), ("x/SubFmlyCd", "UPDD")], "RETURNED_UPDD"), ([("x/SubFmlyCd", "OTHR")], "RETURNED"),
    ([("Ustrd", "AC01"), ("RtrInf/Rsn/Cd", "MD06")], "RETURNED_MD06"), ([("Ustrd", "XAM04")], "RETURNED"),
    ([("RtrInf/Rsn/Cd", "A" * 80)], "RETURNED_" + "A" * 55),
])  # fmt: skip
def test_a_return_has_the_banks_own_reason(texts: list[tuple[str, str]], reason: str) -> None:
    assert return_reason(BankText(field, text) for field, text in texts) == reason
