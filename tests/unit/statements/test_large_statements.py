"""Ten thousand lines are a matter of a moment, and memory grows with the lines kept, not with the file."""

import io
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date
from datetime import datetime as clock

import pytest

from models.cash.statements import LineNumbering, Statement, StatementLine
from statement_readers import detect_and_read
from statement_readers.write_camt import write_camt
from statement_readers.write_csv import write_csv

LINES = 10_000
# The readers take a twentieth of this on an idle core; the rest is for slow ones. What grows with the square takes minutes.
SECONDS = 20.0


@pytest.fixture(scope="module")
def statement() -> Statement:
    numbering = LineNumbering()
    lines = tuple(
        numbering.number(
            StatementLine(
                line=0,
                booking_date=date(2026, 3, 1 + index % 28),
                value_date=date(2026, 3, 1 + index % 28),
                amount_minor=100 + index,
                currency_code="EUR",
                payer=f"Customer {index}",
                reference=f"E2E{index}",
                remittance_text=f"Payment of INV-{index}, thank you",
                structured_references=(f"INV-{index}",),
                bank_ref=f"BANK{index}",
            )
        )
        for index in range(LINES)
    )
    total = sum(line.amount_minor for line in lines)
    return Statement("DE89370400440532013000", "S", "EUR", 0, total, date(2026, 3, 1), date(2026, 3, 31), lines)


@pytest.fixture(scope="module")
def camt_file(statement: Statement) -> bytes:
    out = io.BytesIO()
    write_camt(out, statement, created_at=clock(2026, 4, 1, tzinfo=UTC))
    return out.getvalue()


@pytest.fixture(scope="module")
def quarter_file(statement: Statement) -> bytes:
    """As much as shows what grows with the file, for what looks at each allocation, or element, of its own."""
    out = io.BytesIO()
    lines = statement.lines[: LINES // 4]
    part = replace(statement, lines=lines, closing_minor=sum(line.amount_minor for line in lines))
    write_camt(out, part, created_at=clock(2026, 4, 1, tzinfo=UTC))
    return out.getvalue()


def seconds(work: Callable[[], object], limit: float) -> float:
    """Processor time, of three at most: the machine has other work, and once in time is in time."""
    for _ in range(3):
        started = time.process_time()
        work()
        took = time.process_time() - started
        if took < limit:
            break
    return took


def test_ten_thousand_camt_lines_are_read_in_a_moment(statement, camt_file):
    read: list[Statement] = []
    assert seconds(lambda: read.extend(detect_and_read(io.BytesIO(camt_file))), SECONDS) < SECONDS
    assert read[:1] == [statement]


def test_ten_thousand_csv_lines_are_read_in_a_moment(statement):
    out = io.StringIO(newline="")
    write_csv(out, statement.lines)
    data = out.getvalue().encode()
    read: list[Statement] = []
    assert seconds(lambda: read.extend(detect_and_read(io.BytesIO(data))), SECONDS / 2) < SECONDS / 2
    assert len(read[0].lines) == LINES


def _peak_beyond_result(data: bytes) -> int:
    """Bytes of Python memory held at the peak beyond what the result itself takes."""
    tracemalloc.start()
    try:
        result = detect_and_read(io.BytesIO(data))
        kept, peak = tracemalloc.get_traced_memory()
        assert result
    finally:
        tracemalloc.stop()
    return peak - kept


def test_reading_holds_little_beyond_the_lines_it_keeps(quarter_file):
    # The lines' identities, one piece of the file; not the file, not its tree.
    assert _peak_beyond_result(quarter_file) < len(quarter_file) / 2


def test_the_tree_is_pruned_behind_the_reader(quarter_file, monkeypatch):
    """libxml2's memory is not Python's: count the elements that stand in the tree instead."""
    from statement_readers import camt

    largest = 0
    drop = camt._drop

    def counting(element):
        nonlocal largest
        drop(element)
        if element.tag.endswith("}Ntry"):
            largest = max(largest, element.getparent().index(element))

    monkeypatch.setattr(camt, "_drop", counting)
    detect_and_read(io.BytesIO(quarter_file))
    assert largest == 0


def test_a_file_of_too_many_lines_is_refused(refused, monkeypatch, camt_file):
    monkeypatch.setattr("statement_readers.camt.MAX_LINES", 100)
    monkeypatch.setattr("statement_readers.csv_bank.MAX_LINES", 100)
    assert "100" in refused(camt_file).detail
    assert refused("date,amount,currency\n" + "2026-03-01,1,EUR\n" * 101).extra["line"] == 102


def test_a_batch_of_ten_thousand_transactions_is_read_in_a_moment(read, camt, camt_entry):
    one = '<TxDtls><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><RmtInf><Ustrd>INV-{}</Ustrd></RmtInf></TxDtls>'
    details = "<NtryDtls>" + "".join(one.format(index) for index in range(LINES)) + "</NtryDtls>"
    document = camt(camt_entry(f"{LINES}.00", details=details), closing="10100.00")
    [statement] = read(document)
    assert (len(statement.lines), statement.warnings) == (LINES, ())
    assert seconds(lambda: read(document), SECONDS) < SECONDS
