"""Files as banks make them: the download of a bank's website, and a notice of credit (camt.054) that came at noon."""

from typing import Any, Final

from demo.bank_statements import ACCOUNT, worked_off
from demo.desk import Desk, money

_FORMAT: Final = {
    "name": "website",
    "delimiter": ";",
    "skip_rows": 2,
    "date_format": "DD.MM.YYYY",
    "decimal": ",",
    "columns": {"date": "Booked", "debit": "Out", "credit": "In", "payer": "Partner", "remittance_text": ["Text"]},
}
_CSV: Final = """Account {account}
Downloaded {day}
Booked;Partner;Text;Out;In
{day};{payer};Invoice {invoice};;1.250,00
{day};Our bank;Fee for the month;12,50;
"""
_NOTICE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>{id}</MsgId><CreDtTm>{day}T12:00:00Z</CreDtTm></GrpHdr>
<Ntfctn><Id>{id}</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>USD</Ccy></Acct>
<Ntry><Amt Ccy="USD">730.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>{id}</AcctSvcrRef>
<NtryDtls><TxDtls><Refs><AcctSvcrRef>{id}</AcctSvcrRef></Refs><RltdPties><Dbtr><Pty><Nm>{payer}</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>Invoice {invoice}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>
"""


def files_of_banks(desk: Desk) -> None:
    """A described CSV with decimal commas and a preamble, and a notice of credit: both pay what they name."""
    ctx = desk.ctx
    desk.tell.step("The bank's own download: a preamble, semicolons, decimal commas; described once, read from then on")
    desk.raise_invoices({"CSV": 125_000, "NOTICE": 73_000})
    ctx.controller.post(
        "/v1/bank-accounts/bank_us/statement-formats", _FORMAT | {"name": ctx.new("website")}, expect=201
    )
    day = ctx.today
    told = {"account": ACCOUNT, "payer": desk.customer}
    text = _CSV.format(day=day.strftime("%d.%m.%Y"), invoice=ctx.new("INV-CSV"), **told)
    done = _upload(desk, f"{ctx.new('download')}.csv", text, f"?format={ctx.new('website')}")
    desk.tell.same(
        "the receipt is APPLIED; the fee is no receipt, and IGNORED",
        [x["status"] for x in done["lines"]],
        ["APPLIED", "IGNORED"],
    )
    desk.tell.same(f"{money(125_000)} are PAID", desk.invoice("CSV")["status"], "PAID")

    desk.tell.step("A notice of credit (camt.054) that the bank sent at noon")
    text = _NOTICE.format(day=day.isoformat(), id=ctx.new("NTF"), invoice=ctx.new("INV-NOTICE"), **told)
    done = _upload(desk, f"{ctx.new('notice')}.xml", text)
    desk.tell.same("it is APPLIED", [x["status"] for x in done["lines"]], ["APPLIED"])
    desk.tell.same(f"{money(73_000)} are PAID", desk.invoice("NOTICE")["status"], "PAID")


def _upload(desk: Desk, name: str, text: str, query: str = "") -> dict[str, Any]:
    path = f"/v1/bank-accounts/bank_us/statements{query}"
    answer = desk.ctx.bank.post(path, files={"file": (name, text.encode())}, expect=202)
    done = worked_off(desk.ctx, answer.json()["id"])
    desk.tell.see(f"/v1/statements/{done['id']}")
    desk.tell.see_run(answer.headers["X-Workflow-Id"])
    return done
