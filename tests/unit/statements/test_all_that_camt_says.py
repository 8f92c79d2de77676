"""Everything that a CAMT entry says: each text with its place, what the search may do with it, and who sent how much."""

from collections.abc import Callable
from datetime import date

import pytest

from models.cash.bank_texts import BankText, Role
from models.cash.statements import BATCH_NOT_SPLIT, ReadBefore, StatementLine
from models.errors import Refusal
from tests.unit.statements.conftest import Read
from tests.unit.statements.test_all_that_a_line_says import OWN, SHOWN, TEXT, texts

DOCUMENT, CREDITOR = Role.DOCUMENT, Role.CREDITOR_REFERENCE
Make = Callable[..., str]

REMITTANCE = """<RmtInf><Ustrd>March</Ustrd><Ustrd>and April</Ustrd>
<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>INV-7</Nb><RltdDt>2026-02-01</RltdDt></RfrdDocInf>
<RfrdDocAmt><DuePyblAmt Ccy="EUR">9.00</DuePyblAmt><RmtdAmt Ccy="EUR">7.50</RmtdAmt></RfrdDocAmt>
<CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry><Issr>ISO</Issr></Tp><Ref>RF18INV9</Ref></CdtrRefInf>
<AddtlRmtInf>thanks</AddtlRmtInf><AddtlRmtInf>a lot</AddtlRmtInf></Strd>
<Strd><RfrdDocInf><Nb>INV-8</Nb></RfrdDocInf><RfrdDocInf><Nb>INV-9</Nb></RfrdDocInf>
<RfrdDocAmt><RmtdAmt Ccy="EUR">2.50</RmtdAmt></RfrdDocAmt></Strd>
<Strd><CdtrRefInf><Tp><CdOrPrtry><Prtry>QRR</Prtry></CdOrPrtry></Tp><Ref>210000000003139471430009017</Ref></CdtrRefInf></Strd>
<Strd><CdtrRefInf><Tp><Issr>BBA</Issr></Tp><Ref>010806817183</Ref></CdtrRefInf></Strd></RmtInf>"""
FULL = f"""<TxDtls><Refs><MsgId>M9</MsgId><AcctSvcrRef>T-1</AcctSvcrRef><EndToEndId>notprovided</EndToEndId><InstrId>I-1</InstrId>
<TxId>X-1</TxId></Refs><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<AmtDtls><InstdAmt><Amt Ccy="USD">11.00</Amt><CcyXchg><XchgRate>1.1</XchgRate></CcyXchg></InstdAmt></AmtDtls>
<Chrgs><Rcrd><Amt Ccy="EUR">1.00</Amt></Rcrd></Chrgs><BkTxCd><Domn><Cd>PMNT</Cd></Domn></BkTxCd>
<RltdPties><Dbtr><Pty><Nm>Ann AG</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>DE1</IBAN></Id></DbtrAcct></RltdPties>{REMITTANCE}
<AddtlTxInf>note of transaction</AddtlTxInf></TxDtls>"""
IN_FULL = [
    ("RfrdDocInf/Nb", "INV-7", DOCUMENT), ("CdtrRefInf/Ref", "RF18INV9", CREDITOR), ("RfrdDocInf/Nb", "INV-8", DOCUMENT),
    ("RfrdDocInf/Nb", "INV-9", DOCUMENT), ("CdtrRefInf/Ref (QRR)", "210000000003139471430009017", CREDITOR),
    ("CdtrRefInf/Ref (OGM)", "010806817183", CREDITOR), ("RmtInf/Ustrd", "March and April thanks a lot", TEXT),
    ("Refs/InstrId", "I-1", OWN), ("Strd/RfrdDocInf/Tp/CdOrPrtry/Cd", "CINV", SHOWN),
    ("Strd/RfrdDocInf/RltdDt", "2026-02-01", SHOWN), ("Strd/CdtrRefInf/Tp/CdOrPrtry/Cd", "SCOR", SHOWN),
    ("Strd/CdtrRefInf/Tp/Issr", "ISO", SHOWN), ("Strd/CdtrRefInf/Tp/CdOrPrtry/Prtry", "QRR", SHOWN),
    ("Strd/CdtrRefInf/Tp/Issr", "BBA", SHOWN), ("AddtlTxInf", "note of transaction", SHOWN), ("Refs/MsgId", "M9", SHOWN),
    ("Refs/AcctSvcrRef", "T-1", SHOWN), ("Refs/EndToEndId", "notprovided", SHOWN), ("Refs/InstrId", "I-1", SHOWN),
    ("Refs/TxId", "X-1", SHOWN), ("AmtDtls/InstdAmt/CcyXchg/XchgRate", "1.1", SHOWN), ("BkTxCd/Domn/Cd", "PMNT", SHOWN),
    ("RltdPties/Dbtr/Pty/Nm", "Ann AG", SHOWN), ("RltdPties/DbtrAcct/Id/IBAN", "DE1", SHOWN),
]  # fmt: skip
OF_ENTRY = [("AddtlNtryInf", "note of entry", SHOWN), ("AcctSvcrRef", "SVC-1", SHOWN)]
NOTE = "<AddtlNtryInf>note of entry</AddtlNtryInf>"
REFERENCES = ("INV-7", "RF18INV9", "INV-8", "INV-9", "210000000003139471430009017", "010806817183")
DAYS = (date(2026, 3, 2), date(2026, 3, 3))


