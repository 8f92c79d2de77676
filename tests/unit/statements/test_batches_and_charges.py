"""CAMT batches: split where the parts and the charges make up the entry; amounts in the account's currency; sums per document."""

import pytest

from tests.exceptions.uploads import camt, detail, entry
from tests.unit.statements.conftest import Read

CHARGES = '<Chrgs><TtlChrgsAndTaxAmt Ccy="USD">{0}</TtlChrgsAndTaxAmt></Chrgs>'
RECORDS = (
    '<Chrgs><Rcrd><Amt Ccy="USD">20.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd>'
    '<Rcrd><Amt Ccy="USD">6.00</Amt></Rcrd></Chrgs>'
)
PARTS = (detail("INV-1", amount="1500.00"), detail("INV-2", amount="1000.00"))


def foreign(text: str, amount: str, worth: str) -> str:
    """A transaction in euro, with what it is worth in the account's dollars."""
    return (
        f'<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><AmtDtls><InstdAmt><Amt Ccy="EUR">{amount}</Amt></InstdAmt>'
        f'<CntrValAmt><Amt Ccy="USD">{worth}</Amt></CntrValAmt></AmtDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf>'
    )


@pytest.mark.parametrize("charges", [CHARGES.format("26.00"), RECORDS], ids=["as a total", "one by one"])
def test_a_batch_less_its_charges_is_split_and_the_charges_stand_apart(read: Read, charges: str):
    (statement,) = read(camt(entry("2474.00", *PARTS, more=charges)))
    assert [(x.amount_minor, x.remittance_text) for x in statement.lines] == [
        (150000, "INV-1"), (100000, "INV-2"), (-2600, "Charges"),
    ]  # fmt: skip
    assert statement.warnings == ()


def test_charges_of_the_transactions_are_summed(read: Read):
    own = '<Chrgs><TtlChrgsAndTaxAmt Ccy="USD">13.00</TtlChrgsAndTaxAmt></Chrgs>'
    parts = [detail(f"INV-{n}", amount="1000.00", more=own) for n in (1, 2)]
    assert [x.amount_minor for x in read(camt(entry("1974.00", *parts)))[0].lines] == [100000, 100000, -2600]


def test_charges_that_were_taken_elsewhere_change_nothing(read: Read):
    (statement,) = read(camt(entry("2500.00", *PARTS, more=CHARGES.format("26.00"))))
    assert [x.amount_minor for x in statement.lines] == [150000, 100000]


@pytest.mark.parametrize("charges", ["", CHARGES.format("25.00")], ids=["none said", "others said"])
def test_a_batch_that_its_charges_do_not_explain_stays_whole(read: Read, charges: str):
    (statement,) = read(camt(entry("2474.00", *PARTS, more=charges)))
    assert [x.amount_minor for x in statement.lines] == [247400]
    assert [w.code for w in statement.warnings] == ["STATEMENT_BATCH_NOT_SPLIT"]


def test_transactions_in_another_currency_count_by_what_they_are_worth_in_the_accounts(read: Read):
    (statement,) = read(
        camt(entry("330.00", foreign("INV-1", "100.00", "110.00"), foreign("INV-2", "200.00", "220.00")))
    )
    assert [(x.amount_minor, x.currency_code) for x in statement.lines] == [(11000, "USD"), (22000, "USD")]


def test_one_of_them_without_its_worth_leaves_the_batch_whole(read: Read):
    euro = '<Amt Ccy="EUR">200.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    (statement,) = read(camt(entry("330.00", foreign("INV-1", "100.00", "110.00"), euro)))
    assert [x.amount_minor for x in statement.lines] == [33000]


def test_the_parts_of_a_split_batch_know_the_whole(read: Read):
    lines = read(camt(entry("2474.00", *PARTS, more=CHARGES.format("26.00"), ref="R9")))[0].lines
    assert {(x.entry_ref, x.entry_minor) for x in lines} == {("R9", 247400)}


def test_the_reference_of_the_entry_is_shown(read: Read):
    (line,) = read(camt(entry("10.00", detail("x"), more="<NtryRef>77001</NtryRef>")))[0].lines
    assert ("NtryRef", "77001") in [(t.field, t.text) for t in line.texts]
