"""CAMT.053: what becomes a line, with which amount, direction, references and payer."""

from datetime import date

import pytest

from models.cash.statements import BALANCE_DIFFERENCE, BATCH_NOT_SPLIT, ENTRY_IGNORED, NOT_FINAL


def transaction(amount: str, text: str, *, name: str = "ACME", extra: str = "", currency: str = "EUR") -> str:
    return (
        f'<TxDtls><Refs><EndToEndId>E2E-{text}</EndToEndId></Refs><Amt Ccy="{currency}">{amount}</Amt>'
        f"<CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr><Pty><Nm>{name}</Nm></Pty></Dbtr></RltdPties>"
        f"<RmtInf><Ustrd>{text}</Ustrd>{extra}</RmtInf></TxDtls>"
    )


def test_a_plain_credit_is_read_with_everything_the_bank_says(read, camt, camt_entry):
    structured = (
        "<Strd><RfrdDocInf><Nb>INV-7</Nb></RfrdDocInf><RfrdDocInf><Nb>INV-8</Nb></RfrdDocInf>"
        "<CdtrRefInf><Ref>RF18INV9</Ref></CdtrRefInf></Strd>"
    )
    [statement] = read(
        camt(camt_entry(details=f"<NtryDtls>{transaction('10.00', 'March', extra=structured)}</NtryDtls>"))
    )
    assert statement.account_ref == "DE89370400440532013000"
    assert statement.statement_ref == "S-1"
    assert (statement.opening_minor, statement.closing_minor, statement.currency_code) == (10000, 11000, "EUR")
    assert (statement.from_date, statement.to_date) == (date(2026, 3, 1), date(2026, 3, 2))
    assert statement.warnings == ()
    [line] = statement.lines
    assert (line.line, line.amount_minor, line.currency_code, line.occurrence) == (1, 1000, "EUR", 1)
    assert (line.booking_date, line.value_date) == (date(2026, 3, 2), date(2026, 3, 3))
    assert (line.payer, line.reference, line.remittance_text) == ("ACME", "E2E-March", "March")
    assert line.structured_references == ("INV-7", "INV-8", "RF18INV9")
    assert line.bank_ref == "SVC-1"


def test_a_batch_becomes_one_line_per_transaction(read, camt, camt_entry):
    details = f"<NtryDtls>{transaction('4.00', 'A')}{transaction('6.00', 'B', name='Beta')}</NtryDtls>"
    [statement] = read(camt(camt_entry(details=details)))
    assert [(line.amount_minor, line.payer, line.remittance_text) for line in statement.lines] == [
        (400, "ACME", "A"),
        (600, "Beta", "B"),
    ]
    assert statement.warnings == ()


def test_a_batch_over_several_detail_groups_becomes_one_line_per_transaction(read, camt, camt_entry):
    details = "".join(f"<NtryDtls>{transaction('2.50', text)}</NtryDtls>" for text in "ABCD")
    [statement] = read(camt(camt_entry(details=details)))
    assert [line.remittance_text for line in statement.lines] == ["A", "B", "C", "D"]


@pytest.mark.parametrize(("second", "currency"), [("5.00", "EUR"), ("6.00", "USD")])
def test_a_batch_that_does_not_add_up_stays_one_line_of_the_booked_amount(read, camt, camt_entry, second, currency):
    details = f"<NtryDtls>{transaction('4.00', 'A')}{transaction(second, 'B', currency=currency)}</NtryDtls>"
    [statement] = read(camt(camt_entry(details=details)))
    [line] = statement.lines
    assert (line.amount_minor, line.remittance_text, line.payer) == (1000, "A B", "ACME")
    assert [warning.code for warning in statement.warnings] == [BATCH_NOT_SPLIT]


def test_one_transaction_never_overrides_what_was_booked(read, camt, camt_entry):
    [statement] = read(camt(camt_entry(details=f"<NtryDtls>{transaction('12.00', 'before charges')}</NtryDtls>")))
    assert statement.lines[0].amount_minor == 1000


def test_version_02_names_and_amounts_are_read(read, camt):
    entry = (
        '<Ntry><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        "<BookgDt><DtTm>2026-03-02T23:30:00+02:00</DtTm></BookgDt><NtryDtls>"
        + "".join(
            f'<TxDtls><AmtDtls><TxAmt><Amt Ccy="EUR">{amount}</Amt></TxAmt></AmtDtls>'
            f"<RltdPties><Dbtr><Nm>{name}</Nm></Dbtr></RltdPties></TxDtls>"
            for amount, name in (("3.00", "Ann"), ("7.00", "Bob"))
        )
        + "</NtryDtls></Ntry>"
    )
    [statement] = read(camt(entry, version="02"))
    assert [(line.amount_minor, line.payer) for line in statement.lines] == [(300, "Ann"), (700, "Bob")]
    assert statement.lines[0].booking_date == statement.lines[0].value_date == date(2026, 3, 2)


def test_debits_are_negative_and_name_the_creditor(read, camt, camt_entry):
    details = (
        "<NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>We</Nm></Pty></Dbtr><Cdtr><Pty><Nm>Landlord</Nm></Pty></Cdtr>"
        "</RltdPties></TxDtls></NtryDtls>"
    )
    [statement] = read(camt(camt_entry(indicator="DBIT", details=details), closing="90.00"))
    assert (statement.lines[0].amount_minor, statement.lines[0].payer) == (-1000, "Landlord")
    assert statement.warnings == ()