@pytest.fixture
def lines(read: Read, camt: Make, camt_entry: Make) -> Callable[..., tuple[StatementLine, ...]]:
    def lines(*details: str, note: str = "", **more: str) -> tuple[StatementLine, ...]:
        inside = f"<NtryDtls>{''.join(details)}</NtryDtls>" if details else ""
        return read(camt(camt_entry(details=inside + note, **more)))[0].lines

    return lines


Lines = Callable[..., tuple[StatementLine, ...]]


def test_a_transaction_of_its_own(lines: Lines) -> None:
    [line] = lines(FULL, note=NOTE)
    assert line == StatementLine(
        1, *DAYS, amount_minor=1000, currency_code="EUR", payer="Ann AG", reference="I-1",
        remittance_text="March and April thanks a lot", structured_references=REFERENCES, bank_ref="SVC-1",
    )  # fmt: skip
    assert texts(line) == IN_FULL + OF_ENTRY
    assert (line.read_before, line.entry_ref, line.entry_minor) == (None, None, None)
    paid = {t.text: (t.amount_minor, t.currency_code) for t in line.texts if t.role is DOCUMENT}
    assert paid == {"INV-7": (750, "EUR"), "INV-8": (None, None), "INV-9": (None, None)}


def test_two_transactions_of_a_batch(lines: Lines) -> None:
    other = FULL.replace("10.00", "3.00").replace("CRDT", "DBIT").replace("<AcctSvcrRef>T-1</AcctSvcrRef>", "")
    other = other.replace("</Dbtr>", "</Dbtr><Cdtr><Nm>Bob</Nm></Cdtr>").replace(REMITTANCE, "")
    first, second = lines(FULL, other, note=NOTE, amount="7.00", extra="<RvslInd>1</RvslInd>")
    assert first == StatementLine(
        1, *DAYS, amount_minor=1000, currency_code="EUR", payer="Ann AG", reference="I-1", reversal=True,
        remittance_text="March and April thanks a lot", structured_references=REFERENCES, bank_ref="T-1",
    )  # fmt: skip
    assert texts(first) == IN_FULL + OF_ENTRY
    assert second == StatementLine(
        2, *DAYS, amount_minor=-300, currency_code="EUR", payer="Bob", reference="I-1", reversal=True,
        remittance_text="note of transaction", bank_ref="SVC-1",
    )  # fmt: skip
    assert texts(second, shown=False) == [("Refs/InstrId", "I-1", OWN), ("AddtlTxInf", "note of transaction", TEXT)]
    assert {(x.entry_ref, x.entry_minor, x.read_before) for x in (first, second)} == {("SVC-1", 700, None)}


def test_a_batch_that_stays_whole_says_what_its_parts_have_in_common(read: Read, camt: Make, camt_entry: Make) -> None:
    other = FULL.replace("10.00", "3.00").replace("Ann AG", "Bob").replace("I-1", "I-2").replace("March", "May")
    [statement] = read(camt(camt_entry("20.00", details=f"<NtryDtls>{FULL}{other}</NtryDtls>" + NOTE)))
    [line] = statement.lines
    both = "March and April thanks a lot May and April thanks a lot"
    assert line == StatementLine(
        1, *DAYS, amount_minor=2000, currency_code="EUR", remittance_text=both, structured_references=REFERENCES,
        bank_ref="SVC-1",
    )  # fmt: skip
    assert [t[1] for t in texts(line, shown=False)][6:] == [
        "March and April thanks a lot", "I-1", "May and April thanks a lot", "I-2",
    ]  # fmt: skip
    said = "A batch entry (line 3) was kept as one line: its 2 transactions do not add up to it."
    assert [w.detail for w in statement.warnings if w.code == BATCH_NOT_SPLIT] == [said]


