"""CSV files in the shapes that banks export, with invented data: a description of each, the file, and what it says.

`expected`: for each line its booking date, signed minor units, payer, reference and text, counted out by hand.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class BankCsv:
    described: dict[str, Any]
    content: str
    expected: list[tuple[str, int, str | None, str | None, str | None]]
    currency: str = "USD"
    encoding: str = "utf-8"
    balances: tuple[int, int] | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        return self.content.encode(self.encoding)


BANKS = {
    "Chase": BankCsv(
        {"date_format": "MM/DD/YYYY", "decimal": ".",
         "columns": {"date": "Posting Date", "amount": "Amount", "balance": "Balance", "remittance_text": "Description",
                     "reference": "Check or Slip #"}},
        "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #\n"
        'CREDIT,02/11/2026,"ORIG CO NAME:ALPHA AG ORIG ID:123 DESC:INV-60 TRN:041",1250.00,ACH_CREDIT,3250.00,,\n'
        'DEBIT,02/10/2026,"Online Transfer to CHK 77",-500.00,ACCT_XFER,2000.00,,\n'
        'CHECK,02/09/2026,"CHECK 1021",-12.34,CHECK_PAID,2500.00,1021,\n',
        [("2026-02-11", 125000, None, None, "ORIG CO NAME:ALPHA AG ORIG ID:123 DESC:INV-60 TRN:041"),
         ("2026-02-10", -50000, None, None, "Online Transfer to CHK 77"), ("2026-02-09", -1234, None, "1021", "CHECK 1021")],
        balances=(251234, 325000),
    ),
    "Bank of America": BankCsv(
        {"date_format": "MM/DD/YYYY", "decimal": ".",
         "columns": {"date": "Date", "amount": "Amount", "balance": "Running Bal.", "remittance_text": "Description"}},
        "Description,,Summary Amt.\nBeginning balance as of 01/01/2026,,\"1,000.00\"\nTotal credits,,\"1,500.00\"\n"
        'Total debits,,"-200.50"\nEnding balance as of 01/31/2026,,"2,299.50"\n\n'
        "Date,Description,Amount,Running Bal.\n"
        '01/01/2026,Beginning balance as of 01/01/2026,,"1,000.00"\n'
        '01/05/2026,"WIRE TYPE:WIRE IN ORIG:BETA, INC. ""INV-77""","1,500.00","2,500.00"\n'
        '01/20/2026,"Fee, monthly","-200.50","2,299.50"\n',
        [("2026-01-05", 150000, None, None, 'WIRE TYPE:WIRE IN ORIG:BETA, INC. "INV-77"'),
         ("2026-01-20", -20050, None, None, "Fee, monthly")],
        balances=(100000, 229950), warnings=["STATEMENT_ENTRY_IGNORED"],
    ),
    "Wells Fargo, no header": BankCsv(
        {"date_format": "mdy", "decimal": ".", "columns": {"date": 1, "amount": 2, "reference": 4, "remittance_text": 5}},
        '"02/03/2026","1000.10","*","","ALPHA AG EDI PYMNTS INV-60"\n"02/02/2026","-20.00","*","4411","CHECK"\n',
        [("2026-02-03", 100010, None, None, "ALPHA AG EDI PYMNTS INV-60"), ("2026-02-02", -2000, None, "4411", "CHECK")],
    ),
    "Barclays": BankCsv(
        {"date_format": "DD/MM/YYYY", "decimal": ".",
         "columns": {"date": "Date", "amount": "Amount", "account": "Account", "remittance_text": "Memo"}},
        "Number,Date,Account,Amount,Subcategory,Memo\n"
        ",03/02/2026,20-00-00 12345678,1250.00,Counter Credit,ALPHA LTD            INV-60 BGC\n"
        "123456,02/02/2026,20-00-00 12345678,-99.99,Cheque,CHEQUE 123456\n",
        [("2026-02-03", 125000, None, None, "ALPHA LTD INV-60 BGC"), ("2026-02-02", -9999, None, None, "CHEQUE 123456")],
        currency="GBP",
    ),
    "HSBC": BankCsv(
        {"date_format": "DD MMM YYYY", "decimal": ".",
         "columns": {"date": "Date", "credit": "Paid in", "debit": "Paid out", "balance": "Balance",
                     "remittance_text": ["Type", "Description"]}},
        "Date,Type,Description,Paid out,Paid in,Balance\n"
        "02 Feb 2026,BBF,BALANCE BROUGHT FORWARD,,,100.00\n"
        "03 Feb 2026,CR,ALPHA LTD INV-60,,\"1,250.00\",\"1,350.00\"\n"
        "04 Feb 2026,DD,BRITISH GAS,50.25,,\"1,299.75\"\n",
        [("2026-02-03", 125000, None, None, "CR ALPHA LTD INV-60"), ("2026-02-04", -5025, None, None, "DD BRITISH GAS")],
        currency="GBP", balances=(10000, 129975), warnings=["STATEMENT_ENTRY_IGNORED"],
    ),
    "Lloyds": BankCsv(
        {"date_format": "%d/%m/%Y", "decimal": ".",
         "columns": {"date": "Transaction Date", "debit": "Debit Amount", "credit": "Credit Amount", "balance": "Balance",
                     "remittance_text": "Transaction Description"}},
        "Transaction Date,Transaction Type,Sort Code,Account Number,Transaction Description,Debit Amount,Credit Amount,Balance\n"
        "04/02/2026,FPO,'30-00-00,12345678,SUPPLIER X,15.00,,1235.00\n"
        "03/02/2026,FPI,'30-00-00,12345678,ALPHA LTD INV-60,,1250.00,1250.00\n",
        [("2026-02-04", -1500, None, None, "SUPPLIER X"), ("2026-02-03", 125000, None, None, "ALPHA LTD INV-60")],
        currency="GBP", balances=(0, 123500),
    ),
    "NatWest": BankCsv(
        {"date_format": "DD/MM/YYYY", "decimal": ".",
         "columns": {"date": "Date", "amount": "Value", "balance": "Balance", "account": "Account Number",
                     "remittance_text": "Description"}},
        "\nDate, Type, Description, Value, Balance, Account Name, Account Number\n"
        "03/02/2026,BAC,\"'ALPHA LTD , INV-60\",1250.00,1300.00,\"'ARFLOW\",\"'600001-12345678\"\n",
        [("2026-02-03", 125000, None, None, "'ALPHA LTD , INV-60")],
        currency="GBP", balances=(5000, 130000),
    ),
    "Monzo": BankCsv(
        {"date_format": "DD/MM/YYYY", "decimal": ".",
         "columns": {"date": "Date", "amount": "Amount", "currency": "Currency", "payer": "Name", "bank_reference":
                     "Transaction ID", "remittance_text": ["Description", "Notes and #tags"]}},
        "Transaction ID,Date,Time,Type,Name,Emoji,Category,Amount,Currency,Local amount,Notes and #tags,Description\n"
        "tx_0001,03/02/2026,09:15:00,Faster payment,Alpha Ltd,,Income,1250.00,GBP,1250.00,,INV-60\n"
        "tx_0002,04/02/2026,10:00:00,Card payment,Café Zürich,☕,Eating,-3.50,GBP,-3.50,team,CAFE\n",
        [("2026-02-03", 125000, "Alpha Ltd", None, "INV-60"), ("2026-02-04", -350, "Café Zürich", None, "CAFE team")],
        currency="GBP",
    ),
    "Starling": BankCsv(
        {"date_format": "DD/MM/YYYY", "decimal": ".",
         "columns": {"date": "Date", "amount": "Amount (GBP)", "balance": "Balance (GBP)", "payer": "Counter Party",
                     "reference": "Reference"}},
        "Date,Counter Party,Reference,Type,Amount (GBP),Balance (GBP),Spending Category,Notes\n"
        "03/02/2026,Alpha Ltd,INV-60,FASTER PAYMENT,1250.00,1250.00,INCOME,\n",
        [("2026-02-03", 125000, "Alpha Ltd", "INV-60", None)],
        currency="GBP", balances=(0, 125000),
    ),
    "Deutsche, preamble and total": BankCsv(
        {"date_format": "DD.MM.YYYY", "decimal": ",", "delimiter": ";", "encoding": "iso-8859-1",
         "columns": {"date": "Buchungstag", "value_date": "Wert", "debit": "Soll", "credit": "Haben", "currency": "Währung",
                     "payer": "Begünstigter / Auftraggeber", "reference": "Kundenreferenz",
                     "remittance_text": "Verwendungszweck"}},
        "Umsätze Girokonto;;;Kundennummer: 100 1234567\n01.02.2026 - 28.02.2026\nLetzter Kontostand;;;;1.000,00;EUR\n"
        "Buchungstag;Wert;Umsatzart;Begünstigter / Auftraggeber;Verwendungszweck;IBAN;Kundenreferenz;Soll;Haben;Währung\n"
        "03.02.2026;04.02.2026;SEPA-Gutschrift;Müller GmbH;Rechnung INV-60;DE89370400440532013000;E2E-1;;1.234,56;EUR\n"
        "04.02.2026;04.02.2026;Lastschrift;Stadtwerke;Strom;DE02120300000000202051;;-78,90;;EUR\n"
        "Kontostand;28.02.2026;;;;;;;2.155,66;EUR\n",
        [("2026-02-03", 123456, "Müller GmbH", "E2E-1", "Rechnung INV-60"), ("2026-02-04", -7890, "Stadtwerke", None, "Strom")],
        currency="EUR", encoding="iso-8859-1", warnings=["STATEMENT_ENTRY_IGNORED"],
    ),
    "Sparkasse, two-digit years": BankCsv(
        {"date_format": "dd.MM.yy", "decimal": ",",
         "columns": {"date": "Buchungstag", "amount": "Betrag", "currency": "Waehrung", "payer":
                     "Beguenstigter/Zahlungspflichtiger", "remittance_text": "Verwendungszweck"}},
        '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Beguenstigter/Zahlungspflichtiger";'
        '"Betrag";"Waehrung"\n'
        '"DE89";"03.02.26";"03.02.26";"GUTSCHR. UEBERWEISUNG";"INV-60; danke";"Müller GmbH";"1.234.567,80";"EUR"\n',
        [("2026-02-03", 123456780, "Müller GmbH", None, "INV-60; danke")],
        currency="EUR", encoding="cp1252", warnings=["STATEMENT_ENCODING_GUESSED"],
    ),
    "ING, Af and Bij": BankCsv(
        {"date_format": "YYYYMMDD", "decimal": ",",
         "columns": {"date": "Datum", "amount": "Bedrag (EUR)", "indicator": "Af Bij", "payer": "Naam / Omschrijving",
                     "remittance_text": "Mededelingen"}},
        '"Datum";"Naam / Omschrijving";"Rekening";"Tegenrekening";"Code";"Af Bij";"Bedrag (EUR)";"Mutatiesoort";"Mededelingen"\n'
        '"20260203";"Alpha BV";"NL20INGB0001234567";"NL91ABNA0417164300";"OV";"Bij";"1250,00";"Overschrijving";"INV-60"\n'
        '"20260204";"Kantoor";"NL20INGB0001234567";"";"BA";"Af";"3,50";"Betaalautomaat";"koffie"\n',
        [("2026-02-03", 125000, "Alpha BV", None, "INV-60"), ("2026-02-04", -350, "Kantoor", None, "koffie")],
        currency="EUR",
    ),
    "UBS, UTF-16 and apostrophes": BankCsv(
        {"date_format": "DD.MM.YYYY", "decimal": ".",
         "columns": {"date": "Abschluss", "debit": "Belastung", "credit": "Gutschrift", "remittance_text": "Beschreibung"}},
        "\ufeffAbschluss\tBeschreibung\tBelastung\tGutschrift\n03.02.2026\tALPHA AG INV-60\t\t12'345.05\n"
        "04.02.2026\tMiete\t1'000.00\t\n",
        [("2026-02-03", 1234505, None, None, "ALPHA AG INV-60"), ("2026-02-04", -100000, None, None, "Miete")],
        currency="CHF", encoding="utf-16-le",
    ),
    "BNP, blanks in amounts": BankCsv(
        {"date_format": "DD/MM/YYYY", "decimal": ",",
         "columns": {"date": "Date operation", "amount": "Montant", "remittance_text": "Libelle"}},
        "Compte courant;FR76;03/02/2026\nDate operation;Libelle;Montant\n03/02/2026;VIR ALPHA INV-60;1\u202f250,00\n"
        "04/02/2026;PRLV;-12,00\n",
        [("2026-02-03", 125000, None, None, "VIR ALPHA INV-60"), ("2026-02-04", -1200, None, None, "PRLV")],
        currency="EUR",
    ),
}  # fmt: skip
