"""Writes a statement as CAMT.053.001.02 or .08: for demo data and tests. Schema order, schema lengths."""

from datetime import date, datetime
from typing import Any, BinaryIO, Literal

from lxml import etree

from models.cash.statements import Statement, StatementLine
from models.money import in_units
from statement_readers.camt_entry import USTRD_LENGTH

Version = Literal[2, 8]


def write_camt(out: BinaryIO, statement: Statement, *, created_at: datetime, version: Version = 8) -> None:
    """Streams the document. The statement needs account_ref, currency_code and both balances; ValueError otherwise.

    Reference and bank_ref are cut to 35 characters, names to 140, as the schema demands.
    """
    currency = statement.currency_code
    if currency is None or statement.account_ref is None:
        raise ValueError("a CAMT.053 statement needs an account and a currency")
    if statement.opening_minor is None or statement.closing_minor is None:
        raise ValueError("a CAMT.053 statement needs both balances")
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version:02d}"
    stamp = created_at.isoformat(timespec="seconds")
    ref = statement.statement_ref or "STATEMENT"
    with etree.xmlfile(out, encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element("Document", nsmap={None: namespace}), xml.element("BkToCstmrStmt"):
            _write(xml, ("GrpHdr", ("MsgId", ref[:35]), ("CreDtTm", stamp)))
            with xml.element("Stmt"):
                _write(xml, ("Id", ref[:35]), ("CreDtTm", stamp), _account(statement.account_ref, currency))
                days = [line.booking_date for line in statement.lines] or [created_at.date()]
                opened, closed = statement.from_date or min(days), statement.to_date or max(days)
                _write(xml, _balance("OPBD", statement.opening_minor, currency, opened))
                _write(xml, _balance("CLBD", statement.closing_minor, currency, closed))
                for line in statement.lines:
                    _write(xml, _entry(line, version))


Node = tuple[Any, ...]
"""(tag, text) or (tag, child, child, ...); a child that is None is left out; an attribute is ("@name", value)."""


def _write(xml: Any, *nodes: Node) -> None:
    for node in nodes:
        xml.write(_element(node))


def _element(node: Node) -> Any:
    element = etree.Element(node[0])
    for item in node[1:]:
        if item is None:
            continue
        if isinstance(item, str):
            element.text = item
        elif item[0].startswith("@"):
            element.set(item[0][1:], item[1])
        else:
            element.append(_element(item))
    return element


def _account(account_ref: str, currency: str) -> Node:
    is_iban = account_ref[:2].isalpha() and account_ref[2:4].isdigit()
    identity = ("IBAN", account_ref) if is_iban else ("Othr", ("Id", account_ref[:34]))
    return ("Acct", ("Id", identity), ("Ccy", currency))


def _amount(minor: int, currency: str) -> Node:
    return ("Amt", ("@Ccy", currency), format(in_units(abs(minor), currency), "f"))


def _direction(minor: int) -> Node:
    return ("CdtDbtInd", "CRDT" if minor >= 0 else "DBIT")


def _balance(code: str, minor: int, currency: str, day: date) -> Node:
    kind = ("Tp", ("CdOrPrtry", ("Cd", code)))
    return ("Bal", kind, _amount(minor, currency), _direction(minor), ("Dt", ("Dt", day.isoformat())))


def _entry(line: StatementLine, version: Version) -> Node:
    family, sub = ("RCDT", "ESCT") if line.amount_minor >= 0 else ("ICDT", "ESCT")
    return (
        "Ntry",
        _amount(line.amount_minor, line.currency_code),
        _direction(line.amount_minor),
        ("RvslInd", "true") if line.reversal else None,
        ("Sts", "BOOK") if version == 2 else ("Sts", ("Cd", "BOOK")),
        ("BookgDt", ("Dt", line.booking_date.isoformat())),
        ("ValDt", ("Dt", line.value_date.isoformat())),
        ("AcctSvcrRef", line.bank_ref[:35]) if line.bank_ref else None,
        ("BkTxCd", ("Domn", ("Cd", "PMNT"), ("Fmly", ("Cd", family), ("SubFmlyCd", sub)))),
        ("NtryDtls", _transaction(line, version)),
    )


def _transaction(line: StatementLine, version: Version) -> Node:
    money = _amount(line.amount_minor, line.currency_code)
    amounts = (("AmtDtls", ("TxAmt", money)),) if version == 2 else (money, _direction(line.amount_minor))
    return (
        "TxDtls",
        ("Refs", ("EndToEndId", (line.reference or "NOTPROVIDED")[:35])),
        *amounts,
        _parties(line, version),
        _remittance(line),
    )


def _parties(line: StatementLine, version: Version) -> Node | None:
    if not line.payer:
        return None
    name = ("Nm", line.payer[:140])
    role = "Dbtr" if line.amount_minor >= 0 else "Cdtr"
    return ("RltdPties", (role, name if version == 2 else ("Pty", name)))


def _remittance(line: StatementLine) -> Node | None:
    text = line.remittance_text or ""
    free = [("Ustrd", text[at : at + USTRD_LENGTH]) for at in range(0, len(text), USTRD_LENGTH)]
    structured = [("Strd", ("RfrdDocInf", ("Nb", item[:35]))) for item in line.structured_references]
    return ("RmtInf", *free, *structured) if free or structured else None