@pytest.mark.parametrize(
    ("detail", "searched", "text"),
    [
        ("", ("AddtlNtryInf", "note of entry", TEXT), "note of entry"),
        ("<AddtlTxInf>of its own</AddtlTxInf>", ("AddtlTxInf", "of its own", TEXT), "of its own"),
        ("<RmtInf><Ustrd>words</Ustrd></RmtInf>", ("RmtInf/Ustrd", "words", TEXT), "words"),
        ("<RmtInf><Strd><AddtlRmtInf>more</AddtlRmtInf></Strd></RmtInf>", ("RmtInf/Ustrd", "more", TEXT), "more"),
    ],
)
def test_a_note_is_searched_where_nothing_better_stands(
    lines: Lines, detail: str, searched: tuple[str, str, Role], text: str
) -> None:
    [line] = lines(*([f"<TxDtls>{detail}</TxDtls>"] if detail else []), note=NOTE)
    assert (texts(line, shown=False), line.remittance_text) == ([searched], text)
    assert OF_ENTRY[1] in texts(line)


PARTIES = {
    "an ultimate one": ("<UltmtDbtr><Pty><Nm>Parent</Nm></Pty></UltmtDbtr>", "Parent"),
    "the debtor first": ("<Dbtr><Nm>Ann</Nm></Dbtr><UltmtDbtr><Nm>Parent</Nm></UltmtDbtr>", "Ann"),
    "an agent": ("<Dbtr><Agt><FinInstnId><Nm>A Bank</Nm></FinInstnId></Agt></Dbtr>", "A Bank"),
    "of a credit no creditor": ("<Cdtr><Nm>We</Nm></Cdtr>", None),
}


@pytest.mark.parametrize(("parties", "payer"), PARTIES.values(), ids=PARTIES.keys())
def test_who_paid_and_who_was_paid(lines: Lines, parties: str, payer: str | None) -> None:
    detail = f"<TxDtls><RltdPties>{parties}</RltdPties></TxDtls>"
    assert lines(detail)[0].payer == payer
    other = detail.replace("Cdtr", "X").replace("Dbtr", "Cdtr").replace("X", "Dbtr")
    assert lines(other, indicator="DBIT")[0].payer == payer


def test_texts_at_their_limits(lines: Lines) -> None:
    """What fills its field may lack its end; a piece of full width runs on in the next, where earlier builds saw a blank."""
    full, invoice = "x" * 140, "INV-" + "7" * 31
    remittance = (
        f"<Ustrd>{'a' * 35}</Ustrd><Ustrd>b</Ustrd><Strd><RfrdDocInf><Nb>{invoice}</Nb></RfrdDocInf>"
        f"<CdtrRefInf><Ref>{'9' * 35}</Ref></CdtrRefInf><AddtlRmtInf>{full}</AddtlRmtInf></Strd>"
    )
    parties = "<RltdPties><Dbtr><Nm>Ann</Nm></Dbtr></RltdPties>"
    detail = f"<TxDtls><Refs><EndToEndId>{'e' * 35}</EndToEndId></Refs>{parties}<RmtInf>{remittance}</RmtInf></TxDtls>"
    [line] = lines(detail)
    joined = f"{'a' * 35}b {full}"
    assert [t for t in line.texts if t.role is not SHOWN] == [
        BankText("RfrdDocInf/Nb", invoice, DOCUMENT, cut=True), BankText("CdtrRefInf/Ref", "9" * 35, CREDITOR, cut=True),
        BankText("RmtInf/Ustrd", joined, TEXT, (35,), cut=True), BankText("Refs/EndToEndId", "e" * 35, OWN, cut=True),
    ]  # fmt: skip
    before = f"{'a' * 35} b {full}"
    assert (line.remittance_text, line.read_before) == (joined, ReadBefore("Ann", "e" * 35, before, "SVC-1"))
    parts = (detail.replace("<RmtInf>", f'<Amt Ccy="EUR">{amount}</Amt><RmtInf>') for amount in ("4.00", "6.00"))
    first, second = lines(*parts)
    assert first.read_before == second.read_before == line.read_before
    [whole] = lines(
        *(detail.replace("<RmtInf>", f'<Amt Ccy="EUR">{amount}</Amt><RmtInf>') for amount in ("4.00", "5.00"))
    )
    assert whole.read_before == ReadBefore("Ann", "e" * 35, f"{before} {before}", "SVC-1")
    [noted] = lines("<TxDtls/>", note=f"<AddtlNtryInf>{'n' * 500}</AddtlNtryInf>")
    assert BankText("AddtlNtryInf", "n" * 500, TEXT, cut=True) in noted.texts


def test_which_reference_is_the_payers(lines: Lines) -> None:
    """The first of four that is one."""
    known = ["EndToEndId", "InstrId", "TxId", "PmtInfId"]
    for first, name in enumerate(known):
        written = "".join(f"<{x}>{'NONREF' if i < first else x}</{x}>" for i, x in enumerate(known))
        [line] = lines(f"<TxDtls><Refs>{written}</Refs></TxDtls>")
        assert (line.reference, texts(line, shown=False)) == (name, [(f"Refs/{name}", name, OWN)])