def test_a_reversal_moves_money_as_its_indicator_says_and_is_no_receipt(read, camt, camt_entry):
    [statement] = read(camt(camt_entry(extra="<RvslInd>true</RvslInd>"), camt_entry()))
    assert [(line.amount_minor, line.reversal, line.is_receipt) for line in statement.lines] == [
        (1000, True, False),
        (1000, False, True),
    ]


@pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR", "ODD"])
def test_entries_that_are_not_booked_are_left_out_with_a_warning(read, camt, camt_entry, status):
    [statement] = read(camt(camt_entry(status=status), camt_entry()))
    assert len(statement.lines) == 1
    assert [warning.code for warning in statement.warnings] == [ENTRY_IGNORED]


def test_lines_that_do_not_add_up_are_a_warning_that_stays(read, camt, camt_entry):
    [statement] = read(camt(camt_entry(), closing="110.01"))
    assert [warning.code for warning in statement.warnings] == [BALANCE_DIFFERENCE]
    assert "difference 0.01 EUR" in statement.warnings[0].detail
    assert len(statement.lines) == 1


def test_a_prefixed_namespace_and_an_envelope_are_read(read, camt, camt_entry):
    plain = camt(camt_entry()).split("\n", 1)[1]
    inner = plain.replace("<", "<c:").replace("<c:/", "</c:").replace("xmlns=", "xmlns:c=")
    [statement] = read(f'<?xml version="1.0"?><Envelope xmlns="urn:x"><Header/>{inner}</Envelope>')
    assert statement.lines[0].amount_minor == 1000


def test_free_text_cut_at_full_width_is_joined_without_a_gap(read, camt, camt_entry):
    first = "x" * 137 + "INV"
    details = f"<NtryDtls><TxDtls><RmtInf><Ustrd>{first}</Ustrd><Ustrd>-77 paid</Ustrd></RmtInf></TxDtls></NtryDtls>"
    [statement] = read(camt(camt_entry(details=details)))
    assert statement.lines[0].remittance_text == first + "-77 paid"


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [
        ("JPY", "1500", 1500),
        ("JPY", "1500.00", 1500),
        ("KWD", "1.234", 1234),
        ("EUR", "1.50000", 150),
        ("EUR", "7", 700),
        ("EUR", "0.00", 0),
    ],
)
def test_minor_units_follow_the_currency_exactly(read, camt, camt_entry, currency, amount, minor):
    [statement] = read(camt(camt_entry(amount, currency=currency)))
    assert statement.lines[0].amount_minor == minor


def test_interim_balances_of_a_page_open_and_close_it(read, camt, camt_entry):
    page = camt(camt_entry()).replace("OPBD", "ITBD").replace("CLBD", "ITBD")
    [statement] = read(page)
    assert (statement.opening_minor, statement.closing_minor, statement.warnings) == (10000, 11000, ())


def test_several_statements_of_a_file_stay_apart_and_count_on(read, camt, camt_entry):
    document = camt(camt_entry())
    start, end = document.index("<Stmt>"), document.index("</Stmt>") + len("</Stmt>")
    one = document[start:end]
    first, second = read(document[:end] + one.replace("S-1", "S-2") + document[end:])
    assert (first.statement_ref, second.statement_ref) == ("S-1", "S-2")
    assert (first.lines[0].line, second.lines[0].line) == (1, 2)
    assert (first.lines[0].occurrence, second.lines[0].occurrence) == (1, 2)
    assert second.warnings == ()


def test_a_statement_without_movements_is_a_statement(read, camt):
    [statement] = read(camt(closing="100.00"))
    assert (statement.lines, statement.warnings, statement.currency_code) == ((), (), "EUR")


@pytest.mark.parametrize(
    ("message", "document", "entries"),
    [("052", "BkToCstmrAcctRpt", "Rpt"), ("054", "BkToCstmrDbtCdtNtfctn", "Ntfctn")],
)
def test_the_booked_entries_of_a_report_and_of_a_notification_are_read(
    read, camt, camt_entry, message, document, entries
):
    details = f"<NtryDtls>{transaction('4.00', 'A')}{transaction('6.00', 'B')}</NtryDtls>"
    content = camt(camt_entry(details=details), camt_entry(status="PDNG"), closing="999.00")
    [as_statement] = read(content)
    for was, now in (("camt.053", f"camt.{message}"), ("BkToCstmrStmt", document), ("Stmt>", f"{entries}>")):
        content = content.replace(was, now)
    [statement] = read(content)
    assert statement.lines == as_statement.lines  # the same payments
    assert [line.amount_minor for line in statement.lines] == [400, 600]
    assert (statement.account_ref, statement.opening_minor) == ("DE89370400440532013000", None)
    assert [w.code for w in statement.warnings] == [ENTRY_IGNORED, NOT_FINAL]


def test_what_holds_entries_must_be_of_its_own_message(refused, camt, camt_entry):
    mixed = camt(camt_entry()).replace("<Stmt>", "<Rpt>").replace("</Stmt>", "</Rpt>")
    assert "CAMT.053" in refused(mixed).detail


@pytest.mark.parametrize("indicator", ["DBIT", "CRDT"])
@pytest.mark.parametrize("mark", ["<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>", ""])
def test_only_a_debit_gives_a_receipt_back(read, camt, camt_entry, indicator, mark):
    details = f"<NtryDtls><TxDtls>{mark}<RmtInf><Ustrd>INV-1</Ustrd></RmtInf></TxDtls></NtryDtls>"
    [statement] = read(camt(camt_entry(indicator=indicator, details=details), closing="90.00"))
    assert statement.lines[0].reversal == (indicator == "DBIT" and bool(mark))
