"""Making an organisation with its defaults. Done by the schema's owner from the command line, never by the API."""

from models.db.tx import Tx
from operations.commands import own_command
from operations.work import Work

PAYMENT_TERMS = {"NET30": 30, "NET45": 45, "NET60": 60}
LEGAL_ENTITIES = (
    ("le_us", "US entity", "USD", "bank_us", "keep"), ("le_uk", "UK entity", "GBP", "bank_uk", "adjust"),
)  # fmt: skip
CHART_OF_ACCOUNTS = (
    ("cash", "1000", "Cash at bank", "asset"),
    ("accounts_receivable", "1100", "Accounts receivable", "asset"),
    ("tax_withheld", "1190", "Tax withheld by customers, to be set off", "asset"),
    ("unapplied_cash", "2100", "Unapplied cash", "liability"),
    ("customer_credits", "2110", "Customer credits", "liability"),
    ("tax_payable", "2200", "Sales tax and VAT payable", "liability"),
    ("revenue", "4000", "Revenue", "revenue"),
    ("sales_discounts", "4980", "Early-payment discounts granted", "revenue"),
    ("fx_gain_loss", "7000", "Realised foreign exchange gain or loss", "revenue"),
    ("write_off", "7100", "Receivables written off", "expense"),
    ("bank_fees", "7190", "Fees that banks took out of receipts", "expense"),
)


def create_organisation(tx: Tx, name: str, actor: str = "cli") -> None:
    """The organisation of this transaction, with payment terms, chart of accounts, entities and bank accounts."""
    org: dict[str, object] = {"name": name, "settings": {}, "created_at": tx.now}
    tx.insert("organisations", [org])
    tx.insert("payment_terms", [{"code": code, "days": days} for code, days in PAYMENT_TERMS.items()])
    tx.insert("accounts", [{"key": k, "code": c, "name": n, "kind": t} for k, c, n, t in CHART_OF_ACCOUNTS])
    tx.insert(
        "legal_entities",
        [
            {"id": i, "name": n, "functional_currency": currency, "discount_tax": tax, "created_at": tx.now}
            for i, n, currency, _, tax in LEGAL_ENTITIES
        ],
    )
    tx.insert(
        "bank_accounts",
        [
            {
                "id": bank,
                "legal_entity_id": i,
                "currency_code": currency,
                "name": f"{n} main account",
                "created_at": tx.now,
            }
            for i, n, currency, bank, _ in LEGAL_ENTITIES
        ],
    )
    work = bootstrap_work(tx, actor)
    work.audit(tx.org_id, "organisation.created", {"after": {"name": name}})
    work.flush()


def bootstrap_work(tx: Tx, actor: str, workflow_id: str | None = None) -> Work:
    """A unit of work outside any request: for the command line, schedules and, with their id, for processes."""
    return Work(tx, own_command("bootstrap", actor=actor, workflow_id=workflow_id))