def test_an_entry_with_a_value_date_and_a_reference_of_its_transaction(
    read: Read, camt: Make, camt_entry: Make
) -> None:
    entry = camt_entry(details="<NtryDtls><TxDtls><Refs><AcctSvcrRef>T-1</AcctSvcrRef></Refs></TxDtls></NtryDtls>")
    entry = entry.replace("<BookgDt><Dt>2026-03-02</Dt></BookgDt>", "").replace("<AcctSvcrRef>SVC-1</AcctSvcrRef>", "")
    [line] = read(camt(entry))[0].lines
    assert (line.booking_date, line.value_date, line.bank_ref) == (date(2026, 3, 3), date(2026, 3, 3), "T-1")


CODE = "<BkTxCd><Domn><Fmly><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>"


@pytest.mark.parametrize(
    ("entry", "detail", "back"),
    [
        ("", "", (False, False)),
        ("<RvslInd>true</RvslInd>", "", (True, True)),
        ("<RvslInd>1</RvslInd>", "", (True, True)),
        ("<RvslInd>false</RvslInd>", "", (False, False)),
        ("", CODE, (True, False)),
        ("", CODE.replace("RRTN", "ESCT"), (False, False)),
        ("", CODE.replace("SubFmlyCd", "Cd"), (False, False)),
        ("", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>", (True, False)),
        ("", "<Purp><Cd>RtrInf/</Cd></Purp>", (False, False)),
    ],
)
def test_what_gives_money_back(lines: Lines, entry: str, detail: str, back: tuple[bool, bool]) -> None:
    """A debit that says so, and each way of an entry that undoes another; in a batch as alone."""
    alone = [lines(f"<TxDtls>{detail}</TxDtls>", extra=entry, indicator=way)[0] for way in ("DBIT", "CRDT")]
    parts = [f'<TxDtls><Amt Ccy="EUR">{a}</Amt><CdtDbtInd>{way}</CdtDbtInd>{detail}</TxDtls>' for a, way in
             (("5.00", "DBIT"), ("15.00", "CRDT"))]  # fmt: skip
    assert tuple(x.reversal for x in alone) == tuple(x.reversal for x in lines(*parts, extra=entry)) == back


def test_charges_of_a_batch_less_what_was_given_back(lines: Lines) -> None:
    parts = [f'<TxDtls><Amt Ccy="EUR">{amount}</Amt></TxDtls>' for amount in ("4.00", "6.00")]
    rows = (("1.50", "EUR", ""), ("0.50", "EUR", "<CdtDbtInd>CRDT</CdtDbtInd>"), ("9.00", "USD", ""))
    records = "".join(f'<Rcrd><Amt Ccy="{currency}">{amount}</Amt>{sign}</Rcrd>' for amount, currency, sign in rows)
    *_, taken = lines(*parts, amount="9.00", extra=f"<Chrgs>{records}</Chrgs>")
    assert taken == StatementLine(
        3, *DAYS, amount_minor=-100, currency_code="EUR", remittance_text="Charges", bank_ref="SVC-1",
    )  # fmt: skip
    assert (texts(taken), taken.entry_ref, taken.entry_minor) == ([("Chrgs", "Charges", SHOWN)], "SVC-1", 900)
    total = '<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">0.50</TtlChrgsAndTaxAmt></Chrgs>'
    assert lines(*parts, amount="9.00", extra=total * 2)[-1].amount_minor == -100
    assert [x.amount_minor for x in lines(*parts, amount="9.00", extra=total.replace("EUR", "USD"))] == [900]


def test_a_transaction_may_say_its_amount_in_three_places(lines: Lines) -> None:
    places = ("TxAmt", "CntrValAmt", "InstdAmt")
    found = [lines(*(f'<TxDtls><AmtDtls><{place}><Amt Ccy="EUR">{amount}</Amt></{place}></AmtDtls></TxDtls>'
                     for amount in ("4.00", "6.00"))) for place in places]  # fmt: skip
    assert [[x.amount_minor for x in each] for each in found] == [[400, 600]] * 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('<Amt Ccy="EUR">10.00</Amt>', "", "line 3: an amount (Amt) is missing."),
        ("10.00", "-10.00", "line 3: an amount (Amt) is negative; its direction belongs in CdtDbtInd."),
        ("CRDT", "", "line 3: an entry says neither credit nor debit (CdtDbtInd)."),
        ("Dt>", "X>", "line 3: an entry has neither a booking nor a value date."),
        ("2026-03-03", "2026-02-30", "line 4: the date is not a calendar date written YYYY-MM-DD."),
        ("<Dt>2026-03-03</Dt>", "", "line 4: the date is not a calendar date written YYYY-MM-DD."),
    ],
)
def test_a_broken_entry_is_refused_at_its_place(
    refused: Callable[..., Refusal], camt: Make, camt_entry: Make, old: str, new: str, said: str
) -> None:
    assert refused(camt(camt_entry().replace(old, new))).detail == said
